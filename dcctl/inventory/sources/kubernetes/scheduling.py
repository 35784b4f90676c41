"""The fields by which a PodSpec says where the pod may stand, decoded apart from it (see templates.py).

Their names follow the API. What the scheduler does not look at is skipped.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from dcctl.inventory.sources.kubernetes.budgets import (  # noqa: TC001  # as above
    Expression,
    Selector,
)
from dcctl.inventory.sources.kubernetes.types import Wire

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
Weight = Annotated[int, Meta(ge=1, le=100)]
Positive = Annotated[int, Meta(ge=1)]
PortNumber = Annotated[int, Meta(ge=0, le=65535)]
"""0: none."""


class Term(Wire):
    """NodeSelectorTerm."""

    match_expressions: list[Expression] | None = None
    match_fields: list[Expression] | None = None


class PreferredTerm(Wire):
    """PreferredSchedulingTerm."""

    weight: Weight
    preference: Term = field(default_factory=Term)


class Terms(Wire):
    """NodeSelector: one of the terms must hold."""

    node_selector_terms: list[Term] | None = None


class NodeAffinity(Wire):
    """Which nodes."""

    required: Terms | None = field(default=None, name=REQUIRED)
    preferred: list[PreferredTerm] | None = field(default=None, name=PREFERRED)


class PodTerm(Wire):
    """PodAffinityTerm."""

    topology_key: str
    label_selector: Selector | None = None
    namespaces: list[str] | None = None
    namespace_selector: Selector | None = None
    match_label_keys: list[str] | None = None
    mismatch_label_keys: list[str] | None = None


class WeightedPodTerm(Wire):
    """WeightedPodAffinityTerm."""

    weight: Weight
    pod_affinity_term: PodTerm


class PodAffinity(Wire):
    """Which other pods near by, or not near by."""

    required: list[PodTerm] | None = field(default=None, name=REQUIRED)
    preferred: list[WeightedPodTerm] | None = field(default=None, name=PREFERRED)


class Affinity(Wire):
    """Affinity of a pod."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAffinity | None = None


class PodToleration(Wire):
    """A toleration. For how long does not matter to the scheduler."""

    key: str | None = None
    operator: Literal["Exists", "Equal", ""] | None = None
    value: str | None = None
    effect: str | None = None


class SpreadConstraint(Wire):
    """TopologySpreadConstraint."""

    topology_key: str
    max_skew: Positive
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"]
    label_selector: Selector | None = None
    min_domains: Positive | None = None
    node_affinity_policy: Literal["Honor", "Ignore"] | None = None
    node_taints_policy: Literal["Honor", "Ignore"] | None = None
    match_label_keys: list[str] | None = None


class Gate(Wire):
    """PodSchedulingGate."""

    name: str


class ContainerPort(Wire):
    """A port of a container."""

    container_port: PortNumber = 0
    host_port: PortNumber | None = None
    protocol: str | None = None
    host_ip: str | None = field(default=None, name="hostIP")


class ClaimOfVolume(Wire):
    """The PersistentVolumeClaim behind a volume."""

    claim_name: str = ""


class EmptyDir(Wire):
    """A volume that begins empty and ends with its pod."""

    medium: str | None = None


class Volume(Wire):
    """A volume of a pod. That of a claim which is made for the pod alone has no name yet."""

    persistent_volume_claim: ClaimOfVolume | None = None
    empty_dir: EmptyDir | None = None
