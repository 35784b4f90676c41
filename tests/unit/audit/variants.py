"""Labelled manifests, from the Kubernetes API reference and the Pod Security Standards; no check is asked.

A manifest begins as a pod that meets the restricted standard and all that the catalogue asks. A mutation
changes one thing about it and says which checks have to tell; `unclear` are those about which the standards
are silent or disagree. Each mutation is put into containers of every kind and into every kind of owner.
"""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = dict[str, Any]
NAMES: Final = frozenset(f"POD-{number:02d}" for number in range(1, 20))


class Variant(NamedTuple):
    """A manifest, the checks that have to fail of it, and those that nobody can blame either way."""

    name: str
    manifest: Json
    fails: frozenset[str]
    unclear: frozenset[str] = frozenset()


class Mutation(NamedTuple):
    """A change of one container, or of a pod."""

    name: str
    change: Callable[[Json], None]
    fails: frozenset[str] = frozenset()
    unclear: frozenset[str] = frozenset()
    turns: tuple[str, ...] = ("main", "second", "init", "sidecar", "ephemeral")
    """Kinds of containers for which it holds."""


def container(name: str) -> Json:
    """A container that meets everything."""
    return {
        "name": name,
        "image": "registry.example.com/ai/app@sha256:" + "ab" * 32,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "runAsNonRoot": True,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "resources": {"limits": {"memory": "1Gi", "cpu": "1"}, "requests": {"memory": "1Gi", "cpu": "1"}},
    }


def pod() -> Json:
    """A pod that meets everything."""
    return {"containers": [container("main"), container("second")]}


def _labels(text: str) -> frozenset[str]:
    return frozenset(f"POD-{number}" for number in text.split())


def _context(**fields: Any) -> Callable[[Json], None]:
    """Set fields of a container's securityContext; None takes one away."""

    def change(one: Json) -> None:
        for name, value in fields.items():
            one["securityContext"].pop(name, None)
            if value is not None:
                one["securityContext"][name] = value

    return change


def _capabilities(**fields: Any) -> Callable[[Json], None]:
    return _context(capabilities=fields)


def _fields(**fields: Any) -> Callable[[Json], None]:
    def change(one: Json) -> None:
        one.update(deepcopy(fields))

    return change


def _limits(limits: Json | None, requests: Json | None = None) -> Callable[[Json], None]:
    told = {"limits": limits, "requests": requests}
    return _fields(resources={name: value for name, value in told.items() if value is not None})


def _env(name: str, value: str, more: Json | None = None) -> Callable[[Json], None]:
    def change(one: Json) -> None:
        one["env"] = [{"name": "FIRST", "value": "1"}, {"name": name, "value": value}]
        if more:
            one["resources"]["limits"].update(more)

    return change


def _inside(name: str, said: str, fails: str = "", unclear: str = "", **fields: Any) -> Mutation:
    """A mutation of the securityContext."""
    return Mutation(f"{name} {said}", _context(**fields), _labels(fails), _labels(unclear))


NOT_EPHEMERAL: Final = ("main", "second", "init", "sidecar")
"""An ephemeral container has no resources and no ports (API reference, EphemeralContainer)."""
LONG_RUNNING: Final = ("main", "second", "sidecar")
MEMORY: Final = {"memory": "1Gi"}
SEEN: Final = "NVIDIA_VISIBLE_DEVICES"

