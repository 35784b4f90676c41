"""Backups: how old, how whole, how safe, and whether anybody ever brought one back."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final, cast

from dcctl.audit.check import Fault, Unsure, check
from dcctl.audit.checks.nodes_common import like
from dcctl.audit.facts.stored import bucket_of
from dcctl.audit.facts.telling import some
from dcctl.units import memory as quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.cluster import Cluster
    from dcctl.inventory.evidence.storage import Backup, Bucket, Copy

_HOUR_S: Final = 3600
_DAY_S: Final = 86_400
_FEW: Final = 3
"""Fewer backups than these have no usual size."""


def _of_etcd(one: Backup, _scene: Scene) -> str:
    return "snapshots of etcd: STO-06 looks at them" if one.tool == "etcd" else ""


def _ended(one: Backup) -> list[Copy]:
    """Those that are over, the oldest first."""
    return sorted((each for each in one.copies or () if each.state != "running"), key=lambda each: each.at_s)


def _none_yet(one: Backup, _scene: Scene) -> str:
    """What was never backed up is a fault of STO-01 and STO-06 alone."""
    return "" if one.copies is None or _ended(one) else "what was never backed up"


def _newest(one: Backup) -> int | None:
    return max((each.at_s for each in one.copies or () if each.state == "completed"), default=None)


def _old(newest_s: int, limit_s: int, scene: Scene) -> Iterator[Fault]:
    age_s = scene.now_s - newest_s
    if age_s > limit_s:
        hours = f"{age_s // _HOUR_S:,} h old, at most {limit_s // _HOUR_S:,} h"
        yield Fault(f"the newest that was completed is {hours}", "age")


@check(
    "STO-01",
    "Backup is missing or older than it may be",
    "critical",
    tier="B",
    over="backup_plans",
    needs=("copies",),
    refs=("mlps:8.1.4.9", "iso:A.8.13", "soc2:A1.2", "800-53:CP-9"),
    why="What was made since the last backup is lost with the disk, or with whoever encrypts it for ransom.",
    fix="See why it does not run (velero schedule get, velero backup logs, systemctl status), then run it.",
    applies=_of_etcd,
)
def outdated(one: Backup, scene: Scene) -> Iterator[Fault]:
    """The newest backup that was completed is no older than what may be lost."""
    newest_s = _newest(one)
    paused = ": its schedule is paused" if one.paused else ""
    if newest_s is None:
        yield Fault(f"no backup of it was ever completed{paused}", "copies")
    else:
        limit_s = scene.policy.storage.rpo_s if one.rpo_s is None else one.rpo_s
        yield from _old(newest_s, limit_s, scene)


@check(
    "STO-02",
    "The last backup has errors, is empty or has shrunk",
    "high",
    tier="B",
    over="backup_plans",
    needs=("copies",),
    refs=("dcctl:backup-whole", "800-53:CP-9", "soc2:A1.2", "iso:A.8.13"),
    why="A backup that ends in green and holds half of the data is found out on the day of the restore.",
    fix="Read its log (velero backup describe --details), mend the cause, run it again, and drill a restore.",
    applies=_none_yet,
)
def incomplete(one: Backup, scene: Scene) -> Iterator[Fault]:
    """The last backup has no errors, and about the size of those before it."""
    *before, last = _ended(one)
    if last.errors or last.state != "completed":
        yield Fault(f"the last one is {last.state}, with {last.errors:,} errors", "errors")
        return
    size, sizes = last.size_bytes, [each.size_bytes for each in before if each.state == "completed"]
    if size is None:
        size, sizes = last.items, [each.items for each in before if each.state == "completed"]
    if size is None:
        raise Unsure("nobody told how large the last one is")
    known = [each for each in sizes if each is not None]
    told = quantity(size) if last.size_bytes is not None else f"{size:,} items"
    if not size:
        yield Fault("the last one holds nothing", "size")
    elif len(known) >= _FEW and size * 1000 < scene.policy.storage.shrunk_milli * median(known):
        yield Fault(f"the last one has {told}, of usually {1000 * size / median(known) / 10:.0f} %", "size")


@check(
    "STO-03",
    "Backup is not encrypted, or lies with its key",
    "high",
    tier="B",
    over="backup_plans",
    refs=("mlps:8.1.4.8", "800-53:CP-9(8)", "soc2:C1.1", "iso:A.8.24"),
    why="A copy has all the data and none of the guards of the original.",
    fix="Let the bucket encrypt by a key of a KMS, or the tool itself; keep the key somewhere else.",
    applies=_none_yet,
)
def unencrypted_backup(one: Backup, scene: Scene) -> Iterator[Fault]:
    """The tool or the store encrypts, and the key is not beside what it opens."""
    bucket = bucket_of(scene, one.target)
    encryption = bucket.encryption if bucket else None
    if one.key_beside:
        yield Fault(f"its key lies in {one.target or 'the same place'} too", "key")
    elif not one.encrypted and not encryption:
        if one.encrypted is None or encryption is None:
            raise Unsure(f"nobody told whether {one.target or 'where it is stored'} encrypts")
        yield Fault(f"neither its tool nor {one.target} encrypts", "encrypted")


def _any(*told: bool | None) -> bool | None:
    """True where one is; None: nobody told of any."""
    known = [each for each in told if each is not None]
    return any(known) if known else None


def _copied(bucket: Bucket) -> bool | None:
    """Whether it is copied elsewhere. None: nobody told."""
    told = [each for each in (bucket.replicas, bucket.copied_to) if each is not None]
    return any(told) if told else None


@check(
    "STO-04",
    "No copy of the backup is immutable and elsewhere",
    "high",
    tier="B",
    over="backup_plans",
    refs=("dcctl:3-2-1", "800-53:CP-6", "soc2:A1.2", "iso:A.8.13", "mlps:8.1.4.9"),
    why="Whoever takes over the cluster deletes backups first; a fire takes what stands in the same hall.",
    fix="Turn on versioning and object lock, and replicate to another region or site.",
    applies=_none_yet,
)
def erasable(one: Backup, scene: Scene) -> Iterator[Fault]:
    """One copy cannot be deleted for some time, and one is in another failure domain."""
    bucket = bucket_of(scene, one.target)
    lock, copied = (bucket.lock, _copied(bucket)) if bucket else (None, None)
    immutable = _any(one.immutable, None if lock is None else bool(lock))
    declared = like(one.name, scene.policy.storage.off_site_declared)
    off_site = declared or _any(one.off_site, copied)
    if immutable is False:
        versions = " and it keeps no versions" if bucket and bucket.versioned is False else ""
        yield Fault(f"whoever may write it may delete it{versions}", "immutable")
    if off_site is False:
        yield Fault("no copy of it is in another failure domain", "off-site")
    elif immutable is None or (immutable and off_site is None):
        raise Unsure("nobody told whether a copy of it is immutable, and one elsewhere")


@check(
    "STO-05",
    "Nobody has restored this backup for too long",
    "high",
    tier="L",
    over="backup_plans",
    needs=("drilled_at_s",),
    refs=("mlps:8.1.4.9", "800-53:CP-4", "soc2:A1.3", "iso:A.8.13"),
    why="A backup is what was brought back: keys that are lost and files that are cut show only then.",
    fix="Restore it to a place of its own and compare checksums; write down the day.",
    applies=_none_yet,
)
def undrilled(one: Backup, scene: Scene) -> Iterator[Fault]:
    """The last drill passed, and is not too long ago."""
    age_s = scene.now_s - (one.drilled_at_s or 0)
    if not one.drilled_at_s:
        yield Fault("nobody ever restored it", "drill")
    elif one.drill_passed is False:
        yield Fault(f"the drill of {age_s // _DAY_S:,} days ago failed", "drill")
    elif age_s > scene.policy.storage.drill_age_s:
        yield Fault(f"the last drill is {age_s // _DAY_S:,} days ago", "drill")
    elif one.drill_passed is None:
        raise Unsure("nobody told how the last drill ended")


def _managed(cluster: Cluster, _scene: Scene) -> str:
    managed = cluster.control_plane == "managed"
    return "managed control planes: their provider keeps their state" if managed else ""


@check(
    "STO-06",
    "No recent snapshot of etcd, or none beside the disk of etcd",
    "critical",
    tier="B",
    over="clusters",
    needs=("control_plane",),
    refs=("dcctl:etcd-snapshot", "800-53:CP-9", "soc2:A1.2", "mlps:8.1.4.9"),
    why="Without it a cluster that lost its quorum is built again by hand, object by object.",
    fix="Let a timer run etcdctl snapshot save, and copy each to another machine.",
    applies=_managed,
)
def etcd_snapshots(cluster: Cluster, scene: Scene) -> Iterator[Fault]:
    """A snapshot of the last day is there, and one on other disks than those of etcd."""
    plans = [one for one in cast("list[Backup]", scene.told("backup_plans")) if one.tool == "etcd"]
    mine = [one for one in plans if one.cluster == cluster.cluster]
    if not mine:
        unnamed = some(one.name for one in plans if not one.cluster)
        raise Unsure(f"of which cluster {unnamed} is, nobody told" if unnamed else "nobody looked for any")
    silent = [one for one in mine if one.copies is None]
    newest = [(one, at_s) for one in mine if (at_s := _newest(one)) is not None]
    limit_s = scene.policy.storage.etcd_age_s
    recent = [one for one, at_s in newest if scene.now_s - at_s <= limit_s]
    if not recent and silent:
        why = silent[0].silent.get("copies")
        raise Unsure(why.reason if why else "nobody told when the last was made")
    if not newest:
        yield Fault("there is none", "snapshot")
    elif not recent:
        yield from _old(max(at_s for _, at_s in newest), limit_s, scene)
    elif all(one.off_node is False for one in recent):
        yield Fault("all of them lie on the disks that they are to save", "place")
    elif not any(one.off_node for one in recent):
        raise Unsure("nobody told where they lie")
