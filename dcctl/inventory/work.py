"""Work that is asked for or runs: its members, what they read, and how many may be missing at once."""

from typing import Literal, TypeAlias

from msgspec import field

from dcctl.inventory.devices import Fact, Natural
from dcctl.inventory.placement import Level
from dcctl.inventory.resources import Resources

Phase: TypeAlias = Literal["pending", "running", "succeeded", "failed", "unknown"]
ENDED: frozenset[Phase] = frozenset(("succeeded", "failed"))
"""Phases in which a member holds nothing any more."""


class Budget(Fact, frozen=True):
    """How many members of a workload may be missing at once (a PodDisruptionBudget)."""

    name: str
    allowed: int | None
    desired_healthy: int | None = None
    current_healthy: int | None = None
    expected: int | None = None
    """Members that it covers, healthy or not. With as many desired it never allows any to go."""
    unhealthy_always: bool = False
    """Pods that are not ready may be evicted whatever the budget says (unhealthyPodEvictionPolicy)."""


class Member(Fact, frozen=True):
    """One pod or task of a workload."""

    name: str
    node: str | None = None
    phase: Phase = "unknown"
    requests: Resources | None = field(default_factory=Resources)
    """What the scheduler counts for it. None: it asks for something, and nobody could read what."""
    devices: tuple[str, ...] = ()
    """Ids of the accelerators it holds, where known."""
    uid: str | None = None
    started_at_s: int | None = None
    template: str | None = None
    """Key of its Template in the fleet; None: nobody told where it may stand."""
    ready: bool | None = None
    disruption: str | None = None
    """Key of its Disruption in the fleet; None: nobody told what eviction does to it."""


class Dataset(Fact, frozen=True):
    """Data that work reads."""

    name: str
    size_bytes: Natural | None = None
    """None: not known; its transfer takes an unknown time, not none."""
    sites: tuple[str, ...] = ()
    """Where copies of it are."""


class Workload(Fact, frozen=True):
    """Work that stands or falls together: a training job, a deployment, a notebook."""

    id: str
    """namespace/name for Kubernetes, the job id for a batch scheduler."""
    kind: str = "Pod"
    owner: str | None = None
    """Who answers for it: a user or team."""
    source: str | None = None
    queue: str | None = None
    priority: int | None = None
    gang_min: int | None = None
    """Members that must run together; None: each member runs on its own."""
    members: tuple[Member, ...] = ()
    budgets: tuple[Budget, ...] = ()
    started_at_s: int | None = None
    deadline_s: int | None = None
    preemptible: bool | None = None
    labels: dict[str, str] = field(default_factory=dict)
    duration_s: Natural | None = None
    """How long it runs from its start, at most; None: nobody knows."""
    within: Level | None = None
    """The members stand in one part of the data centre of this kind."""
    after: tuple[str, ...] = ()
    """Ids of workloads that must have ended before it starts."""
    earliest_s: int | None = None
    """It does not start before this Unix time."""
    data: tuple[Dataset, ...] = ()
    priority_class: str | None = None
    """Name of the Kubernetes PriorityClass."""
    checkpointed_at_s: int | None = None
    """When its last checkpoint was written, as its members tell (annotation dcctl.io/checkpointed-at)."""
