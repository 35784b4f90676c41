"""UUIDs of machines, as firmware gives them."""

from __future__ import annotations

import re
from typing import Final

_NOT_HEX = re.compile(r"[^0-9a-f]")
_JUNK: Final = frozenset(
    {
        "03000200040005000006000700080009",  # left in by several board makers
        "00020003000400050006000700080009",
        "12345678123456781234567812345678",
        "00112233445566778899aabbccddeeff",
        "fefefefefefefefefefefefefefefefe",
    }
)


def uuid_key(text: str | None) -> str | None:
    """Return a key that is equal for both byte orders of one UUID, or None for none and for makers' junk.

    SMBIOS 2.6 and later store the first three fields in little-endian order (DSP0134, 7.2.1); firmware and
    tools differ, so the kubelet and dmidecode may print one machine's UUID in two ways.
    """
    digits = _NOT_HEX.sub("", (text or "").lower().replace("urn:uuid:", ""))
    if len(digits) != 32 or len(set(digits)) == 1:
        return None
    swapped = _swap(digits[:8]) + _swap(digits[8:12]) + _swap(digits[12:16]) + digits[16:]
    return None if {digits, swapped} & _JUNK else min(digits, swapped)


def _swap(digits: str) -> str:
    return bytes.fromhex(digits)[::-1].hex()
