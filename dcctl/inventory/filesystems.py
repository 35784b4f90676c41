"""Types of file systems: whose the space is. The streamed probe keeps a copy of its own (probes/node.py)."""

from __future__ import annotations

SHARED_TYPES = frozenset(
    (
        *("9p", "beegfs", "ceph", "cifs", "glusterfs", "gpfs", "lustre", "nfs", "nfs4", "orangefs", "panfs"),
        *("pvfs2", "smb3", "virtiofs", "wekafs"),
    )
)
"""A server answers for them, so several nodes see the same space."""
# Served by a process, and mostly a way to a store (JuiceFS, s3fs, mergerfs); these are conveniences of a
# desktop or of a container runtime.
NO_STORES = frozenset(("fuse.gvfsd-fuse", "fuse.lxcfs", "fuse.portal", "fuse.snapfuse"))
_OTHER_NAMES = ("nfs", "ceph", "cifs", "smb", "lustre", "beegfs", "gpfs", "fuse")
"""Beginnings of further names of the same, which other sources and saved files may use."""


def may_be_store(fstype: str) -> bool:
    """Whether it is served by a process of the node, and holds somebody's data."""
    return fstype.startswith("fuse.") and fstype not in NO_STORES


def is_shared(fstype: str) -> bool:
    """Whether several nodes may see its space, which is then no node's own."""
    return fstype in SHARED_TYPES or fstype.startswith(_OTHER_NAMES)
