"""Who may reach whom in Kubernetes."""

from __future__ import annotations

from dcctl.inventory.evidence.base import Subject


class NetworkPolicy(Subject, frozen=True, kw_only=True):
    """A NetworkPolicy."""

    cluster: str = ""
    namespace: str
    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"{self.namespace}/NetworkPolicy/{self.name}"


class Service(Subject, frozen=True, kw_only=True):
    """A Service."""

    cluster: str = ""
    namespace: str
    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"{self.namespace}/Service/{self.name}"


class Ingress(Subject, frozen=True, kw_only=True):
    """An Ingress or a route of a gateway."""

    cluster: str = ""
    namespace: str
    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"{self.namespace}/Ingress/{self.name}"


class Attachment(Subject, frozen=True, kw_only=True):
    """A NetworkAttachmentDefinition: a second network of pods."""

    cluster: str = ""
    namespace: str
    name: str

    @property
    def key(self) -> str:
        """Its name, with what makes it the only one."""
        return f"{self.namespace}/Attachment/{self.name}"
