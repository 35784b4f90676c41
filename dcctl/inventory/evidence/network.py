"""Who may reach whom in Kubernetes."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from dcctl.inventory.devices import Fact
from dcctl.inventory.evidence.base import Subject
from dcctl.inventory.placement import Selector


class Peer(Fact, frozen=True):
    """Whom a rule lets through: addresses, or pods. None: it does not choose by that."""

    pods: Selector | None = None
    namespaces: Selector | None = None
    addresses: str = ""
    """A network (CIDR)."""
    excepted: bool = False
    """Parts of that network are left out."""


class Allowed(Fact, frozen=True):
    """One rule of a policy. Without peers it lets everybody through, without ports every port."""

    peers: tuple[Peer, ...] = ()
    ports: bool = False
    """It names ports."""


class NetworkPolicy(Subject, frozen=True, kw_only=True):
    """A NetworkPolicy. A direction that is None is not its business; one without rules is closed."""

    cluster: str = ""
    namespace: str
    name: str
    pods: Selector = Selector()
    ingress: tuple[Allowed, ...] | None = None
    egress: tuple[Allowed, ...] | None = None

    @property
    def key(self) -> str:
        """`nlp/NetworkPolicy/default-deny`."""
        return f"{self.namespace}/NetworkPolicy/{self.name}"


class Service(Subject, frozen=True, kw_only=True):
    """A Service."""

    cluster: str = ""
    namespace: str
    name: str
    type: Literal["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"] = "ClusterIP"
    selector: dict[str, str] = field(default_factory=dict)
    ports: tuple[str, ...] = ()
    """Names of its ports; the number where one has no name."""
    external_ips: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """Networks that its load balancer lets in; empty: all."""
    internal: bool = False
    """Its load balancer has no address outside of the site's network, as an annotation says."""

    @property
    def key(self) -> str:
        """`nlp/Service/web`."""
        return f"{self.namespace}/Service/{self.name}"


class Ingress(Subject, frozen=True, kw_only=True):
    """An Ingress."""

    cluster: str = ""
    namespace: str
    name: str
    class_name: str = ""
    hosts: tuple[str, ...] = ()
    """An empty one is every host that no other rule names."""
    secured: tuple[str, ...] = ()
    """Hosts for which there is a certificate; an empty one is all of them."""
    services: tuple[str, ...] = ()
    """Names of those that it leads to, in its own namespace."""
    asks_who: bool = False
    """Its annotations have it ask who comes: a password, a client certificate, a server that knows."""

    @property
    def key(self) -> str:
        """`nlp/Ingress/web`."""
        return f"{self.namespace}/Ingress/{self.name}"


class Attachment(Subject, frozen=True, kw_only=True):
    """A NetworkAttachmentDefinition: a second network of pods."""

    cluster: str = ""
    namespace: str
    name: str
    type: str = ""
    """Of its plugin: `macvlan`, `ipoib`, `ib-sriov`; empty: not told."""
    resource: str = ""
    """What a pod asks for with it: `nvidia.com/rdma_a`."""

    @property
    def key(self) -> str:
        """`storage/Attachment/rdma-a`."""
        return f"{self.namespace}/Attachment/{self.name}"
