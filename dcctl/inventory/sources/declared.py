"""What a site declares of its data sets, buckets, backups, shared stores and feeds, in YAML.

What is declared adds to what is read: of one thing that both tell of, what was read counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec
from msgspec import Struct

from dcctl.errors import UsageError
from dcctl.inventory.devices import Natural  # noqa: TC001  # msgspec reads it
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.models import DataSet
from dcctl.inventory.evidence.plant import Plant
from dcctl.inventory.evidence.storage import Backup, Bucket, Copy, Filesystem, StorePool, Tool

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
R = TypeVar("R")
SCHEMA = "dcctl/declared/v1"
MOST_BYTES = 4 << 20


class _Declared(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of entries: a key that nobody knows is a mistake."""


class DeclaredSet(_Declared, frozen=True, forbid_unknown_fields=True):
    """A data set and who answers for it."""

    name: str
    classification: str = ""
    owner: str = ""
    retention_days: Natural | None = None
    legal_basis: str = ""
    purpose: str = ""
    personal: bool | None = None
    regions: tuple[str, ...] = ()
    """Where it may be."""
    buckets: tuple[str, ...] = ()
    """Where it is."""
    kept_in: tuple[str, ...] | None = None
    """Regions where it is, beside those of its buckets."""


class DeclaredBucket(_Declared, frozen=True, forbid_unknown_fields=True):
    """A bucket, as its owner knows it."""

    name: str
    region: str | None = None
    encryption: str | None = None
    versioned: bool | None = None
    lock: str | None = None
    replicas: tuple[str, ...] | None = None
    anonymous: tuple[str, ...] | None = None
    tls_only: bool | None = None


class DeclaredBackup(_Declared, frozen=True, forbid_unknown_fields=True):
    """What is backed up, how often it has to be, and where to."""

    name: str
    cluster: str = ""
    tool: Tool = "other"
    rpo_hours: Natural | None = None
    target: str = ""
    encrypted: bool | None = None
    key_beside: bool | None = None
    immutable: bool | None = None
    off_site: bool | None = None
    off_node: bool | None = None
    last_at_s: int | None = None
    """Unix time of the newest that was completed; 0: there is none."""
    drilled_at_s: int | None = None
    """Unix time of the last restore for proof; 0: nobody ever did."""
    drill_passed: bool | None = None


class DeclaredStore(_Declared, frozen=True, forbid_unknown_fields=True):
    """A shared file system and how redundant its parts are."""

    name: str
    copies: dict[str, Natural] = {}
    """By part, how many of its disks may be lost, and one more."""


class DeclaredFeed(_Declared, frozen=True, forbid_unknown_fields=True):
    """A PDU or a UPS by the name of its meter, and what it does not tell of itself."""

    name: str
    kind: Literal["pdu", "ups"]
    site: str = ""
    rack: str = ""
    nominal_w: Natural | None = None
    """What it is built for; a PDU of one phase: the amperes of its breaker times the volts."""
    battery_made_s: Natural | None = None
    """Unix time."""
    tested_at_s: Natural | None = None
    """Unix time of the last test of its battery."""
    test_passed: bool | None = None


class Declared(_Declared, frozen=True, forbid_unknown_fields=True, rename={"kind": "schema"}):
    """The file. What is left out is not told; an empty list says that there is none."""

    kind: str
    datasets: tuple[DeclaredSet, ...] | None = None
    buckets: tuple[DeclaredBucket, ...] | None = None
    backups: tuple[DeclaredBackup, ...] | None = None
    filesystems: tuple[DeclaredStore, ...] | None = None
    feeds: tuple[DeclaredFeed, ...] | None = None


def parse(text: bytes, name: str) -> Evidence:
    """Return what the file `name` declares. Raises UsageError: it is too large, or not what it should be."""
    if len(text) > MOST_BYTES:
        raise UsageError(name, f"is larger than {MOST_BYTES >> 20} MiB")
    declared = _decoded(text, name)
    if declared.kind != SCHEMA:
        raise UsageError(name, f"has the schema {declared.kind[:40]!r}; {SCHEMA} is understood")
    for kind in ("datasets", "buckets", "backups", "filesystems", "feeds"):
        _once([one.name for one in getattr(declared, kind) or ()], kind, name)
    return Evidence(
        datasets=_each(_dataset, declared.datasets),
        buckets=_each(_bucket, declared.buckets),
        backups=_each(_backup, declared.backups),
        filesystems=_each(_filesystem, declared.filesystems),
        plants=_each(_feed, declared.feeds),
    )


def _each(made: Callable[[T], R], entries: tuple[T, ...] | None) -> tuple[R, ...] | None:
    return None if entries is None else tuple(made(one) for one in entries)


def _decoded(text: bytes, name: str) -> Declared:
    import yaml

    try:
        return msgspec.convert(yaml.safe_load(text), Declared, strict=True)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(name, f"is no YAML: {' '.join(str(error).split())[:200]}") from error
    except msgspec.ValidationError as error:
        raise UsageError(name, str(error)) from error


def _once(names: list[str], kind: str, name: str) -> None:
    twice = next((one for at, one in enumerate(names) if one in names[:at]), None)
    if twice is not None:
        raise UsageError(name, f"{kind} has {twice[:80]!r} twice")


def _dataset(one: DeclaredSet) -> DataSet:
    told = msgspec.structs.asdict(one)
    days = told.pop("retention_days")
    return DataSet(**told, retention_s=None if days is None else days * 86_400)


def _bucket(one: DeclaredBucket) -> Bucket:
    return Bucket(**msgspec.structs.asdict(one))


def _filesystem(one: DeclaredStore) -> Filesystem:
    return Filesystem(name=one.name, pools=tuple(StorePool(*part) for part in one.copies.items()))


def _backup(one: DeclaredBackup) -> Backup:
    told = msgspec.structs.asdict(one)
    hours, last_s = told.pop("rpo_hours"), told.pop("last_at_s")
    copies = None if last_s is None else (Copy(last_s),) if last_s else ()
    return Backup(**told, rpo_s=None if hours is None else hours * 3600, copies=copies)


def _feed(one: DeclaredFeed) -> Plant:
    told = msgspec.structs.asdict(one)
    watts = told.pop("nominal_w")
    return Plant(**told, nominal_mw=None if watts is None else watts * 1000)
