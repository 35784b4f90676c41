"""Reads small files of /proc and /sys. A file that is not there, or not readable, is None: unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def text(path: Path) -> str | None:
    """Contents without the white space around; None when it cannot be read (absent, EACCES, EINVAL)."""
    try:
        return path.read_bytes().decode(errors="replace").strip()
    except OSError:
        return None


def texts(directory: Path, names: Iterable[str]) -> dict[str, str]:
    """Contents of those of the files `names` that can be read."""
    found = ((name, text(directory / name)) for name in names)
    return {name: contents for name, contents in found if contents is not None}


def link_name(path: Path) -> str | None:
    """Last part of what a symbolic link points to; None when it is none."""
    try:
        return path.readlink().name
    except OSError:
        return None


def entries(directory: Path) -> list[Path]:
    """What is in a directory, by name; nothing when it cannot be read."""
    try:
        return sorted(directory.iterdir())
    except OSError:
        return []