OF_A_CONTAINER: Final[tuple[Mutation, ...]] = (
    _inside("privileged", "true", "01 05 07", "11 15", privileged=True, allowPrivilegeEscalation=None),
    _inside("privileged", "false", privileged=False),
    _inside("escalation", "unset", "05", allowPrivilegeEscalation=None),
    _inside("escalation", "true", "05", allowPrivilegeEscalation=True),
    _inside("root", "unset", "06", runAsNonRoot=None),
    _inside("root", "nonRoot false", "06", runAsNonRoot=False),
    _inside("root", "uid 0", "06", runAsNonRoot=None, runAsUser=0),
    _inside("root", "uid 0, nonRoot false", "06", runAsNonRoot=False, runAsUser=0),
    _inside("root", "uid 1000 alone", runAsNonRoot=None, runAsUser=1000),
    _inside("root", "uid 65534, nonRoot true", runAsUser=65534),
    _inside("root", "group 0 is not user 0", runAsGroup=0),
    _inside("file system", "unset", "12", readOnlyRootFilesystem=None),
    _inside("file system", "false", "12", readOnlyRootFilesystem=False),
    _inside("seccomp", "unset", "11", seccompProfile=None),
    _inside("seccomp", "Unconfined", "11", seccompProfile={"type": "Unconfined"}),
    _inside("seccomp", "Localhost", seccompProfile={"type": "Localhost", "localhostProfile": "a.json"}),
    _inside("procMount", "Unmasked", "16", procMount="Unmasked"),
    _inside("procMount", "Default", procMount="Default"),
    Mutation("no context", lambda one: one.pop("securityContext"), _labels("05 06 07 11 12")),
    Mutation("empty context", _fields(securityContext={}), _labels("05 06 07 11 12")),
    Mutation("null context", _fields(securityContext=None), _labels("05 06 07 11 12")),
    Mutation("null capabilities", _context(capabilities=None), _labels("07")),
    Mutation("drop nothing", _capabilities(drop=[]), _labels("07")),
    Mutation("drop null", _capabilities(drop=None, add=None), _labels("07")),
    Mutation("drop others", _capabilities(drop=["MKNOD", "SETUID", "NET_ADMIN"]), _labels("07")),
    Mutation("drop NET_RAW", _capabilities(drop=["KILL", "NET_RAW"])),
    Mutation("drop net_raw", _capabilities(drop=["net_raw"])),
    Mutation("drop CAP_NET_RAW", _capabilities(drop=["CAP_NET_RAW"]), unclear=_labels("07")),
    Mutation("drop all in small letters", _capabilities(drop=["all"])),
    Mutation("drop ALL, add NET_RAW", _capabilities(drop=["ALL"], add=["NET_RAW"]), _labels("07 08")),
    Mutation("add NET_BIND_SERVICE", _capabilities(drop=["ALL"], add=["NET_BIND_SERVICE"])),
    Mutation("add IPC_LOCK (RDMA)", _capabilities(drop=["ALL"], add=["IPC_LOCK"])),
    *(
        Mutation(f"add {name}", _capabilities(drop=["ALL"], add=["CHOWN", name]), _labels("08"))
        for name in (
            "SYS_ADMIN",
            "NET_ADMIN",
            "SYS_PTRACE",
            "SYS_MODULE",
            "BPF",
            "PERFMON",
            "SYS_RAWIO",
            "SYS_BOOT",
            "DAC_READ_SEARCH",
            "SYSLOG",
            "SYS_TIME",
            "MAC_ADMIN",
            "CHECKPOINT_RESTORE",
            "SYS_RESOURCE",
            "sys_admin",
            "CAP_SYS_ADMIN",
            "cap_net_admin",
            "Sys_Ptrace",
            "CAP_BPF",
        )
    ),
    *(
        Mutation(f"add {name}", _capabilities(drop=["NET_RAW"], add=[name]), _labels("08"), _labels("07"))
        for name in ("ALL", "all", "CAP_ALL")
    ),
    *(
        Mutation(f"add baseline {name}", _capabilities(drop=["ALL"], add=[name]))
        for name in (
            "AUDIT_WRITE",
            "CHOWN",
            "DAC_OVERRIDE",
            "FOWNER",
            "FSETID",
            "KILL",
            "MKNOD",
            "SETFCAP",
            "SETGID",
            "SETPCAP",
            "SETUID",
            "SYS_CHROOT",
            "cap_chown",
        )
    ),
    Mutation(
        "hostPort",
        _fields(ports=[{"containerPort": 80, "hostPort": 8080}]),
        _labels("10"),
        turns=NOT_EPHEMERAL,
    ),
    Mutation(
        "second of two ports",
        _fields(ports=[{"containerPort": 80}, {"containerPort": 81, "hostPort": 81, "protocol": "UDP"}]),
        _labels("10"),
        turns=NOT_EPHEMERAL,
    ),
    Mutation("hostPort 0", _fields(ports=[{"containerPort": 80, "hostPort": 0}]), turns=NOT_EPHEMERAL),
    Mutation("containerPort", _fields(ports=[{"containerPort": 80}]), turns=NOT_EPHEMERAL),
    Mutation("no memory", _limits({"cpu": "1"}, {"cpu": "1"}), _labels("14"), turns=LONG_RUNNING),
    Mutation("memory asked, no most", _limits({"cpu": "1"}, MEMORY), _labels("14"), turns=LONG_RUNNING),
    Mutation("no resources", _limits(None), _labels("14"), turns=LONG_RUNNING),
    Mutation("null resources", _fields(resources=None), _labels("14"), turns=LONG_RUNNING),
    Mutation("memory limit alone is the request too", _limits(MEMORY), turns=NOT_EPHEMERAL),
    Mutation("memory as a number", _limits({"memory": 1073741824}), turns=NOT_EPHEMERAL),
    Mutation(
        "GPU limit",
        _limits({"nvidia.com/gpu": "1", **MEMORY}, {"nvidia.com/gpu": "1", **MEMORY}),
        turns=NOT_EPHEMERAL,
    ),
    Mutation(
        "GPU request alone",
        _limits(MEMORY, {"nvidia.com/gpu": 1, **MEMORY}),
        _labels("15"),
        turns=NOT_EPHEMERAL,
    ),
    Mutation("all devices", _env(SEEN, "all"), _labels("15")),
    Mutation("two devices", _env(SEEN, "0,1"), _labels("15")),
    Mutation("a device by UUID", _env(SEEN, "GPU-5d1f8a1c-1c0b-7a5a-9d0e-3a1b2c3d4e5f"), _labels("15")),
    Mutation("no devices (void)", _env(SEEN, "void")),
    Mutation("driver without devices (none)", _env(SEEN, "none")),
    Mutation("all devices with a limit", _env(SEEN, "all", {"nvidia.com/gpu": "8"}), turns=NOT_EPHEMERAL),
    Mutation(
        "all devices, a MIG slice", _env(SEEN, "all", {"nvidia.com/mig-1g.10gb": 1}), turns=NOT_EPHEMERAL
    ),
    Mutation(
        "all devices, another's limit", _env(SEEN, "all", {"rdma/hca": 1}), _labels("15"), turns=NOT_EPHEMERAL
    ),
    Mutation("password in env", _env("DB_PASSWORD", "Tr0ub4dor&3"), _labels("18")),
    Mutation("lower-case name", _env("redis-password", "hunter2hunter2"), _labels("18")),
    Mutation("key of AWS", _env("AWS_ACCESS_KEY_ID", "AKIA" + "IOSFODNN7QRSTUVW"), _labels("18")),
    Mutation(
        "key in a variable of any name", _env("X", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzz7kEyQ1"), _labels("18")
    ),
    Mutation(
        "token of Hugging Face", _env("HUB", "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH"), _labels("18")
    ),
    Mutation("key of W&B", _env("WANDB_API_KEY", "0123456789abcdef" * 2 + "01234567"), _labels("18")),
    Mutation("password in a URL", _env("DATABASE_URL", "postgres://app:s3cr3tpw@db:5432/app"), _labels("18")),
    Mutation("private key", _env("KEY", "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n"), _labels("18")),
    Mutation("token among arguments", _fields(args=["serve", "--api-token=q8Zr2Lk0Vn5T"]), _labels("18")),
    Mutation("token after its argument", _fields(args=["--api-token", "q8Zr2Lk0Vn5T"]), _labels("18")),
    Mutation(
        "token in a script", _fields(command=["sh", "-c", "export HF_TOKEN=q8Zr2Lk0Vn5T; run"]), _labels("18")
    ),
    *(
        Mutation(f"no secret: {name}={value[:24]}", _env(name, value))
        for name, value in (
            ("PASSWORD_FILE", "/run/secrets/db"),
            ("DB_PASSWORD", "$(DB_PASSWORD_FROM)"),
            ("API_KEY", ""),
            ("TOKENIZERS_PARALLELISM", "false"),
            ("MAX_TOKENS", "4096"),
            ("COMMIT", "9fceb02d0ae598e95dc970b74767f19372d61af8"),
            ("IMAGE_DIGEST", "sha256:" + "3b" * 32),
            ("RUN_ID", "7f9c24e8-3b1a-4f6e-9c1d-2a5b8e7d6c4f"),
            ("MODEL_PATH", "/mnt/models/Qwen2.5-72B-Instruct/snapshots/a1b2c3"),
            (
                "PUBLIC_KEY",
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7a8b9c0d1e2f3g4h5i6j7k8l9m0n1o2p3q4r5s6t7u",
            ),
            ("CA", "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBa\n"),
            ("NCCL_IB_HCA", "mlx5_0:1,mlx5_1:1,mlx5_2:1,mlx5_3:1,mlx5_4:1,mlx5_5:1"),
            ("SECRET_NAME", "db-credentials"),
            ("JAVA_OPTS", "-XX:+UseG1GC -XX:MaxGCPauseMillis=200 -Dfile.encoding=UTF-8"),
            ("CLASS", "org.springframework.boot.autoconfigure.jdbc.DataSourceAutoConfiguration"),
            ("ENDPOINT", "https://object-store.example.com:9000/checkpoints/llama-70b/step-12000"),
            ("AUTH_TYPE", "kubernetes"),
            ("TOKEN_TTL", "3600"),
        )
    ),
    Mutation(
        "from a Secret",
        lambda one: one.update(
            env=[{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}]
        ),
    ),
)


def _pod(**fields: Any) -> Callable[[Json], None]:
    """Set fields of a PodSpec."""
    return _fields(**fields)


def _of_pod(**fields: Any) -> Callable[[Json], None]:
    return _fields(securityContext=fields)


def _all(one: Json) -> Iterator[Json]:
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        yield from one.get(kind, ())


def _said_by_pod(name: str, context: Json, **gone: Any) -> Callable[[Json], None]:
    """The pod says it, and no container does."""

    def change(one: Json) -> None:
        one["securityContext"] = context
        for each in _all(one):
            _context(**{name: None, **gone})(each)

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
    Mutation("hostPID", _pod(hostPID=True), _labels("02")),
    Mutation("hostPID false", _pod(hostPID=False, hostIPC=False, hostNetwork=False)),
    Mutation("hostIPC", _pod(hostIPC=True), _labels("03")),
    Mutation("hostNetwork", _pod(hostNetwork=True), _labels("04")),
    Mutation("all of the host", _pod(hostPID=True, hostIPC=True, hostNetwork=True), _labels("02 03 04")),
    Mutation("shareProcessNamespace is not hostPID", _pod(shareProcessNamespace=True)),
    Mutation("shm of its own", _pod(volumes=[{"name": "shm", "emptyDir": {"medium": "Memory"}}])),
    Mutation("volumes of others", _pod(volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "d"}}])),
    Mutation("volumes null", _pod(volumes=None, initContainers=None, securityContext=None)),
    *(
        Mutation(f"hostPath {path}", _mounted(path), _labels("09"))
        for path in ("/data", "/mnt/models", "/var/log", "/home", "/opt/../srv")
    ),
    *(
        Mutation(f"hostPath {path}", _mounted(path), _labels("09"), _labels("13 15"))
        for path in ("/", "/etc", "/dev", "/var", "/run")
    ),
    Mutation("hostPath, read only", _mounted("/mnt/data", readOnly=True), _labels("09")),
    Mutation("hostPath that nobody mounts", _unmounted("/mnt/data"), _labels("09")),
    Mutation("hostPath, one part", _mounted("/mnt/data", subPath="train"), _labels("09")),
    Mutation("hostPath, another part", _mounted("/mnt/data", subPathExpr="$(POD)"), _labels("09")),
    Mutation("time zone", _mounted("/etc/localtime", kind="File", readOnly=True)),
    Mutation("time zone that can be written", _mounted("/etc/localtime", kind="File"), _labels("09")),
    *(Mutation(f"socket {path}", _mounted(path), _labels("09 13")) for path in _SOCKETS),
    Mutation("socket, read only", _mounted(_SOCKETS[0], readOnly=True), _labels("09 13")),
    Mutation("socket by type", _mounted(_SOCKETS[2], kind="Socket"), _labels("09 13")),
    Mutation("socket below a folder", _mounted("/run/containerd"), _labels("09 13")),
    Mutation("socket as a part", _mounted("/var/run", subPath="docker.sock"), _labels("09 13")),
    Mutation("another part of that folder", _mounted("/var/run", subPath="app"), _labels("09")),
    Mutation("socket that nobody mounts", _unmounted(_SOCKETS[0]), _labels("09"), _labels("13")),
    Mutation("another socket", _mounted("/run/app/app.sock", kind="Socket"), _labels("09")),
    Mutation("not that socket", _mounted("/data/docker.sock.d"), _labels("09")),
    Mutation("device of a GPU", _mounted("/dev/nvidia0", kind="CharDevice"), _labels("09 15")),
    Mutation("control of GPUs", _mounted("/dev/nvidiactl"), _labels("09 15")),
    Mutation("device of InfiniBand", _mounted("/dev/infiniband"), _labels("09")),
    *(Mutation(f"sysctl {name}", _of_pod(sysctls=[{"name": name, "value": "1"}])) for name in _SAFE),
    *(
        Mutation(f"sysctl {name}", _of_pod(sysctls=[{"name": name, "value": "1"}]), _labels("16"))
        for name in _UNSAFE
    ),
    Mutation("sysctl with slashes", _of_pod(sysctls=[{"name": "net/ipv4/tcp_syncookies", "value": "1"}])),
    Mutation(
        "unsafe with slashes", _of_pod(sysctls=[{"name": "net/core/somaxconn", "value": "1"}]), _labels("16")
    ),
    Mutation(
        "safe and unsafe",
        _of_pod(sysctls=[{"name": _SAFE[0], "value": "1"}, {"name": _UNSAFE[0], "value": "1"}]),
        _labels("16"),
    ),
    Mutation("nonRoot of the pod", _said_by_pod("runAsNonRoot", {"runAsNonRoot": True})),
    Mutation("user of the pod", _said_by_pod("runAsNonRoot", {"runAsUser": 1000})),
    Mutation("root of the pod", _said_by_pod("runAsNonRoot", {"runAsUser": 0}), _labels("06")),
    Mutation(
        "nonRoot false of the pod", _said_by_pod("runAsNonRoot", {"runAsNonRoot": False}), _labels("06")
    ),
    Mutation("root of the pod, nonRoot of all containers", _of_pod(runAsNonRoot=False)),
    Mutation(
        "a container undoes nonRoot",
        lambda one: _last_overrides(one, "runAsNonRoot", False, {"runAsNonRoot": True}),
        _labels("06"),
    ),
    Mutation(
        "a container undoes the user",
        lambda one: _last_overrides(one, "runAsUser", 0, {"runAsUser": 1000}),
        unclear=_labels("06"),
    ),
    Mutation(
        "a container is no root, the others are",
        lambda one: _last_overrides(one, "runAsNonRoot", True, {"runAsNonRoot": False}),
        _labels("06"),
    ),
    Mutation(
        "seccomp of the pod", _said_by_pod("seccompProfile", {"seccompProfile": {"type": "RuntimeDefault"}})
    ),
    Mutation(
        "unconfined pod",
        _said_by_pod("seccompProfile", {"seccompProfile": {"type": "Unconfined"}}),
        _labels("11"),
    ),
    Mutation(
        "unconfined pod, each container is not",
        _of_pod(seccompProfile={"type": "Unconfined"}),
        unclear=_labels("11"),
    ),
    Mutation(
        "a container undoes seccomp",
        lambda one: _last_overrides(
            one, "seccompProfile", {"type": "Unconfined"}, {"seccompProfile": {"type": "RuntimeDefault"}}
        ),
        _labels("11"),
    ),
    Mutation("user namespace", _then(_said_by_pod("runAsNonRoot", {}), _pod(hostUsers=False))),
    Mutation(
        "user namespace of the host",
        _then(_said_by_pod("runAsNonRoot", {}), _pod(hostUsers=True)),
        _labels("06"),
    ),
    Mutation("HostProcess", _then(_windows(hostProcess=True), _pod(hostNetwork=True)), _labels("19 04")),
    Mutation("Windows", _windows(runAsUserName="ContainerUser")),
    Mutation("Windows, hostProcess false", _windows(hostProcess=False)),
    Mutation(
        "HostProcess of a container",
        _then(
            _windows(hostProcess=False),
            lambda one: one["containers"][1]["securityContext"].update(windowsOptions={"hostProcess": True}),
        ),
        _labels("19"),
    ),
    Mutation("memory of the whole pod", _then(_pod(resources={"limits": MEMORY}), _no_memory)),
)


