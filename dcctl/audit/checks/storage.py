"""Shared storage: its health and redundancy, volumes that nobody uses, exports that everybody may mount."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

from dcctl.audit.check import Fault, Unsure, check
from dcctl.audit.checks.nodes_common import days, like
from dcctl.audit.facts.telling import some
from dcctl.inventory.evidence.storage import Claim, Volume

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.storage import Export, Filesystem, Permission, StorePool

_WORLD: Final = ("*", "<world>", "0.0.0.0/0", "0.0.0.0/0.0.0.0", "::/0", "default")


def _scratch(one: Filesystem, scene: Scene) -> str:
    declared = like(one.name, scene.policy.storage.scratch_stores)
    return "file systems that hold nothing that would be missed" if declared else ""


@check(
    "STO-07",
    "Shared store is unwell, nearly full or without redundancy",
    "high",
    tier=("S", "R", "P"),
    over="shared_filesystems",
    refs=("dcctl:checkpoint-store", "800-53:CP-9", "soc2:A1.1", "iso:A.8.14"),
    why="A store that fills up or loses its last copy stops every training run at its next checkpoint.",
    fix="Read its own words (ceph health detail, lfs df); change the disk, prune checkpoints, raise quotas.",
    applies=_scratch,
)
def unwell(one: Filesystem, scene: Scene) -> Iterator[Fault]:
    """It is healthy, has room, and can lose a disk."""
    policy, well = scene.policy.storage, True
    if one.health in ("warning", "error"):
        well = False
        grave = one.health == "error"
        yield Fault(some(one.complaints) or f"says {one.health}", "health", "critical" if grave else None)
    used = _used_milli(one)
    if used is not None and used > policy.used_milli:
        well = False
        yield Fault(f"{used // 10} % full", "space")
    for pool in one.pools or ():
        if not like(pool.name, policy.scratch_stores):
            for fault in _of_pool(pool, policy.copies, policy.used_milli):
                well = False
                yield fault
    for name, told in (("health", one.health), ("free_bytes", used), ("pools", one.pools)):
        if well and told is None:
            raise Unsure(one.silent[name].reason if name in one.silent else f"nobody told its {name}")


def _used_milli(one: Filesystem) -> int | None:
    if not one.size_bytes or one.free_bytes is None:
        return None
    return 1000 * (one.size_bytes - one.free_bytes) // one.size_bytes


def _of_pool(pool: StorePool, copies: int, used_milli: int) -> Iterator[Fault]:
    if pool.copies is not None and pool.copies < copies:
        yield Fault(f"{pool.name} loses data with any {pool.copies} of its disks", f"copies {pool.name}")
    if pool.used_milli is not None and pool.used_milli > used_milli:
        yield Fault(f"{pool.name} has used {pool.used_milli // 10} % of its quota", f"quota {pool.name}")


def _in_use(one: Volume | Claim, _scene: Scene) -> str:
    return "volumes and claims that have each other" if one.phase == "Bound" else ""


@check(
    "STO-08",
    "Volume belongs to nobody, or a claim has none",
    "info",
    tier="A",
    over="volumes_and_claims",
    needs=("phase",),
    refs=("dcctl:left-volume", "soc2:C1.2", "iso:A.8.10", "800-53:MP-6"),
    why="What a tenant left behind is paid for, and the next administrator mounts it without asking.",
    fix="Ask its last owner; save what is needed, then delete it (kubectl delete pv, kubectl delete pvc).",
    applies=_in_use,
)
def left_over(one: Volume | Claim, scene: Scene) -> Iterator[Fault]:
    """Nothing is without its other half for longer than the policy allows."""
    since_s = one.since_s if isinstance(one, Volume) else one.made_at_s
    if since_s is None:
        raise Unsure("nobody told since when")
    age_s = scene.now_s - since_s
    last = f", last of {one.claim}" if isinstance(one, Volume) and one.claim else ""
    if age_s > scene.policy.storage.unused_s:
        yield Fault(f"is {one.phase} for {days(age_s):,} days{last}", "phase")


def _many(clients: str) -> bool:
    """True for what is more than one machine: a network, a wildcard, a netgroup."""
    if clients.startswith("@") or any(sign in clients for sign in "*?["):
        return True
    try:
        return ip_network(clients, strict=False).num_addresses > 1
    except ValueError:
        return False


def _allows(one: Permission) -> Fault | None:
    """What is wrong with one line of an export. Kerberos knows who comes, wherever they come from."""
    flavours = [name.removeprefix("sec=") for name in one.options if name.startswith("sec=")]
    if flavours and all(each.startswith("krb5") for name in flavours for each in name.split(":")):
        return None
    world = one.clients in _WORLD
    root = "no_root_squash" in one.options and "all_squash" not in one.options
    if world and root:
        return Fault("everybody may mount it, and be root there", one.clients, "critical")
    if root and _many(one.clients):
        return Fault(f"root of any of {one.clients} is root there", one.clients)
    if world and "rw" in one.options:
        return Fault("everybody may mount it and write", one.clients)
    return Fault("everybody may mount it and read", one.clients, "medium") if world else None


def _nothing(one: Export, _scene: Scene) -> str:
    return "servers that export nothing" if one.permissions == () else ""


@check(
    "STO-09",
    "Export may be mounted by everybody, or its root is theirs",
    "high",
    tier="R",
    over="exports",
    needs=("permissions",),
    refs=("dcctl:open-export", "800-53:AC-3", "soc2:CC6.1", "iso:A.8.3", "mlps:8.1.4.2"),
    why="Whoever has a cable and a laptop reads every checkpoint; with no_root_squash they own it.",
    fix="Name networks in /etc/exports, drop no_root_squash, run exportfs -ra; turn on nodemaps of Lustre.",
    applies=_nothing,
)
def open_exports(one: Export, _scene: Scene) -> list[Fault]:
    """It names who may mount it, and takes no root for its own of more than one machine."""
    return [fault for each in one.permissions or () if (fault := _allows(each))]
