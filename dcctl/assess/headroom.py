"""How many more jobs fit: a simple count. A packing engine can take the place of `more_jobs`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcctl.assess.nodes import NodeState


class Room(NamedTuple):
    """Boards of one resource on one node that are handed out whole."""

    place: tuple[str, str, str]
    """Scheduler, site and pool: a job of several nodes stays within one place and one resource."""
    resource: str
    boards: int
    free: int


def rooms(state: NodeState, pool: str | None = None) -> Iterator[Room]:
    """What a judged node has, resource by resource. `pool` stands for its first one."""
    place = (state.scheduler, state.node.site or "", state.pool if pool is None else pool)
    known = state.tally
    if len(known.resources) == 1:
        yield Room(place, next(iter(known.resources)), known.whole, known.whole_free)
        return
    boards = [board for board in state.boards if board.whole()]
    for resource, count in Counter(board.resource for board in boards).items():
        free = sum(board.resource == resource and board.state == "free" for board in boards)
        yield Room(place, resource, count, free)


def more_jobs(rooms: Iterable[Room], accelerators: int) -> int:
    """How many more jobs of so many accelerators fit, all of one resource each.

    A job no larger than what one node has must fit on one; a larger one takes equal nodes that are entirely
    free, each for itself alone.
    """
    if accelerators < 1:
        return 0
    within = 0
    whole: Counter[tuple[tuple[str, str, str], str, int]] = Counter()
    for room in rooms:
        if accelerators <= room.boards:
            within += room.free // accelerators
        elif 0 < room.free == room.boards:
            whole[room.place, room.resource, room.boards] += 1
    return within + sum(nodes // -(-accelerators // boards) for (_, _, boards), nodes in whole.items())
