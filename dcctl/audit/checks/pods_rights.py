"""Pods: what their containers may do that a process of an ordinary user may not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from dcctl.audit.check import Fault, Severity, check
from dcctl.audit.facts.exempt import containers, known_for, once
from dcctl.audit.facts.parameters import KUBELET, PARAMETERS, judged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.components import Component
    from dcctl.inventory.evidence.pods import Container, Shape, Work

_ALL: Final = "ALL"
_RAW: Final = "NET_RAW"
_BASELINE: Final = frozenset(
    (
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE",
        "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    )
)  # fmt: skip
"""What the baseline standard lets a pod add."""
_LESSER: Final[dict[str, Severity]] = {"IPC_LOCK": "info", "SYS_NICE": "low", _RAW: "medium"}
"""Less grave: RDMA locks its memory, and work on several NUMA nodes sets where its memory is."""
_SAFE: Final = frozenset(
    (
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range", "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_notsent_lowat", "net.ipv4.tcp_rmem", "net.ipv4.tcp_slow_start_after_idle",
        "net.ipv4.tcp_syncookies", "net.ipv4.tcp_wmem",
    )
)  # fmt: skip
"""Parameters that are of the pod's own namespace and do no harm to others."""
_CONFINED: Final = ("RuntimeDefault", "Localhost")
_SECCOMP: Final = next(one for one in PARAMETERS["KUB-04"] if one.path == "seccompDefault")
_WINDOWS: Final = "pods of Windows, which has no such thing"


def capability(name: str) -> str:
    """Return a capability as the kernel's headers have it, without CAP_."""
    return name.upper().removeprefix("CAP_")


def _of_linux(name: str) -> Callable[[Work, Scene], str]:
    """Why a check of Linux does not ask about a workload."""
    known = known_for(name)

    def applies(work: Work, scene: Scene) -> str:
        if work.shapes and all(shape.windows for shape in work.shapes):
            return _WINDOWS
        return known(work, scene)

    return applies


def _linux(work: Work, name: str, scene: Scene) -> Iterable[tuple[Shape, Container]]:
    return ((shape, one) for shape, one in containers(work, name, scene) if not shape.windows)


@check(
    "POD-01",
    "A container is privileged",
    "critical",
    tier="A",
    over="workloads",
    needs=("shapes",),
    refs=("cis-1.12:5.2.2", "nsa:C-0057", "800-53:AC-6(1)", "soc2:CC6.1", "iso:A.8.2", "mlps:8.1.4.2"),
    why="It is root on its node in all but name: it sees every device, every file and every other pod.",
    fix="Take privileged away; ask for the device (nvidia.com/gpu, rdma/hca) or add the one capability.",
    applies=known_for("POD-01"),
)
@once
def privileged(work: Work, scene: Scene) -> Iterator[Fault]:
    """No container is privileged: none of those that run first, and none that somebody put in later."""
    for _, one in containers(work, "POD-01", scene):
        if one.privileged:
            yield Fault(f"{one.name} is privileged", one.name)


@check(
    "POD-05",
    "A process can gain more rights than its parent",
    "medium",
    tier="A",
    over="workloads",
    needs=("shapes",),
    refs=("cis-1.12:5.2.6", "nsa:C-0016", "800-53:AC-6", "soc2:CC6.1", "iso:A.8.2"),
    why="A program with the set-uid bit, or a flaw in one, makes root of any user of the container.",
    fix="Set allowPrivilegeEscalation: false in the securityContext of each container.",
    applies=_of_linux("POD-05"),
)
@once
def escalation(work: Work, scene: Scene) -> Iterator[Fault]:
    """Every container says allowPrivilegeEscalation: false; silence means true."""
    for _, one in _linux(work, "POD-05", scene):
        if one.escalates is not False or one.privileged:
            yield Fault(f"{one.name} does not say allowPrivilegeEscalation: false", one.name)


