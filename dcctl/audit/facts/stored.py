"""Backups, buckets and shared file systems, each once, of all that several sources tell of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from msgspec.structs import fields, replace

from dcctl.audit.scene import DERIVED, MADE_OF
from dcctl.inventory.evidence.storage import Backup, Bucket

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.base import Subject
    from dcctl.inventory.evidence.storage import Claim, Filesystem

S = TypeVar("S", bound="Subject")
_SUMMED = frozenset({"copies", "aliases", "complaints"})


def joined(subjects: Iterable[S]) -> tuple[S, ...]:
    """Return each subject once: of every field what the first tells that tells anything; lists are added.

    What is as it is where nobody tells it counts as not told: an empty name, and not that nothing encrypts.
    That a tool has no copies stands against all but that tool: a schedule has none, its backups are them.
    """
    found: dict[tuple[str, str], S] = {}
    for one in subjects:
        name = getattr(one, "cluster", ""), one.key
        found[name] = _both(found[name], one) if name in found else one
    return tuple(found.values())


def _both(first: S, second: S) -> S:
    changes: dict[str, object] = {}
    alike = getattr(first, "tool", None) == getattr(second, "tool", None)
    for one in fields(first):
        here, there = getattr(first, one.name), getattr(second, one.name)
        if one.name in _SUMMED and there and (here or (alike and here is not None)):
            changes[one.name] = tuple(dict.fromkeys((*here, *there)))
        elif here == one.default and there is not None:
            changes[one.name] = there
    told = replace(first, **changes)
    silent = {**second.silent, **first.silent}
    kept = {name: why for name, why in silent.items() if getattr(told, name, None) is None}
    return replace(told, silent=kept)


def _plans(scene: Scene) -> tuple[Backup, ...]:
    """Every backup, and of each cluster with volumes that nothing backs up, that it is missing."""
    told = joined(cast("tuple[Backup, ...]", scene.of("backups")))
    kept = {one.cluster for one in told if one.tool != "etcd"}
    silent = scene.evidence.backups is None or "backups" in scene.evidence.silent
    if silent or "" in kept:
        return told
    claims = cast("tuple[Claim, ...]", scene.of("claims"))
    bare = dict.fromkeys(one.cluster for one in claims if one.cluster not in kept)
    return (*told, *(Backup(cluster=each, name="volumes", copies=()) for each in bare))


def _stores(scene: Scene) -> tuple[Bucket, ...]:
    return joined(cast("tuple[Bucket, ...]", scene.of("buckets")))


def _filesystems(scene: Scene) -> tuple[Filesystem, ...]:
    return joined(cast("tuple[Filesystem, ...]", scene.of("filesystems")))


def _left(scene: Scene) -> tuple[Subject, ...]:
    return (*scene.of("volumes"), *scene.of("claims"))


def _by_name(scene: Scene) -> dict[str, Bucket]:
    return {name: one for one in scene.once(_stores) for name in (*one.aliases, one.name)}


def bucket_of(scene: Scene, name: str) -> Bucket | None:
    """Return the bucket of a name, or of another name for it; None: nobody told of it."""
    return scene.once(_by_name).get(name)


MADE_OF.update(
    backup_plans=("backups", "claims"),
    stores=("buckets",),
    shared_filesystems=("filesystems",),
    volumes_and_claims=("volumes", "claims"),
)
DERIVED.update(
    backup_plans=_plans,
    stores=_stores,
    shared_filesystems=_filesystems,
    volumes_and_claims=_left,
)
