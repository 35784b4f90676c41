"""What of the cluster can be reached from outside of it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from dcctl.audit.check import Fault, Severity, check
from dcctl.audit.facts.images import image, is_from
from dcctl.audit.facts.reach import interfaces, is_open, led_to, lets_all_in
from dcctl.audit.scene import DERIVED, MADE_OF
from dcctl.inventory.evidence.network import Ingress, Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.base import Subject
    from dcctl.inventory.evidence.pods import Work

Door: TypeAlias = Service | Ingress
_INSIDE: Final = "Services that are reached from within the cluster alone"
_DAY_S: Final = 86_400
_EPOCH: Final = 719_163
"""The day on which Unix time begins, as Python counts days."""
_CLASSES: Final = ("", "nginx")
"""Classes of Ingresses that a controller of nginx takes."""


def _meant(one: Service, scene: Scene) -> str:
    if not is_open(one):
        return _INSIDE
    name = f"{one.namespace}/{one.name}"
    meant = any(fnmatchcase(name, each) for each in scene.policy.network.exposed)
    return "Services that the policy means to be reached" if meant else ""


@check(
    "NET-05",
    "A Service is open to everybody outside of the cluster",
    "medium",
    tier="A",
    over="services",
    refs=("dcctl:open-service", "800-53:SC-7", "soc2:CC6.6", "iso:A.8.20", "mlps:8.1.4.2"),
    why="A port of every node, or an address of a cloud, leads into the pod past the gateway and its logs.",
    fix="Use ClusterIP behind a gateway; set loadBalancerSourceRanges; or name it in audit.network.exposed.",
    applies=_meant,
)
def exposed(one: Service, _scene: Scene) -> Iterator[Fault]:
    """No NodePort, no external addresses, and load balancers that stay inside or name whom they let in."""
    if one.type == "NodePort":
        yield Fault("has a port on every node", "NodePort")
    if one.type == "LoadBalancer" and not one.internal and lets_all_in(one.sources):
        yield Fault("its load balancer lets everybody in", "LoadBalancer")
    if one.external_ips:
        yield Fault(f"takes what is sent to {', '.join(sorted(one.external_ips))}", "externalIPs")


@check(
    "NET-06",
    "An Ingress is in the clear, or nobody mends its controller",
    "medium",
    tier="A",
    over="ingresses",
    refs=("nsa:C-0292", "soc2:CC6.7", "800-53:SC-8", "iso:A.8.24"),
    why="Passwords and prompts are read on the way; flaws of a controller that has retired stay open.",
    fix="Add tls with a certificate for each host (cert-manager); move to a gateway that is kept up.",
)
def in_the_clear(one: Ingress, scene: Scene) -> Iterator[Fault]:
    """Every host has a certificate, and the controller is one that its makers still mend."""
    for host in one.hosts:
        if not _is_secured(host, one):
            yield Fault(f"{host or 'every other host'} has no certificate", host or "*")
    scene.told("workloads")
    retired = scene.once(_retired).get(one.cluster)
    if retired and one.class_name in _CLASSES:
        yield Fault(f"{retired} takes it, and nobody mends that any more", "controller")


def _is_secured(host: str, one: Ingress) -> bool:
    return any(each in ("", host) or (host and _is_wild(each, host)) for each in one.secured)


def _is_wild(certificate: str, host: str) -> bool:
    """A star is one part of a name."""
    return certificate.startswith("*.") and host.partition(".")[2] == certificate[2:]


def _retired(scene: Scene) -> dict[str, str]:
    """By cluster, an image of a controller that has retired."""
    today = scene.now_s // _DAY_S + _EPOCH
    gone = [one.image for one in scene.policy.network.retired if one.since.toordinal() < today]
    found: dict[str, str] = {}
    for work in cast("tuple[Work, ...]", scene.of("workloads")):
        for text in work.images.values():
            name = image(text)
            if any(is_from(name, each) for each in gone):
                found.setdefault(work.cluster, name.name)
    return found


def _doors(scene: Scene) -> tuple[Subject, ...]:
    return (*scene.evidence.of("services"), *scene.evidence.of("ingresses"))


DERIVED["doors"] = _doors
MADE_OF["doors"] = ("services", "ingresses", "workloads")


def _closed(one: Door, _scene: Scene) -> str:
    return _INSIDE if isinstance(one, Service) and not is_open(one) else ""


@check(
    "NET-07",
    "A tool without a login can be reached from outside",
    "high",
    tier="A",
    over="doors",
    refs=("dcctl:exposed-interface", "800-53:AC-17", "soc2:CC6.6", "iso:A.8.3", "mlps:8.1.4.2"),
    why="A notebook or a Ray head runs the code of whoever reaches it, on the GPUs and with their data.",
    fix="Put an authenticating proxy before it, or take the Service back to ClusterIP and use a tunnel.",
    applies=_closed,
)
def tools(one: Door, scene: Scene) -> Iterator[Fault]:
    """Notebooks, dashboards and exporters are not reached from outside, or something asks who comes."""
    scene.told("workloads")
    grave: Severity | None = None
    if isinstance(one, Ingress):
        found = {} if one.asks_who else _of_ingress(one, scene)
    else:
        grave = "medium" if one.internal or not lets_all_in(one.sources) else None
        found = dict.fromkeys(interfaces(one, scene, any_port=False), one.name)
    for name, service in found.items():
        yield Fault(f"leads to {name} ({service}), which asks nobody who they are", name, grave)


def _of_ingress(one: Ingress, scene: Scene) -> dict[str, str]:
    return {
        name: service.name
        for service in led_to(one, scene)
        for name in interfaces(service, scene, any_port=True)
    }