def _owned(kind: str, version: str, spec: Json, name: str = "w") -> Json:
    return {"apiVersion": version, "kind": kind, "metadata": {"namespace": "nlp", "name": name}, "spec": spec}


Carrier = tuple[str, "Callable[[Json, Json], Json]"]
"""(kind, what makes an object of a PodSpec that is meant and one that meets everything)."""


def _template(spec: Json) -> Json:
    return {"metadata": {"labels": {"app": "w"}}, "spec": spec}


def _plain(kind: str, version: str) -> Carrier:
    return kind, lambda spec, _good: _owned(kind, version, {"replicas": 2, "template": _template(spec)})


CARRIERS: Final[tuple[Carrier, ...]] = (
    ("Pod", lambda spec, _good: _owned("Pod", "v1", spec)),
    _plain("Deployment", "apps/v1"),
    _plain("DaemonSet", "apps/v1"),
    _plain("StatefulSet", "apps/v1"),
    _plain("ReplicaSet", "apps/v1"),
    _plain("Job", "batch/v1"),
    (
        "CronJob",
        lambda spec, _good: _owned(
            "CronJob", "batch/v1", {"jobTemplate": {"spec": {"template": _template(spec)}}}
        ),
    ),
    (
        "PyTorchJob",
        lambda spec, good: _owned(
            "PyTorchJob",
            "kubeflow.org/v1",
            {
                "pytorchReplicaSpecs": {
                    "Master": {"template": _template(good)},
                    "Worker": {"template": _template(spec)},
                }
            },
        ),
    ),
    (
        "MPIJob",
        lambda spec, good: _owned(
            "MPIJob",
            "kubeflow.org/v2beta1",
            {
                "mpiReplicaSpecs": {
                    "Launcher": {"template": _template(spec)},
                    "Worker": {"template": _template(good)},
                }
            },
        ),
    ),
    (
        "RayCluster",
        lambda spec, good: _owned(
            "RayCluster",
            "ray.io/v1",
            {
                "headGroupSpec": {"template": _template(good)},
                "workerGroupSpecs": [
                    {"groupName": "a", "template": _template(good)},
                    {"groupName": "b", "template": _template(spec)},
                ],
            },
        ),
    ),
    (
        "RayJob",
        lambda spec, good: _owned(
            "RayJob",
            "ray.io/v1",
            {
                "submitterPodTemplate": _template(good),
                "rayClusterSpec": {"headGroupSpec": {"template": _template(spec)}},
            },
        ),
    ),
    (
        "JobSet",
        lambda spec, good: _owned(
            "JobSet",
            "jobset.x-k8s.io/v1alpha2",
            {
                "replicatedJobs": [
                    {"name": "driver", "template": {"spec": {"template": _template(good)}}},
                    {"name": "workers", "template": {"spec": {"template": _template(spec)}}},
                ]
            },
        ),
    ),
    (
        "LeaderWorkerSet",
        lambda spec, good: _owned(
            "LeaderWorkerSet",
            "leaderworkerset.x-k8s.io/v1",
            {"leaderWorkerTemplate": {"leaderTemplate": _template(spec), "workerTemplate": _template(good)}},
        ),
    ),
    (
        "Volcano Job",
        lambda spec, good: _owned(
            "Job",
            "batch.volcano.sh/v1alpha1",
            {
                "tasks": [
                    {"name": "ps", "template": _template(good)},
                    {"name": "worker", "template": _template(spec)},
                ]
            },
        ),
    ),
    (
        "AppWrapper",
        lambda spec, _good: _owned(
            "AppWrapper",
            "workload.codeflare.dev/v1beta2",
            {"components": [{"template": _owned("Deployment", "apps/v1", {"template": _template(spec)})}]},
        ),
    ),
    (
        "List",
        lambda spec, good: {
            "apiVersion": "v1",
            "kind": "List",
            "items": [
                _owned("Deployment", "apps/v1", {"template": _template(good)}, "good"),
                _owned("Deployment", "apps/v1", {"template": _template(spec)}),
            ],
        },
    ),
)


