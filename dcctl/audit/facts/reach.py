"""Who is reached by a Service or an Ingress, and what is known of pods that nobody should reach."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from dcctl.audit.facts.images import image
from dcctl.audit.facts.works import by_namespace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.network import Ingress, Service
    from dcctl.inventory.evidence.pods import Work
    from dcctl.inventory.placement import Selector

ANYWHERE: Final = ("0.0.0.0/0", "::/0")


class Interface(NamedTuple):
    """What lets in whoever reaches it, or tells them too much, unless somebody else asks who they are."""

    name: str
    images: re.Pattern[str]
    """In the full name of an image."""
    services: re.Pattern[str]
    """In the name of a Service."""
    ports: tuple[str, ...] = ()
    """Names or numbers of the ports that it is about; empty: any."""


def _interface(name: str, images: str, services: str, ports: tuple[str, ...] = ()) -> Interface:
    return Interface(name, re.compile(images), re.compile(services), ports)


_RAY: Final = ("dashboard", "8265", "client", "10001", "gcs", "gcs-server", "6379", "redis")
INTERFACES: Final[tuple[Interface, ...]] = (
    _interface("Jupyter", r"jupyter(?!hub)|/notebook-servers?/", r"jupyter(?!hub)"),
    _interface("Ray", r"(^|/)ray(project/|-ml$|$)", r"(^|-)head-svc$|ray-dashboard", _RAY),
    _interface("MLflow", r"mlflow", r"mlflow"),
    _interface("TensorBoard", r"tensorboard", r"tensorboard"),
    _interface("Prometheus", r"/prometheus$", r"(^|-)prometheus($|-server$|-k8s$)"),
    _interface("DCGM exporter", r"/dcgm-exporter$", r"dcgm-exporter"),
    _interface("Kubernetes dashboard", r"kubernetesui/dashboard", r"^kubernetes-dashboard$"),
    _interface("Ollama", r"(^|/)ollama$", r"(^|-)ollama$"),
)
_ASKS_WHO: Final = re.compile(r"/(oauth2-proxy|kube-rbac-proxy|pomerium|authelia|vouch-proxy|louketo-proxy)$")
"""Images of containers that stand before another and ask who comes."""


def selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Return whether a label selector matches."""
    from dcctl.packing.fit.relations import selects as meets

    return meets(selector, labels)


def behind(service: Service, scene: Scene) -> Iterator[Work]:
    """Yield the workloads that a Service leads to; one without a selector leads to none that is known."""
    wanted = service.selector.items()
    if not wanted:
        return
    for work in scene.once(by_namespace).get((service.cluster, service.namespace), ()):
        if any(wanted <= labels.items() for labels in work.labels):
            yield work


def services(scene: Scene) -> dict[tuple[str, str, str], Service]:
    """Return the Services by (cluster, namespace, name)."""
    told = cast("tuple[Service, ...]", scene.of("services"))
    return {(one.cluster, one.namespace, one.name): one for one in told}


def led_to(one: Ingress, scene: Scene) -> Iterator[Service]:
    """Yield the Services that an Ingress leads to, of those that there are."""
    known = scene.once(services)
    for name in one.services:
        service = known.get((one.cluster, one.namespace, name))
        if service is not None:
            yield service


def interfaces(service: Service, scene: Scene, *, any_port: bool) -> Iterator[str]:
    """Yield the names of the interfaces that a Service opens and nobody stands before."""
    works = list(behind(service, scene))
    images = [image(text).name for work in works for text in work.images.values()]
    if any(map(_ASKS_WHO.search, images)):
        return
    for one in INTERFACES:
        if not any_port and one.ports and not set(one.ports).intersection(service.ports):
            continue
        if one.services.search(service.name) or any(map(one.images.search, images)):
            yield one.name


def is_open(service: Service) -> bool:
    """Return whether it is reached from outside of the cluster."""
    return service.type in ("NodePort", "LoadBalancer") or bool(service.external_ips)


def lets_all_in(sources: Iterable[str]) -> bool:
    """Return whether a load balancer with these sources lets everybody in."""
    told = [each.strip() for each in sources]
    found = [network for each in told if (network := _network(each)) is not None]
    old = collapse_addresses(each for each in found if isinstance(each, IPv4Network))
    new = collapse_addresses(each for each in found if isinstance(each, IPv6Network))
    return not told or any(one.prefixlen == 0 for one in old) or any(one.prefixlen == 0 for one in new)


def _network(text: str) -> IPv4Network | IPv6Network | None:
    """None for what is no range: it lets nobody in."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
