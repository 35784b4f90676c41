"""Workloads of the demo fleet made from the table in work.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.demo.hardware import GIB, host
from dcctl.inventory.demo.work import DAEMONS, LIMIT_HOURS, PLAIN, QUEUED, SERVING, TRAINING, Job
from dcctl.inventory.model import Budget, Member, Node, Resources, Workload

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SOURCE = "kubernetes:demo"


def workloads(nodes: Mapping[str, Node], keys: Mapping[str, str], now_s: int) -> tuple[Workload, ...]:
    """All workloads in order of id. `nodes` tells what each node hands out, `keys` the template of each."""
    made = [_job(job, nodes, now_s) for job in (*TRAINING, *SERVING)]
    made += [_plain(*row, now_s=now_s) for row in PLAIN]
    made += [_daemon(name, cpu, mib, list(nodes), now_s) for name, cpu, mib in DAEMONS]
    made += [_queued(*row, now_s=now_s) for row in QUEUED]
    return tuple(sorted((_with_place(one, keys[one.id]) for one in made), key=lambda one: one.id))


def _with_place(work: Workload, template: str) -> Workload:
    """The work with its limit and with what its members need of a node."""
    hours = LIMIT_HOURS.get(work.id)
    return replace(
        work,
        members=tuple(replace(one, template=template) for one in work.members),
        duration_s=None if hours is None else hours * 3600,
    )


def uid(name: str) -> str:
    """The demo's stand-in for a pod's UID."""
    return f"demo-{name}"


def member_name(job: Job, position: int) -> str:
    """`llama-70b-0`."""
    return f"{job.id.split('/')[1]}-{position}"


def resource_of(node: Node) -> str:
    """The one accelerator resource that a demo node hands out."""
    return next(iter(node.capacity.devices)) if node.capacity is not None else ""


def _job(job: Job, nodes: Mapping[str, Node], now_s: int) -> Workload:
    started = now_s - job.hours * 3600
    members: list[Member] = []
    for number in job.where:
        name = host(job.prefix, number)
        wants = Resources(
            cpu_milli=job.cpus * job.each * 1000,
            memory_bytes=job.memory_gib * job.each * GIB,
            storage_bytes=0,
            pods=1,
            devices={resource_of(nodes[name]): job.each},
        )
        for _ in range(job.per_node):
            own = member_name(job, len(members))
            members.append(Member(own, name, "running", wants, uid=uid(own), started_at_s=started))
    return Workload(
        id=job.id,
        kind=job.kind,
        owner=job.owner,
        source=SOURCE,
        priority=job.priority,
        gang_min=len(members) if job.gang else None,
        members=tuple(members),
        budgets=_budgets(job, len(members)),
        started_at_s=started,
        preemptible=job.priority < 80,
    )


def _budgets(job: Job, members: int) -> tuple[Budget, ...]:
    if job.allowed is None:
        return ()
    name = job.id.split("/")[1]
    return (Budget(name, job.allowed, members - job.allowed, members, expected=members),)


def _plain(  # the columns of a row of work.PLAIN
    name: str,
    kind: str,
    owner: str,
    where: Sequence[int],
    cpu_milli: int,
    memory_gib: int,
    hours: int,
    *,
    now_s: int,
) -> Workload:
    wants = Resources(cpu_milli, memory_gib * GIB, 0, 1)
    started = now_s - hours * 3600
    short = name.split("/")[1]
    members = tuple(
        Member(
            f"{short}-{i}",
            host("gpu", number),
            "running",
            wants,
            uid=uid(f"{short}-{i}"),
            started_at_s=started,
        )
        for i, number in enumerate(where)
    )
    return Workload(name, kind, owner, SOURCE, members=members, started_at_s=started)


def _daemon(name: str, cpu_milli: int, memory_mib: int, nodes: list[str], now_s: int) -> Workload:
    wants = Resources(cpu_milli, memory_mib * 2**20, 0, 1)
    short = name.split("/")[1]
    members = tuple(
        Member(f"{short}-{node}", node, "running", wants, uid=uid(f"{short}-{node}")) for node in nodes
    )
    return Workload(name, "DaemonSet", "platform", SOURCE, members=members, started_at_s=now_s - 90 * 86_400)


def _queued(
    name: str, kind: str, owner: str, count: int, each: int, hours: int, priority: int, *, now_s: int
) -> Workload:
    wants = Resources(each * 24_000, each * 200 * GIB, 0, 1, {"nvidia.com/gpu": each})
    short = name.split("/")[1]
    members = tuple(
        Member(f"{short}-{i}", None, "pending", wants, uid=uid(f"{short}-{i}")) for i in range(count)
    )
    gang = count if kind != "Deployment" else None
    return Workload(
        name,
        kind,
        owner,
        SOURCE,
        priority=priority,
        gang_min=gang,
        members=members,
        started_at_s=now_s - hours * 3600,
    )
