"""The file that `--policy` names, read into rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from dcctl.drain.request import Rule


def rules(path: Path) -> tuple[Rule, ...]:
    """Return the rules of a file, in order. UsageError with file and line."""
    from dcctl.drain.policy.document import entries
    from dcctl.drain.policy.rules import rules_of
    from dcctl.inventory.sources.files.documents import documents, read_bytes, text_of

    where = str(path)
    return rules_of(entries(documents(text_of(read_bytes(where), where), where), where))