def _placed(mutation: Mutation, turn: str) -> Json:
    """A pod with one more container that has the mutation."""
    spec = pod()
    one = container("odd")
    if turn == "ephemeral":
        one.pop("resources")
    mutation.change(one)
    if turn == "sidecar":
        one["restartPolicy"] = "Always"
    where = {"init": "initContainers", "sidecar": "initContainers", "ephemeral": "ephemeralContainers"}
    if turn == "main":
        spec["containers"][0] = one
    else:
        spec.setdefault(where.get(turn, "containers"), []).append(one)
    return spec


def _specs() -> Iterator[tuple[str, Json, frozenset[str], frozenset[str], bool]]:
    """(name, PodSpec, what fails, what is unclear, whether it can be a template)."""
    for each in OF_A_CONTAINER:
        for turn in each.turns:
            yield f"{turn}: {each.name}", _placed(each, turn), each.fails, each.unclear, turn != "ephemeral"
    for each in OF_A_POD:
        spec = pod()
        each.change(spec)
        yield each.name, spec, each.fails, each.unclear, True


def _default_account_of(manifest: Json, namespace: str) -> Json:
    moved = deepcopy(manifest)
    for one in moved.get("items", [moved]):
        one["metadata"]["namespace"] = namespace
    return moved


def variants(seed: int = 5, each: int = 6) -> Iterator[Variant]:
    """Yield every mutation in some of the carriers, and pairs of them; the same ones for a seed."""
    chance = Random(seed)
    good = pod()
    for name, spec, fails, unclear, templated in _specs():
        some = chance.sample(CARRIERS, each) if templated else CARRIERS[:1]
        for kind, carry in some:
            yield Variant(f"{kind} {name}", carry(spec, good), fails, unclear)
    for _ in range(400):
        one, other = chance.sample(OF_A_CONTAINER, 2)
        first, second = chance.choice(NOT_EPHEMERAL), chance.choice(NOT_EPHEMERAL)
        if first not in one.turns or second not in other.turns:
            continue
        spec = _placed(one, first)
        more = _placed(other, second)
        _merge(spec, more, second)
        kind, carry = chance.choice(CARRIERS)
        name = f"{kind} {first}: {one.name} + {second}: {other.name}"
        unclear = (one.unclear | other.unclear) - one.fails - other.fails
        yield Variant(name, carry(spec, good), one.fails | other.fails, unclear)
    for kind, carry in CARRIERS:
        moved = _default_account_of(carry(good, good), "default")
        yield Variant(f"{kind} in the default namespace", moved, _labels("17"))


def _merge(spec: Json, more: Json, turn: str) -> None:
    """Put the odd container of one pod into another, under a name of its own."""
    where = "initContainers" if turn in ("init", "sidecar") else "containers"
    odd = next(one for one in more[where] if one["name"] == "odd")
    odd["name"] = "odder"
    spec.setdefault(where, []).append(odd)
