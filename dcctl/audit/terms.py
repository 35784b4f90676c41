"""For how long somebody's word holds: a waiver's, and an attestation's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from dcctl.inventory.evidence.own import Waiver

LONGEST_DAYS: Final = 180
"""For so long a waiver may hold."""
_ATTESTED_DAYS: Final = 365
"""For so long an attestation may."""
_DAY_S: Final = 86400


def longest_s(waiver: Waiver) -> int:
    """Return for how long it may hold."""
    return (_ATTESTED_DAYS if waiver.attests else LONGEST_DAYS) * _DAY_S


def ends_at_s(waiver: Waiver) -> int:
    """Return when it stops to hold: what is longer than it may be is cut."""
    return min(waiver.expires_at_s, waiver.created_at_s + longest_s(waiver))
