"""Secrets by their metadata alone, and certificates."""

from __future__ import annotations

from dcctl.inventory.evidence.base import Subject


class SecretNote(Subject, frozen=True, kw_only=True):
    """Metadata of a Secret; its data is never read."""

    cluster: str = ""
    namespace: str
    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"{self.namespace}/SecretNote/{self.name}"


class Certificate(Subject, frozen=True, kw_only=True):
    """A certificate that somebody shows or stores."""

    cluster: str = ""
    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"Certificate/{self.name}"
