"""From a PodSpec to a Template: where the pod may stand, in the terms of the model. Pure.

Pods are many and say the same of their place: each distinct text of the scheduling fields is decoded once,
and each template made once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from dcctl.inventory.placement import HostPort, Template, Toleration, key_of
from dcctl.inventory.sources.kubernetes.owners import OWN_LABELS
from dcctl.inventory.sources.kubernetes.scheduling import (
    Affinity,
    ContainerPort,
    Gate,
    NodeAffinity,
    PodToleration,
    SpreadConstraint,
)
from dcctl.inventory.sources.kubernetes.selecting import (
    NODE_NAME,
    neighbours_of,
    node_term,
    node_terms,
    selector_keys,
    spread_of,
)

if TYPE_CHECKING:
    from dcctl.inventory.placement import Neighbours
    from dcctl.inventory.sources.kubernetes.budgets import Expression, Labels
    from dcctl.inventory.sources.kubernetes.selecting import NamespaceLabels
    from dcctl.inventory.sources.kubernetes.types import Pod, PodSpec
    from dcctl.inventory.sources.kubernetes.volumes import Volumes

T = TypeVar("T")
DEFAULT_SCHEDULER = "default-scheduler"
SELECTED = frozenset(("jobset.sigs.k8s.io/job-key",))
"""Labels by which the leader of a Job keeps away from the pods of all others, which say nothing of it."""
_ANY_PORT = HostPort(0)

_LABELS = msgspec.json.Decoder(dict[str, str])
_AFFINITY = msgspec.json.Decoder(Affinity)
_TOLERATIONS = msgspec.json.Decoder(list[PodToleration])
_SPREADS = msgspec.json.Decoder(list[SpreadConstraint])
_GATES = msgspec.json.Decoder(list[Gate])
_PORTS = msgspec.json.Decoder(list[ContainerPort])


Said = tuple[
    bytes, bytes, bytes, bytes, bytes, tuple[bytes, ...], bool | None, int | None, str | None, str | None
]


class Shape(NamedTuple):
    """What a spec says of its place, in the bytes that came; equal shapes mean the same."""

    affinity: bytes
    node_selector: bytes
    tolerations: bytes
    spreads: bytes
    gates: bytes
    ports: tuple[bytes, ...]
    """Of each container that keeps running."""
    host_network: bool | None
    priority: int | None
    preemption: str | None
    scheduler: str | None


def _said(spec: PodSpec) -> Said:
    """The fields of its shape, as a tuple that costs less. Nothing of the page that they came in is kept."""
    running = spec.containers or []
    if spec.init_containers:
        running = running + [each for each in spec.init_containers if each.restart_policy == "Always"]
    return (
        bytes(spec.affinity),
        bytes(spec.node_selector),
        bytes(spec.tolerations),
        bytes(spec.topology_spread_constraints),
        bytes(spec.scheduling_gates),
        tuple([bytes(each.ports) for each in running]),
        spec.host_network,
        spec.priority,
        spec.preemption_policy,
        spec.scheduler_name,
    )


class Rules:
    """A shape, decoded. Namespace, labels and claims make a template of it."""

    __slots__ = ("_alone", "_near", "_spreads", "hidden")

    def __init__(self, shape: Shape) -> None:
        """Raise ValueError for what is malformed or not understood."""
        affinity = _read(_AFFINITY, shape.affinity) or Affinity()
        self._spreads = _read(_SPREADS, shape.spreads) or []
        self._near = [(affinity.pod_affinity, False), (affinity.pod_anti_affinity, True)]
        self._alone = _alone(shape, affinity.node_affinity or NodeAffinity())
        named = selector_keys(self._spreads, [near for near, _ in self._near if near])
        self.hidden = OWN_LABELS - SELECTED - named
        """Labels that are left out: they tell apart the pods of one workload, and no selector names them."""

    def kept(self, labels: Labels) -> tuple[tuple[str, str], ...]:
        """The labels that selectors of others see."""
        hidden = self.hidden
        return tuple([each for each in labels.items() if each[0] not in hidden])

    def template(
        self,
        namespace: str,
        kept: dict[str, str],
        claims: tuple[str, ...],
        namespaces: NamespaceLabels | None,
    ) -> Template:
        """The whole of it, of a pod with these of its labels kept. Raises ValueError."""
        return replace(
            self._alone,
            namespace=namespace,
            labels=kept,
            spreads=tuple(spread_of(each, kept) for each in self._spreads),
            neighbours=self._neighbours(kept, namespaces),
            claims=claims,
        )

    def _neighbours(self, labels: Labels, namespaces: NamespaceLabels | None) -> tuple[Neighbours, ...]:
        found = []
        for near, apart in self._near:
            if near is not None:
                terms = [(term, 0) for term in near.required or ()]
                terms += [(each.pod_affinity_term, each.weight) for each in near.preferred or ()]
                found += [
                    neighbours_of(term, labels, namespaces, apart=apart, weight=weight)
                    for term, weight in terms
                ]
        return tuple(found)


def _read(decoder: msgspec.json.Decoder[T], raw: bytes) -> T | None:
    """The value; None where it is not there, or null."""
    if raw in (b"", b"null"):
        return None
    try:
        return decoder.decode(raw)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error


def _alone(shape: Shape, nodes: NodeAffinity) -> Template:
    """What neither labels nor other pods have a part in."""
    required = nodes.required
    return Template(
        scheduler="" if shape.scheduler in (None, DEFAULT_SCHEDULER) else shape.scheduler,
        node_selector=_read(_LABELS, shape.node_selector) or {},
        required=None if required is None else node_terms(required),
        preferred=tuple(node_term(each.preference, each.weight) for each in nodes.preferred or ()),
        tolerations=tuple(map(_toleration, _read(_TOLERATIONS, shape.tolerations) or ())),
        ports=_ports(shape),
        gates=tuple(each.name for each in _read(_GATES, shape.gates) or ()),
        priority=shape.priority,
        preempts=shape.preemption != "Never",
    )


def _toleration(each: PodToleration) -> Toleration:
    return Toleration(each.key or "", each.operator or "Equal", each.value or "", each.effect or "")


def _ports(shape: Shape) -> tuple[HostPort, ...]:
    """The ports of the node that it takes; on the node's own network, those of its containers."""
    listed = [each for raw in shape.ports for each in _read(_PORTS, raw) or ()]
    found = {
        HostPort(number, each.protocol or _ANY_PORT.protocol, each.host_ip or _ANY_PORT.address)
        for each in listed
        if (number := each.host_port or (each.container_port if shape.host_network else 0))
    }
    return tuple(sorted(found, key=lambda port: (port.port, port.protocol, port.address)))


