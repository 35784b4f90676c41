"""Files that are either the old one or the whole new one."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from dcctl.errors import DcctlError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

_MODE = 0o644


def write_atomic(path: str | Path, write: Callable[[TextIO], None]) -> None:
    """Put what `write` writes at `path`; a reader sees the old file or the whole new one, also after a crash.

    A new file has mode 0644 less the umask, an old one keeps its mode; a symbolic link keeps pointing to it.
    What is not a regular file (a pipe, /dev/stdout) is written to directly. UsageError when the place cannot
    be written to, DcctlError when writing failed half-way; the old file is untouched in both cases.
    """
    try:
        mode = _mode_of(Path(path))
    except OSError as error:
        raise _refused(path, error) from error
    if mode is not None and not stat.S_ISREG(mode):
        _directly(Path(path), write)
        return
    _replace(path, Path(os.path.realpath(path)), mode, write)


def _mode_of(path: Path) -> int | None:
    """Return the mode of an existing file, None when there is none. Not of its real path: pipes have none."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _directly(path: Path, write: Callable[[TextIO], None]) -> None:
    """Write to a device or a pipe."""
    try:
        out = path.open("w", encoding="utf-8")
    except OSError as error:
        raise _refused(path, error) from error
    with out:
        write(out)


def _replace(path: str | Path, target: Path, mode: int | None, write: Callable[[TextIO], None]) -> None:
    """Write beside `target`, force it to the disk, and rename."""
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        beside.unlink(missing_ok=True)  # left by a killed run that had the same number
        number = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    except OSError as error:
        raise _refused(path, error) from error
    try:
        with os.fdopen(number, "w", encoding="utf-8") as out:
            if mode is not None:
                os.fchmod(number, stat.S_IMODE(mode))
            write(out)
            out.flush()
            os.fsync(number)
        beside.replace(target)
        _sync_directory(target.parent)
    except OSError as error:
        kept = "; the old file is untouched" if mode else ""
        raise DcctlError(f"{path} was not written", f"{error.strerror or error}{kept}", "df -h") from error
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()


def _sync_directory(directory: Path) -> None:
    """Make the rename itself last."""
    number = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _refused(path: str | Path, error: OSError) -> UsageError:
    """Return the error for a place that cannot be written to."""
    return UsageError(f"cannot write {path}", error.strerror or str(error))
