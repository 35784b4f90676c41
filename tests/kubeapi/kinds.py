"""The resource types of the emulated server, as data: built-in ones and custom ones (CRDs) by group."""

from __future__ import annotations

from dataclasses import dataclass

READ = ("get", "list", "watch")
ALL = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
META_LABELS = ("metadata.name", "metadata.namespace")


@dataclass(frozen=True, slots=True)
class Kind:
    """One served resource type. `custom` ones behave as CRDs: typed list items, no strategic merge patch."""

    group: str
    version: str
    plural: str
    name: str
    namespaced: bool = True
    verbs: tuple[str, ...] = ALL
    subresources: tuple[str, ...] = ()
    field_labels: tuple[str, ...] = ()
    short_names: tuple[str, ...] = ()
    custom: bool = False
    generation: bool = False

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """The form in which the server's messages name the resource: `pods`, `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def prefix(self) -> str:
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    @property
    def has_status(self) -> bool:
        return "status" in self.subresources


def _core(
    plural: str,
    name: str,
    *,
    namespaced: bool = True,
    status: bool = False,
    labels: tuple[str, ...] = (),
    short: tuple[str, ...] = (),
    more: tuple[str, ...] = (),
) -> Kind:
    subresources = (*(("status",) if status else ()), *more)
    return Kind("", "v1", plural, name, namespaced, ALL, subresources, labels, short)


def _typed(
    group: str,
    plural: str,
    name: str,
    *,
    namespaced: bool = True,
    status: bool = False,
    short: tuple[str, ...] = (),
    labels: tuple[str, ...] = (),
    verbs: tuple[str, ...] = ALL,
) -> Kind:
    return Kind(
        group,
        "v1",
        plural,
        name,
        namespaced,
        verbs,
        ("status",) if status else (),
        labels,
        short,
        generation=status,
    )


POD_LABELS = (
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
)
EVENT_LABELS = (
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "reason",
    "type",
    "reportingComponent",
)

PODS = Kind(
    "",
    "v1",
    "pods",
    "Pod",
    True,
    ALL,
    ("status", "eviction", "binding"),
    POD_LABELS,
    ("po",),
    generation=True,
)
NODES = _core("nodes", "Node", namespaced=False, status=True, labels=("spec.unschedulable",), short=("no",))
NAMESPACES = _core(
    "namespaces", "Namespace", namespaced=False, status=True, labels=("status.phase",), short=("ns",)
)
PDBS = _typed("policy", "poddisruptionbudgets", "PodDisruptionBudget", status=True, short=("pdb",))
LEASES = _typed("coordination.k8s.io", "leases", "Lease")
ACCESS_REVIEWS = _typed(
    "authorization.k8s.io",
    "selfsubjectaccessreviews",
    "SelfSubjectAccessReview",
    namespaced=False,
    verbs=("create",),
)

BUILTINS: tuple[Kind, ...] = (
    PODS,
    NODES,
    NAMESPACES,
    PDBS,
    ACCESS_REVIEWS,
    _core("persistentvolumeclaims", "PersistentVolumeClaim", status=True, short=("pvc",)),
    _core("persistentvolumes", "PersistentVolume", namespaced=False, status=True, short=("pv",)),
    _core("secrets", "Secret", labels=("type",)),
    _core("configmaps", "ConfigMap", short=("cm",)),
    _core("events", "Event", labels=EVENT_LABELS, short=("ev",)),
    _core("serviceaccounts", "ServiceAccount", short=("sa",)),
    _core("services", "Service", status=True, short=("svc",)),
    _core("replicationcontrollers", "ReplicationController", status=True, short=("rc",)),
    _core("resourcequotas", "ResourceQuota", status=True, short=("quota",)),
    _core("limitranges", "LimitRange", short=("limits",)),
    _typed("apps", "deployments", "Deployment", status=True, short=("deploy",)),
    _typed("apps", "replicasets", "ReplicaSet", status=True, short=("rs",), labels=("status.replicas",)),
    _typed("apps", "statefulsets", "StatefulSet", status=True, short=("sts",)),
    _typed("apps", "daemonsets", "DaemonSet", status=True, short=("ds",)),
    _typed("batch", "jobs", "Job", status=True, labels=("status.successful",)),
    _typed("batch", "cronjobs", "CronJob", status=True, short=("cj",)),
    _typed("scheduling.k8s.io", "priorityclasses", "PriorityClass", namespaced=False, short=("pc",)),
    _typed("storage.k8s.io", "storageclasses", "StorageClass", namespaced=False, short=("sc",)),
    LEASES,
    _typed("networking.k8s.io", "networkpolicies", "NetworkPolicy", short=("netpol",)),
    _typed("networking.k8s.io", "ingresses", "Ingress", status=True, short=("ing",)),
    _typed(
        "resource.k8s.io",
        "resourceslices",
        "ResourceSlice",
        namespaced=False,
        labels=("spec.nodeName", "spec.driver"),
    ),
    _typed("resource.k8s.io", "resourceclaims", "ResourceClaim", status=True),
    _typed("resource.k8s.io", "resourceclaimtemplates", "ResourceClaimTemplate"),
    _typed("resource.k8s.io", "deviceclasses", "DeviceClass", namespaced=False),
    _typed("rbac.authorization.k8s.io", "roles", "Role"),
    _typed("rbac.authorization.k8s.io", "rolebindings", "RoleBinding"),
    _typed("rbac.authorization.k8s.io", "clusterroles", "ClusterRole", namespaced=False),
    _typed("rbac.authorization.k8s.io", "clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    _typed(
        "certificates.k8s.io", "certificatesigningrequests", "CertificateSigningRequest", namespaced=False
    ),
    *(
        _typed("admissionregistration.k8s.io", name.lower() + "s", name, namespaced=False)
        for name in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
    ),
    _typed(
        "apiextensions.k8s.io",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        namespaced=False,
        status=True,
        short=("crd", "crds"),
    ),
)


def custom(group: str, version: str, plural: str, name: str, *, namespaced: bool = True) -> Kind:
    """A type as a CRD with a status subresource would serve it."""
    return Kind(group, version, plural, name, namespaced, ALL, ("status",), custom=True, generation=True)


KUEUE = (
    custom("kueue.x-k8s.io", "v1beta1", "workloads", "Workload"),
    custom("kueue.x-k8s.io", "v1beta1", "localqueues", "LocalQueue"),
    custom("kueue.x-k8s.io", "v1beta1", "clusterqueues", "ClusterQueue", namespaced=False),
    custom("kueue.x-k8s.io", "v1beta1", "resourceflavors", "ResourceFlavor", namespaced=False),
)
VOLCANO = (
    custom("scheduling.volcano.sh", "v1beta1", "podgroups", "PodGroup"),
    custom("scheduling.volcano.sh", "v1beta1", "queues", "Queue", namespaced=False),
    custom("batch.volcano.sh", "v1alpha1", "jobs", "Job"),
)
POD_GROUP = (custom("scheduling.x-k8s.io", "v1alpha1", "podgroups", "PodGroup"),)
JOBSET = (custom("jobset.x-k8s.io", "v1alpha2", "jobsets", "JobSet"),)
KUBEFLOW = (
    custom("kubeflow.org", "v1", "pytorchjobs", "PyTorchJob"),
    custom("kubeflow.org", "v2beta1", "mpijobs", "MPIJob"),
)
RAY = (
    custom("ray.io", "v1", "rayclusters", "RayCluster"),
    custom("ray.io", "v1", "rayjobs", "RayJob"),
)
LEADER_WORKER_SET = (custom("leaderworkerset.x-k8s.io", "v1", "leaderworkersets", "LeaderWorkerSet"),)
ALL_CUSTOM: tuple[Kind, ...] = (*KUEUE, *VOLCANO, *POD_GROUP, *JOBSET, *KUBEFLOW, *RAY, *LEADER_WORKER_SET)


class Registry:
    """The types one server serves; found by URL, by object, or by the loose names a test would type."""

    def __init__(self, kinds: tuple[Kind, ...]) -> None:
        self._kinds: dict[tuple[str, str, str], Kind] = {}
        self.add(*kinds)

    def add(self, *kinds: Kind) -> None:
        for kind in kinds:
            self._kinds[kind.group, kind.version, kind.plural] = kind

    def remove(self, *kinds: Kind) -> None:
        for kind in kinds:
            self._kinds.pop((kind.group, kind.version, kind.plural), None)

    def all(self) -> list[Kind]:
        return list(self._kinds.values())

    def at(self, group: str, version: str, plural: str) -> Kind | None:
        return self._kinds.get((group, version, plural))

    def of(self, api_version: str, name: str) -> Kind:
        """The type of an object with this apiVersion and kind; KeyError when the server does not serve it."""
        for kind in self._kinds.values():
            if kind.name == name and kind.api_version == api_version:
                return kind
        raise KeyError(f"{api_version} {name} is not served: give its kind to ApiServer(custom=…)")

    def named(self, loose: str) -> Kind:
        """The type called `pods`, `Pod`, `po`, `deployments.apps`; KeyError when none or several are."""
        found = [k for k in self._kinds.values() if loose in {k.plural, k.name, k.qualified, *k.short_names}]
        if len(found) != 1:
            raise KeyError(f"{len(found)} served types are called {loose!r}")
        return found[0]
