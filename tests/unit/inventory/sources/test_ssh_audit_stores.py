"""What nodes store and share: exports, shared file systems, snapshots, scratch, as programs print them."""

from __future__ import annotations

import json
from typing import Any

from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.models import Leftover
from dcctl.inventory.evidence.storage import Copy, StorePool
from dcctl.inventory.probes import audit_stores
from dcctl.inventory.sources.ssh.audit.gather import read_answer
from dcctl.inventory.sources.ssh.audit.stores import exported, store_evidence
from dcctl.inventory.sources.ssh.run import Answer, Reply, Target

EXPORTS = (
    "/srv/short     \t10.0.0.0/8(sync,wdelay,hide,no_subtree_check,"
    "sec=sys,rw,secure,root_squash,no_all_squash)\n"
    "/srv/nfs/a/very/long/path/of/checkpoints\n"
    "\t\t<world>(sync,wdelay,hide,no_subtree_check,sec=sys,rw,secure,no_root_squash,no_all_squash)\n"
    "/srv/nfs/a/very/long/path/of/checkpoints\n"
    "\t\tgpu*.dc1(sync,ro,sec=krb5p,root_squash)\n"
)
MOUNTS = "/dev/sda1 / ext4 rw 0 0\nnfs01:/b /var/backups nfs4 rw 0 0\nnfs02:/s /mnt/scratch nfs rw 0 0\n"
HEALTH = {
    "status": "HEALTH_WARN",
    "checks": {
        "OSD_DOWN": {
            "severity": "HEALTH_WARN",
            "summary": {"message": "1 osds down", "count": 1},
            "muted": False,
        },
        "OLD": {"severity": "HEALTH_WARN", "summary": {"message": "x", "count": 1}, "muted": True},
    },
}
POOLS = [
    {"pool_name": ".mgr", "type": 1, "size": 1, "min_size": 1},
    {"pool_name": "ckpt", "type": 1, "size": 3, "min_size": 2, "erasure_code_profile": ""},
    {"pool_name": "cold", "type": 3, "size": 6, "min_size": 5, "erasure_code_profile": "k4m2"},
]


def read(commands: dict[str, Any], stores: dict[str, Any]) -> Evidence:
    document = {"audit": {"commands": commands, "stores": stores}}
    stdout = b"@@dcctl python\n" + json.dumps(document).encode() + b"\n@@dcctl end\n"
    return store_evidence(read_answer(Answer(Target("n1"), Reply(stdout, "", 0))))


def test_exports_as_exportfs_prints_them() -> None:
    found = exported(EXPORTS)
    assert list(found) == ["/srv/short", "/srv/nfs/a/very/long/path/of/checkpoints"]
    assert [one.clients for one in found["/srv/nfs/a/very/long/path/of/checkpoints"]] == [
        "<world>",
        "gpu*.dc1",
    ]
    assert "no_root_squash" in found["/srv/nfs/a/very/long/path/of/checkpoints"][0].options
    assert "root_squash" in found["/srv/short"][0].options


def test_a_server_that_exports_nothing_and_one_that_may_not_be_asked() -> None:
    (none,) = read({"exportfs": {"out": ""}}, {}).exports or ()
    assert none.permissions == ()
    (silent,) = read({"exportfs": {"why": "sudo refused: x", "cause": "denied"}}, {}).exports or ()
    assert (silent.permissions, silent.silent["permissions"].cause) == (None, "denied")
    assert read({}, {}).exports == ()


def test_shared_file_systems_by_df_and_ceph() -> None:
    df = (
        "Type  1B-blocks Avail Filesystem\nnfs4 1000 250 nfs01:/ckpt\nlustre 9 8 10.0.0.1@o2ib:/fs\n"
        "nfs - - nfs09:/dead\n"
    )
    commands: dict[str, Any] = {
        "shared_df": {"out": df},
        "ceph_health": {"out": json.dumps(HEALTH)},
        "ceph_df": {"out": json.dumps({"stats": {"total_bytes": 100, "total_avail_bytes": 40}})},
        "ceph_pools": {"out": json.dumps(POOLS)},
    }
    nfs, lustre, ceph = read(commands, {"lustre": {"out": "NOT HEALTHY\n"}}).filesystems or ()
    assert (nfs.name, nfs.health, nfs.size_bytes, nfs.free_bytes) == ("nfs01:/ckpt", "ok", 1000, 250)
    assert (lustre.health, lustre.pools) == ("error", None)
    assert (ceph.health, ceph.complaints) == ("warning", ("OSD_DOWN: 1 osds down",))
    assert (ceph.size_bytes, ceph.free_bytes) == (100, 40)
    assert ceph.pools == (StorePool("ckpt", 3), StorePool("cold", 2))
    commands["ceph_pools"] = {"out": "{}"}
    commands["ceph_health"] = {"out": "", "status": 1}
    *_, ceph = read(commands, {}).filesystems or ()
    assert (ceph.health, ceph.silent["health"].reason) == (None, "ceph_health ended with status 1:")


def test_snapshots_and_repositories_by_their_listings() -> None:
    listing = "total 8\n-rw------- 1 0 0 52428800 1749999000 snap.db\ndrwx------ 2 0 0 4096 1749999999 old\n"
    commands = {
        "snapshots/var/backups/etcd": {"out": listing},
        "snapshots/opt/etcd-backup": {"why": "sudo refused", "cause": "denied"},
        "restic/srv/restic/snapshots": {"out": "total 4\n-r-------- 1 0 0 300 1749990000 ab12\n"},
    }
    shared, denied, restic = read(commands, {"mounts": {"out": MOUNTS}, "etcd": True}).backups or ()
    assert (shared.key, shared.tool, shared.off_node) == ("Backup/etcd n1:/var/backups/etcd", "etcd", True)
    assert shared.copies == (Copy(1_749_999_000, size_bytes=52_428_800),)
    assert (denied.copies, denied.off_node, denied.silent["copies"].cause) == (None, False, "denied")
    assert (restic.name, restic.encrypted, restic.copies) == (
        "restic n1:/srv/restic",
        True,
        (Copy(1_749_990_000),),
    )
    (unknown,) = read({}, {"etcd": True}).backups or ()
    assert "usual folders" in unknown.silent["copies"].reason
    assert read({}, {}).backups == ()


def test_what_tenants_left_on_local_scratch() -> None:
    rows = {
        "/scratch": {"left": {"alice": 3}},
        "/mnt/scratch": {"left": {"bob": 1}},
        "/nvme": {"why": "Permission denied", "cause": "denied"},
    }
    told = {"mounts": {"out": MOUNTS}, "scratches": rows, "wiped": {"why": "x", "cause": "missing"}}
    local, denied = read({}, told).scratches or ()
    assert (local.key, local.wiped_at_s) == ("Scratch/n1:/scratch", 0)
    assert local.leftovers == (Leftover("alice", 3),)
    assert (denied.leftovers, denied.silent["leftovers"].reason) == (None, "/nvme: Permission denied")


def test_a_node_that_makes_no_sense_tells_nothing() -> None:
    assert read({}, {"scratches": 3}) == Evidence()


def test_the_probe_reads_this_machine() -> None:
    found = audit_stores.read_stores()
    assert set(found) == {"mounts", "lustre", "wiped", "etcd", "scratches"}
    assert audit_stores.at_work(["self", "1"]) == frozenset({0})
