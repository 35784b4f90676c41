"""The server's side of a websocket (RFC 6455), as much as the exec of a kubelet takes."""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from _typeshed import SupportsRead

_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
BINARY, CLOSE, PING, PONG = 2, 8, 9, 10


def accepted(key: str) -> str:
    """What proves to the client that its handshake was understood."""
    return base64.b64encode(hashlib.sha1(f"{key}{_MAGIC}".encode()).digest()).decode()


def frame(payload: bytes, opcode: int = BINARY) -> bytes:
    """One unmasked frame."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", 0x80 | opcode, 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 127, size)
    return head + payload


def frames(stream: SupportsRead[bytes] | BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield (opcode, payload) of what the client sends, until it leaves."""
    while len(head := stream.read(2)) == 2:
        size = head[1] & 0x7F
        if size > 125:
            more = stream.read(2 if size == 126 else 8)
            size = int.from_bytes(more, "big")
        mask = stream.read(4)
        payload = stream.read(size)
        yield head[0] & 0x0F, bytes(each ^ mask[index % 4] for index, each in enumerate(payload))
