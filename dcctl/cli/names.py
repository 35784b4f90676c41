"""The names that completion offers: nodes and groups as the last survey saw them, one a line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dcctl.errors import DcctlError

if TYPE_CHECKING:
    from pathlib import Path

    from dcctl.inventory.model import Fleet


_WORD = re.compile(r"[\w@.][\w.:@+=/-]*")
"""Letters and digits of any script, and signs that are special to no shell: TAB offers nothing else."""


def remember(fleet: Fleet, cache: Path) -> None:
    """Keep node names and groups that are plain words in `cache`/nodes; no error when that cannot be."""
    from dcctl.inventory.nodeset import group_names
    from dcctl.render.atomic import write_atomic

    lines = [node.name for node in fleet.nodes] + [f"@{group}" for group in group_names(fleet)]
    text = "".join(f"{line}\n" for line in lines if _WORD.fullmatch(line))
    target = cache / "nodes"
    try:
        if target.exists() and target.read_text(encoding="utf-8") == text:
            return
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(target, lambda out: out.write(text))
    except (OSError, UnicodeError, DcctlError):
        return
