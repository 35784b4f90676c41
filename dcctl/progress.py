"""What long work tells of itself while it goes on, whoever shows it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told as steps end; `dcctl.render.progress` draws it."""

    def start(self, total: int, label: str) -> None:
        """`total` steps of work begin."""

    def advance(self, text: str = "") -> None:
        """One step is done; `text` names it."""
