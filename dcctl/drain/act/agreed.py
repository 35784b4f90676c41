"""The plan that was agreed to, kept beside the journal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from dcctl.drain.outcome import Approved
from dcctl.errors import OutputError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


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


def load(folder: Path, run: str) -> Approved:
    """What was agreed to. UsageError: it cannot be read."""
    path = path_of(folder, run)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Approved)
    except OSError as error:
        raise UsageError(str(path), error.strerror or str(error), f"ls -l {path}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(str(path), f"is not a plan of dcctl: {error}", f"head -c 200 {path}") from error
