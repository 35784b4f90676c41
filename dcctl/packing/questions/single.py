"""Every part of a data centre lost by itself: whose members find no room elsewhere.

Most losses need no placing. A member fits for certain where more bins have room than members come before it,
each of which takes the room of one bin at most; it does not where no bin has any, were it the first. Only if
somebody of a loss is neither, all are placed as `Scene.lose` does. So the answers are the same.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dcctl.packing.questions.certain import Room, Stopped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dcctl.packing.fit.parts import Part
    from dcctl.packing.problem import Held
    from dcctl.packing.scene import Hit, Scene


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


def single_failures(scene: Scene, parts: Iterable[Part]) -> list[Single]:
    """What the loss of each part would do, one at a time. The scene is as before afterwards."""
    room = Room(scene)
    return [_single(scene, room, part) for part in parts]


def _single(scene: Scene, room: Room, part: Part) -> Single:
    lost, _ = scene.lost_with(part.bins)
    stopped = {job: scene.stops_with(members) for job, members in lost.items()}
    missing = _certain(scene, room, part.bins, stopped)
    if missing is None:
        missing = {hit.job: _missing(hit) for hit in scene.lose(part.bins).hits if hit.homeless}
    classes = scene.problem.classes
    found = (
        Homeless(job, sum(of.values()), sum(classes[at].need.gpu_milli * n for at, n in of.items()))
        for job, of in missing.items()
    )
    return Single(part, len(stopped), tuple(found))


def _missing(hit: Hit) -> Counter[int]:
    """By class."""
    asked = Counter({task.of: len(task.members) for task in hit.placed.job.tasks})
    asked.subtract(Counter(stand.of for stand in hit.placed.stands))
    return +asked


def _certain(
    scene: Scene, room: Room, bins: frozenset[int], stopped: Mapping[str, Sequence[Held]]
) -> dict[str, Counter[int]] | None:
    """Who finds no room, by job and class; None: it is not certain for all of them."""
    members = list(chain.from_iterable(stopped.values()))
    for of in {one.of for one in members}:
        room.copies(of)
    mark = scene.placer.mark()
    scene.release(members)
    at = np.array(sorted(bins), np.int64)
    told = Stopped(scene, room, at, members)
    missing: dict[str, Counter[int]] = {}
    found: Counter[int] | None = Counter()
    for job, _ in scene.placed_in_order(stopped):
        found = told.missing(job)
        if found is None:
            break
        if found:
            missing[job.id] = found
    scene.placer.undo(mark)
    return None if found is None else missing
