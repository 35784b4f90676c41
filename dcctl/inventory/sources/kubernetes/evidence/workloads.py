"""Pods, and every kind of object that has a template of pods in it, wherever that may be."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct, field

from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.pods import Config
from dcctl.inventory.sources.kubernetes.evidence.literals import in_values
from dcctl.inventory.sources.kubernetes.evidence.looks import STATIC, Look, Piece, Ref
from dcctl.inventory.sources.kubernetes.evidence.podspec import SpecWire, claims, secrets, shape
from dcctl.inventory.sources.kubernetes.evidence.row import Row
from dcctl.inventory.sources.kubernetes.listed import JOB_SETS, RAY_CLUSTERS, TRAINING, Listed
from dcctl.inventory.sources.kubernetes.owners import LWS_NAME_LABEL, OWN_LABELS
from dcctl.inventory.sources.kubernetes.types import OwnerRef, Wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DEEPEST: Final = 12
"""Levels of an object that are searched for templates."""
_OTHER_NAMES: Final = {
    ("batch.volcano.sh", "Job"): "VolcanoJob",
    ("serving.knative.dev", "Service"): "KnativeService",
    ("", "Node"): STATIC,
}
"""Kinds whose name is also one of Kubernetes' own."""


class Notes(Struct, gc=False):
    """The annotations of a pod that mean something here."""

    networks: str | None = field(default=None, name="k8s.v1.cni.cncf.io/networks")


class MetaWire(Wire):
    """Metadata of a pod, of a template, or of an owner."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    labels: dict[str, str] | None = None
    annotations: Notes | None = None
    owner_references: list[OwnerRef] | None = None


class PodWire(Wire):
    """A pod."""

    metadata: MetaWire = field(default_factory=MetaWire)
    spec: SpecWire = field(default_factory=SpecWire)


class OwnerMeta(Wire):
    """Metadata of an object that has templates."""

    name: str = ""
    namespace: str = ""
    owner_references: list[OwnerRef] | None = None


class OwnerWire(Wire):
    """An object that has templates in its spec."""

    metadata: OwnerMeta = field(default_factory=OwnerMeta)
    spec: Any = None


class ConfigWire(Wire):
    """A ConfigMap."""

    metadata: OwnerMeta = field(default_factory=OwnerMeta)
    data: dict[str, str] | None = None


def _kind(group: str, kind: str) -> str:
    return _OTHER_NAMES.get((group, kind), kind)


def _owner(cluster: str, namespace: str, refs: list[OwnerRef] | None) -> Ref | None:
    """Who manages an object."""
    for one in refs or ():
        if one.controller:
            kind = _kind(one.api_version.rpartition("/")[0], one.kind)
            return Ref(cluster, namespace, kind, one.name)
    return None


def _networks(meta: MetaWire, namespace: str) -> tuple[str, ...]:
    """Second networks as `namespace/name`: a list by commas, `namespace/name@interface`, or JSON."""
    told = (meta.annotations.networks or "").strip() if meta.annotations else ""
    if told.startswith("["):
        try:
            rows = msgspec.json.decode(told, type=list[dict[str, Any]])
        except msgspec.DecodeError:
            return ()
        return tuple(f"{row.get('namespace') or namespace}/{row.get('name', '')}" for row in rows)
    names = (each.strip().partition("@")[0] for each in told.split(",") if each.strip())
    return tuple(each if "/" in each else f"{namespace}/{each}" for each in names)


def look(meta: MetaWire, spec: SpecWire, namespace: str) -> Look:
    """Return what a pod, or a template, looks like. ValueError for a quantity that is none."""
    return Look(
        shape=shape(spec),
        account=spec.service_account_name or spec.service_account or "default",
        automount=spec.automount_service_account_token,
        labels=tuple([pair for pair in (meta.labels or {}).items() if pair[0] not in OWN_LABELS]),
        networks=_networks(meta, namespace) if meta.annotations else (),
        secrets=secrets(spec),
    )


class Pods:
    """Takes all pods page by page, and keeps of each owner what its pods look like."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self.clear()

    def clear(self) -> None:
        """Forget all pages."""
        self._looks: dict[Look, Look] = {}
        self._of: dict[Ref, dict[Look, int]] = {}
        self._claims: dict[Ref, set[str]] = {}

    def add(self, items: list[PodWire]) -> None:
        """Read one page of pods."""
        for item in items:
            seen = look(item.metadata, item.spec, item.metadata.namespace)
            seen = self._looks.setdefault(seen, seen)
            owner = self._owner(item)
            counts = self._of.setdefault(owner, {})
            counts[seen] = counts.get(seen, 0) + 1
            self._claims.setdefault(owner, set()).update(claims(item.spec))

    def _owner(self, item: PodWire) -> Ref:
        meta = item.metadata
        group = (meta.labels or {}).get(LWS_NAME_LABEL)
        if group:  # the pods of a leader are owned by a set of which the leader is the owner
            return Ref(self._cluster, meta.namespace, "LeaderWorkerSet", group)
        owner = _owner(self._cluster, meta.namespace, meta.owner_references)
        if owner is None:
            name = meta.generate_name.rstrip("-.") or meta.name
            return Ref(self._cluster, meta.namespace, "Pod", name)
        if owner.kind == STATIC:
            return owner._replace(name=meta.name.removesuffix(f"-{owner.name}"))
        return owner

    def subjects(self) -> Iterator[Piece]:
        """Yield a piece for each owner."""
        for ref, counts in self._of.items():
            held = tuple(sorted(self._claims[ref]))
            yield Piece(ref=ref, found=tuple(counts), pods=sum(counts.values()), claims=held)


