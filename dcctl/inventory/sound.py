"""What a source told, without what cannot be: so that whatever works on a fleet need not look again."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from dcctl.inventory.hosts import is_host, is_login
from dcctl.inventory.model import Conflict, Gap
from dcctl.inventory.nodeexpr import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.inventory.model import Fleet, Node

_WAYS_IN: Final[dict[str, Callable[[str], bool]]] = {"address": is_host, "login_user": is_login}


def sound(fleet: Fleet, source: str) -> Fleet:
    """Return the fleet without ways in that cannot be, and without ids that several boards of a node have.

    The former are gaps of the source, the latter conflicts; the boards stay.
    """
    nodes, gaps, conflicts = list(fleet.nodes), list[Gap](), list[Conflict]()
    for at, node in enumerate(fleet.nodes):
        boards = node.accelerators
        apart = not boards or len({board.id for board in boards}) == len(boards)
        if apart and node.address is None and node.login_user is None:
            continue  # most nodes: looked at no further
        wrong, repeated = _wrong(node), _repeated(node)
        for fact, word in wrong.items():
            why = f"{fact} {shown(word)} cannot be one: not used"
            gaps.append(Gap(source, node.name, why, "invalid", node=node.name))
        if repeated:
            said = tuple(("+".join(node.sources) or source, text) for text in _counts(repeated))
            conflicts.append(Conflict(node.name, "accelerator ids", said))
        if wrong or repeated:
            nodes[at] = replace(_without_ids(node, repeated), **dict.fromkeys(wrong))
    if not gaps and not conflicts:
        return fleet
    return replace(
        fleet,
        nodes=tuple(nodes),
        gaps=(*fleet.gaps, *gaps),
        conflicts=(*fleet.conflicts, *conflicts),
    )


def _wrong(node: Node) -> dict[str, str]:
    said = {fact: getattr(node, fact) for fact in _WAYS_IN}
    return {fact: word for fact, word in said.items() if word is not None and not _WAYS_IN[fact](word)}


def _repeated(node: Node) -> dict[str, int]:
    """Return the ids that several boards have, and how many."""
    ids = [board.id for board in node.accelerators or () if board.id]
    return {id_: n for id_, n in Counter(ids).items() if n > 1}


def _counts(repeated: dict[str, int]) -> list[str]:
    return [f"{id_} on {count} boards" for id_, count in sorted(repeated.items())]


def _without_ids(node: Node, repeated: dict[str, int]) -> Node:
    if not repeated:
        return node
    boards = (replace(one, id=None) if one.id in repeated else one for one in node.accelerators or ())
    return replace(node, accelerators=tuple(boards))
