"""Opcodes of a pickle with their arguments, as the unpickler of CPython reads them (Modules/_pickle.c).

pickletools is stricter here and there: it takes `I0x10` for no number, and `c` with letters beyond ASCII for
no name. What it refuses is not refused when a model is loaded.
"""

from __future__ import annotations

import pickletools
import re
from codecs import escape_decode
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dcctl.inventory.sources.models.limits import Bounded

_WHOLE: Final = re.compile(rb"\s*[-+]?[0-9A-Fa-fXxOo_]*\s*L?\s*")
"""Whatever base 0 makes a number of, and a little more."""
_REAL: Final = re.compile(rb"(?i)\s*[-+]?(?:inf(?:inity)?|nan|[0-9.e+_-]+)\s*")
_BY_CODE: Final = {one.code.encode("latin-1"): one for one in pickletools.opcodes}
OPCODES: Final = frozenset(_BY_CODE)


def opcodes(stream: Bounded) -> Iterator[tuple[pickletools.OpcodeInfo, object]]:
    """Yield each opcode with its argument, up to STOP. ValueError: no unpickler would go on."""
    while code := stream.read(1):
        opcode = _BY_CODE.get(code)
        if opcode is None:
            raise ValueError(f"{code!r} is no opcode")
        read = _READERS.get(opcode.name)
        if read is not None:
            yield opcode, read(_line(stream))
        elif opcode.name in ("GLOBAL", "INST"):
            yield opcode, f"{_name(_line(stream))} {_name(_line(stream))}"
        else:  # it takes read() and readline() of a file
            yield opcode, opcode.arg and opcode.arg.reader(stream)  # type: ignore[arg-type]
        if opcode.name == "STOP":
            return
    raise ValueError("it has no end")


def _line(stream: Bounded) -> bytes:
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise ValueError("a line does not end")
    return line[:-1]


def _name(line: bytes) -> str:
    return line.decode("utf-8", "replace")


def _number(like: re.Pattern[bytes]) -> Callable[[bytes], None]:
    """Which number it is tells nothing here; that it is one, that the pickle goes on."""

    def read(line: bytes) -> None:
        if not like.fullmatch(line.partition(b"\0")[0]):
            raise ValueError("a number is none")

    return read


def _string(line: bytes) -> str:
    """Return what stands in quotes, in whichever encoding the caller asks for."""
    if len(line) < 2 or line[:1] not in (b"'", b'"'):
        raise ValueError("a string has no quotes")
    return escape_decode(line.rstrip()[1:-1])[0].decode("latin-1")


_READERS: Final[dict[str, Callable[[bytes], object]]] = {
    "INT": _number(_WHOLE),
    "LONG": _number(_WHOLE),
    "FLOAT": _number(_REAL),
    "STRING": _string,
    "PERSID": _name,
}