def pieces(item: OwnerWire, cluster: str, *, kind: str) -> Iterator[Piece]:
    """Yield what an owner tells; of one that another manages, only by whom."""
    meta = item.metadata
    ref = Ref(cluster, meta.namespace, kind, meta.name)
    owner = _owner(cluster, meta.namespace, meta.owner_references)
    if owner is not None:
        yield Piece(ref=ref, owner=owner)
        return
    found: list[Look] = []
    silent: dict[str, Silence] = {}
    held: set[str] = set()
    for template in templates(item.spec):
        try:
            read = msgspec.convert(template, PodWire, strict=False)
            found.append(look(read.metadata, read.spec, meta.namespace))
            held.update(claims(read.spec))
        except ValueError as error:
            silent["shapes"] = Silence(f"a template is not understood: {error}", "invalid")
    yield Piece(ref=ref, templates=tuple(dict.fromkeys(found)), claims=tuple(sorted(held)), silent=silent)


def templates(value: object, depth: int = DEEPEST) -> Iterator[dict[str, Any]]:
    """Yield every template of pods in an object: wherever there is a list of containers.

    A PodSpec that stands alone (`predictor` of KServe) is given as a template without metadata.
    """
    if isinstance(value, dict):
        inner = value.get("spec")
        if is_pod_spec(inner):
            yield {"metadata": _mapping(value.get("metadata")), "spec": inner}
        elif is_pod_spec(value):
            yield {"metadata": {}, "spec": value}
        elif depth:
            for each in value.values():
                yield from templates(each, depth - 1)
    elif isinstance(value, list) and depth:
        for each in value:
            yield from templates(each, depth - 1)


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def is_pod_spec(value: object) -> bool:
    """Return whether this is a PodSpec: it has containers, each with a name."""
    inside = value.get("containers") if isinstance(value, dict) else None
    return isinstance(inside, list) and all(isinstance(each, dict) and "name" in each for each in inside)


def config(item: ConfigWire, cluster: str) -> Iterator[Config]:
    """Yield the ConfigMap of an object, with where secrets are in it."""
    found = tuple(dict.fromkeys(in_values("", (item.data or {}).items())))
    yield Config(cluster=cluster, namespace=item.metadata.namespace, name=item.metadata.name, secrets=found)


_V1, _WHY = ("v1",), "templates of pods"


def _built_in(group: str, plural: str, kind: str) -> tuple[Listed, str]:
    return Listed(group, _V1, plural, _WHY), kind


def _custom(group: str, versions: Iterable[str], plural: str, kind: str) -> tuple[Listed, str]:
    return Listed(group, tuple(versions), plural, _WHY, custom=True), _kind(group, kind)


_TRAINING: Final = {
    "pytorchjobs": "PyTorchJob",
    "tfjobs": "TFJob",
    "jaxjobs": "JAXJob",
    "xgboostjobs": "XGBoostJob",
    "paddlejobs": "PaddleJob",
    "mpijobs": "MPIJob",
}
_RUNTIMES: Final = ("v2alpha1", "v1alpha1")
OWNERS: Final[tuple[tuple[Listed, str], ...]] = (
    _built_in("apps", "deployments", "Deployment"),
    _built_in("apps", "daemonsets", "DaemonSet"),
    _built_in("apps", "statefulsets", "StatefulSet"),
    _built_in("apps", "replicasets", "ReplicaSet"),
    _built_in("batch", "jobs", "Job"),
    _built_in("batch", "cronjobs", "CronJob"),
    _built_in("", "replicationcontrollers", "ReplicationController"),
    *((each, _TRAINING[each.plural]) for each in TRAINING),
    (JOB_SETS, "JobSet"),
    (RAY_CLUSTERS, "RayCluster"),
    _custom("ray.io", ("v1", "v1alpha1"), "rayjobs", "RayJob"),
    _custom("ray.io", ("v1", "v1alpha1"), "rayservices", "RayService"),
    _custom("leaderworkerset.x-k8s.io", _V1, "leaderworkersets", "LeaderWorkerSet"),
    _custom("batch.volcano.sh", ("v1alpha1",), "jobs", "Job"),
    _custom("trainer.kubeflow.org", _RUNTIMES, "trainingruntimes", "TrainingRuntime"),
    _custom("kubeflow.org", ("v1", "v1beta1"), "notebooks", "Notebook"),
    _custom("argoproj.io", ("v1alpha1",), "rollouts", "Rollout"),
    _custom("serving.knative.dev", _V1, "services", "Service"),
    _custom("serving.kserve.io", ("v1beta1",), "inferenceservices", "InferenceService"),
    _custom("workload.codeflare.dev", ("v1beta2",), "appwrappers", "AppWrapper"),
)
"""Lists of objects that make pods, with how their kind is called. A new kind is one row."""
ROWS: Final = (
    Row(Listed("", _V1, "pods", "what containers may do", tells="work"), PodWire, ("workloads",), made=Pods),
    *(Row(each, OwnerWire, ("workloads",), partial(pieces, kind=kind)) for each, kind in OWNERS),
    Row(Listed("", _V1, "configmaps", "secrets that are written there"), ConfigWire, ("configs",), config),
)
