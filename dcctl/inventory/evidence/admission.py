"""What a cluster lets in."""

from __future__ import annotations

from dcctl.inventory.evidence.base import Subject


class Namespace(Subject, frozen=True, kw_only=True):
    """A namespace, with its labels and the pod security level that they enforce."""

    cluster: str = ""
    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"Namespace/{self.name}"


class Webhook(Subject, frozen=True, kw_only=True):
    """One webhook of an admission configuration."""

    cluster: str = ""
    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"Webhook/{self.name}"


class AdmissionPolicy(Subject, frozen=True, kw_only=True):
    """A policy of Kyverno, Gatekeeper, or the API server itself."""

    cluster: str = ""
    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"AdmissionPolicy/{self.name}"
