"""Nodes with accelerators: what counts them, runs them, and logged of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.audit.check import Fault, Unsure, check, told
from dcctl.audit.facts.pools import profile_of
from dcctl.audit.facts.xids import BY_THE_USER, FATAL, OFF_THE_BUS
from dcctl.audit.scene import COUNTED
from dcctl.units import count, duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.boards import Diagnostic, GpuNode, Service

VIEWS = {"pci": "on the PCI bus", "nvml": "by the driver", "kubernetes": "in Kubernetes"}
FABRIC_MANAGER, IMEX = "nvidia-fabricmanager", "nvidia-imex"
_COMPLETED = "completed"


@check(
    "GPU-01",
    "Boards are missing, too many, of another model, or do not answer",
    "critical",
    tier=("N", "S", "A"),
    over="gpu_nodes",
    needs=("counts",),
    refs=("dcctl:gpu-count", "gcm:gpu_num", "nvsentinel:684"),
    why="A scheduler that counts on a board which is gone, or hangs, loses every job that it places there.",
    fix="Drain the node; look at dmesg for XIDs; reset or reseat the board, and reboot.",
)
def counted(node: GpuNode, scene: Scene) -> Iterator[Fault]:
    """The bus, the driver, Kubernetes and the profile count the same boards, and each of them answers."""
    found = list(_miscounted(node, scene))
    found += [Fault(f"{name}: {why}", name) for name, why in (node.unanswered or {}).items()]
    yield from found
    if not found and len(told(node.counts)) < len(VIEWS) - 1:
        raise Unsure("only one view counts the boards: there is nothing to compare it with")
    if not found and node.vendor == "nvidia" and node.unanswered is None:
        raise Unsure("nobody asked the boards themselves")


def _miscounted(node: GpuNode, scene: Scene) -> Iterator[Fault]:
    counts, profile = told(node.counts), profile_of(scene, node.node)
    if len(set(counts.values())) > 1:
        yield Fault(
            ", ".join(f"{number} {VIEWS.get(name, name)}" for name, number in counts.items()), "count"
        )
    elif profile.boards is not None and counts and profile.boards not in counts.values():
        yield Fault(f"{set(counts.values()).pop()} boards, the profile has {profile.boards}", "profile")
    if profile.model is not None and not (node.model or profile.model).startswith(profile.model):
        yield Fault(f"{node.model}, the profile has {profile.model}", "model")


def _logs(node: GpuNode, _: Scene) -> str:
    return "" if node.vendor == "nvidia" else f"boards of {node.vendor}, whose driver logs no XID"


def logs_read(scene: Scene) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield, for the counters of this run, how many XIDs each node's log has."""
    for node in scene.evidence.gpu_nodes or ():
        if node.xids is not None:
            yield _log(node), {"xids": len(node.xids)}


COUNTED.append(logs_read)


def _log(node: GpuNode) -> str:
    return f"{node.object} log"


def _since_s(node: GpuNode, scene: Scene) -> int:
    """When the log of a node was last read; of one that never was, the begin of the look-back."""
    read_s = scene.read_at_s(_log(node))
    return scene.now_s - scene.policy.gpu.xid_look_back_s if read_s is None else read_s


@check(
    "GPU-06",
    "Fatal XIDs since the last run",
    "critical",
    tier=("R", "P"),
    over="gpu_nodes",
    needs=("xids",),
    refs=("dcctl:xid", "nvidia:xid-catalog", "aznhc:xid"),
    why="The driver says that the board, its memory or its links failed: work on it is lost or wrong.",
    fix="Drain the node; reset the board or reboot, then run dcgmi diag -r 3 before it takes work again.",
    applies=_logs,
)
def fatal_xids(node: GpuNode, scene: Scene) -> Iterator[Fault]:
    """The log has no fatal XID, and none that is not known; what programs do to themselves is not counted."""
    since_s = _since_s(node, scene)
    for one in told(node.xids):
        if one.at_s is not None and one.at_s <= since_s:
            continue
        kind = "sxid" if one.source == "switch" else "xid"
        where = f"{node.names.get(one.slot, one.slot)} {kind} {one.number}".strip()
        times = f", {count(one.times)} times" if one.times > 1 else ""
        if one.source == "switch":
            if one.fatal:
                yield Fault(f"switch {one.slot}: SXID {one.number}, fatal{times}", where)
        elif one.number in FATAL:
            yield Fault(f"XID {one.number}: {FATAL[one.number]}{times}", where)
        elif one.number not in BY_THE_USER:
            yield Fault(f"XID {one.number}{times}", where, "low")


@check(
    "GPU-07",
    "Fell off the bus without an XID",
    "critical",
    tier="R",
    over="gpu_nodes",
    needs=("fallen", "xids"),
    refs=("dcctl:off-the-bus", "nvsentinel:155"),
    why="Tools that look for XIDs alone never hear of a board that was gone when the driver came up.",
    fix="Power-cycle the node; reseat the board; when it stays away, have it replaced.",
    applies=_logs,
)
def fallen(node: GpuNode, _: Scene) -> Iterator[Fault]:
    """The log of this boot does not say that a board fell off the bus, but for those with XID 79."""
    logged = {one.slot for one in told(node.xids) if one.number == OFF_THE_BUS}
    for one in told(node.fallen):
        if one.slot not in logged:
            name = node.names.get(one.slot, one.slot)
            yield Fault(f"{one.slot} has fallen off the bus, and no XID says so", name)


