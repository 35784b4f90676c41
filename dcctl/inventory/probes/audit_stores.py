"""Part of the audit's probe: exports, shared file systems, snapshots of etcd, restic, scratch folders."""

import os
import stat
from typing import TYPE_CHECKING

from dcctl.inventory.probes.audit import AUDIT_ROOT, Command, Part, file_mode, file_text, untold
from dcctl.inventory.probes.rules import SHARED_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable

SNAPSHOTS = (
    *("/var/lib/etcd-backup", "/var/backups/etcd", "/opt/etcd-backup", "/opt/rke/etcd-snapshots"),
    *("/var/lib/rancher/k3s/server/db/snapshots", "/var/lib/rancher/rke2/server/db/snapshots"),
    "/home/core/assets/backup",
)
REPOSITORIES = ("/srv/restic", "/var/backups/restic", "/backup/restic")
SCRATCHES = ("/scratch", "/local_scratch", "/mnt/scratch", "/mnt/nvme", "/raid/scratch", "/nvme")
WIPED = "/var/lib/dcctl/scratch-wiped"  # epilogs touch it when they have wiped
MOST_ENTRIES = 4096
FIRST_PERSON = 1000  # smaller numbers are of the system
CEPH = "/etc/ceph/ceph.client.admin.keyring"


def _listing(name: str, folder: str, why: str) -> Command:
    return Command(name + folder, ("/usr/bin/ls", "-ln", "--time-style=+%s", folder), True, 10, folder, why)


def _ceph(name: str, words: "tuple[str, ...]", why: str) -> Command:
    return Command(name, ("/usr/bin/ceph", *words, "--format", "json"), True, 15, CEPH, why)


STORE_COMMANDS = (
    Command(
        "exportfs",
        ("/usr/sbin/exportfs", "-v"),
        True,
        10,
        "/var/lib/nfs/etab",
        "who may mount what is exported",
    ),
    Command(
        "shared_df",
        ("/usr/bin/df", "-B1", "--output=fstype,size,avail,source", *(f"-t{kind}" for kind in SHARED_TYPES)),
        False,
        10,
        "",
        "how full shared file systems are",
    ),
    _ceph("ceph_health", ("health", "detail"), "how well Ceph is"),
    _ceph("ceph_df", ("df",), "how full Ceph is"),
    _ceph("ceph_pools", ("osd", "pool", "ls", "detail"), "how redundant its pools are"),
    *(_listing("snapshots", folder, "how old snapshots of etcd are") for folder in SNAPSHOTS),
    *(_listing("restic", folder + "/snapshots", "how old backups of restic are") for folder in REPOSITORIES),
)


def scratch(folder: str, running: "frozenset[int]") -> "dict[str, object]":
    """Return by owner, of those who run nothing, how many entries they have."""
    try:
        entries = list(os.scandir(AUDIT_ROOT + folder))[:MOST_ENTRIES]
    except OSError as error:
        return untold(
            error.strerror or "failed", "denied" if isinstance(error, PermissionError) else "failed"
        )
    left = {}  # type: dict[str, int]
    for entry in entries:
        told = entry.stat(follow_symlinks=False)
        if told.st_uid >= FIRST_PERSON and told.st_uid not in running:
            name = owner(told.st_uid)
            left[name] = left.get(name, 0) + 1
    return {"left": left}


def owner(number: int) -> str:
    """Return the name of a user, else the number."""
    from pwd import getpwuid

    try:
        return getpwuid(number).pw_name
    except KeyError:
        return str(number)


def at_work(pids: "Iterable[str]") -> "frozenset[int]":
    """Return who runs anything here."""
    found = set()
    for pid in pids:
        if pid.isdigit():
            try:
                found.add(os.stat(f"{AUDIT_ROOT}/proc/{pid}").st_uid)
            except OSError:  # it ended in between
                continue
    return frozenset(found)


def read_stores() -> "dict[str, object]":
    """Return what the files of a host tell of what it stores."""
    running = at_work(os.listdir(AUDIT_ROOT + "/proc"))
    there = [one for one in SCRATCHES if is_folder(one)]
    return {
        "mounts": file_text("/proc/self/mounts"),
        "lustre": file_text("/sys/fs/lustre/health_check"),
        "wiped": file_mode(WIPED),
        "etcd": is_folder("/var/lib/etcd/member") or is_folder("/var/lib/etcd"),
        "scratches": {one: scratch(one, running) for one in there},
    }


def is_folder(path: str) -> bool:
    """True for a folder that is there, and no link."""
    try:
        return stat.S_ISDIR(os.lstat(AUDIT_ROOT + path).st_mode)
    except OSError:
        return False


STORES = Part("stores", STORE_COMMANDS, read_stores)
