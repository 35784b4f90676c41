"""Nodes: disks, memory, processors, processes, the board's controller, what maintenance left behind."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dcctl.audit.check import Fault, Unsure, check
from dcctl.audit.checks.nodes_common import (
    by_peers,
    days,
    in_container,
    like,
    majority,
    nodes_of,
    of_pool,
    on_no_board,
    peers_of,
    pools_of,
    unless_told,
)
from dcctl.audit.scene import COUNTED, DERIVED
from dcctl.inventory.evidence.base import Subject
from dcctl.inventory.evidence.hosts import SEL_EVENTS
from dcctl.inventory.model import Taint  # noqa: TC001  # msgspec reads it
from dcctl.units import memory as quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.hosts import Bmc, Drive, Host, HostFilesystem

_GRAVE = (
    "uncorrectable",
    "failure",
    "fault",
    "critical",
    "lost",
    "non-recoverable",
    "ierr",
    "thermal trip",
    "parity",
)
_BROKEN = (
    "failure detected",
    "redundancy lost",
    "non-redundant",
    "predictive failure",
    "power supply ac lost",
)


def _without_disks(host: Host, _scene: Scene) -> str:
    return "nodes without local disks" if (host.filesystems, host.drives) == ((), ()) else ""


@check(
    "NOD-18",
    "Disk is full, read-only or worn",
    "high",
    tier=("S", "R"),
    over="hosts",
    needs=("filesystems",),
    refs=("800-53:SI-4", "soc2:A1.1", "iso:A.8.6", "dcctl:health"),
    why="The kubelet evicts at 85 %, and a worn drive fails in the middle of a checkpoint.",
    fix="Free space (crictl rmi --prune, journalctl --vacuum-size=1G); drain the node and change the drive.",
    applies=_without_disks,
)
def disks(host: Host, scene: Scene) -> list[Fault]:
    """Space and inodes are within the limit, nothing was remounted read-only, and no drive complains."""
    policy = scene.policy.hosts
    faults = [
        fault for one in host.filesystems or () for fault in _of_filesystem(one, policy.disk_used_milli)
    ]
    faults += [fault for one in host.drives or () for fault in _of_drive(one, policy.wear_milli)]
    return unless_told(host, faults, *(() if host.virtual not in {None, "none"} else ("drives",)))


def _of_filesystem(one: HostFilesystem, limit_milli: int) -> Iterator[Fault]:
    if one.read_only and not one.meant_read_only:
        yield Fault(f"{one.path} is read-only, which nobody asked for", f"read-only {one.path}", "critical")
    if one.read_only:
        return
    for what, whole, free in (
        ("space", one.size_bytes, one.free_bytes),
        ("inodes", one.inodes, one.inodes_free),
    ):
        if whole and free is not None and 1000 * (whole - free) > limit_milli * whole:
            yield Fault(
                f"{one.path}: {100 * (whole - free) // whole} % of {what} in use", f"{what} {one.path}"
            )


def _of_drive(one: Drive, limit_milli: int) -> Iterator[Fault]:
    if one.passed is False:
        yield Fault(f"{one.name} says that it is failing", f"smart {one.name}", "critical")
    if one.critical_warning:
        yield Fault(
            f"{one.name}: critical warning 0x{one.critical_warning:02x}", f"warning {one.name}", "critical"
        )
    if one.used_milli is not None and one.used_milli > limit_milli:
        yield Fault(f"{one.name}: {one.used_milli // 10} % worn", f"wear {one.name}")


@check(
    "NOD-19",
    "Memory is short or faulty, or swapped out",
    "high",
    tier="S",
    over="hosts",
    needs=("memory",),
    refs=("800-53:SI-4", "soc2:A1.1", "iso:A.8.6", "dcctl:health"),
    why="A module that dropped out, or that loses bits, slows or stops the whole job; swap hides both.",
    fix="Look at ipmitool sel elist and dmidecode -t memory, change the module; swapoff -a and fstab.",
    applies=in_container,
)
def memory(host: Host, scene: Scene) -> list[Fault]:
    """It has what most of its like have, no uncorrected errors since it was started, and no swap."""
    told, policy = host.memory, scene.policy.hosts
    if told is None:
        return []
    faults, usual = [], scene.once(_usual_memory).get(scene.once(peers_of).get(host.node, ""))
    short = usual is not None and told.total_bytes is not None
    if short and 1000 * (usual - told.total_bytes) > policy.memory_short_milli * usual:  # type: ignore[operator]
        says = f"{quantity(told.total_bytes or 0)} of {quantity(usual or 0)} that most of its like have"
        faults.append(Fault(says, "size"))
    if told.uncorrected:
        faults.append(
            Fault(f"{told.uncorrected} uncorrected memory errors since it was started", "uncorrected")
        )
    if told.swaps and not policy.swap:
        faults.append(Fault(f"swap is on: {', '.join(told.swaps)}", "swap", "medium"))
    if faults:
        return faults
    if told.swaps is None or told.total_bytes is None:
        raise Unsure("nobody told swap or the size of memory")
    if told.uncorrected is None and host.virtual in {None, "none"}:
        raise Unsure("no driver counts memory errors (EDAC)")
    return []


def _usual_memory(scene: Scene) -> dict[str, int]:
    """Return by group of peers the upper median of memory; one of fewer than 3 has none."""
    told = by_peers(
        scene, lambda host: str(host.memory.total_bytes) if host.memory and host.memory.total_bytes else None
    )
    return {pool: sorted(map(int, sizes))[len(sizes) // 2] for pool, sizes in told.items() if len(sizes) > 2}


def _nothing_to_hold_against(host: Host, scene: Scene) -> str:
    if host.container or host.tuning is None or _wanted(host, scene) is not None:
        return in_container(host, scene)
    return "pools that are too small, or too mixed, to have a usual value"


@check(
    "NOD-20",
    "Processor or memory is set up unlike its pool",
    "low",
    tier="S",
    over="hosts",
    needs=("tuning",),
    refs=("800-53:CM-6(a)", "iso:A.8.9", "dcctl:drift"),
    why="A collective runs at the pace of the slowest: one node in powersave, or on hpet, holds up all.",
    fix="cpupower frequency-set -g performance; clocksource, iommu and hugepages on the kernel's line.",
    applies=_nothing_to_hold_against,
)
def tuning(host: Host, scene: Scene) -> Iterator[Fault]:
    """Each value is the site's for the pool, else that of more than three quarters of its like."""
    wanted = _wanted(host, scene) or {}
    for name, value in sorted((host.tuning or {}).items()):
        if name in wanted and value != wanted[name]:
            yield Fault(f"{name} is {value}, not {wanted[name]}", name)


