"""`--for FILE`: the nodes of findings of an audit that draining mends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_HINT: Final = "dcctl audit -o json=FILE"
_OPEN: Final = ("new", "known")


def nodes_of(path: str) -> frozenset[str]:
    """Return the nodes that the open findings of `dcctl audit -o json` name. UsageError: it is none, or empty."""
    import msgspec

    from dcctl.inventory.sources.files.documents import read_bytes

    try:
        document = msgspec.json.decode(read_bytes(path))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(path, f"is no JSON: {error}", _HINT) from error
    if not isinstance(document, dict) or document.get("schema") != "dcctl/audit/v1":
        raise UsageError(path, "is not what `dcctl audit -o json` prints", _HINT)
    found = frozenset(name for item in document.get("items", ()) for name in _nodes(item))
    if not found:
        raise UsageError(path, "has no open finding on a node that draining mends", "dcctl audit -o name")
    return found


def _nodes(item: object) -> Iterator[str]:
    """The nodes of one finding, if it is open, nobody bears it, and draining mends it."""
    from dcctl.audit.drains import DRAINS

    if not isinstance(item, dict) or item.get("check") not in DRAINS:
        return
    if item.get("status") not in _OPEN or item.get("waiver"):
        return
    nodes = item.get("nodes")
    yield from (str(each) for each in nodes) if isinstance(nodes, list) else ()
