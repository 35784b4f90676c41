"""The greeting of SSH servers, byte by byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.inventory.sources.ssh.audit.kexinit import MAX_PACKET_BYTES, parse_greeting

LISTS = (
    "curve25519-sha256,kex-strict-s-v00@openssh.com",
    "ssh-ed25519",
    "c2s",
    "aes256-ctr",
    "m2s",
    "hmac-sha2-256",
)


def packet(lists: tuple[str, ...] = (*LISTS, "none", "none"), number: int = 20, padding: int = 8) -> bytes:
    payload = bytes([number]) + b"c" * 16
    payload += b"".join(len(one).to_bytes(4, "big") + one.encode() for one in lists) + b"\0" * 13
    body = bytes([padding]) + payload + b"p" * padding
    return len(body).to_bytes(4, "big") + body


BANNER = b"Welcome, this is gpu001\r\nSSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"


def test_the_software_and_what_the_server_offers() -> None:
    found = parse_greeting(BANNER + packet())
    assert found is not None
    assert found.software == "OpenSSH_9.2p1 Debian-2"
    assert found.algorithms.kex == ("curve25519-sha256", "kex-strict-s-v00@openssh.com")
    assert found.algorithms.host_keys == ("ssh-ed25519",)
    assert (found.algorithms.ciphers, found.algorithms.macs) == (("aes256-ctr",), ("hmac-sha2-256",))


def test_every_beginning_waits_for_more() -> None:
    whole = BANNER + packet()
    assert all(parse_greeting(whole[:size]) is None for size in range(len(whole)))


@pytest.mark.parametrize(
    "data",
    [
        BANNER + (2**31).to_bytes(4, "big") + b"\0" * 20,
        BANNER + (1).to_bytes(4, "big") + b"\0" * 20,
        BANNER + (20).to_bytes(4, "big") + bytes([19]) + b"\0" * 20,
        BANNER + packet(number=21),
        BANNER + packet(LISTS[:3]),
        BANNER + packet(())[:4] + b"\x08\x14" + packet(())[6:],
        b"HTTP/1.1 400 Bad Request\r\n" + b"x" * MAX_PACKET_BYTES,
    ],
)
def test_what_is_no_greeting_is_named(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"bytes|KEXINIT"):
        parse_greeting(data)


def test_no_control_characters_come_out_of_it() -> None:
    found = parse_greeting(b"SSH-2.0-x\r\n" + packet(("a\x1b[31m,b", *LISTS[1:], "", "")))
    assert found is not None
    assert found.algorithms.kex == ("b",)


@given(st.binary(max_size=400))
def test_any_bytes_wait_or_are_refused(data: bytes) -> None:
    try:
        parse_greeting(b"SSH-2.0-x\n" + data)
    except ValueError:
        return