def _wanted(host: Host, scene: Scene) -> dict[str, str] | None:
    pool = scene.once(pools_of).get(host.node, "")
    said = of_pool(scene.policy.hosts.tuning, pool)
    return scene.once(_usual_tuning).get(scene.once(peers_of).get(host.node, "")) if said is None else said


def _tuned(name: str, host: Host) -> str | None:
    return (host.tuning or {}).get(name)


def _usual_tuning(scene: Scene) -> dict[str, dict[str, str]]:
    """Return by group of peers the values that more than three quarters have."""
    names = sorted({name for host in scene.evidence.hosts or () for name in host.tuning or ()})
    found: dict[str, dict[str, str]] = {}
    for name in names:
        for pool, values in by_peers(scene, partial(_tuned, name)).items():
            usual = majority(values)
            if usual is not None:
                found.setdefault(pool, {})[name] = usual
    return found


@check(
    "NOD-21",
    "Processes that are dead or hang, or that hold a board for nobody",
    "medium",
    tier=("S", "N"),
    over="hosts",
    needs=("stuck",),
    refs=("800-53:SI-4", "dcctl:health"),
    why="A process that waits for I/O for ever cannot be killed; one of no job keeps a board from others.",
    fix="Look at /proc/PID/stack and what it waits for; kill an orphan, else drain and restart the node.",
    applies=in_container,
)
def processes(host: Host, scene: Scene) -> Iterator[Fault]:
    """Nothing is dead or waits for longer than the limit, and each process on a board has a pod or a job."""
    counts: dict[tuple[str, str], int] = {}
    for one in host.stuck or ():
        if one.age_s > scene.policy.hosts.stuck_age_s:
            counts[one.state, one.name] = counts.get((one.state, one.name), 0) + 1
    for (state, name), count in sorted(counts.items()):
        says = (
            "dead, and nobody fetches their status" if state == "Z" else "waiting for I/O that does not come"
        )
        yield Fault(f"{count} × {name}: {says}", f"{state} {name}", None if state == "D" else "low")
    for name in _orphans(host, scene):
        yield Fault(f"{name} uses a board and belongs to no pod and no job", f"orphan {name}")


def _orphans(host: Host, scene: Scene) -> list[str]:
    """Return names of processes on boards of a scheduler's node that it did not put there."""
    node = scene.once(nodes_of).get(host.node)
    if node is None or node.ready is None:
        return []
    found = [process for board in node.accelerators or () for process in board.processes or ()]
    return sorted({one.name or "a process" for one in found if not one.pod_uid and not one.job_id})


