"""Space that several nodes share is no node's own."""

from __future__ import annotations

import pytest

from dcctl.assess.fleet.machine import surroundings
from dcctl.inventory.filesystems import is_shared
from dcctl.inventory.model import Mount
from dcctl.inventory.probes.rules import DISK_TYPES, SHARED_TYPES
from dcctl.inventory.sources.local.mounts import partitions
from tests.unit.assess.fleet.build import judged, node

SHARED = (
    *("wekafs", "virtiofs", "glusterfs", "panfs", "orangefs", "pvfs2", "lustre", "beegfs", "gpfs", "ceph"),
    *("cephfs", "nfs", "nfs4", "nfsd", "cifs", "smb3", "9p", "fuse.juicefs", "fuse.s3fs", "fuse.glusterfs"),
)


@pytest.mark.parametrize("fstype", SHARED)
def test_what_three_nodes_share_is_not_counted_three_times(fstype: str) -> None:
    mounts = (
        Mount("/", "/dev/nvme0n1p2", "ext4", 1000, 400),
        Mount("/data", "backend/data", fstype, 10**15, 10**14),
    )
    found = surroundings(judged(tuple(node(name, mounts=mounts) for name in ("n1", "n2", "n3"))))
    assert (found.disk_capacity, found.disk_free) == (3000, 1200)


def test_no_disk_is_shared() -> None:
    assert not [fstype for fstype in DISK_TYPES if is_shared(fstype)]


@pytest.mark.parametrize("fstype", [*sorted(SHARED_TYPES), "fuse.juicefs"])
def test_what_is_shared_is_measured(fstype: str) -> None:
    assert [row.path for row in partitions([("/data", "backend", fstype)])] == ["/data"]
