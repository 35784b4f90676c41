"""Changes of a whole pod, each with the checks that have to tell of it; by the standards alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.unit.audit.mutations import MEMORY, Json, Mutation, context, labels, put

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _pod(**fields: Any) -> Callable[[Json], None]:
    """Set fields of a PodSpec."""
    return put(**fields)


def _of_pod(**fields: Any) -> Callable[[Json], None]:
    return put(securityContext=fields)


def _all(one: Json) -> Iterator[Json]:
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        yield from one.get(kind, ())


def _said_by_pod(name: str, said: Json, **gone: Any) -> Callable[[Json], None]:
    """The pod says it, and no container does."""

    def change(one: Json) -> None:
        one["securityContext"] = said
        for each in _all(one):
            context(**{name: None, **gone})(each)

    return change


def _mounted(path: str, *, kind: str | None = None, **mount: Any) -> Callable[[Json], None]:
    """A path of the node in the first container; with `mount={}` in none."""

    def change(one: Json) -> None:
        source = {"path": path} | ({"type": kind} if kind is not None else {})
        one["volumes"] = [{"name": "cache", "emptyDir": {}}, {"name": "of-node", "hostPath": source}]
        one["containers"][0]["volumeMounts"] = [{"name": "of-node", "mountPath": "/host", **mount}]

    return change


def _unmounted(path: str) -> Callable[[Json], None]:
    return _pod(volumes=[{"name": "of-node", "hostPath": {"path": path}}])


def _then(*changes: Callable[[Json], object]) -> Callable[[Json], None]:
    def change(one: Json) -> None:
        for each in changes:
            each(one)

    return change


def _no_memory(one: Json) -> None:
    for each in _all(one):
        each["resources"] = {}


def _windows(**options: Any) -> Callable[[Json], None]:
    return _pod(os={"name": "windows"}, securityContext={"windowsOptions": options})


def _last_overrides(one: Json, name: str, value: Any, context: Json) -> None:
    """The pod says one thing, and its second container another."""
    _said_by_pod(name, context)(one)
    one["containers"][1]["securityContext"][name] = value


_SOCKETS: Final = (
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/var/run/containerd/containerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/var/run/crio/crio.sock",
    "//var/run/./docker.sock",
    "/var/run/docker.sock/",
    "/var/run/../run/crio/crio.sock",
)
_SAFE: Final = (
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
)  # fmt: skip
_UNSAFE: Final = (
    "kernel.msgmax",
    "kernel.shmmax",
    "net.core.somaxconn",
    "net.ipv4.ip_forward",
    "fs.mqueue.msg_max",
)

OF_A_POD: Final[tuple[Mutation, ...]] = (
    Mutation("as it is", lambda one: None),
    Mutation("hostPID", _pod(hostPID=True), labels("02")),
    Mutation("hostPID false", _pod(hostPID=False, hostIPC=False, hostNetwork=False)),
    Mutation("hostIPC", _pod(hostIPC=True), labels("03")),
    Mutation("hostNetwork", _pod(hostNetwork=True), labels("04")),
    Mutation("all of the host", _pod(hostPID=True, hostIPC=True, hostNetwork=True), labels("02 03 04")),
    Mutation("shareProcessNamespace is not hostPID", _pod(shareProcessNamespace=True)),
    Mutation("shm of its own", _pod(volumes=[{"name": "shm", "emptyDir": {"medium": "Memory"}}])),
    Mutation("volumes of others", _pod(volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "d"}}])),
    Mutation("volumes null", _pod(volumes=None, initContainers=None, securityContext=None)),
    *(
        Mutation(f"hostPath {path}", _mounted(path), labels("09"))
        for path in ("/data", "/mnt/models", "/var/log", "/home", "/opt/../srv")
    ),
    *(
        Mutation(f"hostPath {path}", _mounted(path), labels("09"), labels("13 15"))
        for path in ("/", "/etc", "/dev", "/var", "/run")
    ),
    Mutation("hostPath, read only", _mounted("/mnt/data", readOnly=True), labels("09")),
    Mutation("hostPath that nobody mounts", _unmounted("/mnt/data"), labels("09")),
    Mutation("hostPath, one part", _mounted("/mnt/data", subPath="train"), labels("09")),
    Mutation("hostPath, another part", _mounted("/mnt/data", subPathExpr="$(POD)"), labels("09")),
    Mutation("time zone", _mounted("/etc/localtime", kind="File", readOnly=True)),
    Mutation("time zone that can be written", _mounted("/etc/localtime", kind="File"), labels("09")),
    *(Mutation(f"socket {path}", _mounted(path), labels("09 13")) for path in _SOCKETS),
    Mutation("socket, read only", _mounted(_SOCKETS[0], readOnly=True), labels("09 13")),
    Mutation("socket by type", _mounted(_SOCKETS[2], kind="Socket"), labels("09 13")),
    Mutation("socket below a folder", _mounted("/run/containerd"), labels("09 13")),
    Mutation("socket as a part", _mounted("/var/run", subPath="docker.sock"), labels("09 13")),
    Mutation("another part of that folder", _mounted("/var/run", subPath="app"), labels("09")),
    Mutation("socket that nobody mounts", _unmounted(_SOCKETS[0]), labels("09"), labels("13")),
    Mutation("another socket", _mounted("/run/app/app.sock", kind="Socket"), labels("09")),
    Mutation("not that socket", _mounted("/data/docker.sock.d"), labels("09")),
    Mutation("device of a GPU", _mounted("/dev/nvidia0", kind="CharDevice"), labels("09 15")),
    Mutation("control of GPUs", _mounted("/dev/nvidiactl"), labels("09 15")),
    Mutation("device of InfiniBand", _mounted("/dev/infiniband"), labels("09")),
    *(Mutation(f"sysctl {name}", _of_pod(sysctls=[{"name": name, "value": "1"}])) for name in _SAFE),
    *(
        Mutation(f"sysctl {name}", _of_pod(sysctls=[{"name": name, "value": "1"}]), labels("16"))
        for name in _UNSAFE
    ),
    Mutation("sysctl with slashes", _of_pod(sysctls=[{"name": "net/ipv4/tcp_syncookies", "value": "1"}])),
    Mutation(
        "unsafe with slashes", _of_pod(sysctls=[{"name": "net/core/somaxconn", "value": "1"}]), labels("16")
    ),
    Mutation(
        "safe and unsafe",
        _of_pod(sysctls=[{"name": _SAFE[0], "value": "1"}, {"name": _UNSAFE[0], "value": "1"}]),
        labels("16"),
    ),
    Mutation("nonRoot of the pod", _said_by_pod("runAsNonRoot", {"runAsNonRoot": True})),
    Mutation("user of the pod", _said_by_pod("runAsNonRoot", {"runAsUser": 1000})),
    Mutation("root of the pod", _said_by_pod("runAsNonRoot", {"runAsUser": 0}), labels("06")),
    Mutation("nonRoot false of the pod", _said_by_pod("runAsNonRoot", {"runAsNonRoot": False}), labels("06")),
    Mutation("root of the pod, nonRoot of all containers", _of_pod(runAsNonRoot=False)),
    Mutation(
        "a container undoes nonRoot",
        lambda one: _last_overrides(one, "runAsNonRoot", False, {"runAsNonRoot": True}),
        labels("06"),
    ),
    Mutation(
        "a container undoes the user",
        lambda one: _last_overrides(one, "runAsUser", 0, {"runAsUser": 1000}),
        unclear=labels("06"),
    ),
    Mutation(
        "a container is no root, the others are",
        lambda one: _last_overrides(one, "runAsNonRoot", True, {"runAsNonRoot": False}),
        labels("06"),
    ),
    Mutation(
        "seccomp of the pod", _said_by_pod("seccompProfile", {"seccompProfile": {"type": "RuntimeDefault"}})
    ),
    Mutation(
        "unconfined pod",
        _said_by_pod("seccompProfile", {"seccompProfile": {"type": "Unconfined"}}),
        labels("11"),
    ),
    Mutation(
        "unconfined pod, each container is not",
        _of_pod(seccompProfile={"type": "Unconfined"}),
        unclear=labels("11"),
    ),
    Mutation(
        "a container undoes seccomp",
        lambda one: _last_overrides(
            one, "seccompProfile", {"type": "Unconfined"}, {"seccompProfile": {"type": "RuntimeDefault"}}
        ),
        labels("11"),
    ),
    Mutation("user namespace", _then(_said_by_pod("runAsNonRoot", {}), _pod(hostUsers=False))),
    Mutation(
        "user namespace of the host",
        _then(_said_by_pod("runAsNonRoot", {}), _pod(hostUsers=True)),
        labels("06"),
    ),
    Mutation("HostProcess", _then(_windows(hostProcess=True), _pod(hostNetwork=True)), labels("19 04")),
    Mutation("Windows", _windows(runAsUserName="ContainerUser")),
    Mutation("Windows, hostProcess false", _windows(hostProcess=False)),
    Mutation(
        "HostProcess of a container",
        _then(
            _windows(hostProcess=False),
            lambda one: one["containers"][1]["securityContext"].update(windowsOptions={"hostProcess": True}),
        ),
        labels("19"),
    ),
    Mutation("memory of the whole pod", _then(_pod(resources={"limits": MEMORY}), _no_memory)),
)