def _no_fabric(node: GpuNode, _: Scene) -> str:
    """Why it has no fabric of NVSwitches; unknown things keep it in."""
    if node.vendor != "nvidia":
        return f"boards of {node.vendor}, which have no NVSwitch"
    if node.switches == 0 and not node.fabric_states and not node.multi_node:
        return "nodes without NVSwitch"
    return ""


@check(
    "GPU-14",
    "Fabric manager is not running, or boards have not joined the fabric",
    "critical",
    tier=("S", "N"),
    over="gpu_nodes",
    needs=("services", "switches", "fabric_states"),
    refs=("dcctl:fabric", "nvsentinel:883", "nvsentinel:889", "gpud:1106"),
    why="Without it no job starts that uses more than one board, while every board alone looks healthy.",
    fix="systemctl restart nvidia-fabricmanager; reset the boards; drain the node when it does not come up.",
    applies=_no_fabric,
)
def fabric_ready(node: GpuNode, scene: Scene) -> Iterator[Fault]:
    """The fabric manager runs where there are switches, each board has joined, and IMEX runs across nodes."""
    services, states = told(node.services), told(node.fabric_states)
    bad = {word: number for word, number in states.items() if word != _COMPLETED}
    if node.switches and (why := _not_running(services, FABRIC_MANAGER, scene.now_s)):
        yield Fault(f"fabric manager {why}" + ("" if bad else "; every GPU alone looks healthy"), "manager")
    for word, number in bad.items():
        yield Fault(f"fabric {word.replace('_', ' ')} on {number} of {sum(states.values())} boards", word)
    if node.switches and not states:
        yield Fault("no board tells of the fabric although there are switches", "untold")
    if node.multi_node and (why := _not_running(services, IMEX, scene.now_s)):
        yield Fault(f"IMEX {why}, and NVLink spans nodes", "imex", "high")


def _not_running(services: Mapping[str, Service], name: str, now_s: int) -> str:
    """Say what is the matter with a service; empty: it runs."""
    unit = services.get(name)
    if unit is None or unit.load == "not-found":
        return "is not installed"
    if unit.active == "active":
        return ""
    word = {"inactive": "stopped"}.get(unit.active, unit.active)
    return word if unit.since_s is None else f"{word} {duration(now_s - unit.since_s)} ago"


def _no_rdma(node: GpuNode, _: Scene) -> str:
    if node.vendor != "nvidia":
        return f"boards of {node.vendor}, which reach NICs in another way"
    return "nodes without InfiniBand or RoCE" if node.rdma is False else ""


@check(
    "GPU-19",
    "GPUDirect RDMA is not ready",
    "medium",
    tier=("S", "R"),
    over="gpu_nodes",
    needs=("modules", "rdma"),
    refs=("dcctl:gpudirect", "imbue:gdr"),
    why="Every byte to another node goes through memory of the host: half the bandwidth, without an error.",
    fix="modprobe nvidia_peermem, or a driver with dma-buf; switch ACS off on the bridges of bare metal.",
    applies=_no_rdma,
)
def gpudirect(node: GpuNode, scene: Scene) -> Iterator[Fault]:
    """The modules are loaded, or dma-buf is there, and no bridge sends peer traffic up to the root."""
    profile, loaded = profile_of(scene, node.node), told(node.modules)
    found = [Fault(f"{name} is not loaded", name) for name in profile.modules or () if name not in loaded]
    if profile.modules is None and "nvidia_peermem" not in loaded and not node.dma_buf:
        found.append(Fault("neither nvidia_peermem nor dma-buf", "peer memory"))
    bridges = () if profile.acs_redirect else node.acs_redirects
    if bridges:
        found.append(Fault(f"ACS sends peer traffic of {count(len(bridges))} bridges to the root", "acs"))
    yield from found
    if not found and bridges is None:
        raise Unsure("the ACS of PCI bridges was not told: it needs root")


def _diagnosable(node: GpuNode, _: Scene) -> str:
    return "" if node.vendor == "nvidia" else f"boards of {node.vendor}, which dcgmi does not know"


@check(
    "GPU-20",
    "Last active diagnostic is too old, or failed",
    "medium",
    tier="L",
    over="gpu_nodes",
    needs=("diagnostics",),
    refs=("dcctl:diagnostic", "nvidia:dcgm-diag"),
    why="Counters tell of faults that happened; a test under load finds the board that will fail next.",
    fix="Drain the node, run dcgmi diag -r 3 -j, and keep its output among the records.",
    applies=_diagnosable,
)
def diagnosed(node: GpuNode, scene: Scene) -> Iterator[Fault]:
    """The newest records of level 2 and 3 passed and are not too old; the audit never runs one itself."""
    records = sorted(told(node.diagnostics), key=lambda one: one.at_s)
    for level, age_s in ((2, scene.policy.gpu.diagnostic_r2_s), (3, scene.policy.gpu.diagnostic_r3_s)):
        newest = next((one for one in reversed(records) if one.level >= level), None)
        why = _stale(newest, level, scene.now_s, age_s)
        if why:
            yield Fault(why, f"r{level}")
    if records and not records[-1].passed:
        failed = ", ".join(records[-1].failed)
        yield Fault(f"level {records[-1].level} failed" + (f": {failed}" if failed else ""), "failed")


def _stale(newest: Diagnostic | None, level: int, now_s: int, age_s: int) -> str:
    if newest is None:
        return f"no record of level {level}"
    age = now_s - newest.at_s
    return f"level {level} was {duration(age)} ago" if age > age_s else ""
