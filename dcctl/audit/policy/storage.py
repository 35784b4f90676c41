"""What a site expects of its backups and its shared storage."""

from __future__ import annotations

from msgspec import Struct

_DAY_S = 86_400


class StoragePolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """The table [audit.storage]."""

    rpo_s: int = _DAY_S
    """How old the last good backup may be, where its own inventory does not say."""
    etcd_age_s: int = _DAY_S
    """How old the last snapshot of etcd may be."""
    shrunk_milli: int = 500
    """A backup is too small when it is less than so much of the median of those before it."""
    drill_age_s: int = 90 * _DAY_S
    """How long ago somebody may have tried to restore."""
    off_site_declared: tuple[str, ...] = ()
    """Names of backups that the site knows to have a copy elsewhere; `*` and `?` are any."""
    used_milli: int = 800
    """How full a shared store may be, in thousandths."""
    copies: int = 2
    """How redundant each part of a checkpoint store has to be, at the least."""
    scratch_stores: tuple[str, ...] = ()
    """File systems, and pools of them, that hold nothing that would be missed; `*` and `?` are any."""
    unused_s: int = 30 * _DAY_S
    """For how long a volume may belong to nobody."""
