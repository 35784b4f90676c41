"""The plan that was agreed to, kept beside the journal."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from dcctl.drain.outcome import Approved
from dcctl.errors import OutputError, RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from dcctl.journal import Header


class _Asked(msgspec.Struct):
    reason: str = ""


class _Saved(msgspec.Struct):
    """The little of it that a list of runs tells."""

    request: _Asked


def path_of(folder: Path, run: str) -> Path:
    """Where it lies."""
    return folder / f"drain-{run}.json"


def save(folder: Path, run: str, data: bytes) -> None:
    """It is on the disk, as a whole, for its owner to read. OutputError."""
    path = path_of(folder, run)
    part = path.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(number)
        part.replace(path)
    except OSError as error:
        raise OutputError(f"{path} was not written", error.strerror or str(error), "df -h") from error


def load(folder: Path, header: Header) -> Approved:
    """What was agreed to. RefusedError: it cannot be read, or is not what was agreed to any more."""
    path = path_of(folder, header.run)
    back = f"{header.undo} --run {header.run}"
    try:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != header.plan:
            raise RefusedError(str(path), "was changed since it was agreed to: it is not carried out", back)
        return msgspec.json.decode(data, type=Approved)
    except OSError as error:
        raise RefusedError(str(path), error.strerror or str(error), back) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RefusedError(str(path), f"is not a plan that this dcctl reads: {error}", back) from error


def reason_of(folder: Path, run: str) -> str:
    """Why nodes were to be drained; empty: nobody said, or it cannot be read."""
    with suppress(OSError, msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.json.decode(path_of(folder, run).read_bytes(), type=_Saved).request.reason
    return ""
