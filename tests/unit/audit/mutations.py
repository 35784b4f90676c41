"""Changes of one container, each with the checks that have to tell of it; by the standards alone."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]


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


def labels(text: str) -> frozenset[str]:
    return frozenset(f"POD-{number}" for number in text.split())


def context(**fields: Any) -> Callable[[Json], None]:
    """Set fields of a container's securityContext; None takes one away."""

    def change(one: Json) -> None:
        for name, value in fields.items():
            one["securityContext"].pop(name, None)
            if value is not None:
                one["securityContext"][name] = value

    return change


def _capabilities(**fields: Any) -> Callable[[Json], None]:
    return context(capabilities=fields)


def put(**fields: Any) -> Callable[[Json], None]:
    def change(one: Json) -> None:
        one.update(deepcopy(fields))

    return change


def _limits(limits: Json | None, requests: Json | None = None) -> Callable[[Json], None]:
    told = {"limits": limits, "requests": requests}
    return put(resources={name: value for name, value in told.items() if value is not None})


def _env(name: str, value: str, more: Json | None = None) -> Callable[[Json], None]:
    def change(one: Json) -> None:
        one["env"] = [{"name": "FIRST", "value": "1"}, {"name": name, "value": value}]
        if more:
            one["resources"]["limits"].update(more)

    return change


def _inside(name: str, said: str, fails: str = "", unclear: str = "", **fields: Any) -> Mutation:
    """A mutation of the securityContext."""
    return Mutation(f"{name} {said}", context(**fields), labels(fails), labels(unclear))


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
    Mutation("no context", lambda one: one.pop("securityContext"), labels("05 06 07 11 12")),
    Mutation("empty context", put(securityContext={}), labels("05 06 07 11 12")),
    Mutation("null context", put(securityContext=None), labels("05 06 07 11 12")),
    Mutation("null capabilities", context(capabilities=None), labels("07")),
    Mutation("drop nothing", _capabilities(drop=[]), labels("07")),
    Mutation("drop null", _capabilities(drop=None, add=None), labels("07")),
    Mutation("drop others", _capabilities(drop=["MKNOD", "SETUID", "NET_ADMIN"]), labels("07")),
    Mutation("drop NET_RAW", _capabilities(drop=["KILL", "NET_RAW"])),
    Mutation("drop net_raw", _capabilities(drop=["net_raw"])),
    Mutation("drop CAP_NET_RAW", _capabilities(drop=["CAP_NET_RAW"]), unclear=labels("07")),
    Mutation("drop all in small letters", _capabilities(drop=["all"])),
    Mutation("drop ALL, add NET_RAW", _capabilities(drop=["ALL"], add=["NET_RAW"]), labels("07 08")),
    Mutation("add NET_BIND_SERVICE", _capabilities(drop=["ALL"], add=["NET_BIND_SERVICE"])),
    Mutation("add IPC_LOCK (RDMA)", _capabilities(drop=["ALL"], add=["IPC_LOCK"])),
    *(
        Mutation(f"add {name}", _capabilities(drop=["ALL"], add=["CHOWN", name]), labels("08"))
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
        Mutation(f"add {name}", _capabilities(drop=["NET_RAW"], add=[name]), labels("08"), labels("07"))
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
        put(ports=[{"containerPort": 80, "hostPort": 8080}]),
        labels("10"),
        turns=NOT_EPHEMERAL,
    ),
    Mutation(
        "second of two ports",
        put(ports=[{"containerPort": 80}, {"containerPort": 81, "hostPort": 81, "protocol": "UDP"}]),
        labels("10"),
        turns=NOT_EPHEMERAL,
    ),
    Mutation("hostPort 0", put(ports=[{"containerPort": 80, "hostPort": 0}]), turns=NOT_EPHEMERAL),
    Mutation("containerPort", put(ports=[{"containerPort": 80}]), turns=NOT_EPHEMERAL),
    Mutation("no memory", _limits({"cpu": "1"}, {"cpu": "1"}), labels("14"), turns=LONG_RUNNING),
    Mutation("memory asked, no most", _limits({"cpu": "1"}, MEMORY), labels("14"), turns=LONG_RUNNING),
    Mutation("memory of 0 is no limit", _limits({"memory": "0"}), labels("14"), turns=LONG_RUNNING),
    Mutation("no resources", _limits(None), labels("14"), turns=LONG_RUNNING),
    Mutation("null resources", put(resources=None), labels("14"), turns=LONG_RUNNING),
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
        labels("15"),
        turns=NOT_EPHEMERAL,
    ),
    Mutation("all devices", _env(SEEN, "all"), labels("15")),
    Mutation("two devices", _env(SEEN, "0,1"), labels("15")),
    Mutation("a device by UUID", _env(SEEN, "GPU-5d1f8a1c-1c0b-7a5a-9d0e-3a1b2c3d4e5f"), labels("15")),
    Mutation("no devices (void)", _env(SEEN, "void")),
    Mutation("driver without devices (none)", _env(SEEN, "none")),
    Mutation("all devices with a limit", _env(SEEN, "all", {"nvidia.com/gpu": "8"}), turns=NOT_EPHEMERAL),
    Mutation(
        "all devices, a MIG slice", _env(SEEN, "all", {"nvidia.com/mig-1g.10gb": 1}), turns=NOT_EPHEMERAL
    ),
    Mutation(
        "all devices, another's limit", _env(SEEN, "all", {"rdma/hca": 1}), labels("15"), turns=NOT_EPHEMERAL
    ),
    Mutation("password in env", _env("DB_PASSWORD", "Tr0ub4dor&3"), labels("18")),
    Mutation("lower-case name", _env("redis-password", "hunter2hunter2"), labels("18")),
    Mutation("key of AWS", _env("AWS_ACCESS_KEY_ID", "AKIA" + "IOSFODNN7QRSTUVW"), labels("18")),
    Mutation(
        "key in a variable of any name", _env("X", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzz7kEyQ1"), labels("18")
    ),
    Mutation(
        "token of Hugging Face", _env("HUB", "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH"), labels("18")
    ),
    Mutation("key of W&B", _env("WANDB_API_KEY", "0123456789abcdef" * 2 + "01234567"), labels("18")),
    Mutation("password in a URL", _env("DATABASE_URL", "postgres://app:s3cr3tpw@db:5432/app"), labels("18")),
    Mutation("private key", _env("KEY", "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n"), labels("18")),
    Mutation("token among arguments", put(args=["serve", "--api-token=q8Zr2Lk0Vn5T"]), labels("18")),
    Mutation("token after its argument", put(args=["--api-token", "q8Zr2Lk0Vn5T"]), labels("18")),
    Mutation(
        "token in a script", put(command=["sh", "-c", "export HF_TOKEN=q8Zr2Lk0Vn5T; run"]), labels("18")
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
