"""Which lists are read, as data: the one origin of the requests and of the ClusterRole that allows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dcctl.inventory.model import Part


class Listed(NamedTuple):
    """One resource of which the list is read."""

    group: str
    versions: tuple[str, ...]
    """Understood ones, best first."""
    plural: str
    why: str
    namespaced: bool = True
    metadata_only: bool = False
    custom: bool = False
    """Not part of every cluster: read where its group exists."""
    tells: Part = ""
    """What is not wholly known without it."""

    def path(self, version: str, namespace: str | None) -> str:
        """The list's path; all namespaces when none is named."""
        base = f"/apis/{self.group}/{version}" if self.group else f"/api/{version}"
        inside = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        return f"{base}{inside}/{self.plural}"

    @property
    def title(self) -> str:
        """As kubectl names it: `jobs.batch`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


NODES = Listed("", ("v1",), "nodes", "capacity, labels, taints, conditions", namespaced=False, tells="nodes")
PODS = Listed("", ("v1",), "pods", "requests, placement, owners", tells="work")
NAMESPACES = Listed("", ("v1",), "namespaces", "who answers for a namespace", namespaced=False)
VOLUMES = Listed("", ("v1",), "persistentvolumes", "where volumes can be mounted", namespaced=False)
BUDGETS = Listed("policy", ("v1",), "poddisruptionbudgets", "how many pods may be missing")
QUOTAS = Listed("", ("v1",), "resourcequotas", "what a namespace may ask for")
REPLICA_SETS = Listed("apps", ("v1",), "replicasets", "from pod to Deployment", metadata_only=True)
STATEFUL_SETS = Listed("apps", ("v1",), "statefulsets", "from pod to what owns the set; its template")
JOBS = Listed("batch", ("v1",), "jobs", "from pod to JobSet and others; its retries")
SLICES = Listed(
    "resource.k8s.io",
    ("v1", "v1beta2", "v1beta1"),
    "resourceslices",
    "devices of nodes (DRA)",
    namespaced=False,
    custom=True,
    tells="devices",
)
CLAIMS = Listed(
    "resource.k8s.io",
    ("v1", "v1beta2", "v1beta1"),
    "resourceclaims",
    "which pod holds which device",
    custom=True,
    tells="work",
)


def _group_of_pods(group: str, versions: tuple[str, ...]) -> Listed:
    return Listed(group, versions, "podgroups", "gangs", custom=True)


def _training(plural: str, versions: tuple[str, ...] = ("v1",)) -> Listed:
    return Listed("kubeflow.org", versions, plural, "training jobs", custom=True)


POD_GROUPS: tuple[Listed, ...] = (
    _group_of_pods("scheduling.k8s.io", ("v1", "v1beta1", "v1alpha3", "v1alpha2")),
    _group_of_pods("scheduling.x-k8s.io", ("v1alpha1",)),
    _group_of_pods("scheduling.volcano.sh", ("v1beta1",)),
    _group_of_pods("scheduling.run.ai", ("v2alpha2",)),
)
KUEUE = Listed(
    "kueue.x-k8s.io", ("v1", "v1beta2", "v1beta1"), "workloads", "queue, priority, gang", custom=True
)
JOB_SETS = Listed("jobset.x-k8s.io", ("v1", "v1alpha2"), "jobsets", "gangs of Jobs", custom=True)
TRAINING: tuple[Listed, ...] = (
    _training("pytorchjobs"),
    _training("tfjobs"),
    _training("jaxjobs"),
    _training("xgboostjobs"),
    _training("paddlejobs"),
    _training("mpijobs", ("v2beta1", "v1")),
)
RAY_CLUSTERS = Listed(
    "ray.io", ("v1", "v1alpha1"), "rayclusters", "from pod to RayJob and RayService", custom=True
)

OWNERS: tuple[Listed, ...] = (REPLICA_SETS, STATEFUL_SETS, JOBS)
GANGS: tuple[Listed, ...] = (*POD_GROUPS, KUEUE, JOB_SETS, *TRAINING, RAY_CLUSTERS)
ALL: tuple[Listed, ...] = (NODES, PODS, NAMESPACES, VOLUMES, BUDGETS, QUOTAS, *OWNERS, SLICES, CLAIMS, *GANGS)
