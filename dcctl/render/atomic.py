"""Files that are either the old one or the whole new one."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from dcctl.errors import DcctlError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

_MODE = 0o644


def write_atomic(path: str | Path, write: Callable[[TextIO], object]) -> None:
    """Put what `write` writes at `path`; a reader sees the old file or the whole new one, also after a crash.

    A new file has mode 0644 less the umask; an old one keeps its mode and, as far as we may, its owner and
    group; a symbolic link keeps pointing to it. What a killed run left beside it is removed.
    What is not a regular file (a pipe, /dev/stdout) is written to directly. UsageError when the place cannot
    be written to, DcctlError when writing failed half-way; the old file is untouched in both cases.
    """
    try:
        old = _status_of(Path(path))
    except OSError as error:
        raise _refused(path, error) from error
    if old is not None and not stat.S_ISREG(old.st_mode):
        _directly(Path(path), write)
        return
    target = Path(os.path.realpath(path))
    _remove_left_over(target)
    _replace(path, target, old, write)


def check_place(path: str | Path) -> None:
    """Return when a file may be written at `path`, as far as can be told beforehand; else UsageError."""
    try:
        old = _status_of(Path(path))
    except OSError as error:
        raise _refused(path, error) from error
    if old is not None and stat.S_ISDIR(old.st_mode):
        raise _refused(path, OSError(errno.EISDIR, os.strerror(errno.EISDIR)))
    inside = old is None or stat.S_ISREG(old.st_mode)
    place = Path(os.path.realpath(path)).parent if inside else Path(path)
    if not os.access(place, os.W_OK):
        cause = errno.EACCES if place.exists() else errno.ENOENT
        raise _refused(path, OSError(cause, os.strerror(cause)))


def _status_of(path: Path) -> os.stat_result | None:
    """Return what is known of a file, None when there is none. Not of its real path: pipes have none."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _directly(path: Path, write: Callable[[TextIO], object]) -> None:
    """Write to a device or a pipe."""
    try:
        out = path.open("w", encoding="utf-8")
    except OSError as error:
        raise _refused(path, error) from error
    try:
        with out:
            write(out)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise DcctlError(f"{path} was not written", error.strerror or str(error)) from error


def _remove_left_over(target: Path) -> None:
    """Remove the temporary files of this target whose writers are gone. Failing at it is no error."""
    ours = re.compile(rf"\.{re.escape(target.name)}\.([0-9]{{1,10}})\.tmp")
    with suppress(OSError), os.scandir(target.parent) as entries:
        for entry in entries:
            match = ours.fullmatch(entry.name)
            if match and _is_gone(int(match[1])) and _is_unlocked(entry.path):
                Path(entry.path).unlink()


def _is_gone(process: int) -> bool:
    """Whether no process has this number here."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def _is_unlocked(path: str) -> bool:
    """Whether nobody writes to it: a writer in another container has a number that means nothing here."""
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(number)
    return True


def _keep(number: int, old: os.stat_result) -> None:
    """Give an open file the owner, group and mode of the one that it replaces, as far as we may."""
    try:
        os.fchown(number, old.st_uid, old.st_gid)
    except OSError:  # only root gives files away; a member may keep the group
        with suppress(OSError):
            os.fchown(number, -1, old.st_gid)
    os.fchmod(number, stat.S_IMODE(old.st_mode))


def _replace(
    path: str | Path, target: Path, old: os.stat_result | None, write: Callable[[TextIO], object]
) -> None:
    """Write beside `target`, force it to the disk, and rename."""
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        beside.unlink(missing_ok=True)  # left by a killed run that had the same number
        number = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600 if old else _MODE)
    except OSError as error:
        raise _refused(path, error) from error
    try:
        with os.fdopen(number, "w", encoding="utf-8") as out:
            with suppress(OSError):  # where a file system has no locks, the number alone must do
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if old is not None:
                _keep(number, old)
            write(out)
            out.flush()
            os.fsync(number)
        beside.replace(target)
        _sync_directory(target.parent)
    except OSError as error:
        kept = "; the old file is untouched" if old else ""
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
