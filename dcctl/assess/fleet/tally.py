"""What the boards of one node add up to. Each is looked at once, while it is at hand; groups add tallies."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypeVar

from msgspec import Struct, field

from dcctl.inventory.occupancy.boards import units_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from dcctl.inventory.model import Accelerator
    from dcctl.inventory.occupancy.boards import Board, State

Key = TypeVar("Key", bound="Hashable")
Kind: TypeAlias = tuple[str, str, str, int]
"""Resource name, model, kind of accelerator, units that one board hands out."""


class Tally(Struct, gc=False):
    """Sums over the boards of one node."""

    boards: int = 0
    by_state: dict[State, int] = field(default_factory=dict)
    resources: dict[str, int] = field(default_factory=dict)
    """Boards by resource name."""
    kinds: dict[Kind, int] = field(default_factory=dict)
    """How many boards are alike; one with slices of two profiles is in both."""
    idle: int = 0
    idle_measured: int = 0
    """Boards of which it is known whether they are idle."""
    whole: int = 0
    """Boards that are handed out as one."""
    whole_free: int = 0
    busy_sum_milli: int = 0
    busy_measured: int = 0
    memory_bytes: int | None = None
    memory_used_bytes: int | None = None
    power_mw: int | None = None


def tally(boards: Sequence[Board]) -> Tally:
    """The sums over boards that were judged."""
    idle = [board.idle for board in boards if board.idle is not None]
    readings = [board.reading for board in boards if board.reading is not None]
    found = Tally(
        len(boards),
        _counted([board.state for board in boards]),
        _counted([board.resource for board in boards]),
        idle=sum(idle),
        idle_measured=len(idle),
        memory_bytes=sum_known([one.memory_bytes for one in readings]),
        memory_used_bytes=sum_known([one.memory_used_bytes for one in readings]),
        power_mw=sum_known([one.power_mw for one in readings]),
    )
    if any([board.slices for board in boards]):  # noqa: C419 - of eight the list is quicker
        _add_cut(found, boards)
    else:
        _add_uncut(found, boards, readings)
    return found


def _counted(words: Sequence[Key]) -> dict[Key, int]:
    """How often each word is there; of eight boards there are one or two, so a Counter would take longer."""
    return {word: words.count(word) for word in dict.fromkeys(words)}


def _count(counts: dict[Key, int], key: Key) -> None:
    counts[key] = counts.get(key, 0) + 1


def _add_cut(found: Tally, boards: Sequence[Board]) -> None:
    """Add the kinds, what is whole and how busy it is, where some boards are cut into slices."""
    for board in boards:
        kind = board.slices[0].kind if board.slices else board.reading.kind if board.reading else "whole"
        for resource, units in units_of(board).items():
            _count(found.kinds, (resource, board.model() or "", kind, units))
        if board.whole():
            found.whole += 1
            found.whole_free += board.state == "free"
        busy = board.busy_milli()
        if busy is not None:
            found.busy_sum_milli += busy
            found.busy_measured += 1


def _add_uncut(found: Tally, boards: Sequence[Board], readings: Sequence[Accelerator]) -> None:
    """The same where none is: every reading is that of a board."""
    found.kinds = _counted([_kind(board) for board in boards])
    whole = [board.state for board in boards if board.shares == 1]
    found.whole = len(whole)
    found.whole_free = whole.count("free")
    busy = [one.busy_milli for one in readings if one.busy_milli is not None]
    found.busy_sum_milli = sum(busy)
    found.busy_measured = len(busy)


def _kind(board: Board) -> Kind:
    """What an uncut board is counted as."""
    reading = board.reading
    if reading is None:
        return board.resource, "", "whole", board.shares
    return board.resource, reading.model or "", reading.kind, board.shares


def sum_known(values: Sequence[int | None]) -> int | None:
    """The sum of what is known; None when nothing is."""
    try:
        return sum(values) if values else None  # type: ignore[arg-type]  # a None among them raises
    except TypeError:
        known = [value for value in values if value is not None]
        return sum(known) if known else None
