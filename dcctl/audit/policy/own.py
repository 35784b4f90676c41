"""What a site demands of the audit itself."""

from __future__ import annotations

from msgspec import Struct


class OwnPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """The table [audit.own]."""

    unknown_most_milli: int = 50
    """Share of what was asked that may stay untold, in thousandths."""
    waiver_most_objects: int = 50
    """A waiver that covers more findings than that is over-broad."""
