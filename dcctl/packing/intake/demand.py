"""Work as jobs of interned classes: what waits, and what stands on the nodes already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.kinds import SCHEDULERS, kind_of
from dcctl.inventory.model import ENDED
from dcctl.inventory.occupancy.resources import is_accelerator, is_batch
from dcctl.inventory.placement import BARE
from dcctl.inventory.vendors import device
from dcctl.packing.mig import WHOLE_BOARD
from dcctl.packing.problem import Allowance, Held, ItemClass, Job, Need, Running, Task

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from dcctl.inventory.model import Member, Resources, Template, Workload
    from dcctl.packing.intake.limits import Limits


def whole_devices(resources: Resources) -> dict[str, int]:
    """What of a request is handed out as whole devices (or shares of equal size), the most first."""
    found = {name: count for name, count in resources.devices.items() if count > 0 and _is_whole(name)}
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _is_whole(resource: str) -> bool:
    known = device(resource)
    if known is None:
        return is_accelerator(resource)
    return known.kind in ("whole", "shared")


def resources_asked(workloads: Iterable[Workload]) -> tuple[str, ...]:
    """Names of all resources that some member asks for by a name of their own, in order."""
    names: set[str] = set()
    for workload in workloads:
        for member in workload.members:
            if member.requests is not None and member.requests.devices:
                names.update(name for name, count in member.requests.devices.items() if count > 0)
    return tuple(sorted(name for name in names if not is_batch(name)))


class Classes:
    """Equal items become one class. Positions are in the order in which they were first met."""

    def __init__(
        self,
        resources: Sequence[str],
        templates: Mapping[str, Template],
        kinds: Mapping[str, str],
    ) -> None:
        """`resources`: the named dimensions of the space; `kinds` of sources are those of `kinds_of`."""
        self._resources, self._templates, self._kinds = resources, templates, kinds
        self._by_request: dict[Hashable, int] = {}
        self.all: list[ItemClass] = []

    def cluster(self, workload: Workload) -> str:
        """The scheduler that has the work: it stands on that one's nodes alone. Empty: none has it."""
        source = workload.source or ""
        return source if kind_of(source, self._kinds) in SCHEDULERS else ""

    def of(self, member: Member, cluster: str = "") -> int:
        """The class of a member whose requests are known."""
        asked = member.requests
        if asked is None:
            raise ValueError(member.name)
        basic = (asked.cpu_milli, asked.memory_bytes, asked.storage_bytes, asked.pods)
        rare = (asked.gpu_milli, asked.gpu_memory_bytes, asked.bandwidth_bps, asked.power_mw)
        key = (basic, rare, tuple(asked.devices.items()), member.template, cluster)
        found = self._by_request.get(key)
        if found is None:
            template = self._templates.get(member.template or "", BARE)
            found = self._by_request[key] = self.intern(
                ItemClass(self.need(asked, template), template, cluster)
            )
        return found

    def intern(self, one: ItemClass) -> int:
        """The position of a class."""
        key = (one.need, id(one.template), one.cluster)  # a template is one object of the fleet
        found = self._by_request.get(key)
        if found is None:
            found = self._by_request[key] = len(self.all)
            self.all.append(one)
        return found

    def need(self, asked: Resources, template: Template = BARE) -> Need:
        """How much a member asks for."""
        whole = whole_devices(asked)
        share = asked.gpu_milli or (1 if asked.gpu_memory_bytes else 0)
        resource, count = next(iter(whole.items()), ("", 0))
        if share and not count:
            resource = WHOLE_BOARD  # `gpu: 0.25` is a part of what `gpu: 1` is
        named = (asked.devices.get(name, 0) for name in self._resources)
        return Need(
            amounts=(
                asked.cpu_milli or 0,
                asked.memory_bytes or 0,
                asked.storage_bytes or 0,
                1 if asked.pods is None else asked.pods,
                asked.bandwidth_bps or 0,
                asked.power_mw or 0,
                *named,
            ),
            devices=count,
            share_milli=0 if count else share,
            device_memory_bytes=asked.gpu_memory_bytes or 0,
            resource="" if is_batch(resource) else resource,
            models=template.models,
        )


