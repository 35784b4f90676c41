"""Standard streams that came closed, and standard output once nobody reads it any more."""

from __future__ import annotations

import io
import os
import sys

TYPE_CHECKING = False  # `typing` itself takes longer than `--version` may
if TYPE_CHECKING:
    from typing import TextIO


def replace_closed() -> None:
    """Put /dev/null where stdin, stdout or stderr came closed, so that no file or socket takes their place.

    What is written to such a stdout fails as it would on the closed one; stderr swallows what it is given.
    """
    from pathlib import Path  # here, because `--version` has no time for it

    while (number := os.open(os.devnull, os.O_RDONLY)) <= 2:
        pass
    os.close(number)
    sys.stdin = sys.stdin or os.fdopen(0)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end


def buffer_stdout() -> None:
    """Put a buffer between stdout and its file where PYTHONUNBUFFERED left none.

    Without one Python's text layer takes a short write, on a full disk or a pipe that is closing, for a whole
    one: an answer would be cut with exit code 0.
    """
    raw = getattr(sys.stdout, "buffer", None)
    if isinstance(raw, io.RawIOBase):
        encoding, errors = sys.stdout.encoding, sys.stdout.errors
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(raw), encoding=encoding, errors=errors)


def tell_aside(text: str, out: TextIO | None = None) -> None:
    """Write text on `out` (None: stderr). Where that fails nothing changes: it is not the answer."""
    stream = sys.stderr if out is None else out
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        return


def abandon_stdout() -> None:
    """Point stdout at /dev/null, so that the interpreter's last flush has somewhere to go."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
