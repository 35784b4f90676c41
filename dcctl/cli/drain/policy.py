"""The file that `--policy` names, read into rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.drain.policy.entry import HINT, Entry
from dcctl.drain.policy.rules import rules_of
from dcctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import yaml

    from dcctl.drain.policy.entry import Told
    from dcctl.drain.request import Rule


def rules(path: Path) -> tuple[Rule, ...]:
    """Return the rules of a file, in order. UsageError with file and line."""
    return rules_of(_entries(path))


def _entries(path: Path) -> Iterator[Entry]:
    import yaml

    from dcctl.inventory.sources.files.documents import documents, read_bytes, text_of

    where = str(path)
    found = documents(text_of(read_bytes(where), where), where)
    if len(found) > 1:
        raise UsageError(_place(where, found[1][0]), "a second document: one is read", HINT)
    for root, _ in found:
        known = isinstance(root, yaml.MappingNode) and [key.value for key, _ in root.value] == ["rules"]
        if not known or not isinstance(root.value[0][1], yaml.SequenceNode):
            raise UsageError(_place(where, root), "must be a mapping with the list `rules`", HINT)
        for node in root.value[0][1].value:
            if not isinstance(node, yaml.MappingNode):
                raise UsageError(_place(where, node), "a rule must be a mapping", HINT)
            told = _told(node)
            yield Entry(
                _place(where, node), told if isinstance(told, dict) else {}, dict(_places(where, node))
            )


def _told(node: yaml.Node) -> Told:
    """What stands there, scalars as text."""
    import yaml

    from dcctl.inventory.sources.files.documents import is_null

    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _told(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_told(value) for value in node.value]
    return None if is_null(node) else str(node.value)


def _places(where: str, node: yaml.MappingNode, within: str = "") -> Iterator[tuple[str, str]]:
    import yaml

    for key, value in node.value:
        path = f"{within}{key.value}"
        yield path, _place(where, key)
        if isinstance(value, yaml.MappingNode):
            yield from _places(where, value, f"{path}.")


def _place(where: str, node: yaml.Node) -> str:
    return f"{where}:{node.start_mark.line + 1}"
