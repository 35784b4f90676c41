"""What a node tells of its hardening and health."""

from __future__ import annotations

from dcctl.inventory.evidence.base import Subject


class Host(Subject, frozen=True, kw_only=True):
    """A node as its probe saw it."""

    node: str
    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"{self.name}"

    @property
    def stands_on(self) -> tuple[str, ...]:
        """Its node."""
        return (self.node,)
