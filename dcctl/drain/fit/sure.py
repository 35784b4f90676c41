"""Which work finds room wherever its scheduler puts each member, in any order of its queue.

A member finds room for certain if all others together, each wherever it does most harm, cannot take all room
that there is for it. How much harm one does at most is counted in three ways; one that holds is enough:

- by copies: each takes the room of so many items like it;
- by bins, in items: so many are needed at least to fill a bin, whatever runs out first;
- by bins, in amounts: so much of each dimension has to be taken of a bin before nothing more fits.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from dcctl.drain.fit.bounds import heeds_taints, together
from dcctl.drain.fit.harm import Crowd
from dcctl.drain.fit.wave import emptied
from dcctl.packing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from dcctl.drain.fit.wave import Wave
    from dcctl.packing.fit.parts import Split
    from dcctl.packing.problem import Held, Job

    Bools = NDArray[np.bool_]

_DOMAINS: Final = 32
"""Domains of a spread that are looked at one by one; of more of them (nodes), all together."""


def sure_of(wave: Wave) -> frozenset[str]:
    """Workloads that leave and find room for certain. The scene is as before afterwards."""
    scene = wave.scene
    with emptied(wave):
        moved: dict[str, list[Held]] = {}
        for one in wave.moved:
            moved.setdefault(one.job, []).append(one)
        before = [scene.again(job, members) for job, members in moved.items()]
        scene.release(wave.moved)
        leaving = [scene.again(job, members) for job, members in wave.anew.items()]
        sure = _Sure(wave, leaving, before)
        return frozenset(job.id for job in leaving if sure.fits(job))


class _Sure:
    """All who look for room, and what each class of them is certain of."""

    def __init__(self, wave: Wave, leaving: Sequence[Job], before: Sequence[Job]) -> None:
        self._wave, self._placer = wave, wave.scene.placer
        self._engine, self._open = self._placer.engine, wave.open
        rivals = [job for job in wave.rivals() if self._may_start(job)]
        self._all = [*leaving, *before, *rivals]
        counts: Counter[int] = Counter()
        for job in self._all:
            for task in job.tasks:
                counts[task.of] += len(task.members)
        self._counts = counts
        self._crowd = Crowd(self._engine, counts, self._open)
        self._known: dict[int, bool] = {}
        short, quotas = self._placer.ledger.short, {name for job in self._all for name in job.quotas}
        self._spent = frozenset(name for name in quotas if short(together(self._all, name)))
        """Quotas that do not last for all of them."""

    def _may_start(self, job: Job) -> bool:
        """Whether enough of a job that waits can have found room."""
        engine, room = self._engine, 0
        for task in job.tasks:
            copies = engine.items.wanted[task.of].copies(engine.state.view(), len(task.members))
            room += min(len(task.members), int(copies[self._open].sum()))
        return room >= max(1, job.minimum)

    def fits(self, job: Job) -> bool:
        """Whether all members of a job that leaves find room for certain."""
        if heeds_taints(self._wave, [job]) or self._is_short(job):
            return False
        if job.within is None and (job.minimum < 2 or len(self._placer.parts.names["site"]) < 2):
            return all(self._of_class(task.of) for task in job.tasks)
        return self._in_one_part(job)

    def _is_short(self, job: Job) -> bool:
        """Whether a quota of the job may be spent by others."""
        return not self._spent.isdisjoint(job.quotas)

    def _of_class(self, of: int) -> bool:
        if of not in self._known:
            related = self._engine.relations.related[of]
            self._known[of] = self._by_rules(of) if related else self._enough(of, self._open)
        return self._known[of]

    def _enough(self, of: int, bins: Bools, closed: int = 0, aside: Collection[int] = ()) -> bool:
        """Whether others cannot take all room in these bins.

        `closed`: bins that members of the classes `aside` may close by rules, or stand in.
        """
        bins = bins & (self._crowd.room(of) > 0)
        room, count = self._crowd.room(of)[bins], int(bins.sum())
        if count <= closed:
            return False
        if int(room.sum()) > self._crowd.taken(of, bins, aside) + closed * int(room.max()):
            return True
        return count > self._crowd.filled(of, bins, aside) + closed

    def _by_rules(self, of: int) -> bool:
        """The same for a class with rules about others."""
        relations = self._engine.relations
        bits, width = relations.refusals(of), relations.width(of)
        swaying = relations.swayed_by(of).intersection(self._counts)
        aside = swaying | self._same_ports(of)
        closed = sum(self._counts[one] * ((width or 1) if one in swaying else 1) for one in aside)
        if of in aside:
            closed -= width or 1 if of in swaying else 1
        told = width is not None or not sum(self._counts[one] for one in swaying) - (of in swaying)
        if told and self._enough(of, self._open & (bits == 0), closed, aside):
            return True
        domains = relations.domains(of)
        if domains is None or len(domains) > _DOMAINS:
            return False
        others_may = self._open & (bits & ~int(Reason.SPREAD) == 0)
        return all(self._enough(of, others_may & domain) for domain in domains)

    def _same_ports(self, of: int) -> frozenset[int]:
        """Classes that ask for a port of the node that a class asks for."""
        classes = self._wave.scene.problem.classes
        asked = {
            one: {(port.protocol, port.port) for port in classes[one].template.ports} for one in self._counts
        }
        return frozenset(one for one, ports in asked.items() if ports & asked[of])

    def _in_one_part(self, job: Job) -> bool:
        """Whether some part of the data centre has room for all of a gang, whatever others take there."""
        splits = self._placer.parts_for(job)
        related = any(self._engine.relations.related[task.of] for task in job.tasks)
        if splits is None or related or job.minimum != job.size or job.homes:
            return False
        return any(self._has_part(job, split) for split in splits)

    def _has_part(self, job: Job, split: Split) -> bool:
        enough = np.ones(len(split.ranks), np.bool_)
        for task in job.tasks:
            room = self._crowd.room(task.of)
            in_part = np.bincount(split.of + 1, room, len(split.ranks) + 1)[1:]
            enough &= in_part > self._crowd.taken(task.of, room > 0)
        return bool(enough.any())
