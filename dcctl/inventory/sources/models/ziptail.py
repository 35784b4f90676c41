"""How large the directory of a zip says that it is, before anybody reads it (APPNOTE 4.3.14 to 4.3.16)."""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

_END: Final = b"PK\x05\x06"
_END_64: Final = b"PK\x06\x06"
_TAIL: Final = 65_535 + 22


def directory_bytes(file: BinaryIO) -> int:
    """Return what the directory takes, as the end of the file says; 0 where it has none."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _TAIL - 76))
    tail = file.read(_TAIL + 76)
    file.seek(0)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < 22:
        return 0
    told = int(struct.unpack_from("<L", tail, at + 12)[0])
    wide = tail.rfind(_END_64)
    if told == 0xFFFFFFFF and wide >= 0 and len(tail) - wide >= 48:
        return int(struct.unpack_from("<Q", tail, wide + 40)[0])
    return told
