"""What an SSH server tells before anybody logs in: version and KEXINIT (RFC 4253, 4.2 and 7.1). Pure."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from dcctl.inventory.evidence.hosts import Algorithms

MAX_PACKET_BYTES: Final = 35_000
"""RFC 4253, 6.1: what every implementation has to take."""
_KEXINIT: Final = 20
_VERSION = re.compile(rb"^SSH-(?:2\.0|1\.99)-([\x20-\x7e]{1,200}?)\r?\n", re.MULTILINE)


class Greeting(NamedTuple):
    """Who answers, and what it offers."""

    software: str
    algorithms: Algorithms


def parse_greeting(data: bytes) -> Greeting | None:
    """Return the greeting, or None while more bytes are to come. ValueError: it is none."""
    version = _VERSION.search(data)
    if version is None:
        if len(data) > MAX_PACKET_BYTES:
            raise ValueError("no SSH version in the first bytes")
        return None
    packet = data[version.end() :]
    if len(packet) < 5:
        return None
    size, padding = int.from_bytes(packet[:4], "big"), packet[4]
    if not 2 <= size <= MAX_PACKET_BYTES or padding + 1 >= size:
        raise ValueError(f"its first packet would have {size} bytes")
    if len(packet) < 4 + size:
        return None
    return Greeting(version[1].decode("ascii"), _kexinit(packet[5 : 4 + size - padding]))


def _kexinit(payload: bytes) -> Algorithms:
    """Read message number, 16 bytes of cookie, and the name lists; those of the server's direction count."""
    if payload[:1] != bytes([_KEXINIT]):
        raise ValueError("its first packet is no KEXINIT")
    lists, at = [], 17
    for _ in range(8):
        size = int.from_bytes(payload[at : at + 4], "big")
        if len(payload) < at + 4 + size:
            raise ValueError("its KEXINIT ends half-way")
        names = payload[at + 4 : at + 4 + size].decode("ascii", "replace")
        lists.append(tuple(name for name in names.split(",") if name.isprintable() and name))
        at += 4 + size
    kex, host_keys, _, ciphers, _, macs, _, _ = lists
    return Algorithms(kex, host_keys, ciphers, macs)
