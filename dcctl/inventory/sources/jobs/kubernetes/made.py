"""The pods that each kind of object makes, with the names and labels that its controller gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.inventory.sources.kubernetes.owners import LWS_GROUP_LABEL, LWS_NAME_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dcctl.inventory.sources.jobs.kubernetes.types import (
        JobSetSpec,
        JobSpec,
        LeaderWorkerSetSpec,
        PodTemplate,
        RayJobSpec,
        RayServiceSpec,
        RaySpec,
        Replicated,
        TrainingSpec,
        VolcanoSpec,
    )

_ROLES = {
    "pytorch": "pytorchReplicaSpecs",
    "tensorflow": "tfReplicaSpecs",
    "jax": "jaxReplicaSpecs",
    "xgboost": "xgbReplicaSpecs",
    "paddle": "paddleReplicaSpecs",
    "mpi": "mpiReplicaSpecs",
}
_NONE: Mapping[str, str] = {}


class Made(NamedTuple):
    """Equal pods, called `base-0`, `base-1` and so on."""

    template: PodTemplate
    base: str
    number: int
    path: str
    """Where the template is in the manifest, `.` between steps."""
    labels: Mapping[str, str] = _NONE
    """Those that the controller adds."""
    size: int | None = None
    """Of a leader and its workers together."""
    duration_s: int | None = None
    alone: bool = False
    """The one pod is called `base`."""
    first: int = 0

    def names(self) -> Iterator[str]:
        """Yield the names of the pods."""
        if self.alone:
            return iter((self.base,))
        return (f"{self.base}-{at}" for at in range(self.first, self.first + self.number))


def pod(name: str, spec: PodTemplate) -> Iterator[Made]:
    """A Pod is one pod."""
    yield Made(spec, name, 1, "", alone=True)


def replicated(name: str, spec: Replicated) -> Iterator[Made]:
    """A Deployment, StatefulSet, ReplicaSet and whatever is like them."""
    yield Made(spec.template, name, spec.replicas, "spec.template")


def job(name: str, spec: JobSpec) -> Iterator[Made]:
    """As many pods of a Job as run at once."""
    yield _job(name, spec, "spec.template", {"job-name": name, "batch.kubernetes.io/job-name": name})


def _job(name: str, spec: JobSpec, path: str, labels: Mapping[str, str]) -> Made:
    count = spec.parallelism if spec.completions is None else min(spec.parallelism, spec.completions)
    return Made(spec.template, name, count, path, labels, duration_s=spec.active_deadline_seconds)


def job_set(name: str, spec: JobSetSpec) -> Iterator[Made]:
    """The Jobs of every role: `name-role-job-pod`."""
    for at, role in enumerate(spec.replicated_jobs):
        path = f"spec.replicatedJobs.{at}.template.spec.template"
        for index in range(role.replicas):
            labels = {
                "jobset.sigs.k8s.io/jobset-name": name,
                "jobset.sigs.k8s.io/replicatedjob-name": role.name,
                "jobset.sigs.k8s.io/job-index": str(index),
            }
            yield _job(f"{name}-{role.name}-{index}", role.template.spec, path, labels)


def training(name: str, spec: TrainingSpec) -> Iterator[Made]:
    """Every role of a training job of Kubeflow."""
    duration = spec.run_policy.active_deadline_seconds if spec.run_policy else None
    for field, key in _ROLES.items():
        for role, each in (getattr(spec, field) or {}).items():
            base, alone = f"{name}-{role.lower()}", field == "mpi" and role == "Launcher"
            labels = {
                "training.kubeflow.org/job-name": name,
                "training.kubeflow.org/replica-type": role.lower(),
            }
            count = min(each.replicas, 1) if alone else each.replicas
            path = f"spec.{key}.{role}.template"
            yield Made(each.template, base, count, path, labels, duration_s=duration, alone=alone)


def volcano(name: str, spec: VolcanoSpec) -> Iterator[Made]:
    """Every task of a Job of Volcano."""
    for at, task in enumerate(spec.tasks):
        base, path = f"{name}-{task.name or f'default{at}'}", f"spec.tasks.{at}.template"
        yield Made(task.template, base, task.replicas, path, {"volcano.sh/job-name": name})


def ray(name: str, spec: RaySpec, path: str = "spec", duration_s: int | None = None) -> Iterator[Made]:
    """Head and workers of a Ray cluster; a worker of several hosts is several pods."""
    labels = {"ray.io/cluster": name}
    head = spec.head_group_spec.template
    where = f"{path}.headGroupSpec.template"
    yield Made(head, f"{name}-head", 1, where, labels, duration_s=duration_s, alone=True)
    for at, group in enumerate(spec.worker_group_specs or ()):
        workers = group.min_replicas if group.replicas is None else max(group.replicas, group.min_replicas)
        where, count = f"{path}.workerGroupSpecs.{at}.template", workers * group.num_of_hosts
        own = {**labels, "ray.io/group": group.group_name}
        base = f"{name}-{group.group_name}-worker"
        yield Made(group.template, base, count, where, own, duration_s=duration_s)


def ray_job(name: str, spec: RayJobSpec) -> Iterator[Made]:
    """The cluster of a RayJob, and the pod that hands the job in where the manifest describes one."""
    yield from ray(name, spec.ray_cluster_spec, "spec.rayClusterSpec", spec.active_deadline_seconds)
    if spec.submitter_pod_template is not None:
        yield Made(
            spec.submitter_pod_template, f"{name}-submitter", 1, "spec.submitterPodTemplate", alone=True
        )


def ray_service(name: str, spec: RayServiceSpec) -> Iterator[Made]:
    """The cluster of a RayService."""
    yield from ray(name, spec.ray_cluster_config, "spec.rayClusterConfig")


def leader_workers(name: str, spec: LeaderWorkerSetSpec) -> Iterator[Made]:
    """Each group of a LeaderWorkerSet: `name-0` leads `name-0-1` and so on."""
    group, path = spec.leader_worker_template, "spec.leaderWorkerTemplate"
    if not group.size:
        return
    leader = group.leader_template or group.worker_template
    where = f"{path}.{'leaderTemplate' if group.leader_template else 'workerTemplate'}"
    for at in range(spec.replicas):
        labels, base = {LWS_NAME_LABEL: name, LWS_GROUP_LABEL: str(at)}, f"{name}-{at}"
        yield Made(leader, base, 1, where, labels, group.size, alone=True)
        yield Made(
            group.worker_template, base, group.size - 1, f"{path}.workerTemplate", labels, group.size, first=1
        )
