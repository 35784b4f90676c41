"""Types of file systems: whose the space is."""

from __future__ import annotations

from dcctl.inventory.probes.rules import SHARED_TYPES

_OTHER_NAMES = ("nfs", "ceph", "cifs", "smb", "lustre", "beegfs", "gpfs", "fuse")
"""Beginnings of further names of the same, which other sources and saved files may use."""


def is_shared(fstype: str) -> bool:
    """Whether several nodes may see its space, which is then no node's own."""
    return fstype in SHARED_TYPES or fstype.startswith(_OTHER_NAMES)