Row = tuple[Rules, str, tuple[tuple[str, str], ...], tuple[str, ...], bool]
"""Rules, namespace, labels, claims, and whether the pod is being deleted: what makes a template."""


class Templates:
    """The templates of the pods read so far, each once."""

    def __init__(self) -> None:
        self.namespaces: NamespaceLabels | None = None
        """The labels of all namespaces, once they are known."""
        self.volumes: Volumes | None = None
        """Where volumes can be mounted, once that is known."""
        self.found: dict[str, Template] = {}
        """By key."""
        self.unread: dict[str, str] = {}
        """Why nobody can tell where pods may stand -> the first of them."""
        self._rules: dict[Said, Rules] = {}
        self._keys: dict[Row, str] = {}

    def clear(self) -> None:
        """Forget all but the namespaces and volumes."""
        for each in (self.found, self.unread, self._rules, self._keys):
            each.clear()

    def of_pod(self, pod: Pod, claims: tuple[str, ...] = (), *, is_daemon: bool = False) -> str | None:
        """The key of the template of a pod with these claims; None where it cannot be told, which is noted.

        That of a daemon does not repeat which node it was made for, once it is there; nor that of a pod that
        dcctl tied to its node, if a controller makes it anew where it likes.
        """
        spec, namespace, labels = pod.spec, pod.metadata.namespace, pod.metadata.labels or {}
        said = _said(spec)
        try:
            tied = spec.node_name if is_daemon else _tied(pod)
            if tied:
                said = (_without_pin(said[0], tied), *said[1:])
            rules = self._rules.get(said)
            if rules is None:
                rules = self._rules[said] = Rules(Shape(*said))
            leaving = pod.metadata.deletion_timestamp is not None
            row = (rules, namespace, rules.kept(labels), claims, leaving)
            return self._keys.get(row) or self._new(row)
        except ValueError as error:
            self.unread.setdefault(str(error), f"{namespace}/{pod.metadata.name}")
            return None

    def _new(self, row: Row) -> str:
        rules, namespace, labels, claims, leaving = row
        template = rules.template(namespace, dict(labels), claims, self.namespaces)
        if leaving:
            template = replace(template, leaving=True)
        if claims and self.volumes is not None:
            template = replace(template, bound_to=self.volumes.bound_to(namespace, claims))
        key = self._keys[row] = key_of(template)
        self.found.setdefault(key, template)
        return key


def _tied(pod: Pod) -> str | None:
    """The node on which it stands because dcctl tied it to that; its next one will not be."""
    node, notes, owners = pod.spec.node_name, pod.metadata.annotations, pod.metadata.owner_references
    if notes is None or notes.pinned != node:
        return None
    return node if any(each.controller for each in owners or ()) else None


def _without_pin(raw: bytes, node: str) -> bytes:
    """The affinity without the condition that ties a pod to this node: a DaemonSet's controller, or dcctl."""
    affinity = _read(_AFFINITY, raw)
    if affinity is None or affinity.node_affinity is None or affinity.node_affinity.required is None:
        return raw
    terms = affinity.node_affinity.required.node_selector_terms or []
    tied = [term for term in terms if any(_is_pin(each, node) for each in term.match_fields or ())]
    for term in tied:
        term.match_fields = [each for each in term.match_fields or () if not _is_pin(each, node)]
    if not all(term.match_fields or term.match_expressions for term in tied):
        affinity.node_affinity.required = None
    return msgspec.json.encode(affinity)


def _is_pin(found: Expression, node: str) -> bool:
    return (found.key, found.operator, found.values) == (NODE_NAME, "In", [node])
