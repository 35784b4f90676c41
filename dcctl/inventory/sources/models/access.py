"""Who may do what with a file: its mode, its owner by name, and its POSIX ACL (acl(5), acl_ea.h)."""

from __future__ import annotations

import os
import struct
from errno import ENODATA, ENOTSUP
from functools import lru_cache
from typing import Final

from dcctl.inventory.evidence.models import Access

_ACL: Final = "system.posix_acl_access"
_NAMED: Final = {0x02: "user", 0x08: "group"}
_MASK: Final = 0x10


def access_of(descriptor: int) -> Access:
    """Return who may do what with what is open. OSError: it is gone."""
    told = os.fstat(descriptor)
    return Access(told.st_mode & 0o7777, _user(told.st_uid), _group(told.st_gid), _acl(descriptor))


def _acl(descriptor: int) -> tuple[str, ...] | None:
    """Entries for others than owner and group. None: there may be a list, and it was not told."""
    if not hasattr(os, "getxattr"):
        return None
    try:
        return entries(os.getxattr(descriptor, _ACL))
    except OSError as error:
        return () if error.errno in (ENODATA, ENOTSUP) else None
    except (struct.error, ValueError):
        return None


def entries(data: bytes) -> tuple[str, ...]:
    """Return the named entries of an ACL as the kernel keeps it, within its mask. ValueError: it is none."""
    if struct.unpack_from("<L", data)[0] != 2:
        raise ValueError("its version is not 2")
    rows = list(struct.iter_unpack("<HHL", data[4:]))
    mask = next((rights for tag, rights, _ in rows if tag == _MASK), 7)
    return tuple(
        f"{_NAMED[tag]}:{_user(who) if tag == 0x02 else _group(who)}:{_rights(rights & mask)}"
        for tag, rights, who in rows
        if tag in _NAMED
    )


def _rights(bits: int) -> str:
    return "".join(sign if bits & bit else "-" for sign, bit in (("r", 4), ("w", 2), ("x", 1)))


@lru_cache(maxsize=1024)
def _user(number: int) -> str:
    from pwd import getpwuid

    try:
        return getpwuid(number).pw_name
    except KeyError:
        return str(number)


@lru_cache(maxsize=1024)
def _group(number: int) -> str:
    from grp import getgrgid

    try:
        return getgrgid(number).gr_name
    except KeyError:
        return str(number)
