"""Who stands in the way of a job: the least work whose absence lets it fit.

Work stops in units: a member that stands by itself, or a gang as a whole.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dcctl.packing.greedy.place import Placed
    from dcctl.packing.problem import Held, Job
    from dcctl.packing.scene import Scene

Unit: TypeAlias = "tuple[Held, ...]"
"""Members that stop together."""

_BINS_TRIED = 256
"""Bins that are looked at, those that lack least first."""
_MOST = 256
"""Units that are taken away at most."""


def anybody(_: Held) -> bool:
    """Every member may be stopped."""
    return True


def in_the_way(scene: Scene, job: Job, may_stop: Callable[[Held], bool] = anybody) -> list[Unit]:
    """Units without which the job fits beside the others; none can be left out. Empty: none were found.

    `may_stop`: whether a member may be one of them.
    """
    removed: list[Unit] = []
    while len(removed) <= _MOST:
        if fits_without(scene, job, removed):
            return _needed(removed, lambda fewer: fits_without(scene, job, fewer))
        more = _cheapest(scene, job, removed, may_stop)
        if not more:
            return []
        removed += more
    return []


def fits_without(scene: Scene, job: Job, units: Iterable[Unit]) -> bool:
    """Whether the whole job fits once these stand nowhere."""
    mark = scene.placer.mark()
    scene.release(chain.from_iterable(units))
    fits = not scene.placer.place(job).missing
    scene.placer.undo(mark)
    return fits


def unit_of(scene: Scene, one: Held) -> Unit:
    """All that stops when this member does."""
    return tuple(scene.of(one.job)) if scene.running(one.job).minimum > 1 else (one,)


def _needed(units: list[Unit], enough: Callable[[list[Unit]], bool]) -> list[Unit]:
    """The units without those that are there for nothing, the largest left out first."""
    for one in sorted(units, key=len, reverse=True):
        fewer = [other for other in units if other is not one]
        if enough(fewer):
            units = fewer
    return units


def _cheapest(
    scene: Scene, job: Job, removed: Sequence[Unit], may_stop: Callable[[Held], bool]
) -> list[Unit]:
    """The least work on one bin whose absence gives room to one item more."""
    mark, gone = scene.placer.mark(), set(chain.from_iterable(removed))
    scene.release(gone)

    def movable(unit: Unit) -> bool:
        return gone.isdisjoint(unit) and all(map(may_stop, unit))

    found = scene.placer.place(job)
    of = job.tasks[0].of if found.refused_for is None else found.refused_for
    best = _sharing(scene, found, movable)
    for at in () if found.quota else _candidates(scene, of):
        units = _fewest(scene, of, at, movable)
        if units and (not best or _trouble(scene, units) < _trouble(scene, best)):
            best = units
    scene.placer.undo(mark)
    return best


def _sharing(scene: Scene, found: Placed, movable: Callable[[Unit], bool]) -> list[Unit]:
    """The least work that counts for a quota which the job lacks."""
    short = {one.quota.id for one in found.quota}
    mine = (one for one in scene.problem.held if not short.isdisjoint(scene.running(one.job).quotas))
    units = filter(movable, dict.fromkeys(unit_of(scene, one) for one in mine)) if short else ()
    least = min(units, key=lambda unit: _trouble(scene, [unit]), default=None)
    return [] if least is None else [least]


def _trouble(scene: Scene, units: Sequence[Unit]) -> tuple[int, int, int]:
    """The highest priority that is hit, then how many members stop, then how many devices they hold."""
    members, needs = [*chain.from_iterable(units)], scene.problem.classes
    return (
        max(scene.running(one.job).priority for one in members),
        len(members),
        sum(needs[one.of].need.gpu_milli for one in members),
    )


def _candidates(scene: Scene, of: int) -> list[int]:
    """Bins that refuse the item only because of what stands there, those with the most free first."""
    engine = scene.placer.engine
    can = (engine.items.wanted[of].fixed == 0) & (engine.refusals(of) != 0)
    idle = np.maximum(engine.state.milli, 0).sum(axis=1)
    order = sorted(np.flatnonzero(can).tolist(), key=lambda at: (-int(idle[at]), at))
    return [at for at in order if scene.on(at)][:_BINS_TRIED]


def _fewest(scene: Scene, of: int, at: int, movable: Callable[[Unit], bool]) -> list[Unit]:
    """Units of one bin that give room together, and none of them for nothing."""
    free = (one for one in scene.on(at) if not scene.running(one.job).fixed)
    units = list(filter(movable, dict.fromkeys(unit_of(scene, one) for one in free)))
    units.sort(key=lambda unit: _trouble(scene, [unit]))
    out: list[Unit] = []
    for unit in units:
        out.append(unit)
        if _gives_room(scene, of, at, out):
            return _needed(out, lambda fewer: _gives_room(scene, of, at, fewer))
    return []


def _gives_room(scene: Scene, of: int, at: int, units: Iterable[Unit]) -> bool:
    engine, mark = scene.placer.engine, scene.placer.mark()
    scene.release(chain.from_iterable(units))
    room = not engine.items.wanted[of].refusals(engine.state.view(np.array([at])))[0]
    scene.placer.undo(mark)
    return room
