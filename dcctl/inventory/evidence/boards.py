"""What a board tells beside the inventory."""

from __future__ import annotations

from dcctl.inventory.evidence.base import Subject


class Board(Subject, frozen=True, kw_only=True):
    """A board in its slot, with its counters and modes."""

    node: str
    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"{self.node}/Board/{self.name}"

    @property
    def stands_on(self) -> tuple[str, ...]:
        """Its node."""
        return (self.node,)