@check(
    "POD-06",
    "A container may run as root",
    "medium",
    tier="A",
    over="workloads",
    needs=("shapes",),
    refs=("cis-1.12:5.2.7", "nsa:C-0013", "800-53:AC-6(2)", "soc2:CC6.1", "iso:A.8.2"),
    why="Whoever breaks out of it is root on the node, and its files on shared storage are root's.",
    fix="Set runAsNonRoot: true and a runAsUser above 0, in the pod or in each container.",
    applies=_of_linux("POD-06"),
)
@once
def root(work: Work, scene: Scene) -> Iterator[Fault]:
    """A user above 0, or runAsNonRoot; the container overrides its pod. Or users of the pod's own."""
    for shape, one in _linux(work, "POD-06", scene):
        user = shape.user if one.user is None else one.user
        non_root = shape.non_root if one.non_root is None else one.non_root
        if shape.host_users is False:
            continue
        if user == 0:
            yield Fault(f"{one.name} runs as user 0", one.name)
        elif user is None and not non_root:
            yield Fault(f"{one.name} runs as whom its image says, which may be root", one.name)


def _keeps_raw(one: Container) -> bool:
    """Adds come before drops, but ALL before the others: so does every runtime."""
    if one.privileged:
        return True
    adds, drops = set(map(capability, one.adds)), set(map(capability, one.drops))
    return _RAW not in drops and (_ALL not in drops or _RAW in adds)


@check(
    "POD-07",
    "A container can forge packets (NET_RAW)",
    "low",
    tier="A",
    over="workloads",
    needs=("shapes",),
    refs=("cis-1.12:5.2.8", "800-53:CM-7", "soc2:CC6.1", "iso:A.8.9"),
    why="With raw sockets one pod answers in the name of another: DNS and ARP on the same node.",
    fix="Drop ALL in capabilities, and add what is needed by name.",
    applies=_of_linux("POD-07"),
)
@once
def raw(work: Work, scene: Scene) -> Iterator[Fault]:
    """Every container drops NET_RAW, or ALL without adding it again."""
    for _, one in _linux(work, "POD-07", scene):
        if _keeps_raw(one):
            yield Fault(f"{one.name} keeps NET_RAW", one.name)


@check(
    "POD-08",
    "A container is given a dangerous capability",
    "high",
    tier="A",
    over="workloads",
    needs=("shapes",),
    refs=("cis-1.12:5.2.9", "nsa:C-0046", "800-53:AC-6(1)", "soc2:CC6.1", "iso:A.8.2"),
    why="SYS_ADMIN, SYS_PTRACE, SYS_MODULE or BPF is root on the node by another way.",
    fix="Add only what the baseline standard allows; RDMA needs IPC_LOCK and no more.",
    applies=_of_linux("POD-08"),
)
@once
def capabilities(work: Work, scene: Scene) -> Iterator[Fault]:
    """Nothing is added beyond the baseline standard; IPC_LOCK is told for information."""
    for _, one in _linux(work, "POD-08", scene):
        for name in sorted(set(map(capability, one.adds)) - _BASELINE):
            yield Fault(f"{one.name} adds {name}", f"{one.name}/{name}", _LESSER.get(name))


def _defaulting(scene: Scene) -> frozenset[str]:
    """Clusters of which every kubelet that was looked at gives RuntimeDefault to who says nothing."""
    told: dict[str, list[bool]] = {}
    for one in cast("tuple[Component, ...]", scene.of("components")):
        if one.kind == KUBELET:
            known = one.flags is not None
            told.setdefault(one.cluster, []).append(known and judged(one, _SECCOMP, scene).state == "pass")
    return frozenset(cluster for cluster, answers in told.items() if all(answers))


def _defaults(work: Work, scene: Scene) -> bool:
    return scene.policy.pods.seccomp_default or work.cluster in scene.once(_defaulting)


