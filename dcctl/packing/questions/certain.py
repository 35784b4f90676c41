"""What is certain about members that look for room, without placing any of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

from dcctl.packing.fit.quotas import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dcctl.packing.problem import Held, Job, Task
    from dcctl.packing.scene import Scene

    Ints = NDArray[np.int64]

_MOST = 1 << 20
"""More items than any bin holds."""
_SITES = 8
"""Of more of them, not all are tried for a gang."""


class Room:
    """How many items of each class every bin has room for, while all stand that do."""

    def __init__(self, scene: Scene) -> None:
        """Nothing is asked of the scene yet."""
        self._engine = scene.placer.engine
        self._copies: dict[object, Ints] = {}
        self._open: dict[int, int] = {}
        self._swayed_by: dict[int, frozenset[int]] = {}
        self._width: dict[int, int | None] = {}
        held = _held(scene)
        self._exceeded = frozenset(
            one.id
            for one in scene.placer.ledger.quotas
            if any(
                max(one.used.get(name, 0), held[one.id][name]) > most for name, most in one.amounts.items()
            )
        )

    def copies(self, of: int) -> Ints:
        """By bin; rules about others are not looked at. First asked while all stand."""
        wanted = self._engine.items.wanted[of]
        key = (wanted.need, id(wanted.fixed))
        if key not in self._copies:
            self._copies[key] = wanted.copies(self._engine.state.view(), _MOST)
        return self._copies[key]

    def open(self, of: int) -> int:
        """Bins that have room for one."""
        if of not in self._open:
            self._open[of] = int(np.count_nonzero(self.copies(of)))
        return self._open[of]

    def swayed_by(self, of: int) -> frozenset[int]:
        """Classes of which it matters to rules of class `of` where their members stand."""
        if of not in self._swayed_by:
            self._swayed_by[of] = self._engine.relations.swayed_by(of)
        return self._swayed_by[of]

    def width(self, of: int) -> int | None:
        """How many bins one member more can close to a class by its rules at most; None: nobody can tell."""
        if of not in self._width:
            self._width[of] = self._engine.relations.width(of)
        return self._width[of]

    def short(self, job: Job) -> bool:
        """Whether more of a quota of the job is used, or held, than there is, while all stand."""
        return not self._exceeded.isdisjoint(job.quotas)


def _held(scene: Scene) -> defaultdict[str, Counter[str]]:
    """What those who stand hold of each quota: more than is recorded as used, if that was never told."""
    problem = scene.problem
    counts = Counter((scene.running(one.job).quotas, one.of) for one in problem.held)
    held: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for (quotas, of), members in counts.items():
        asked = counted((problem.classes[of].need,), problem.space.dimensions) if quotas else {}
        for quota in quotas:
            held[quota].update({name: amount * members for name, amount in asked.items()})
    return held


class Stopped:
    """Members that were just taken out of the state, asked about in the order in which they are placed."""

    def __init__(self, scene: Scene, room: Room, lost: Ints, members: Sequence[Held]) -> None:
        """`lost`: bins in which nobody is placed; `room` is that before any of the members stopped."""
        self._placer, self._room, self._lost = scene.placer, room, lost
        gone = set(lost.tolist())
        self._freed = np.array(sorted({one.bin for one in members if one.bin not in gone}), np.int64)
        self._away = np.concatenate((lost, self._freed))
        """Bins in which there is other room than before."""
        self._classes = Counter(one.of for one in members)
        self._before = 0
        """Members that are placed before those that are asked about, and these,"""
        self._amounts = np.zeros(len(scene.problem.space.dimensions))
        """and all that they ask for."""

    def missing(self, job: Job) -> Counter[int] | None:
        """Members that find no room, by class; None: it is not certain."""
        before = self._before
        self._before += job.size
        for task in job.tasks:
            amounts = self._placer.engine.items.wanted[task.of].need.amounts
            self._amounts += np.array(amounts, np.float64) * len(task.members)
        if self._room.short(job) or job.size < job.minimum:
            return None
        if job.minimum > 1 or job.within is not None:
            return self._of_gang(job, before)
        missing: Counter[int] = Counter()
        for task in job.tasks:
            fits = self._fits(task.of, self._before - 1)
            if fits is None:
                return None
            missing[task.of] += 0 if fits else len(task.members)
        return +missing

    def _fits(self, of: int, others: int) -> bool | None:
        """Whether an item that may stand anywhere finds room after so many others."""
        bins = self._room.open(of) - int(np.count_nonzero(self._room.copies(of)[self._away]))
        now = self._now(of)
        bins += int(np.count_nonzero(now))
        if not bins:
            return False
        engine = self._placer.engine
        if not engine.relations.related[of] and bins > others:
            return True
        room = self._left(of, now)
        bins = int(np.count_nonzero(room))
        swayed_by = self._room.swayed_by(of)
        swaying = sum(self._classes[one] for one in swayed_by) - (of in swayed_by)
        if not (bins or swaying):
            return False
        width = self._room.width(of) if swaying else 0
        if width is None:
            return None
        return bins > others + swaying * width or self._has_plenty(of, room, others, swaying * width) or None

    def _has_plenty(self, of: int, room: Ints, others: int, closed: int) -> bool:
        """Whether the others cannot take all room: a copy each, and for their amounts as many as these hold.

        `closed`: bins that rules may close because of them.
        """
        need = self._placer.engine.items.wanted[of].need
        if need.gpu_milli or not len(room):
            return False
        taken = sum(
            int(all_of_them) // amount + 1
            for all_of_them, amount in zip(self._amounts, need.amounts, strict=True)
            if amount
        )
        return int(room.sum()) > taken + others + closed * int(room.max())

    def _left(self, of: int, now: Ints) -> Ints:
        """Room by bin, where no rule is against it."""
        room = self._room.copies(of).copy()
        room[self._freed] = now
        room[self._lost] = 0
        engine = self._placer.engine
        if engine.relations.related[of]:
            room[engine.relations.refusals(of) != 0] = 0
        return room

    def _now(self, of: int) -> Ints:
        """Room in the bins in which somebody stopped, but that are not lost."""
        engine = self._placer.engine
        if not len(self._freed):
            return self._freed
        return engine.items.wanted[of].copies(engine.state.view(self._freed), _MOST)

    def _of_gang(self, job: Job, before: int) -> Counter[int] | None:
        """All of it or nothing is certain: by the part that has most room, whatever stands in its way."""
        sums = [self._by_part(job, task) for task in job.tasks]
        counts = [len(task.members) for task in job.tasks]
        together = sum(np.minimum(each, count) for each, count in zip(sums, counts, strict=True))
        if not (together >= max(1, job.minimum)).any():  # type: ignore[union-attr]
            return Counter(dict(zip((task.of for task in job.tasks), counts, strict=True)))
        of = job.tasks[0].of
        most = before * int(max(self._room.copies(of).max(), self._now(of).max(initial=0)))
        sure = len(job.tasks) == 1 and self._is_plain(job) and bool((sums[0] - most >= job.size).any())
        return Counter() if sure else None

    def _by_part(self, job: Job, task: Task) -> Ints:
        """Room in each part that could hold the whole job."""
        room = self._room.copies(task.of).copy()
        room[self._freed] = self._now(task.of)
        room[self._lost] = 0
        splits = self._placer.parts_for(job)
        if splits is None:
            return np.array([room.sum()], np.int64)
        room = np.minimum(room, job.size)
        return np.concatenate([np.bincount(each.of + 1, room)[1:] for each in splits]).astype(np.int64)

    def _is_plain(self, job: Job) -> bool:
        """Whether it fits for certain where a part has room for all of it."""
        sites = len(self._placer.parts.names["site"])
        if self._placer.engine.relations.related[job.tasks[0].of] or job.homes:
            return False
        if job.within is None:
            return sites < 2 or (sites <= _SITES and self._placer.parts_for(job) is not None)
        return job.minimum in (0, job.size)
