"""Pods by who owns them, with what their containers may do.

Fields are as they were written: what overrides what, and what silence means, the checks know. Shapes and
containers are hashable, so that the thousand pods of one owner are one object.
"""

from __future__ import annotations

from typing import Literal

from msgspec import field

from dcctl.inventory.devices import Fact, Natural
from dcctl.inventory.evidence.base import Subject

Turn = Literal["main", "init", "sidecar", "ephemeral"]
"""When a container runs: with the pod, before it, before and with it, or put in by `kubectl debug`."""


class Literally(Fact, frozen=True):
    """A secret that is written where everybody reads it.

    Its value is nowhere in evidence, nor a digest of it: whoever has that tries passwords until one fits.
    """

    path: str
    """`main/env/DB_PASSWORD`, `main/args/--token`, `app.yaml/password`."""


class Mount(Fact, frozen=True):
    """A volume of the node in a container."""

    volume: str
    read_only: bool = False
    sub_path: str = ""
    """What of the volume is mounted; empty: all of it."""


class Container(Fact, frozen=True):
    """One container of a pod, and its securityContext. None: it says nothing."""

    name: str
    turn: Turn = "main"
    image: str = ""
    privileged: bool | None = None
    escalates: bool | None = None
    """allowPrivilegeEscalation."""
    user: int | None = None
    non_root: bool | None = None
    adds: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()
    read_only: bool | None = None
    """readOnlyRootFilesystem."""
    seccomp: str | None = None
    proc_mount: str | None = None
    host_process: bool | None = None
    host_ports: tuple[int, ...] = ()
    mounts: tuple[Mount, ...] = ()
    """Of volumes that are of the node."""
    memory_asked: Natural | None = None
    """Bytes."""
    memory_most: Natural | None = None
    """Bytes."""
    devices_asked: tuple[str, ...] = ()
    """Resources of accelerators among its requests, and claims that it makes: `nvidia.com/gpu`."""
    devices_most: tuple[str, ...] = ()
    """Those among its limits, and the same claims."""
    visible: str | None = None
    """What NVIDIA_VISIBLE_DEVICES is set to."""
    says: bool = False
    """It has a securityContext."""


class HostPath(Fact, frozen=True):
    """A volume that is a path of the node."""

    name: str
    path: str
    kind: str = ""
    """Directory, Socket, CharDevice, …; empty: not told."""


class Shape(Fact, frozen=True):
    """A pod without what tells it from the others of its owner."""

    containers: tuple[Container, ...] = ()
    host_pid: bool = False
    host_ipc: bool = False
    host_network: bool = False
    host_users: bool | None = None
    """None: it says nothing, and its root is that of the node."""
    user: int | None = None
    non_root: bool | None = None
    seccomp: str | None = None
    host_process: bool | None = None
    windows: bool = False
    sysctls: tuple[str, ...] = ()
    volumes: tuple[HostPath, ...] = ()
    memory_most: Natural | None = None
    """Bytes that the whole pod may have, where it says so itself."""
    says: bool = False
    """The pod has a securityContext."""


class Work(Subject, frozen=True, kw_only=True):
    """A workload: an owner with the template of its pods, or of what will make them."""

    cluster: str = ""
    namespace: str
    name: str
    kind: str = ""
    """Of the owner that nobody else owns: `Deployment`, `DaemonSet`, `PyTorchJob`; `Pod` for one that nobody
    owns, `Static` for those that nodes run of their own files."""
    account: str = "default"
    """The service account that its pods run as."""
    automount: bool | None = None
    """Whether they mount its token; None: as the account says."""
    images: dict[str, str] = field(default_factory=dict)
    """By container, init and ephemeral ones too."""
    bare: tuple[str, ...] = ()
    """Containers for which no securityContext says anything, theirs or the pod's."""
    pods: Natural = 0
    """How many there are now."""
    shapes: tuple[Shape, ...] | None = None
    """What its templates and its pods look like, each kind once."""
    labels: tuple[dict[str, str], ...] = ()
    """Of its pods, each set once, without what tells them apart."""
    networks: tuple[str, ...] = ()
    """Second networks of its pods: `storage/rdma-a`."""
    secrets: tuple[Literally, ...] = ()
    claims: tuple[str, ...] = ()
    """Of volumes that its pods have, by their names."""

    @property
    def key(self) -> str:
        """`nlp/Deployment/web`; `nlp/web` where its kind was not told."""
        return f"{self.namespace}/{self.kind}/{self.name}" if self.kind else f"{self.namespace}/{self.name}"


class Config(Subject, frozen=True, kw_only=True):
    """A ConfigMap, of which only the secrets that are written in it are kept."""

    cluster: str = ""
    namespace: str
    name: str
    secrets: tuple[Literally, ...] = ()

    @property
    def key(self) -> str:
        """`nlp/ConfigMap/app`."""
        return f"{self.namespace}/ConfigMap/{self.name}"
