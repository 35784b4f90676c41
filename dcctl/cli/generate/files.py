"""Generated files in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def write_all(directory: Path, texts: Mapping[str, str]) -> None:
    """Write each text under its name into `directory`. UsageError when it cannot be written."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (directory / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(str(directory), error.strerror or str(error)) from error
