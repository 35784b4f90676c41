"""Pods by who owns them, with what their containers may do."""

from __future__ import annotations

from dcctl.inventory.evidence.base import Subject


class Work(Subject, frozen=True, kw_only=True):
    """A workload: an owner with the template of its pods, or of what will make them."""

    cluster: str = ""
    namespace: str
    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"{self.namespace}/{self.name}"
