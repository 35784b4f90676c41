"""Stands in for classify.py until it is there."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from dcctl.drain.campaign import Finding, Leave, Stay, Unit

if TYPE_CHECKING:
    from dcctl.drain.request import Done, Request
    from dcctl.inventory.model import Fleet, Workload


class Sorted(NamedTuple):
    units: tuple[Unit, ...]
    every: dict[str, int]
    works: dict[str, Workload]
    stays: tuple[Stay, ...]
    findings: tuple[Finding, ...]


def classify(fleet: Fleet, request: Request, done: Done, now_s: int) -> Sorted:
    targets = set(request.nodes) - set(done.nodes)
    found: dict[str, list[Leave]] = defaultdict(list)
    works = {work.id: work for work in fleet.workloads}
    stays = []
    for work in fleet.workloads:
        for one in work.members:
            if one.node in targets and one.phase == "running":
                namespace = work.id.partition("/")[0]
                pod = f"{namespace}/{one.name}"
                if work.kind == "DaemonSet":
                    stays.append(Stay(pod, one.node, "daemonset"))
                    continue
                gpus = sum(one.requests.devices.values()) if one.requests else 0
                budgets = tuple(each.name for each in work.budgets)
                found[work.id].append(Leave(pod, one.node, one.uid, gpu_milli=gpus * 1000, budgets=budgets))
    units = []
    for name, leaves in found.items():
        work = works[name]
        gang = (work.gang_min or 1) > 1
        gpus = sum(
            sum(one.requests.devices.values()) * 1000
            for one in work.members
            if one.requests and (gang or one.node in targets)
        )
        serves = work.kind in ("Deployment", "StatefulSet")
        units.append(Unit(name, work.kind, tuple(leaves), gang, len(leaves), gpus, restarts=int(not serves)))
    return Sorted(tuple(units), {}, works, tuple(stays), ())
