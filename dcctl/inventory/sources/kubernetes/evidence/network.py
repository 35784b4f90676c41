"""NetworkPolicies, Services, Ingresses and second networks of pods."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, cast

import msgspec
from msgspec import field

from dcctl.inventory.evidence.network import Allowed, Attachment, Ingress, NetworkPolicy, Peer, Service
from dcctl.inventory.placement import Selector as Labels
from dcctl.inventory.sources.kubernetes.budgets import (
    Selector,  # noqa: TC001  # msgspec resolves annotations at run time
)
from dcctl.inventory.sources.kubernetes.evidence.row import Row
from dcctl.inventory.sources.kubernetes.listed import Listed
from dcctl.inventory.sources.kubernetes.selecting import selector
from dcctl.inventory.sources.kubernetes.types import Wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ServiceType = Literal["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]

_INTERNAL: Final = {
    "service.beta.kubernetes.io/aws-load-balancer-internal": ("true", "0.0.0.0/0"),
    "service.beta.kubernetes.io/aws-load-balancer-scheme": ("internal",),
    "service.beta.kubernetes.io/azure-load-balancer-internal": ("true",),
    "networking.gke.io/load-balancer-type": ("internal",),
    "cloud.google.com/load-balancer-type": ("internal",),
    "service.beta.kubernetes.io/openstack-internal-load-balancer": ("true",),
    "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type": ("intranet",),
}
"""Annotations by which load balancers of clouds stay inside, with the values that say so."""
_ASKS_WHO: Final = re.compile(
    r"nginx\.ingress\.kubernetes\.io/auth-(?:url|secret|tls-secret)"
    r"|haproxy\.org/auth-secret|haproxy-ingress\.github\.io/auth-(?:url|secret|tls-secret)"
    r"|alb\.ingress\.kubernetes\.io/auth-idp-(?:oidc|cognito)"
)
_MIDDLEWARES: Final = "traefik.ingress.kubernetes.io/router.middlewares"
_ELSEWHERE: Final = re.compile(
    r"alb\.ingress\.kubernetes\.io/certificate-arn|networking\.gke\.io/managed-certificates"
    r"|ingress\.gcp\.kubernetes\.io/pre-shared-cert|appgw\.ingress\.kubernetes\.io/appgw-ssl-certificate"
    r"|traefik\.ingress\.kubernetes\.io/router\.tls"
)
"""Annotations by which the certificate is kept outside of the Ingress."""
_CLASS: Final = "kubernetes.io/ingress.class"
_ALL_HOSTS: Final = ""


class Meta(Wire):
    """Metadata with its annotations."""

    name: str = ""
    namespace: str = ""
    annotations: dict[str, str] | None = None


class IpBlock(Wire):
    """Addresses."""

    cidr: str = ""
    except_: list[str] | None = field(default=None, name="except")


class PeerWire(Wire):
    """Whom a rule is for."""

    pod_selector: Selector | None = None
    namespace_selector: Selector | None = None
    ip_block: IpBlock | None = None


class AnyPort(Wire):
    """A port of a rule; that there is one is enough."""


class RuleWire(Wire):
    """A rule, of either direction."""

    from_: list[PeerWire] | None = field(default=None, name="from")
    to: list[PeerWire] | None = None
    ports: list[AnyPort] | None = None


class PolicySpec(Wire):
    """The spec of a NetworkPolicy."""

    pod_selector: Selector | None = None
    policy_types: list[str] | None = None
    ingress: list[RuleWire] | None = None
    egress: list[RuleWire] | None = None


class PolicyWire(Wire):
    """A NetworkPolicy."""

    metadata: Meta = field(default_factory=Meta)
    spec: PolicySpec = field(default_factory=PolicySpec)


class ServicePort(Wire):
    """A port of a Service."""

    name: str = ""
    port: int = 0


class ServiceSpec(Wire):
    """The spec of a Service."""

    type: str | None = None
    selector: dict[str, str] | None = None
    ports: list[ServicePort] | None = None
    external_ips: list[str] | None = field(default=None, name="externalIPs")
    load_balancer_source_ranges: list[str] | None = None


class ServiceWire(Wire):
    """A Service."""

    metadata: Meta = field(default_factory=Meta)
    spec: ServiceSpec = field(default_factory=ServiceSpec)


class Named(Wire):
    """A Service by name."""

    name: str = ""


class Backend(Wire):
    """What an Ingress leads to."""

    service: Named | None = None


class PathWire(Wire):
    """A path of a rule."""

    backend: Backend = field(default_factory=Backend)


class HttpWire(Wire):
    """The paths of a rule."""

    paths: list[PathWire] | None = None


class IngressRule(Wire):
    """A rule of an Ingress."""

    host: str = ""
    http: HttpWire | None = None


class TlsWire(Wire):
    """A certificate and its hosts."""

    hosts: list[str] | None = None


class IngressSpec(Wire):
    """The spec of an Ingress."""

    ingress_class_name: str | None = None
    default_backend: Backend | None = None
    rules: list[IngressRule] | None = None
    tls: list[TlsWire] | None = None


class IngressWire(Wire):
    """An Ingress."""

    metadata: Meta = field(default_factory=Meta)
    spec: IngressSpec = field(default_factory=IngressSpec)


class AttachmentSpec(Wire):
    """The spec of a NetworkAttachmentDefinition: the configuration of a plugin, as text."""

    config: str | None = None


class AttachmentWire(Wire):
    """A NetworkAttachmentDefinition."""

    metadata: Meta = field(default_factory=Meta)
    spec: AttachmentSpec = field(default_factory=AttachmentSpec)


class Chained(Wire):
    """A plugin of CNI; of a chain, the first makes the network."""

    type: str = ""


class Chain(Wire):
    """A configuration of CNI: of one plugin, or of several."""

    type: str = ""
    plugins: list[Chained] | None = None


def policy(item: PolicyWire, cluster: str) -> Iterator[NetworkPolicy]:
    """Yield the policy of an object. ValueError for a selector that is not understood."""
    spec = item.spec
    types = spec.policy_types or ["Ingress", *(["Egress"] if spec.egress else [])]
    yield NetworkPolicy(
        cluster=cluster,
        namespace=item.metadata.namespace,
        name=item.metadata.name,
        pods=selector(spec.pod_selector) or Labels(),
        ingress=_rules(spec.ingress) if "Ingress" in types else None,
        egress=_rules(spec.egress) if "Egress" in types else None,
    )


def _rules(found: list[RuleWire] | None) -> tuple[Allowed, ...]:
    return tuple(
        Allowed(tuple(map(_peer, one.from_ or one.to or ())), bool(one.ports)) for one in found or ()
    )


def _peer(one: PeerWire) -> Peer:
    block = one.ip_block or IpBlock()
    return Peer(selector(one.pod_selector), selector(one.namespace_selector), block.cidr, bool(block.except_))


def service(item: ServiceWire, cluster: str) -> Iterator[Service]:
    """Yield the Service of an object."""
    notes, spec = item.metadata.annotations or {}, item.spec
    yield Service(
        cluster=cluster,
        namespace=item.metadata.namespace,
        name=item.metadata.name,
        type=cast("ServiceType", spec.type or "ClusterIP"),
        selector=spec.selector or {},
        ports=tuple(one.name or str(one.port) for one in spec.ports or ()),
        external_ips=tuple(spec.external_ips or ()),
        sources=tuple(spec.load_balancer_source_ranges or ()),
        internal=any(notes.get(name, "").lower() in values for name, values in _INTERNAL.items()),
    )


def ingress(item: IngressWire, cluster: str) -> Iterator[Ingress]:
    """Yield the Ingress of an object."""
    notes, spec = item.metadata.annotations or {}, item.spec
    hosts = [one.host for one in spec.rules or ()] + ([_ALL_HOSTS] if spec.default_backend else [])
    yield Ingress(
        cluster=cluster,
        namespace=item.metadata.namespace,
        name=item.metadata.name,
        class_name=spec.ingress_class_name or notes.get(_CLASS, ""),
        hosts=tuple(dict.fromkeys(hosts)),
        secured=tuple(dict.fromkeys(_secured(spec, notes))),
        services=tuple(dict.fromkeys(_services(spec))),
        asks_who=any(map(_ASKS_WHO.fullmatch, notes)) or "auth" in notes.get(_MIDDLEWARES, ""),
    )


def _secured(spec: IngressSpec, notes: Iterable[str]) -> Iterator[str]:
    if any(map(_ELSEWHERE.fullmatch, notes)):
        yield _ALL_HOSTS
    for one in spec.tls or ():
        yield from one.hosts or (_ALL_HOSTS,)


def _services(spec: IngressSpec) -> Iterator[str]:
    paths = (path.backend for rule in spec.rules or () if rule.http for path in rule.http.paths or ())
    for one in (spec.default_backend, *paths):
        if one is not None and one.service is not None:
            yield one.service.name


def attachment(item: AttachmentWire, cluster: str) -> Iterator[Attachment]:
    """Yield the second network of an object; a configuration that is not understood tells no type."""
    notes = item.metadata.annotations or {}
    yield Attachment(
        cluster=cluster,
        namespace=item.metadata.namespace,
        name=item.metadata.name,
        type=_type(item.spec.config or ""),
        resource=notes.get("k8s.v1.cni.cncf.io/resourceName", ""),
    )


def _type(config: str) -> str:
    try:
        found = msgspec.json.decode(config, type=Chain)
    except msgspec.DecodeError:
        return ""
    return found.type or next((one.type for one in found.plugins or ()), "")


_GROUP, _V1, _WHY = "networking.k8s.io", ("v1",), "who may reach whom"
ROWS: Final = (
    Row(Listed(_GROUP, _V1, "networkpolicies", _WHY), PolicyWire, ("network_policies",), policy),
    Row(Listed(_GROUP, _V1, "ingresses", _WHY), IngressWire, ("ingresses",), ingress),
    Row(Listed("", _V1, "services", "what can be reached from outside"), ServiceWire, ("services",), service),
    Row(
        Listed(
            "k8s.cni.cncf.io", _V1, "network-attachment-definitions", "second networks of pods", custom=True
        ),
        AttachmentWire,
        ("attachments",),
        attachment,
    ),
)