def _no_controller(host: Host, scene: Scene) -> str:
    why = on_no_board(host, scene)
    if why or host.bmc is None or host.bmc.sensors or host.bmc.events is None:
        return why
    before = scene.before(host.key, SEL_EVENTS)
    return "" if before is not None else "controllers without sensors, of which nothing was counted before"


@check(
    "NOD-22",
    "The board's controller reports a fault",
    "high",
    tier="R",
    over="hosts",
    needs=("bmc",),
    refs=("800-53:SI-4", "soc2:A1.2", "iso:A.7.11", "dcctl:health"),
    why="A second power supply that failed is noticed when the first one does.",
    fix="ipmitool sel elist; ipmitool sdr elist; change the part, then ipmitool sel clear.",
    applies=_no_controller,
)
def controller(host: Host, scene: Scene) -> list[Fault]:
    """No grave event since the last run, and no sensor of something broken or beyond its limit."""
    told = host.bmc
    if told is None:
        return []
    faults = [*_new_events(host, told, scene), *_broken(told)]
    if not faults and told.sensors is None:
        raise Unsure("the controller told no sensors")
    return faults


def _new_events(host: Host, told: Bmc, scene: Scene) -> Iterator[Fault]:
    if told.events is None:
        return
    new = scene.grew(host, SEL_EVENTS, len(told.events)) or 0
    seen: set[str] = set()
    for one in told.events[len(told.events) - new :]:
        where = f"event {one.sensor}"
        if one.asserted and where not in seen and any(word in one.event.lower() for word in _GRAVE):
            seen.add(where)
            yield Fault(f"{one.at}: {one.sensor}: {one.event}", where)


def _broken(told: Bmc) -> Iterator[Fault]:
    for one in told.sensors or ():
        if one.state in {"cr", "nr"}:
            yield Fault(f"{one.name} is beyond its limit: {one.reading}", f"sensor {one.name}")
        elif any(word in one.reading.lower() for word in _BROKEN):
            yield Fault(f"{one.name}: {one.reading}", f"sensor {one.name}")


class FleetNode(Subject, frozen=True, kw_only=True):
    """A node as its scheduler sees it."""

    name: str
    ready: bool | None = None
    schedulable: bool | None = None
    state: str = ""
    taints: tuple[Taint, ...] = ()

    @property
    def key(self) -> str:
        """Its name."""
        return self.name

    @property
    def stands_on(self) -> tuple[str, ...]:
        """Itself."""
        return (self.name,)


def fleet_nodes(scene: Scene) -> list[FleetNode]:
    """Return the nodes of the fleet."""
    return [
        FleetNode(
            name=one.name,
            ready=one.ready,
            schedulable=one.schedulable,
            state=one.state or "",
            taints=one.taints,
        )
        for one in scene.evidence.fleet.nodes
    ]


DERIVED["fleet_nodes"] = fleet_nodes


def _of_no_scheduler(node: FleetNode, _scene: Scene) -> str:
    known = node.ready is not None or node.schedulable is not None or node.state
    return "" if known else "nodes that no scheduler knows"


@check(
    "NOD-23",
    "Node is not ready, or maintenance was never ended",
    "medium",
    tier="A",
    over="fleet_nodes",
    needs=("ready",),
    refs=("800-53:CP-2", "dcctl:health"),
    why="Boards that nobody may use cost as much as the others; a forgotten taint is found by chance.",
    fix="kubectl describe node NODE; once it is well: kubectl uncordon NODE, kubectl taint nodes NODE KEY-.",
    applies=_of_no_scheduler,
)
def left_behind(node: FleetNode, scene: Scene) -> list[Fault]:
    """It is ready, and no taint of maintenance is older than the limit."""
    faults = [] if node.ready else [Fault(f"the node is {node.state or 'not ready'}", "ready", "high")]
    unsure = ""
    for one in node.taints:
        if not like(one.key, scene.policy.hosts.maintenance_taints):
            continue
        since_s = scene.before(_taints(node), one.key)
        if since_s is None:
            unsure = unsure or f"nobody saw the taint {one.key} before: since when it is there is not known"
        elif scene.now_s - since_s > scene.policy.hosts.maintenance_age_s:
            faults.append(
                Fault(f"{one.key} is there for {days(scene.now_s - since_s)} days", f"taint {one.key}")
            )
    if unsure and not faults:
        raise Unsure(unsure)
    return faults


def taints_since(scene: Scene) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield, for the counters of this run, since when each taint was seen: in the last run, else now."""
    for node in fleet_nodes(scene):
        if node.taints or node.ready is not None:
            yield _taints(node), scene.since(_taints(node), (one.key for one in node.taints))


def _taints(node: FleetNode) -> str:
    return f"{node.key} taint"


COUNTED.append(taints_since)