def jobs_of(
    workloads: Iterable[Workload], classes: Classes, positions: Mapping[str, int], limits: Limits
) -> tuple[Job, ...]:
    """What waits, in the given order: members that have no node yet and whose requests are known.

    `positions`: of bins, by name.
    """
    found = []
    for workload in workloads:
        waiting = [one for one in workload.members if _waits(one) and one.requests is not None]
        if waiting:
            found.append(_job(workload, waiting, classes, positions, limits))
    return tuple(found)


def unreadable(workloads: Iterable[Workload]) -> tuple[tuple[str, str], ...]:
    """(workload, member) of what waits and asks for nobody knows what: it cannot be planned."""
    return tuple(
        (workload.id, one.name)
        for workload in workloads
        for one in workload.members
        if _waits(one) and one.requests is None
    )


def _waits(member: Member) -> bool:
    return member.node is None and member.phase == "pending"


def _job(
    workload: Workload,
    waiting: list[Member],
    classes: Classes,
    positions: Mapping[str, int],
    limits: Limits,
) -> Job:
    tasks: dict[int, list[str]] = {}
    cluster = classes.cluster(workload)
    for member in waiting:
        tasks.setdefault(classes.of(member, cluster), []).append(member.name)
    running = [one.node for one in workload.members if one.node is not None and one.phase not in ENDED]
    return Job(
        id=workload.id,
        tasks=tuple(Task(of, tuple(names)) for of, names in tasks.items()),
        minimum=max(0, (workload.gang_min or 0) - len(running)),
        within=workload.within,
        priority=workload.priority or 0,
        preemptible=bool(workload.preemptible),
        owner=workload.owner or "",
        quotas=limits.waiting(workload),
        duration_s=workload.duration_s,
        deadline_s=workload.deadline_s,
        earliest_s=workload.earliest_s,
        after=workload.after,
        data=workload.data,
        homes=tuple(sorted({positions[name] for name in running if name in positions})),
    )


def held_by(
    workloads: Iterable[Workload], positions: Mapping[str, int], classes: Classes, limits: Limits
) -> tuple[list[Held], dict[str, Running]]:
    """Members that stand on a node of the problem and have not ended, and what is known of their jobs.

    `positions`: of bins, by name.
    """
    found, running = [], {}
    for workload in workloads:
        cluster = classes.cluster(workload)
        for member in workload.members:
            at = positions.get(member.node or "")
            if at is not None and member.phase not in ENDED and member.requests is not None:
                found.append(Held(workload.id, member.name, at, classes.of(member, cluster)))
                if workload.id not in running:
                    running[workload.id] = _running(workload, limits)
    return found, running


def _running(workload: Workload, limits: Limits) -> Running:
    lasts, started = workload.duration_s, workload.started_at_s
    return Running(
        minimum=workload.gang_min or 0,
        within=workload.within,
        priority=workload.priority or 0,
        preemptible=bool(workload.preemptible),
        spared=workload.preemptible is False,
        owner=workload.owner or "",
        quotas=limits.standing(workload),
        ends_s=None if started is None or lasts is None else started + lasts,
        duration_s=lasts,
        deadline_s=workload.deadline_s,
        data=workload.data,
        fixed=workload.kind in _FIXED,
        made_anew=workload.kind != "Pod",
        budgets=_budgets(workload),
    )


def _budgets(workload: Workload) -> tuple[Allowance, ...]:
    """Under names that tell their namespace, where that is not a part of them already."""
    namespace, slash, _ = workload.id.partition("/")
    return tuple(
        Allowance(
            f"{namespace}/{one.name}" if slash and "/" not in one.name else one.name,
            one.allowed,
            workload.source or "",
        )
        for one in workload.budgets
    )


_FIXED = ("DaemonSet", "Node")
"""Kinds of work that belong to their node: Node owns the mirrors of static pods."""
