"""Storage classes, volumes, claims, and the backups of Velero."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  # msgspec resolves annotations at run time
from typing import TYPE_CHECKING, Final

from msgspec import field

from dcctl.inventory.evidence.storage import Backup, Bucket, Claim, Copy, CopyState, StorageClass, Volume
from dcctl.inventory.sources.components.flags import told_of
from dcctl.inventory.sources.kubernetes.evidence.row import Row
from dcctl.inventory.sources.kubernetes.listed import VOLUMES, Listed
from dcctl.inventory.sources.kubernetes.quantity import units
from dcctl.inventory.sources.kubernetes.types import Wire
from dcctl.inventory.sources.kubernetes.volumes import ClaimRef  # noqa: TC001  # as above

if TYPE_CHECKING:
    from collections.abc import Iterator

_PARAMETERS: Final = frozenset(
    {"encrypted", "secure", "encryption", "kmskeyid", "diskencryptionsetid", "disk-encryption-kms-key"}
)
"""Of a class, what says whether its volumes are encrypted; others may be passwords of a store."""
_SCHEDULE: Final = "velero.io/schedule-name"
_FAILED: Final = ("Failed", "FailedValidation")
_PARTIAL: Final = (
    "PartiallyFailed",
    "FinalizingPartiallyFailed",
    "WaitingForPluginOperationsPartiallyFailed",
)
_GOING: Final = ("Deleting",)
"""Of these nothing follows: they are about to be no more."""


class Dated(Wire):
    """Metadata with the time of making."""

    name: str = ""
    namespace: str = ""
    creation_timestamp: datetime | None = None
    labels: dict[str, str] | None = None


class ClassWire(Wire):
    """A StorageClass."""

    metadata: Dated = field(default_factory=Dated)
    provisioner: str = ""
    parameters: dict[str, str] | None = None


class Notes(Wire):
    """The annotations of a volume that mean something here."""

    provisioner: str = field(default="", name="pv.kubernetes.io/provisioned-by")


class VolumeMeta(Dated):
    """Metadata of a volume."""

    annotations: Notes | None = None


class PathWire(Wire):
    """A path of a node."""

    path: str = ""


class VolumeSpec(Wire):
    """Whose a volume is, how large, and where, if that is a node."""

    host_path: PathWire | None = None
    local: PathWire | None = None

    storage_class_name: str = ""
    claim_ref: ClaimRef | None = None
    capacity: dict[str, str] | None = None


class VolumeStatus(Wire):
    """How a volume fares, and since when."""

    phase: str | None = None
    last_phase_transition_time: datetime | None = None


class VolumeWire(Wire):
    """A PersistentVolume."""

    metadata: VolumeMeta = field(default_factory=VolumeMeta)
    spec: VolumeSpec = field(default_factory=VolumeSpec)
    status: VolumeStatus = field(default_factory=VolumeStatus)


class Asked(Wire):
    """What a claim asks for."""

    requests: dict[str, str] | None = None


class ClaimSpec(Wire):
    """What a claim asks for, and what it got."""

    volume_name: str = ""
    storage_class_name: str | None = None
    resources: Asked | None = None


class ClaimStatus(Wire):
    """How a claim fares."""

    phase: str | None = None


class ClaimWire(Wire):
    """A PersistentVolumeClaim."""

    metadata: Dated = field(default_factory=Dated)
    spec: ClaimSpec = field(default_factory=ClaimSpec)
    status: ClaimStatus = field(default_factory=ClaimStatus)


def _seconds(moment: datetime | None) -> int | None:
    return int(moment.timestamp()) if moment else None


def _bytes(amounts: dict[str, str] | None) -> int | None:
    return units(amounts["storage"]) if amounts and "storage" in amounts else None


def storage_class(item: ClassWire, cluster: str) -> Iterator[StorageClass]:
    """Yield the class."""
    yield StorageClass(
        cluster=cluster,
        name=item.metadata.name,
        provisioner=item.provisioner,
        parameters=told_of(item.parameters or {}, _PARAMETERS),
    )


def volume(item: VolumeWire, cluster: str) -> Iterator[Volume]:
    """Yield the volume. Servers before 1.29 do not tell since when: then it is as old as it is."""
    claim = item.spec.claim_ref
    place = item.spec.host_path or item.spec.local
    notes = item.metadata.annotations or Notes()
    since = item.status.last_phase_transition_time or item.metadata.creation_timestamp
    yield Volume(
        cluster=cluster,
        name=item.metadata.name,
        phase=item.status.phase,
        claim=f"{claim.namespace}/{claim.name}" if claim else "",
        storage_class=item.spec.storage_class_name,
        host_path=place.path if place else "",
        made_by=notes.provisioner or ("local" if item.spec.local else ""),
        size_bytes=_bytes(item.spec.capacity),
        since_s=_seconds(since),
    )


def claim(item: ClaimWire, cluster: str) -> Iterator[Claim]:
    """Yield the claim."""
    asked = item.spec.resources
    yield Claim(
        cluster=cluster,
        namespace=item.metadata.namespace,
        name=item.metadata.name,
        phase=item.status.phase,
        volume=item.spec.volume_name,
        storage_class=item.spec.storage_class_name or "",
        size_bytes=_bytes(asked.requests if asked else None),
        made_at_s=_seconds(item.metadata.creation_timestamp),
    )


class Progress(Wire):
    """How much a backup holds."""

    items_backed_up: int | None = None


class BackupSpec(Wire):
    """Where a backup goes."""

    storage_location: str = ""


class BackupStatus(Wire):
    """How a backup fared."""

    phase: str = ""
    errors: int = 0
    completion_timestamp: datetime | None = None
    start_timestamp: datetime | None = None
    progress: Progress | None = None


class BackupWire(Wire):
    """One backup that Velero made."""

    metadata: Dated = field(default_factory=Dated)
    spec: BackupSpec = field(default_factory=BackupSpec)
    status: BackupStatus = field(default_factory=BackupStatus)


class ScheduleSpec(Wire):
    """What is backed up again and again."""

    paused: bool = False
    template: BackupSpec | None = None


class ScheduleWire(Wire):
    """A schedule of Velero."""

    metadata: Dated = field(default_factory=Dated)
    spec: ScheduleSpec = field(default_factory=ScheduleSpec)


class ObjectStorage(Wire):
    """The bucket of a location."""

    bucket: str = ""


class LocationSpec(Wire):
    """Where backups are kept."""

    object_storage: ObjectStorage | None = None
    config: dict[str, str] | None = None


class LocationWire(Wire):
    """A BackupStorageLocation."""

    metadata: Dated = field(default_factory=Dated)
    spec: LocationSpec = field(default_factory=LocationSpec)


def _state(phase: str) -> CopyState:
    if phase == "Completed":
        return "completed"
    return "failed" if phase in _FAILED else "partial" if phase in _PARTIAL else "running"


def velero_backup(item: BackupWire, cluster: str) -> Iterator[Backup]:
    """Yield one backup as the only copy of what its schedule, or it alone, saves."""
    meta, told = item.metadata, item.status
    at_s = _seconds(told.completion_timestamp or told.start_timestamp or meta.creation_timestamp)
    if told.phase in _GOING or at_s is None:
        return
    items = told.progress.items_backed_up if told.progress else None
    copy = Copy(at_s, _state(told.phase), told.errors, items=items)
    yield _velero(meta, (meta.labels or {}).get(_SCHEDULE, "by hand"), item.spec, cluster, (copy,))


def velero_schedule(item: ScheduleWire, cluster: str) -> Iterator[Backup]:
    """Yield what a schedule saves, without copies: whoever made none is missing them."""
    place = item.spec.template or BackupSpec()
    yield _velero(item.metadata, item.metadata.name, place, cluster, (), paused=item.spec.paused)


def _velero(  # parts of one subject
    meta: Dated,
    name: str,
    spec: BackupSpec,
    cluster: str,
    copies: tuple[Copy, ...],
    *,
    paused: bool = False,
) -> Backup:
    return Backup(
        cluster=cluster,
        name=f"velero {meta.namespace}/{name}",
        tool="velero",
        copies=copies,
        paused=paused,
        target=f"velero {meta.namespace}/{spec.storage_location or 'default'}",
        encrypted=False,
    )


def velero_location(item: LocationWire, cluster: str) -> Iterator[Bucket]:
    """Yield the bucket of a location. What its config says of keys, Velero asks the store to encrypt with."""
    config, storage = item.spec.config or {}, item.spec.object_storage
    if storage is None or not storage.bucket:
        return
    kms = "aws:kms" if config.get("kmsKeyId") or config.get("kmsKeyName") else None
    yield Bucket(
        cluster=cluster,
        name=storage.bucket,
        aliases=(f"velero {item.metadata.namespace}/{item.metadata.name}",),
        region=config.get("region"),
        encryption=kms or config.get("serverSideEncryption"),
        tls_only=False if config.get("s3Url", "").startswith("http://") else None,
    )


def _of_velero(plural: str, why: str) -> Listed:
    return Listed("velero.io", ("v1",), plural, why, custom=True)


_CLASSES: Final = Listed(
    "storage.k8s.io", ("v1",), "storageclasses", "whether volumes are encrypted", namespaced=False
)
_CLAIMS: Final = Listed("", ("v1",), "persistentvolumeclaims", "volumes that nobody uses")
ROWS: Final = (
    Row(_CLASSES, ClassWire, ("storage_classes",), storage_class),
    Row(VOLUMES, VolumeWire, ("volumes",), volume),
    Row(_CLAIMS, ClaimWire, ("claims",), claim),
    Row(_of_velero("backups", "how old backups are"), BackupWire, ("backups",), velero_backup),
    Row(_of_velero("schedules", "what is backed up"), ScheduleWire, ("backups",), velero_schedule),
    Row(
        _of_velero("backupstoragelocations", "where backups are kept"),
        LocationWire,
        ("buckets",),
        velero_location,
    ),
)
