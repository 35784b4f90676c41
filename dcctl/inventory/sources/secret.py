"""A secret from a file or a command; it is never part of a command line, an error or a report."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import NamedTuple

from dcctl.inventory.sources.base import SourceError

_COMMAND_S = 20.0
_MAX_CHARS = 4096


class Secret(NamedTuple):
    """Where a secret is told: in a file, or by the first line that a command prints."""

    file: str | None = None
    command: str | None = None

    def __bool__(self) -> bool:
        return self.file is not None or self.command is not None

    def read(self, subject: str) -> str:
        """Return the first line. SourceError says why there is none, never what it is."""
        told = self._of_file(subject) if self.file is not None else self._of_command(subject)
        lines = told.splitlines()
        if not lines or not lines[0] or len(lines[0]) > _MAX_CHARS:
            raise SourceError(
                subject, f"{self._where()} tells no secret on its first line", "unauthenticated"
            )
        return lines[0]

    def _where(self) -> str:
        return f"the file {self.file}" if self.file is not None else "the command for the secret"

    def _of_file(self, subject: str) -> str:
        path = Path(self.file or "").expanduser()
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            why = f"{self._where()}: {(error.strerror or str(error)).lower()}"
            raise SourceError(subject, why, "unauthenticated", f"ls -l {path}") from error
        except ValueError as error:
            raise SourceError(subject, f"{self._where()} is not text", "unauthenticated") from error

    def _of_command(self, subject: str) -> str:
        try:
            words = shlex.split(self.command or "")
            done = subprocess.run(  # noqa: S603  # the user's own configuration names it
                words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_COMMAND_S, check=False
            )
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            why = f"{self._where()} failed: {type(error).__name__}"
            raise SourceError(subject, why, "unauthenticated") from error
        if done.returncode:
            why = f"{self._where()} ended with {done.returncode}"
            raise SourceError(subject, why, "unauthenticated")
        return done.stdout.decode(errors="replace")
