"""Units of systemd on this machine: what may be written over, and what systemd says of a time."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from dcctl.audit.units import MARK
from dcctl.errors import OutputError, RefusedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ASKING_S: Final = 10


def check_calendar(text: str) -> None:
    """Return when systemd takes a time, or is not here to be asked. UsageError with its words."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return
    done = subprocess.run(  # noqa: S603  # one word, after the end of options
        [program, "calendar", "--", text], capture_output=True, text=True, timeout=_ASKING_S, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        why = said[-1] if said else "is no time that systemd knows"
        raise UsageError(f"--calendar {text}", why, "man systemd.time")


def changed(files: Mapping[Path, str]) -> dict[Path, str]:
    """Return the files that are not there as they would be written. RefusedError: one is not of dcctl."""
    return {path: text for path, text in files.items() if _now(path) != text}


def _now(path: Path) -> str | None:
    """What a unit of ours says; None where there is none."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise _foreign(path)  # a mask of systemctl is a link to /dev/null
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OutputError(str(path), error.strerror or str(error), f"ls -l {path}") from error
    if not text.startswith(MARK):
        raise _foreign(path)
    return text


def _foreign(path: Path) -> RefusedError:
    why = "is there and was not written by `dcctl audit install-timer`; move it away first"
    return RefusedError(str(path), why, f"systemctl cat {path.name}")
