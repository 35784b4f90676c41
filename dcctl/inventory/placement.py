"""Where a member may stand: what whoever places it must respect, in the words of Kubernetes.

Members of one workload mostly ask for the same, so each names a `Template` of its fleet by key.
"""

from __future__ import annotations

from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, TypeVar

from msgspec import Meta, field, json

from dcctl.inventory.devices import Fact, Natural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from hashlib import blake2b

    from dcctl.inventory.model import Workload

F = TypeVar("F", bound=Fact)

Operator: TypeAlias = Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]

Level: TypeAlias = Literal["node", "domain", "leaf", "rack", "zone", "site"]
"""Parts of a data centre that lie within each other: node, NVLink domain, leaf switch, rack, zone, site."""

_ENCODER = json.Encoder(order="deterministic")
_LEVELS: tuple[Level, ...] = ("node", "domain", "leaf", "rack", "zone", "site")
_LEVEL_KEY = "dcctl.io/"
PINNED = "dcctl.io/pinned"
"""Annotation of a pod: the node to which dcctl tied it, though nobody had asked for that one."""


def level_key(level: Level) -> str:
    """The key under which Spread and Neighbours mean a part of the data centre, whatever label tells it."""
    return f"{_LEVEL_KEY}{level}"


def level_of(key: str) -> Level | None:
    """The part of the data centre that a key of Spread or Neighbours means; None for the key of a label."""
    return next((level for level in _LEVELS if key == level_key(level)), None)


class Expression(Fact, frozen=True):
    """What the value of one label must be. A label that is not there meets NotIn and DoesNotExist alone."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()


class Selector(Fact, frozen=True):
    """Labels of members that all must be so. An empty one selects every member."""

    labels: dict[str, str] = field(default_factory=dict)
    expressions: tuple[Expression, ...] = ()


class NodeTerm(Fact, frozen=True):
    """Expressions that all must hold on a node. An empty term holds on none."""

    labels: tuple[Expression, ...] = ()
    names: tuple[Expression, ...] = ()
    """About the name of the node (matchFields: metadata.name)."""
    weight: Annotated[int, Meta(ge=0, le=100)] = 0
    """How much it is preferred; 0 where it is required."""


class Toleration(Fact, frozen=True):
    """Taints that do not keep a member out. Empty fields match any key, or any effect."""

    key: str = ""
    operator: Literal["Exists", "Equal"] = "Equal"
    value: str = ""
    effect: str = ""


class Spread(Fact, frozen=True):
    """Members that the selector selects are spread evenly over the values of one node label."""

    key: str
    selector: Selector | None = None
    """None selects no member."""
    max_skew: Natural = 1
    required: bool = True
    min_domains: Natural | None = None
    honor_affinity: bool = True
    """Whether nodes that the member's own selectors rule out count as domains: then they do not."""
    honor_taints: bool = False


class Neighbours(Fact, frozen=True):
    """Other members that must (or, `apart`, must not) stand under the same value of one node label."""

    key: str
    selector: Selector | None = None
    namespaces: tuple[str, ...] = ()
    """Where those members are; empty: in the member's own namespace. `*`: everywhere."""
    apart: bool = False
    weight: Annotated[int, Meta(ge=0, le=100)] = 0
    """How much it is preferred; 0 where it is required."""


class HostPort(Fact, frozen=True):
    """A port of the node that one member alone can have."""

    port: Natural
    protocol: str = "TCP"
    address: str = "0.0.0.0"  # noqa: S104  # every address of the node, as Kubernetes writes it


class Template(Fact, frozen=True):
    """All that decides where a member may stand, apart from how much it asks for."""

    namespace: str = ""
    scheduler: str = ""
    """Who places it; empty: the cluster's default."""
    labels: dict[str, str] = field(default_factory=dict)
    """What selectors of others see of it; labels that tell apart the members of one workload are left out."""
    node_selector: dict[str, str] = field(default_factory=dict)
    required: tuple[NodeTerm, ...] | None = None
    """One of them must hold. None: no condition."""
    preferred: tuple[NodeTerm, ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    spreads: tuple[Spread, ...] = ()
    neighbours: tuple[Neighbours, ...] = ()
    ports: tuple[HostPort, ...] = ()
    gates: tuple[str, ...] = ()
    """Names of what must be lifted before it may be placed (schedulingGates)."""
    claims: tuple[str, ...] = ()
    """Names of the volumes (PersistentVolumeClaims) that it mounts."""
    models: tuple[str, ...] = ()
    """Accelerator models that it accepts; empty: any."""
    priority: int | None = None
    preempts: bool = True
    """Whether it may push out members of lower priority (preemptionPolicy)."""
    bound_to: tuple[NodeTerm, ...] | None = None
    """Where its volumes can be mounted: one of them must hold. None: anywhere."""
    leaving: bool = False
    """It is being deleted: it holds what it holds until it is gone, but no spread counts it any more."""


BARE = Template()
"""A member about which nothing more is known than what it asks for."""


def key_of(fact: Fact) -> str:
    """Sixteen hexadecimal digits of the content: equal facts of one kind have equal keys, in every fleet."""
    return _digest()(_ENCODER.encode(fact), digest_size=8).hexdigest()


@cache
def _digest() -> type[blake2b]:
    from hashlib import blake2b  # OpenSSL takes as long to load as the rest of the model

    return blake2b


def in_use(
    facts: Mapping[str, F], workloads: Iterable[Workload], by: Literal["template", "disruption"] = "template"
) -> dict[str, F]:
    """Return the facts that members of these workloads name in the field `by`, in order of their keys."""
    if not facts:
        return {}
    key_in = attrgetter(by)
    named = {key_in(member) for work in workloads for member in work.members}
    return {key: facts[key] for key in sorted(facts) if key in named}
