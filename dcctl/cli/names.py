"""The names that completion offers: nodes and groups as the last survey saw them, one a line."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcctl.inventory.model import Fleet


_WORD = re.compile(r"[\w@.][\w.:@+=/-]*")
"""Letters and digits of any script, and signs that are special to no shell: TAB offers nothing else."""


def remember(fleet: Fleet, cache: Path) -> None:
    """Keep node names and groups that are plain words in `cache`/nodes; no error when that cannot be."""
    from dcctl.inventory.nodeset import group_names

    lines = [node.name for node in fleet.nodes] + [f"@{group}" for group in group_names(fleet)]
    text = "".join(f"{line}\n" for line in lines if _WORD.fullmatch(line))
    target = cache / "nodes"
    try:
        if target.exists() and target.read_text(encoding="utf-8") == text:
            return
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        _replace(target, text)
    except (OSError, UnicodeError):
        return


def _replace(target: Path, text: str) -> None:
    """Write beside the file and rename: a reader sees the old names or the new ones."""
    handle, path = tempfile.mkstemp(dir=target.parent, prefix=".nodes-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(path).replace(target)
    except OSError:
        Path(path).unlink(missing_ok=True)
        raise
