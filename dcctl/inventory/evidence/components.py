"""Effective configuration of control planes and kubelets."""

from __future__ import annotations

from dcctl.inventory.evidence.base import Subject


class Component(Subject, frozen=True, kw_only=True):
    """One process of Kubernetes on one node: its settings as they are in force, and where each comes from."""

    cluster: str = ""
    node: str
    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"{self.node}/Component/{self.name}"

    @property
    def stands_on(self) -> tuple[str, ...]:
        """Its node."""
        return (self.node,)