@check(
    "POD-11",
    "A container calls the kernel unfiltered",
    "low",
    tier="A",
    over="workloads",
    needs=("shapes",),
    refs=("cis-1.12:5.6.2", "cis-1.12:4.2.14", "800-53:CM-7", "soc2:CC6.1", "iso:A.8.9"),
    why="A flaw in a call of the kernel that nobody needs is a way out of the container.",
    fix="Set seccompProfile: {type: RuntimeDefault} in the pod, or seccompDefault: true in the kubelets.",
    applies=_of_linux("POD-11"),
)
@once
def seccomp(work: Work, scene: Scene) -> Iterator[Fault]:
    """A profile of the container or of its pod; where nobody says any, the kubelet's default."""
    for shape, one in _linux(work, "POD-11", scene):
        profile = one.seccomp or shape.seccomp
        if profile is None and not _defaults(work, scene):
            yield Fault(f"{one.name} has no seccomp profile", one.name)
        elif profile is not None and profile not in _CONFINED:
            yield Fault(f"{one.name} has the seccomp profile {profile}", one.name, "medium")


@check(
    "POD-12",
    "A container can write to its own programs",
    "low",
    tier="A",
    over="workloads",
    needs=("shapes",),
    refs=("nsa:C-0017", "800-53:SI-7", "soc2:CC6.1", "iso:A.8.9"),
    why="Whoever gets in can put a program beside the others and start it.",
    fix="Set readOnlyRootFilesystem: true, and mount an emptyDir where it has to write.",
    applies=_of_linux("POD-12"),
)
@once
def writable(work: Work, scene: Scene) -> Iterator[Fault]:
    """Every container has readOnlyRootFilesystem: true."""
    for _, one in _linux(work, "POD-12", scene):
        if not one.read_only:
            yield Fault(f"{one.name} has no readOnlyRootFilesystem: true", one.name)


@check(
    "POD-16",
    "A pod changes the kernel's parameters, or sees all of /proc",
    "medium",
    tier="A",
    over="workloads",
    needs=("shapes",),
    refs=("dcctl:sysctls", "800-53:CM-7", "soc2:CC6.1", "iso:A.8.9"),
    why="Some parameters are the node's: one pod starves the others or opens the network between them.",
    fix="Leave procMount alone; have the node's administrator set what is not a safe sysctl.",
    applies=_of_linux("POD-16"),
)
@once
def parameters(work: Work, scene: Scene) -> Iterator[Fault]:
    """The procMount is Default, and sysctls are of the safe set or of the policy's."""
    for shape, one in _linux(work, "POD-16", scene):
        if (one.proc_mount or "Default") != "Default":
            lesser: Severity | None = "info" if shape.host_users is False else None
            yield Fault(f"{one.name} mounts /proc {one.proc_mount}", f"{one.name}/procMount", lesser)
        for name in sorted(_unsafe(shape, scene)):
            yield Fault(f"sets {name}", f"sysctl/{name}")


def _unsafe(shape: Shape, scene: Scene) -> set[str]:
    names = {name.replace("/", ".") for name in shape.sysctls}
    return names - _SAFE - set(scene.policy.pods.sysctls)


def _of_windows(work: Work, scene: Scene) -> str:
    if work.shapes and not any(shape.windows for shape in work.shapes):
        return "pods of Linux"
    return known_for("POD-19")(work, scene)


@check(
    "POD-19",
    "A container of Windows runs on the host itself",
    "high",
    tier="A",
    over="workloads",
    needs=("shapes",),
    refs=("cis-1.12:5.2.10", "800-53:AC-6(1)", "soc2:CC6.1", "iso:A.8.2"),
    why="HostProcess is what privileged is on Linux: every file and process of the node.",
    fix="Take hostProcess away from windowsOptions.",
    applies=_of_windows,
)
@once
def host_process(work: Work, scene: Scene) -> Iterator[Fault]:
    """No container is a HostProcess; it overrides its pod."""
    for shape, one in containers(work, "POD-19", scene):
        if shape.host_process if one.host_process is None else one.host_process:
            yield Fault(f"{one.name} is a HostProcess container", one.name)
