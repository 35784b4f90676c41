"""Every part of a data centre lost by itself: whose members find no room elsewhere.

Most losses need no placing. A member fits for certain where more bins have room than members come before it,
each of which takes the room of one bin at most; it does not where no bin has any, were it the first. Only
up to the last one of a loss that is neither all are placed, so the answers are those of `Scene.lose`.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dcctl.packing.questions.certain import Room, Stopped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dcctl.packing.fit.parts import Part
    from dcctl.packing.greedy.place import Placed
    from dcctl.packing.problem import Held
    from dcctl.packing.scene import Scene


class Homeless(NamedTuple):
    """Members of one job that find no room."""

    job: str
    members: int
    gpu_milli: int
    """What they ask for of devices, in thousandths of one."""


class Single(NamedTuple):
    """What the loss of one part does."""

    part: Part
    stopped: int
    """Jobs that lose members."""
    homeless: tuple[Homeless, ...]
    """In the order in which room is looked for."""


def single_failures(scene: Scene, parts: Iterable[Part]) -> Iterator[Single]:
    """What the loss of each part would do, one at a time. The scene is as before after each."""
    room = Room(scene)
    return (_single(scene, room, part) for part in parts)


def _single(scene: Scene, room: Room, part: Part) -> Single:
    lost, _ = scene.lost_with(part.bins)
    stopped = {job: scene.stops_with(members) for job, members in lost.items()}
    classes = scene.problem.classes
    found = (
        Homeless(job, sum(of.values()), sum(classes[at].need.gpu_milli * n for at, n in of.items()))
        for job, of in _missing(scene, room, part.bins, stopped)
        if of
    )
    return Single(part, len(stopped), tuple(found))


def _missing(
    scene: Scene, room: Room, bins: frozenset[int], stopped: Mapping[str, Sequence[Held]]
) -> list[tuple[str, Counter[int]]]:
    """Members that find no room, by job and class. All are placed up to the last one that is not certain."""
    members = list(chain.from_iterable(stopped.values()))
    for of in {one.of for one in members}:
        room.copies(of)
    with scene.lost(bins, stopped):
        told = Stopped(scene, room, np.array(sorted(bins), np.int64), members)
        jobs = [job for job, _ in scene.placed_in_order(stopped)]
        certain = [told.missing(job) for job in jobs]
        last = max((at for at, found in enumerate(certain) if found is None), default=-1)
        missing = [_left(scene.placer.place(job)) for job in jobs[: last + 1]]
        missing += [found for found in certain[last + 1 :] if found is not None]
    return [(job.id, found) for job, found in zip(jobs, missing, strict=True)]


def _left(placed: Placed) -> Counter[int]:
    """Members without a place, by class."""
    asked = Counter({task.of: len(task.members) for task in placed.job.tasks})
    asked.subtract(Counter(stand.of for stand in placed.stands))
    return +asked
