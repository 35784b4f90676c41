"""Proofs that not all of a wave's work finds room, without placing any of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from dcctl.packing.problem import Task
from dcctl.packing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dcctl.drain.fit.wave import Wave
    from dcctl.packing.greedy.place import Placed
    from dcctl.packing.problem import Job

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_MOST = 1 << 20
"""More items than any bin holds."""


def hopeless(wave: Wave, jobs: Sequence[Job]) -> bool:
    """Whether it is proved that these jobs do not all find room in the scene as it is."""
    if heeds_taints(wave, jobs):
        return False
    counts = Counter({task.of: 0 for job in jobs for task in job.tasks})
    for job in jobs:
        counts.update({task.of: len(task.members) for task in job.tasks})
    return _spent(wave, jobs) or _crowded(wave, counts) or any(_torn(wave, job) for job in jobs)


def heeds_taints(wave: Wave, jobs: Sequence[Job]) -> bool:
    """Whether a spread of one of them leaves out nodes with taints: which ones, the cordon changes."""
    templates = (wave.scene.problem.classes[task.of].template for job in jobs for task in job.tasks)
    return any(spread.honor_taints for template in templates for spread in template.spreads)


def untold(wave: Wave, one: Placed) -> bool:
    """Whether nodes would take its members of which nobody knows what is held there."""
    items = wave.scene.placer.engine.items
    fixed = (items.wanted[task.of].fixed[wave.open] for task in one.job.tasks)
    return any(bool((bits == int(Reason.UNKNOWN)).any()) for bits in fixed)


def _spent(wave: Wave, jobs: Sequence[Job]) -> bool:
    """Whether they ask together for more of a quota than is left."""
    ledger = wave.scene.placer.ledger
    return any(ledger.short(together(jobs, quota)) for quota in {name for job in jobs for name in job.quotas})


def together(jobs: Sequence[Job], quota: str) -> Job:
    """All that counts for a quota, as one job."""
    tasks = tuple(task for job in jobs if quota in job.quotas for task in job.tasks)
    return replace(jobs[0], tasks=tuple(Task(task.of, task.members) for task in tasks), quotas=(quota,))


def _crowded(wave: Wave, counts: Counter[int]) -> bool:
    """Whether some bins are all that will do for more than fits in them."""
    engine, is_open = wave.scene.placer.engine, wave.open
    where = {of: is_open & (engine.items.wanted[of].fixed == 0) for of in counts}
    for of, count in counts.items():
        room = engine.items.wanted[of].copies(engine.state.view(), _MOST)
        most = engine.relations.most(of, counts)
        room = room if most is None else np.minimum(room, most)
        if int(room[is_open].sum()) < count:
            return True
    for bins in {mask.tobytes(): mask for mask in where.values()}.values():
        inside = {of: count for of, count in counts.items() if not (where[of] & ~bins).any()}
        if _beyond_amounts(wave, inside, bins) or _beyond_devices(wave, inside, bins):
            return True
    return False


def _beyond_amounts(wave: Wave, counts: dict[int, int], bins: Bools) -> bool:
    """Whether they ask for more of an amount than is free in these bins."""
    state = wave.scene.placer.engine.state
    asked = np.sum([np.array(state.needs[of].amounts, object) * n for of, n in counts.items()], axis=0)
    free = np.maximum(state.free[bins], 0).astype(object).sum(axis=0)
    return bool((np.array(free) < asked).any())


def _beyond_devices(wave: Wave, counts: dict[int, int], bins: Bools) -> bool:
    """Whether so many sets of devices are not free: an item of 8 takes the room of two of 4."""
    state = wave.scene.placer.engine.state
    idle = (state.milli[bins] >= 1000).sum(axis=1)
    sizes = {of: state.needs[of].devices for of in counts}
    return any(
        int((idle // size).sum()) < sum(n * (sizes[of] // size) for of, n in counts.items())
        for size in set(sizes.values()) - {0}
    )


def _torn(wave: Wave, job: Job) -> bool:
    """Whether no part of the data centre holds all of a job that must lie within one."""
    placer = wave.scene.placer
    splits = placer.parts_for(job)
    if splits is None:
        return False
    is_open, home = wave.open, placer.home(job)
    is_open = is_open if home is None else is_open & home
    for task in job.tasks:
        count = len(task.members)
        room = placer.engine.items.wanted[task.of].copies(placer.engine.state.view(), count)
        room = np.where(is_open, room, 0)
        if not any((np.bincount(each.of + 1, room)[1:] >= count).any() for each in splits):
            return True
    return False
