"""A Kubernetes cluster as a whole."""

from __future__ import annotations

from dcctl.inventory.evidence.base import Subject


class Cluster(Subject, frozen=True, kw_only=True):
    """Version, APIs, who runs its control plane, and what dcctl itself may do there."""

    cluster: str = ""
    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"Cluster/{self.name}"
