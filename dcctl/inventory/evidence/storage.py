"""Storage, backups and exports."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import field

from dcctl.inventory.devices import Fact, Natural
from dcctl.inventory.evidence.base import Subject

CopyState: TypeAlias = Literal["completed", "partial", "failed", "running"]
Tool: TypeAlias = Literal["velero", "etcd", "restic", "other"]
Health: TypeAlias = Literal["ok", "warning", "error"]


class StorageClass(Subject, frozen=True, kw_only=True):
    """A StorageClass."""

    cluster: str = ""
    name: str
    provisioner: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    """By name; of one that checks do not look at the value is `-`, since it may be a secret."""

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"StorageClass/{self.name}"


class Volume(Subject, frozen=True, kw_only=True):
    """A PersistentVolume."""

    cluster: str = ""
    name: str
    phase: str | None = None
    """Pending, Available, Bound, Released or Failed."""
    claim: str = ""
    """The claim that has it, or had it: `nlp/checkpoints`."""
    storage_class: str = ""
    host_path: str = ""
    """The path of a node that it is; empty: it is none."""
    made_by: str = ""
    """Who gave it a folder or a disk of its own: a provisioner, or `local`; empty: nobody says."""
    size_bytes: Natural | None = None
    since_s: int | None = None
    """Unix time at which it came into its phase; of servers that do not tell, at which it was made."""

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"Volume/{self.name}"


class Claim(Subject, frozen=True, kw_only=True):
    """A PersistentVolumeClaim."""

    cluster: str = ""
    namespace: str
    name: str
    phase: str | None = None
    """Pending, Bound or Lost."""
    volume: str = ""
    storage_class: str = ""
    size_bytes: Natural | None = None
    made_at_s: int | None = None

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"{self.namespace}/Claim/{self.name}"


class Copy(Fact, frozen=True):
    """One backup that was made, or was tried."""

    at_s: int
    """Unix time at which it ended; of one that did not, at which it began."""
    state: CopyState = "completed"
    errors: Natural = 0
    size_bytes: Natural | None = None
    items: Natural | None = None
    """How many objects it holds, where a tool counts these instead."""


class Backup(Subject, frozen=True, kw_only=True):
    """What is backed up, by whom, and how its last copies fared. Several sources may tell of one."""

    cluster: str = ""
    name: str
    tool: Tool = "other"
    node: str = ""
    """On which its copies lie, where that is a node."""
    copies: tuple[Copy, ...] | None = None
    rpo_s: Natural | None = None
    """How much time may be lost, as its own inventory says; None: as the policy says."""
    paused: bool = False
    target: str = ""
    """The bucket or the repository that it goes to."""
    encrypted: bool | None = None
    """By the tool, before it is stored."""
    key_beside: bool | None = None
    """What opens it lies where it is stored."""
    immutable: bool | None = None
    off_site: bool | None = None
    """A copy is in another failure domain."""
    off_node: bool | None = None
    """A copy is on other disks than those of what it backs up."""
    drilled_at_s: int | None = None
    """When it was last restored for proof."""
    drill_passed: bool | None = None

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"Backup/{self.name}"

    @property
    def stands_on(self) -> tuple[str, ...]:
        """The node on which its copies lie."""
        return (self.node,) if self.node else ()


class Bucket(Subject, frozen=True, kw_only=True):
    """An object store bucket. Several sources may tell of one."""

    cluster: str = ""
    name: str
    aliases: tuple[str, ...] = ()
    """What else it is called: `BackupStorageLocation/velero/default`."""
    region: str | None = None
    encryption: str | None = None
    """`aws:kms`, `AES256`, …; empty: nothing encrypts what is stored."""
    versioned: bool | None = None
    lock: str | None = None
    """`COMPLIANCE`, `GOVERNANCE`; empty: whoever may delete, can."""
    replicas: tuple[str, ...] | None = None
    """Regions that it is copied to."""
    copied_to: tuple[str, ...] | None = None
    """Buckets that it is copied to, where a store tells these and not where they are."""
    anonymous: tuple[str, ...] | None = None
    """What lets everybody in: a statement of its policy, a grant of its ACL."""
    tls_only: bool | None = None
    """What is not encrypted on the way is refused."""

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"Bucket/{self.name}"


class StorePool(Fact, frozen=True):
    """A part of a shared file system with its own redundancy or quota."""

    name: str
    copies: Natural | None = None
    """How many parts may be lost, and one more: replicas, or the coding chunks of an erasure code and one."""
    used_milli: Natural | None = None
    """Of what it may take, in thousandths."""


class Filesystem(Subject, frozen=True, kw_only=True):
    """A shared file system. Several nodes may tell of one."""

    cluster: str = ""
    name: str
    """`nfs01:/checkpoints`, `ceph 1f0c…`."""
    kind: str = ""
    """nfs, lustre, ceph, …"""
    health: Health | None = None
    complaints: tuple[str, ...] = ()
    """In its own words: `OSD_DOWN: 1 osds down`."""
    size_bytes: Natural | None = None
    free_bytes: Natural | None = None
    pools: tuple[StorePool, ...] | None = None
    """None: nobody told how redundant it is."""

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"Filesystem/{self.name}"


class Permission(Fact, frozen=True):
    """Who may mount an export, and how."""

    clients: str
    """`*`, `10.0.0.0/8`, `@trusted`, `gpu*.dc1`; of Lustre `default`."""
    options: tuple[str, ...] = ()


class Export(Subject, frozen=True, kw_only=True):
    """An NFS or Lustre export."""

    cluster: str = ""
    name: str
    """Its path."""
    node: str = ""
    permissions: tuple[Permission, ...] | None = None

    @property
    def key(self) -> str:
        """Its server and its path."""
        return f"Export/{self.node}:{self.name}"

    @property
    def stands_on(self) -> tuple[str, ...]:
        """Its server."""
        return (self.node,) if self.node else ()
