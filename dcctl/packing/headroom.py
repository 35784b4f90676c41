"""How many more jobs of one shape fit, and what stops the next one.

Counted on plain numbers: `assess` answers with it before any array could be made. Packing such jobs through
the engine gives the same count (tests/unit/packing/test_headroom.py).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from dcctl.packing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable


class Room(NamedTuple):
    """Boards of one resource on one node that are handed out whole."""

    place: tuple[str, str, str]
    """Scheduler, site and pool: a job of several nodes stays within one place and one resource."""
    resource: str
    boards: int
    free: int
    stranded: int = 0
    """Free ones that cannot be had because the node is short of something else."""
    short_of: Reason = Reason.RESOURCE
    """What strands them."""


class Headroom(NamedTuple):
    """More jobs of one shape."""

    jobs: int
    stops: Counter[Reason]
    """Reason -> nodes that hold no further one because of it."""

    def stopped_by(self) -> Reason | None:
        """What stops the next one on most nodes; None where there is no node."""
        return min(self.stops, key=lambda reason: (-self.stops[reason], reason), default=None)


def headroom(rooms: Iterable[Room], accelerators: int) -> Headroom:
    """How many more jobs of so many accelerators fit, all of one resource each.

    A job no larger than what one node has must fit on one; a larger one takes equal nodes that are entirely
    free, each for itself alone.
    """
    within, stops = 0, Counter[Reason]()
    whole: Counter[tuple[tuple[str, str, str], str, int]] = Counter()
    if accelerators < 1:
        return Headroom(0, stops)
    for room in rooms:
        if accelerators <= room.boards:
            jobs = room.free // accelerators
            within += jobs
            stops[_stop(room, room.free - jobs * accelerators, accelerators)] += 1
        elif 0 < room.free == room.boards:
            whole[room.place, room.resource, room.boards] += 1
        elif room.boards:
            stops[_stop(room, room.free, room.boards)] += 1
    spread = 0
    for (_, _, boards), nodes in whole.items():
        jobs, left = divmod(nodes, -(-accelerators // boards))
        spread += jobs
        stops[Reason.GANG if left else Reason.DEVICES] += nodes
    return Headroom(within + spread, stops)


def together(parts: Iterable[Headroom]) -> Headroom:
    """What places of which no job reaches out hold together."""
    rows = list(parts)
    return Headroom(sum(one.jobs for one in rows), sum((one.stops for one in rows), Counter[Reason]()))


def _stop(room: Room, left: int, wanted: int) -> Reason:
    """Why a node that has so many left holds none of the wanted number."""
    return room.short_of if left + room.stranded >= wanted else Reason.DEVICES
