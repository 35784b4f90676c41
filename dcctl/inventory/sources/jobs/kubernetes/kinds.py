"""Which kinds of objects make pods and how, which make none, and which cannot be placed from a manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dcctl.inventory.sources.jobs.kubernetes import made, types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dcctl.inventory.sources.jobs.kubernetes.made import Made

KUBEFLOW = "kubeflow.org"
VOLCANO = "batch.volcano.sh"
RAY = "ray.io"


class Maker(NamedTuple):
    """How the objects of a kind are read and what they make."""

    spec: type
    make: Callable[[str, Any], Iterator[Made]]
    """From the name of the object and its spec."""
    gang_at: str = ""
    """Where what makes it a gang is; empty: it is none by itself."""


_REPLICATED = Maker(types.Replicated, made.replicated)
_TRAINING = Maker(types.TrainingSpec, made.training, "spec")
MAKERS: dict[tuple[str, str], Maker] = {
    ("apps", "Deployment"): _REPLICATED,
    ("apps", "StatefulSet"): _REPLICATED,
    ("apps", "ReplicaSet"): _REPLICATED,
    ("", "ReplicationController"): _REPLICATED,
    ("argoproj.io", "Rollout"): _REPLICATED,
    ("batch", "Job"): Maker(types.JobSpec, made.job),
    ("jobset.x-k8s.io", "JobSet"): Maker(types.JobSetSpec, made.job_set, "spec"),
    **{
        (KUBEFLOW, kind): _TRAINING
        for kind in ("PyTorchJob", "TFJob", "MPIJob", "JAXJob", "XGBoostJob", "PaddleJob")
    },
    (VOLCANO, "Job"): Maker(types.VolcanoSpec, made.volcano),
    (RAY, "RayCluster"): Maker(types.RaySpec, made.ray, "spec"),
    (RAY, "RayJob"): Maker(types.RayJobSpec, made.ray_job, "spec.rayClusterSpec"),
    (RAY, "RayService"): Maker(types.RayServiceSpec, made.ray_service, "spec.rayClusterConfig"),
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"): Maker(types.LeaderWorkerSetSpec, made.leader_workers),
}
POD_GROUPS = frozenset(
    (
        "scheduling.k8s.io",
        "scheduling.x-k8s.io",
        "scheduling.sigs.k8s.io",
        "scheduling.volcano.sh",
        "scheduling.run.ai",
    )
)
"""API groups that have a PodGroup."""

SKIPPED: dict[tuple[str, str], tuple[str, str]] = {
    ("apps", "DaemonSet"): ("runs one pod on every node that matches: no scheduler has a choice", ""),
    ("batch", "CronJob"): (
        "makes a Job at each run, and how many run at once is not told",
        "kubectl create job try --from=cronjob/{name} -n {namespace} --dry-run=client -o yaml",
    ),
    ("kustomize.config.k8s.io", "Kustomization"): (
        "is made into manifests first",
        "kubectl kustomize . | dcctl schedule plan -",
    ),
}
"""Why objects of a kind are left out, and the next command."""

_HARMLESS_GROUPS = frozenset(
    (
        "rbac.authorization.k8s.io",
        "networking.k8s.io",
        "gateway.networking.k8s.io",
        "policy",
        "storage.k8s.io",
        "autoscaling",
        "discovery.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "admissionregistration.k8s.io",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "node.k8s.io",
        "scheduling.k8s.io",
        "resource.k8s.io",
        "cert-manager.io",
        "keda.sh",
        "external-secrets.io",
        "snapshot.storage.k8s.io",
    )
)
"""API groups none of whose kinds makes pods."""
_HARMLESS = {
    "": (
        "Binding",
        "ConfigMap",
        "Endpoints",
        "Event",
        "LimitRange",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "ResourceQuota",
        "Secret",
        "Service",
        "ServiceAccount",
    ),
    "apps": ("ControllerRevision",),
    "kueue.x-k8s.io": (
        "AdmissionCheck",
        "ClusterQueue",
        "Cohort",
        "LocalQueue",
        "ResourceFlavor",
        "Topology",
        "Workload",
        "WorkloadPriorityClass",
    ),
    "scheduling.volcano.sh": ("Queue",),
    "scheduling.run.ai": ("Queue",),
    "monitoring.coreos.com": ("PodMonitor", "PrometheusRule", "ServiceMonitor"),
}


def makes_nothing(group: str, kind: str) -> bool:
    """Tell whether objects of a kind are known to make no pods."""
    return group in _HARMLESS_GROUPS or kind in _HARMLESS.get(group, ())
