"""One list of accelerators of a node from several views of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from dcctl.inventory.merge.precedence import by_trust, coalesce

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.inventory.merge.precedence import Known
    from dcctl.inventory.model import Accelerator

    Word = Literal["theirs", "ours", "either"]


def unite(views: Sequence[Known]) -> tuple[Accelerator, ...] | None:
    """Return the accelerators: the list that has UUIDs leads, the others add what it lacks.

    How a board is handed out (resource name, sharing) is the word of the scheduler, as it was read last. What
    a list without UUIDs has in excess is dropped: it was made up from a count, and the counts themselves are
    compared elsewhere.
    """
    stated = [view for view in views if view.node.accelerators is not None]
    if not stated:
        return None
    ordered = sorted(by_trust("accelerators", stated), key=lambda view: not _has_ids(view))
    ordered = [view for view in ordered if view.node.accelerators] or ordered[:1]
    leader, teller = ordered[0], by_trust("handed_out", ordered)[0]
    result = list(leader.node.accelerators or ())
    for view in sorted(ordered[1:], key=lambda view: view is teller):  # the last word
        result = _add(result, view, _whose_word(view, leader, teller))
    return tuple(
        sorted(result, key=lambda board: (_is_slice(board), board.kind, board.index, board.id or ""))
    )


def _has_ids(view: Known) -> bool:
    return any(board.id for board in view.node.accelerators or ())


def _is_slice(board: Accelerator) -> bool:
    return board.kind in {"mig", "vgpu"}


def _whose_word(view: Known, leader: Known, teller: Known) -> Word:
    """Tell who says how a board is handed out: where the teller is still to come, whoever says more."""
    if view is teller:
        return "theirs"
    return "ours" if leader is teller else "either"


def _add(result: list[Accelerator], view: Known, word: Word) -> list[Accelerator]:
    """Return the list with what one more view knows; `word`: who says how boards are handed out."""
    others = list(view.node.accelerators or ())
    matched: set[int] = set()
    for at, board in enumerate(result):
        found = next((n for n, other in enumerate(others) if n not in matched and _same(board, other)), None)
        if found is not None:
            matched.add(found)
            result[at] = _join(board, others[found], word)
    profiles = {board.profile for board in result if _is_slice(board)}
    for n, other in enumerate(others):
        if n not in matched and (other.id or (_is_slice(other) and other.profile not in profiles)):
            result.append(other)
    return result


def _same(one: Accelerator, other: Accelerator) -> bool:
    """Tell whether two entries are one device: by UUID, else by PCI address, else by position."""
    if _is_slice(one) != _is_slice(other):
        return False
    if one.id and other.id:
        return one.id == other.id
    first, second = one.pcie and one.pcie.address, other.pcie and other.pcie.address
    if first and second and not _is_slice(one):
        return first == second
    return one.index == other.index and one.profile == other.profile


def _join(board: Accelerator, other: Accelerator, word: Word) -> Accelerator:
    """Return `board` with what `other` adds, handed out as `word` says."""
    joined = coalesce((board, other))
    ecc = coalesce((board.ecc, other.ecc)) if board.ecc and other.ecc else joined.ecc
    pcie = coalesce((board.pcie, other.pcie)) if board.pcie and other.pcie else joined.pcie
    joined = replace(joined, index=board.index, ecc=ecc, pcie=pcie)
    if word == "either":
        return joined
    told = other if word == "theirs" else board
    return replace(joined, resource=told.resource, kind=told.kind, replicas=told.replicas)
