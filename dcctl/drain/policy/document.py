"""A file of rules, once it is read as YAML: its entries, each with the places of all that stands in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.drain.policy.entry import HINT, Entry
from dcctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import yaml

    from dcctl.drain.policy.entry import Told


def entries(found: Sequence[tuple[yaml.Node, Told]], where: str) -> Iterator[Entry]:
    """Yield the entries of the list `rules`. UsageError with file and line: the file is no such list.

    `found`: the documents of the file, each as its node and as what it is read as.
    """
    if len(found) != 1:
        place, why = (
            (_at(where, found[1][0]), "a second document: one is read") if found else (where, "is empty")
        )
        raise UsageError(place, why, HINT)
    root, told = found[0]
    if not isinstance(told, dict) or set(told) != {"rules"}:
        raise UsageError(_at(where, root), "must be a mapping with the key `rules`", HINT)
    listed, values = _under(root, "rules"), told["rules"]
    if not isinstance(values, list):
        raise UsageError(_at(where, listed), "`rules` must be a list", HINT)
    for node, value in zip(listed.value, values, strict=True):
        if not isinstance(value, dict):
            raise UsageError(_at(where, node), "a rule must be a mapping", HINT)
        yield Entry(_at(where, node), value, dict(_places(node, where, "")))


def _under(root: yaml.Node, key: str) -> yaml.Node:
    return next((value for name, value in root.value if name.value == key), root)


def _places(node: yaml.Node, where: str, above: str) -> Iterator[tuple[str, str]]:
    """Yield each key of a mapping and of those within it, as `checkpoint.proof`, with its place."""
    import yaml

    if not isinstance(node, yaml.MappingNode):
        return
    for name, value in node.value:
        path = f"{above}{name.value}"
        yield path, _at(where, name)
        yield from _places(value, where, f"{path}.")


def _at(where: str, node: yaml.Node) -> str:
    return f"{where}:{node.start_mark.line + 1}"
