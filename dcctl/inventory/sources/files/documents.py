"""Reading inventory files safely: bounded, without surprises of YAML, and with a place in every error."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from dcctl.errors import DeniedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import yaml

Tree: TypeAlias = "str | list[Tree] | dict[str, Tree] | None"
"""What YAML and JSON are read as. Scalars stay text: `no` is a name and `007` keeps its zeros."""

MAX_BYTES: Final = 1 << 30
_MAX_YAML_BYTES: Final = 64 << 20
_MAX_NODES: Final = 2_000_000
"""Nodes of a YAML document after its aliases are followed: a small file can stand for billions."""
_MAX_DEPTH: Final = 200
_MERGE: Final = "tag:yaml.org,2002:merge"


def read_bytes(path: str) -> bytes:
    """Return what the file holds, or standard input for `-`; UsageError when there is none or too much."""
    with opening(path):
        if path == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UsageError(path, f"is larger than {MAX_BYTES >> 30} GiB")
    return data


@contextmanager
def opening(path: str) -> Iterator[None]:
    """Turn what the system says of a file into a UsageError, or a DeniedError, with its name."""
    try:
        yield
    except PermissionError as error:
        raise DeniedError(path, "may not be read by this user", f"ls -l {path}") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(path, reason.lower(), f"ls -l {path}") from error


def text_of(data: bytes, where: str) -> str:
    """Return the bytes as text; UsageError when they are not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{where}:{line}", "is not text in UTF-8") from error


def tree(text: str, where: str) -> Tree:
    """Return a JSON or YAML document as text, lists and dicts; UsageError with line and column."""
    if text.lstrip()[:1] in {"{", "["}:
        try:
            return _stringified(msgspec.json.decode(text))
        except (msgspec.DecodeError, RecursionError):
            pass  # flow style of YAML looks alike, and its errors have a place
    return _yaml_tree(text, where)


def _stringified(value: object) -> Tree:
    if isinstance(value, dict):
        return {str(key): _stringified(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_stringified(item) for item in value]
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def _check_depth(events: Iterable[object], where: str) -> None:
    """Refuse what libyaml, which calls itself for each level, would end the process over."""
    depth = 0
    for event in events:
        name = type(event).__name__
        depth += name.endswith(("MappingStartEvent", "SequenceStartEvent")) - name.endswith(
            ("MappingEndEvent", "SequenceEndEvent")
        )
        if depth > _MAX_DEPTH:
            raise UsageError(where, f"is nested more than {_MAX_DEPTH} levels deep")


def documents(text: str, where: str) -> list[tuple[yaml.Node, Tree]]:
    """Return each document of a YAML or JSON text: its node, which knows its place, and what it is read as.

    Empty documents are left out. UsageError with line and column; all documents together are bounded.
    """
    import yaml

    converter = Converter(where)
    with _errors(where):
        loader = _loader(text, where)
        roots = [node for node in yaml.compose_all(_without_tabs(text), Loader=loader) if not is_null(node)]
        return [(node, converter.convert(node)) for node in roots]


def is_null(node: yaml.Node | None) -> bool:
    """Tell whether nothing stands there."""
    return node is None or node.tag.endswith(":null")


def _without_tabs(text: str) -> str:
    """YAML takes no tab between the parts of a document; JSON does, and has none inside its strings."""
    if "\t" not in text or text.lstrip()[:1] not in {"{", "["}:
        return text
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return text
    return text.replace("\t", " ")


def _yaml_tree(text: str, where: str) -> Tree:
    """Read YAML. What has a tag of its own (`!vault`) becomes None."""
    import yaml

    with _errors(where):
        root = yaml.compose(text, Loader=_loader(text, where))
        return Converter(where).convert(root) if root is not None else None


def _loader(text: str, where: str) -> type[yaml.SafeLoader]:
    """Return the loader for a text, which is not too large and not too deep for it."""
    if len(text) > _MAX_YAML_BYTES:
        raise UsageError(where, f"is larger than {_MAX_YAML_BYTES >> 20} MiB of YAML")
    import yaml

    loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    _check_depth(yaml.parse(text, Loader=loader), where)
    return loader


@contextmanager
def _errors(where: str) -> Iterator[None]:
    """Turn what YAML finds wrong into a UsageError with line and column."""
    import yaml

    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise UsageError(f"{where}{place}", error.problem or "is not YAML") from error
    except (yaml.YAMLError, ValueError) as error:
        raise UsageError(where, f"is not YAML: {str(error).splitlines()[0]}") from error
    except RecursionError as error:
        raise UsageError(where, "is nested too deeply, or contains itself") from error


class Converter:
    """Turns YAML nodes into plain data, following aliases up to a limit over all that it converts."""

    def __init__(self, where: str) -> None:
        self.where, self.count = where, 0

    def convert(self, node: yaml.Node) -> Tree:
        """Return what a node stands for."""
        import yaml

        self._count()
        if isinstance(node, yaml.SequenceNode):
            return [self.convert(item) for item in node.value]
        if isinstance(node, yaml.MappingNode):
            return {name: self.convert(value) for name, (_, value) in self.pairs(node).items()}
        if not node.tag.startswith("tag:yaml.org,2002:") or is_null(node):
            return None
        return str(node.value)

    def pairs(self, node: yaml.MappingNode) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Return key and value of each entry by name, those that are merged in (`<<`) first."""
        import yaml

        merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            name = key.value
            if key.tag == _MERGE:
                for part in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    self._count(1 + len(part.value))
                    merged |= self.pairs(part) if isinstance(part, yaml.MappingNode) else {}
            elif not isinstance(name, str):
                self._fail(key, "a key must be text")
            elif name in own:
                self._fail(key, f"the key {name!r} is there twice")
            else:
                own[name] = key, value
        return merged | own

    def _count(self, more: int = 1) -> None:
        self.count += more
        if self.count > _MAX_NODES:
            raise UsageError(self.where, f"stands for more than {_MAX_NODES:,} values")

    def _fail(self, key: yaml.Node, why: str) -> None:
        mark = key.start_mark
        raise UsageError(f"{self.where}:{mark.line + 1}:{mark.column + 1}", why)
