"""Where a gang is tried: the narrowest parts of the data centre first, the fullest of each kind first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dcctl.packing.problem import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from dcctl.packing.fit.parts import Split
    from dcctl.packing.greedy.place import Placer
    from dcctl.packing.problem import Job

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

    _Rooms = list[tuple[Ints, int]]


def regions(placer: Placer, job: Job) -> Iterator[Iterator[Bools | None]]:
    """Bins of which some will do, kind by kind, and in the end anywhere (None) if the job may be anywhere."""
    parts = placer.parts
    anywhere = job.within is None and len(parts.names["site"]) < 2
    at, rooms = _rooms(placer, job)
    for split in map(parts.told, LEVELS) if anywhere else parts.within(job.within or "site"):
        yield _parts_of(placer, split, job, at, rooms)
    if anywhere:
        yield iter((None,))


def _parts_of(placer: Placer, split: Split, job: Job, at: Ints, rooms: _Rooms) -> Iterator[Bools]:
    """Parts of one kind that have room for enough of the job: those for all of it first, then the fullest."""
    rows, ranks = split
    if not len(ranks):
        return
    parts = rows[at] + 1  # 0: in none
    each = [np.minimum(np.bincount(parts, room, len(ranks) + 1), count) for room, count in rooms]
    together = np.sum(each, axis=0)
    enough = (np.min(each, axis=0) > 0) & (together >= max(1, job.minimum))
    enough[0] = False
    some = np.flatnonzero(enough[1:])
    if len(some) > 1:
        inside = np.flatnonzero(enough[rows + 1])
        left = np.bincount(rows[inside], _left(placer, inside), len(ranks))
        some = some[np.lexsort((ranks[some], left[some], together[some + 1] < job.size))]
    for part in some.tolist():
        yield rows == part


def _left(placer: Placer, bins: Ints) -> Ints:
    """Free thousandths of the devices of these bins."""
    if placer.look is not None:
        placer.look(bins)
    return np.maximum(placer.engine.state.milli[bins], 0).sum(axis=1)  # type: ignore[no-any-return]


def _rooms(placer: Placer, job: Job) -> tuple[Ints, _Rooms]:
    """Bins that are not closed, and of each task how many members each could hold by itself."""
    state, closed, items = placer.engine.state, placer.closed, placer.engine.items
    at = state.every if closed is None else np.flatnonzero(~closed)
    view = state.view(None if closed is None else at)
    classes = {task.of for task in job.tasks}
    rooms = []
    for task in job.tasks:
        room = items.wanted[task.of].copies(view, len(task.members))
        most = placer.engine.relations.most(task.of, classes)
        rooms.append((room if most is None else np.minimum(room, most[at]), len(task.members)))
    return at, rooms
