"""dcctl's own records."""

from __future__ import annotations

from dcctl.inventory.evidence.base import Subject


class Record(Subject, frozen=True, kw_only=True):
    """What an earlier run, drill or diagnostic left."""

    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"Record/{self.name}"
