"""How many members must run together, in which queue, how urgent: from the objects that schedulers read."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct, field

from dcctl.inventory.sources.kubernetes.owners import Parents, Ref, controller
from dcctl.inventory.sources.kubernetes.types import Meta, OwnerRef, Wire


class GangPolicy(Wire):
    """Kubernetes' own gang policy."""

    min_count: int | None = None


class SchedulingPolicy(Wire):
    """How a native pod group is scheduled."""

    gang: GangPolicy | None = None


class Replicas(Wire):
    """One role of a training job."""

    replicas: int | None = None


class JobSpec(Wire):
    """The part of a Job that says how many pods run at once."""

    parallelism: int | None = None
    completions: int | None = None

    @property
    def at_once(self) -> int:
        """The last pods of a Job are no more than it has to complete."""
        most = _one(self.parallelism)
        return most if self.completions is None else min(most, self.completions)


class JobTemplate(Wire):
    """A Job in a JobSet."""

    spec: JobSpec = field(default_factory=JobSpec)


class ReplicatedJob(Wire):
    """One role of a JobSet."""

    replicas: int | None = None
    template: JobTemplate = field(default_factory=JobTemplate)


class RunScheduling(Wire):
    """`runPolicy.schedulingPolicy` of a training job."""

    min_available: int | None = None
    queue: str | None = None


class RunPolicy(Wire):
    """`runPolicy` of a training job."""

    scheduling_policy: RunScheduling | None = None


class ElasticPolicy(Wire):
    """A training job that may shrink."""

    min_replicas: int | None = None


class PodSet(Wire):
    """One role of a Kueue Workload."""

    count: int | None = None
    min_count: int | None = None


class WorkerGroup(Wire):
    """Workers of a Ray cluster."""

    min_replicas: int | None = None
    num_of_hosts: int | None = None


Roles = dict[str, Replicas]


class GangSpec(Struct, gc=False):
    """What is read of all kinds of objects that form gangs; each kind has some of these fields."""

    min_member: int | None = field(default=None, name="minMember")
    queue: str | None = None
    priority: int | None = None
    policy: SchedulingPolicy | None = field(default=None, name="schedulingPolicy")
    queue_name: str | None = field(default=None, name="queueName")
    pod_sets: list[PodSet] | None = field(default=None, name="podSets")
    replicated_jobs: list[ReplicatedJob] | None = field(default=None, name="replicatedJobs")
    run_policy: RunPolicy | None = field(default=None, name="runPolicy")
    elastic: ElasticPolicy | None = field(default=None, name="elasticPolicy")
    pytorch: Roles | None = field(default=None, name="pytorchReplicaSpecs")
    tensorflow: Roles | None = field(default=None, name="tfReplicaSpecs")
    jax: Roles | None = field(default=None, name="jaxReplicaSpecs")
    xgboost: Roles | None = field(default=None, name="xgbReplicaSpecs")
    paddle: Roles | None = field(default=None, name="paddleReplicaSpecs")
    mpi: Roles | None = field(default=None, name="mpiReplicaSpecs")
    ray_workers: list[WorkerGroup] | None = field(default=None, name="workerGroupSpecs")


class GangObject(Wire):
    """A PodGroup, Kueue Workload, JobSet, training job or Ray cluster."""

    metadata: Meta = field(default_factory=Meta)
    spec: GangSpec = field(default_factory=GangSpec)


class Gang(NamedTuple):
    """What a gang object says; None where it is silent."""

    minimum: int | None = None
    queue: str | None = None
    priority: int | None = None
    owner: Ref | None = None


def parse_gang(item: GangObject) -> Gang:
    """Read any of the gang objects."""
    spec, meta = item.spec, item.metadata
    policy = spec.run_policy.scheduling_policy if spec.run_policy else None
    return Gang(
        minimum=_minimum(spec, policy),
        queue=spec.queue or spec.queue_name or (policy.queue if policy else None),
        priority=spec.priority,
        owner=controller(meta.namespace, meta.owner_references),
    )


def _minimum(spec: GangSpec, policy: RunScheduling | None) -> int | None:
    """Members that must run together; None when each runs on its own. One member is no gang."""
    stated = spec.min_member
    if spec.policy is not None and spec.policy.gang is not None:
        stated = spec.policy.gang.min_count
    if policy is not None and policy.min_available is not None:
        stated = policy.min_available
    number = stated if stated is not None else _by_roles(spec)
    return number if number is not None and number > 1 else None


def _by_roles(spec: GangSpec) -> int | None:
    """The members that the roles add up to: frameworks without a gang scheduler still wait for all."""
    if spec.replicated_jobs is not None:
        return sum(_one(each.replicas) * each.template.spec.at_once for each in spec.replicated_jobs)
    if spec.pod_sets is not None:
        return sum(_one(each.count if each.min_count is None else each.min_count) for each in spec.pod_sets)
    if spec.ray_workers is not None:
        return 1 + sum((each.min_replicas or 0) * _one(each.num_of_hosts) for each in spec.ray_workers)
    for roles in (spec.pytorch, spec.tensorflow, spec.jax, spec.xgboost, spec.paddle, spec.mpi):
        if roles is not None:
            return _training(roles, spec.elastic)
    return None


def _training(roles: Roles, elastic: ElasticPolicy | None) -> int:
    """All roles; of the workers of an elastic job, as many as it cannot do without."""
    count = {name: _one(role.replicas) for name, role in roles.items()}
    if elastic is not None and elastic.min_replicas is not None and "Worker" in count:
        count["Worker"] = min(count["Worker"], elastic.min_replicas)
    return sum(count.values())


def _one(number: int | None) -> int:
    """Kubernetes' default for a number of replicas that is not given."""
    return 1 if number is None else number


class Gangs:
    """Gang objects of one kind. A sink for pages of them."""

    def __init__(self, parents: Parents, group: str, kind: str) -> None:
        self._parents, self._group, self._kind = parents, group, kind
        self.by_name: dict[tuple[str, str, str], Gang] = {}
        """By (group, namespace, name)."""
        self.by_uid: dict[str, Gang] = {}
        """By UID: the object's own, or for Kueue that of the object that it admits."""

    def add(self, items: list[GangObject]) -> None:
        """Read one page."""
        for item in items:
            meta, gang = item.metadata, parse_gang(item)
            self.by_name[self._group, meta.namespace, meta.name] = gang
            if self._kind == "Workload":
                self._admits(meta.owner_references, gang)
            else:
                self.by_uid[meta.uid] = gang
                self._parents.put(meta.uid, gang.owner)

    def _admits(self, owners: list[OwnerRef] | None, gang: Gang) -> None:
        """Kueue decides on queue and priority of another object, which itself knows who must run together."""
        for owner in owners or ():
            self.by_uid[owner.uid] = gang._replace(minimum=None)

    def clear(self) -> None:
        """Forget all."""
        self.by_name.clear()
        self.by_uid.clear()
