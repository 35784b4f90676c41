"""Stores of the demo: a backup that stopped, an export that is open to all, a store that is nearly full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.storage import (
    Backup,
    Bucket,
    Claim,
    Copy,
    Export,
    Filesystem,
    Permission,
    StorePool,
    Volume,
)

if TYPE_CHECKING:
    from dcctl.inventory.model import Fleet

_DAY_S: Final = 86_400
_TB: Final = 10**12


def part(fleet: Fleet) -> Evidence:
    """Return backups, buckets, volumes, file systems and exports."""
    now_s = fleet.taken_at_s or 0
    return Evidence(
        backups=_backups(now_s), buckets=_BUCKETS, volumes=_volumes(now_s), claims=_claims(now_s),
        filesystems=_FILESYSTEMS, exports=_EXPORTS,
    )  # fmt: skip


def _nightly(now_s: int, newest_days: int = 0) -> tuple[Copy, ...]:
    """A week of copies of about one size; the newest is of this night, or of so many days ago."""
    return tuple(
        Copy(now_s - (newest_days + day) * _DAY_S - 6 * 3600, size_bytes=2_100_000_000 - day * 3_000_000)
        for day in range(7)
    )


def _backups(now_s: int) -> tuple[Backup, ...]:
    """The cluster every night; vector stores until somebody paused that; etcd; a repository of restic."""
    drilled = Backup(name="", drilled_at_s=now_s - 40 * _DAY_S, drill_passed=True, copies=_nightly(now_s))
    velero = replace(drilled, tool="velero", target="velero velero/default", encrypted=False)
    paused = replace(velero, paused=True, copies=_nightly(now_s, 19), drilled_at_s=0, drill_passed=None)
    kept = replace(drilled, encrypted=True)
    return (
        replace(velero, name="velero velero/daily"),
        replace(paused, name="velero velero/vectors"),
        replace(kept, name="etcd cp-1", tool="etcd", target="dcctl-backups", off_node=True),
        replace(kept, name="restic home", tool="restic", immutable=True, off_site=True),
    )


_BUCKETS: Final = (
    Bucket(
        name="dcctl-backups",
        aliases=("velero velero/default",),
        region="dc1",
        encryption="aws:kms",
        versioned=True,
        lock="COMPLIANCE",
        replicas=("dc2",),
        anonymous=(),
        tls_only=True,
    ),
    Bucket(
        name="models-public-mirror",
        region="dc1",
        encryption="AES256",
        versioned=True,
        lock="",
        replicas=(),
        anonymous=("policy statement AllowAll (s3:GetObject)",),
        tls_only=True,
    ),
)


def _volumes(now_s: int) -> tuple[Volume, ...]:
    return (
        Volume(
            name="pvc-01", phase="Bound", claim="nlp/data", size_bytes=4 * _TB, since_s=now_s - 90 * _DAY_S
        ),
        Volume(
            name="pvc-02",
            phase="Released",
            claim="vision/old-crops",
            size_bytes=9 * _TB,
            since_s=now_s - 71 * _DAY_S,
        ),
    )


def _claims(now_s: int) -> tuple[Claim, ...]:
    return (
        Claim(
            namespace="nlp",
            name="data",
            phase="Bound",
            volume="pvc-01",
            size_bytes=4 * _TB,
            made_at_s=now_s - 90 * _DAY_S,
        ),
    )


_FILESYSTEMS: Final = (
    Filesystem(
        name="ceph",
        kind="ceph",
        health="ok",
        size_bytes=4_000 * _TB,
        free_bytes=1_400 * _TB,
        pools=(StorePool("checkpoints", 3, 610), StorePool("datasets", 2, 540)),
    ),
    Filesystem(
        name="nfs01:/checkpoints",
        kind="nfs4",
        health="ok",
        size_bytes=800 * _TB,
        free_bytes=72 * _TB,
        pools=(StorePool("raid6", 3),),
    ),
)
_EXPORTS: Final = (
    Export(
        name="/checkpoints",
        node="nfs01",
        permissions=(Permission("10.20.0.0/16", ("rw", "sec=sys", "root_squash")),),
    ),
    Export(
        name="/install",
        node="nfs01",
        permissions=(Permission("<world>", ("rw", "sec=sys", "no_root_squash")),),
    ),
)
