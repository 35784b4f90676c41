"""What manifests say around the pods: gangs, queues, priorities, namespaces, claims of devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.sources.jobs.kubernetes.decode import as_json, decode
from dcctl.inventory.sources.jobs.kubernetes.kinds import POD_GROUPS
from dcctl.inventory.sources.jobs.kubernetes.types import Holder, PriorityClass, VolcanoSpec
from dcctl.inventory.sources.kubernetes.asked import ClaimName, ClaimSpec, Wanted, wanted
from dcctl.inventory.sources.kubernetes.gangs import Gang, GangObject, Gangs, GangSpec
from dcctl.inventory.sources.kubernetes.owners import Parents
from dcctl.inventory.sources.kubernetes.types import ClaimMade, Meta, Namespace
from dcctl.inventory.sources.kubernetes.workloads import Namespaces

if TYPE_CHECKING:
    from dcctl.inventory.sources.jobs.cursor import Cursor
    from dcctl.inventory.sources.jobs.kubernetes.types import Spec, Top
    from dcctl.inventory.sources.kubernetes.owners import Ref

_PRIORITY_LABEL = "kueue.x-k8s.io/priority-class"
_BUILT_IN = {
    "system-cluster-critical": PriorityClass(2_000_000_000),
    "system-node-critical": PriorityClass(2_000_001_000),
}
"""Classes that every cluster has (pkg/apis/scheduling/types.go of Kubernetes)."""


class Claims:
    """Claims of devices, and templates of them."""

    def __init__(self) -> None:
        self.wanted: dict[ClaimName, Wanted] = {}
        self.templates: dict[ClaimName, Wanted] = {}

    def made(self, spec: Spec, namespace: str, pod: str) -> list[ClaimMade]:
        """Return the claims that are made for a pod from templates; one that no file has is not made."""
        found = []
        for claim in spec.resource_claims or ():
            template = (namespace, claim.resource_claim_template_name or "")
            if template in self.templates:
                name = f"{pod}-{claim.name}"
                self.wanted[namespace, name] = self.templates[template]
                found.append(ClaimMade(claim.name, name))
        return found


class Surroundings:
    """Objects that make no pods and say something of them."""

    def __init__(self) -> None:
        self.parents, self.namespaces = Parents(), Namespaces()
        self.claims = Claims()
        self._gangs: dict[tuple[str, str], Gangs] = {}
        self._classes = dict(_BUILT_IN)
        self._queue_classes: dict[str, PriorityClass] = {}
        self._urgent: dict[Ref, str] = {}

    def add(self, ref: Ref, document: Cursor, data: bytes) -> bool:
        """Read an object that says something of pods; tell whether this is one. UsageError."""
        match ref.group, ref.kind:
            case "scheduling.k8s.io", "PriorityClass":
                self._classes[ref.name] = decode(document, data, PriorityClass)
            case "kueue.x-k8s.io", "WorkloadPriorityClass":
                self._queue_classes[ref.name] = decode(document, data, PriorityClass)
            case "", "Namespace":
                self.namespaces.add([decode(document, data, Namespace)])
            case "resource.k8s.io", "ResourceClaim":
                self.claims.wanted[ref.namespace, ref.name] = wanted(
                    decode(document, data, Holder[ClaimSpec]).spec
                )
            case "resource.k8s.io", "ResourceClaimTemplate":
                inner = decode(document, data, Holder[Holder[ClaimSpec]]).spec.spec
                self.claims.templates[ref.namespace, ref.name] = wanted(inner)
            case group, "PodGroup" if group in POD_GROUPS:
                self._add_gang(ref, decode(document, data, Holder[GangSpec]).spec)
            case _:
                return False
        return True

    def add_owner(self, ref: Ref, meta: Top, spec: object, gang: Cursor | None) -> None:
        """Note what an object that makes pods says of them all; `gang` is where its members are counted."""
        if gang is not None:
            self._add_gang(ref, decode(gang, as_json(gang), GangSpec))
        if isinstance(spec, VolcanoSpec):
            self._add_volcano(ref, spec)
        urgency = (meta.labels or {}).get(_PRIORITY_LABEL)
        if urgency:
            self._urgent[ref] = urgency

    def gangs(self) -> tuple[Gangs, ...]:
        """Return all gangs, with the priorities that their classes have."""
        for ref, name in self._urgent.items():
            found = self._queue_classes.get(name) or self._classes.get(name)
            if found is not None:
                gang = self._of(ref).by_uid.get(ref.uid, Gang())
                self._of(ref).by_uid[ref.uid] = gang._replace(priority=found.value)
        return tuple(self._gangs.values())

    def with_priority(self, spec: Spec) -> Spec:
        """The spec as the API server completes it; the class is unknown where no file describes it."""
        if spec.priority is not None:
            return spec
        default = next((each for each in self._classes.values() if each.global_default), None)
        found = self._classes.get(spec.priority_class_name) if spec.priority_class_name else default
        if found is None:
            return spec
        policy = spec.preemption_policy or found.preemption_policy
        return replace(spec, priority=found.value, preemption_policy=policy)

    def _of(self, ref: Ref) -> Gangs:
        return self._gangs.setdefault((ref.group, ref.kind), Gangs(self.parents, ref.group, ref.kind))

    def _add_gang(self, ref: Ref, spec: GangSpec) -> None:
        self._of(ref).add([GangObject(Meta(name=ref.name, namespace=ref.namespace, uid=ref.uid), spec)])

    def _add_volcano(self, ref: Ref, spec: VolcanoSpec) -> None:
        """Volcano makes a PodGroup of a Job: all its pods, unless it says how many are enough."""
        stated = spec.min_available
        count = sum(task.replicas for task in spec.tasks) if stated is None else stated
        self._of(ref).by_uid[ref.uid] = Gang(minimum=count if count > 1 else None, queue=spec.queue)
        if spec.priority_class_name:
            self._urgent[ref] = spec.priority_class_name
