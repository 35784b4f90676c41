"""What is read of manifests: the declared fields of the kinds that make pods. Field names follow the API."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from msgspec import Meta as Bound
from msgspec import field

from dcctl.inventory.sources.jobs.job import MAX_MEMBERS
from dcctl.inventory.sources.kubernetes.types import (
    ClaimOfPod,
    Meta,
    PodMeta,
    PodNotes,
    PodSpec,
    PodStatus,
    Wire,
)

T = TypeVar("T")
Count = Annotated[int, Bound(ge=0, le=MAX_MEMBERS)]
Seconds = Annotated[int, Bound(ge=1, le=(1 << 62))]


class Top(Meta):
    """Metadata of an object that somebody writes."""

    generate_name: str = ""
    annotations: dict[str, str] | None = None


class Object(Wire):
    """Any object."""

    metadata: Top = field(default_factory=Top)


class Notes(PodNotes):
    """Annotations of a pod that is asked for."""

    gpu_fraction: str | None = field(default=None, name="gpu-fraction")
    gpu_memory: str | None = field(default=None, name="gpu-memory")
    gpu_devices: str | None = field(default=None, name="gpu-fraction-num-devices")
    group_size: str | None = field(default=None, name="kueue.x-k8s.io/pod-group-total-count")
    topology: str | None = field(default=None, name="kueue.x-k8s.io/podset-required-topology")


class TemplateMeta(PodMeta):
    """Metadata of pods to be made."""

    annotations: Notes | None = None


class Claim(ClaimOfPod):
    """A claim of a pod, or the template that one is made from."""

    resource_claim_template_name: str | None = None


class Spec(PodSpec):
    """A PodSpec as it is written: the API server fills in the priority."""

    priority_class_name: str | None = None
    preemption_policy: str | None = None
    active_deadline_seconds: Seconds | None = None
    resource_claims: list[Claim] | None = None  # type: ignore[assignment]


class PodTemplate(Wire):
    """A template of pods, or a Pod."""

    spec: Spec
    metadata: TemplateMeta = field(default_factory=TemplateMeta)
    status: PodStatus = field(default_factory=PodStatus)


class Replicated(Wire):
    """Equal pods: a Deployment, a StatefulSet, a role of a training job, a task."""

    template: PodTemplate
    replicas: Count = 1
    name: str = ""


class JobSpec(Wire):
    """A batch Job."""

    template: PodTemplate
    parallelism: Count = 1
    completions: Count | None = None
    active_deadline_seconds: Seconds | None = None


class JobTemplate(Wire):
    """A Job that a JobSet makes."""

    spec: JobSpec


class ReplicatedJob(Wire):
    """One role of a JobSet."""

    name: str
    template: JobTemplate
    replicas: Count = 1


class JobSetSpec(Wire):
    """A JobSet."""

    replicated_jobs: list[ReplicatedJob]


class RunPolicy(Wire):
    """`runPolicy` of a training job."""

    active_deadline_seconds: Seconds | None = None


class TrainingSpec(Wire):
    """A Kubeflow training job: each kind has its own name for its roles."""

    run_policy: RunPolicy | None = None
    pytorch: dict[str, Replicated] | None = field(default=None, name="pytorchReplicaSpecs")
    tensorflow: dict[str, Replicated] | None = field(default=None, name="tfReplicaSpecs")
    jax: dict[str, Replicated] | None = field(default=None, name="jaxReplicaSpecs")
    xgboost: dict[str, Replicated] | None = field(default=None, name="xgbReplicaSpecs")
    paddle: dict[str, Replicated] | None = field(default=None, name="paddleReplicaSpecs")
    mpi: dict[str, Replicated] | None = field(default=None, name="mpiReplicaSpecs")


class VolcanoSpec(Wire):
    """A Job of Volcano."""

    tasks: list[Replicated]
    min_available: Count | None = None
    queue: str | None = None
    priority_class_name: str | None = None


class HeadGroup(Wire):
    """The head of a Ray cluster."""

    template: PodTemplate


class WorkerGroup(Wire):
    """Equal workers of a Ray cluster."""

    template: PodTemplate
    group_name: str = "worker"
    replicas: Count | None = None
    min_replicas: Count = 0
    num_of_hosts: Count = 1


class RaySpec(Wire):
    """A Ray cluster."""

    head_group_spec: HeadGroup
    worker_group_specs: list[WorkerGroup] | None = None


class RayJobSpec(Wire):
    """A Ray cluster for one job."""

    ray_cluster_spec: RaySpec
    submitter_pod_template: PodTemplate | None = None
    active_deadline_seconds: Seconds | None = None


class RayServiceSpec(Wire):
    """A Ray cluster that serves."""

    ray_cluster_config: RaySpec


class LeaderWorkers(Wire):
    """A leader and its workers."""

    worker_template: PodTemplate
    size: Count = 1
    leader_template: PodTemplate | None = None


class LeaderWorkerSetSpec(Wire):
    """Groups of a leader and its workers."""

    leader_worker_template: LeaderWorkers
    replicas: Count = 1


class PriorityClass(Wire):
    """A PriorityClass, or Kueue's."""

    value: int
    metadata: Top = field(default_factory=Top)
    global_default: bool = False
    preemption_policy: str | None = None


class Holder(Wire, Generic[T]):
    """An object of which only the spec is looked at."""

    spec: T
