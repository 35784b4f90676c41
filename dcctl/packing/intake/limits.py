"""Which quotas of a fleet and of files limit which work."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dcctl.inventory.kinds import SCHEDULERS, kind_of
from dcctl.inventory.model import ENDED
from dcctl.packing.fit.quotas import GPU, counted
from dcctl.packing.problem import BASIC, Quota

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dcctl.inventory.model import Quota as Stated
    from dcctl.inventory.model import Resources, Workload
    from dcctl.packing.intake.demand import Classes
    from dcctl.packing.problem import Job, Need, Running

_NVIDIA = "nvidia.com/gpu"


class Limits:
    """The quotas that are understood, by whose work they limit."""

    def __init__(self, stated: Iterable[Stated], kinds: Mapping[str, str]) -> None:
        """`kinds` of sources are those of `kinds_of`."""
        self._kinds = kinds
        self._by_account: dict[str, list[Stated]] = {}
        for one in stated:
            if not one.scopes:
                self._by_account.setdefault(one.account, []).append(one)
        self._clusters = {name for name, kind in kinds.items() if kind in SCHEDULERS}
        self._clusters |= {one.source or "" for one in self._all() if self._of_cluster(one)}

    def waiting(self, work: Workload) -> tuple[str, ...]:
        """Ids of the quotas that members count for once they have a place.

        What exists in a cluster was admitted there: its quotas count it already, even while it waits.
        """
        return tuple(_id(one) for one in self._of(work) if not self._admitted(one, work))

    def standing(self, work: Workload) -> tuple[str, ...]:
        """Ids of the quotas that members count for which have a place."""
        return tuple(_id(one) for one in self._of(work))

    def quotas(
        self,
        jobs: Iterable[Job | Running],
        there: Iterable[Workload],
        classes: Classes,
        dimensions: Sequence[str],
    ) -> tuple[Quota, ...]:
        """The quotas that some of the jobs count for, or would if they had to be made again.

        `there`: all work of the fleet.
        """
        named = {name for job in jobs for name in job.quotas}
        chosen = [one for one in self._all() if _id(one) in named]
        unsaid = {_id(one) for one in chosen if one.used is None}
        sums = self._sums(there if unsaid else (), classes, dimensions)
        return tuple(
            Quota(
                _id(one),
                self._amounts(one, one.hard),
                sums.get(_id(one), {}) if one.used is None else self._amounts(one, one.used),
                f"quota {one.name} of {one.account}" if self._of_cluster(one) else f"quota of {one.account}",
            )
            for one in chosen
        )

    def _all(self) -> Iterator[Stated]:
        return (one for of_account in self._by_account.values() for one in of_account)

    def _of(self, work: Workload) -> Iterator[Stated]:
        if not self._by_account:
            return
        namespace, slash, _ = work.id.partition("/")
        others = tuple(dict.fromkeys(name for name in (work.owner, work.queue) if name))
        for account in dict.fromkeys((namespace, *others) if slash else others):
            for one in self._by_account.get(account, ()):
                if self._of_cluster(one):
                    counts = self._may_be_of(one, work) and (not slash or account == namespace)
                else:
                    counts = account in others
                if counts and _selects(one, work):
                    yield one

    def _of_cluster(self, one: Stated) -> bool:
        return kind_of(one.source or "", self._kinds) in SCHEDULERS

    def _may_be_of(self, one: Stated, work: Workload) -> bool:
        """Work of files is of the only cluster there is; which of several takes it is not known."""
        told = kind_of(work.source or "", self._kinds) in SCHEDULERS
        return work.source == one.source if told else len(self._clusters) == 1

    def _admitted(self, one: Stated, work: Workload) -> bool:
        return self._of_cluster(one) and work.source == one.source

    def _amounts(self, one: Stated, amounts: Resources) -> dict[str, int]:
        """By dimension; in files `gpu` is any accelerator."""
        told = {name: getattr(amounts, name) for name in BASIC}
        found = {name: value for name, value in told.items() if value is not None} | amounts.devices
        if self._of_cluster(one):
            return found
        if amounts.gpu_milli is not None:
            found[GPU] = amounts.gpu_milli
        if _NVIDIA in found:
            found[GPU] = found.pop(_NVIDIA) * 1000
        return found

    def _sums(
        self, there: Iterable[Workload], classes: Classes, dimensions: Sequence[str]
    ) -> dict[str, Mapping[str, int]]:
        """By id of a quota, what work of the fleet holds that counts for it."""
        needs: dict[str, list[Need]] = {}
        for work in there:
            waiting = self.waiting(work)
            for name in self.standing(work):
                needs.setdefault(name, []).extend(
                    classes.need(one.requests)
                    for one in work.members
                    if one.requests is not None
                    and one.phase not in ENDED
                    and (one.node is not None or name not in waiting)
                )
        return {name: Counter(counted(mine, dimensions)) for name, mine in needs.items()}


def _id(one: Stated) -> str:
    return f"{one.source}/{one.account}/{one.name}"


def _selects(one: Stated, work: Workload) -> bool:
    """Whether the scopes of a quota, as far as they are read, hold for the work."""
    if one.priority_classes and work.priority_class not in one.priority_classes:
        return False
    if one.best_effort is None:
        return True
    asked = [member.requests for member in work.members if member.requests is not None]
    return one.best_effort is not any(each.cpu_milli or each.memory_bytes for each in asked)
