"""Mounts that hang, fail, or are not worth asking."""

from threading import Event

import pytest

from dcctl.inventory.sources.local.mounts import measured, partitions
from dcctl.inventory.sources.machine.facts import MountFacts


def test_a_mount_that_hangs_is_a_gap_and_the_others_are_measured() -> None:
    never = Event()

    def measure(path: str) -> tuple[int, int]:
        if path == "/dead":
            never.wait()
        return 7, 5

    rows = [MountFacts("/dead", "filer:/x", "nfs4"), MountFacts("/", "/dev/sda1", "ext4")]
    mounts, unread = measured(rows, measure, deadline_s=0.2)
    never.set()
    assert [(mount.path, mount.size_bytes, mount.free_bytes) for mount in mounts] == [
        ("/dead", None, None),
        ("/", 7, 5),
    ]
    assert [(row.subject, row.cause) for row in unread] == [("mount /dead", "timeout")]


def test_a_stale_handle_is_told_in_the_kernels_words() -> None:
    def measure(path: str) -> tuple[int, int]:
        raise OSError(116, "Stale file handle")

    _, unread = measured([MountFacts("/data", "filer:/x", "nfs")], measure, deadline_s=5.0)
    assert [(row.reason, row.cause) for row in unread] == [("Stale file handle", "failed")]


@pytest.mark.parametrize(
    ("path", "fstype", "kept"),
    [
        ("/", "overlay", True),
        ("/", "rootfs", False),
        ("/scratch", "xfs", True),
        ("/gpfs/fs1", "gpfs", True),
        ("/weka", "wekafs", True),
        ("/ckpt", "fuse.juicefs", True),
        ("/var/lib/lxcfs", "fuse.lxcfs", False),
        ("/dev/shm", "tmpfs", False),
        ("/sys/fs/cgroup", "cgroup2", False),
        ("/snap/core/1", "squashfs", False),
        ("/var/lib/kubelet/pods/1/volumes/pvc", "ext4", False),
        ("/etc/hosts", "ext4", False),
    ],
)
def test_only_file_systems_with_space_of_their_own_are_kept(path: str, fstype: str, kept: bool) -> None:
    assert bool(partitions([(path, "device", fstype)])) == kept
