"""Answers kept by question, so that a run that broke off goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEPT_S = 86400
"""Older answers are removed: a run that broke off is taken up sooner."""


class Cache(NamedTuple):
    """A folder of answers. What cannot be read or written is as if it were not there.

    `who` is told apart, so that nobody sees the answers of another tenant.
    """

    folder: Path
    who: str

    def read(self, path: str, params: Mapping[str, str]) -> tuple[bytes, int] | None:
        """Return the answer to a question that was asked before, and when that was (Unix time)."""
        place = self._place(path, params)
        try:
            return place.read_bytes(), int(place.stat().st_mtime)
        except OSError:
            return None

    def keep(self, path: str, params: Mapping[str, str], body: bytes) -> None:
        """Keep an answer, readable by its owner alone: whole or not at all."""
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(dir=self.folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(body)
                    file.flush()
                    os.fsync(file.fileno())  # a name must not outlive what it names when the power fails
                os.replace(name, self._place(path, params))  # noqa: PTH105 - beside mkstemp
            except OSError:
                os.unlink(name)  # noqa: PTH108
                raise

    def forget(self, path: str, params: Mapping[str, str]) -> None:
        """Remove an answer."""
        with suppress(OSError):
            self._place(path, params).unlink()

    def prune(self) -> None:
        """Remove what is too old to go on from."""
        with suppress(OSError):
            for entry in list(self.folder.iterdir()):
                if entry.stat().st_mtime < time.time() - KEPT_S:
                    entry.unlink()

    def _place(self, path: str, params: Mapping[str, str]) -> Path:
        text = json.dumps([self.who, path, sorted(params.items())])
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()}.json"
