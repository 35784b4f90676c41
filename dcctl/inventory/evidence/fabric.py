"""Ports of the fabric."""

from __future__ import annotations

from dcctl.inventory.evidence.base import Subject


class FabricPort(Subject, frozen=True, kw_only=True):
    """An InfiniBand or RoCE port."""

    node: str
    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"{self.node}/FabricPort/{self.name}"

    @property
    def stands_on(self) -> tuple[str, ...]:
        """Its node."""
        return (self.node,)
