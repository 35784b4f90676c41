"""What is read of Kubernetes objects: the declared fields; everything else is skipped unread.

Field names follow the API. A `msgspec.Raw` keeps the page it points into alive: whoever takes one copies its
bytes before the next page (templates.py).
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  # msgspec resolves annotations at run time
from typing import Generic, TypeVar

from msgspec import UNSET, Raw, Struct, UnsetType, field

from dcctl.inventory.placement import PINNED

T = TypeVar("T")
Amounts = dict[str, str]
"""Quantities by resource name, as text."""


class Wire(Struct, gc=False, rename="camel"):
    """Base of decoded objects. They live for one page; the garbage collector need not look at them."""


class ListMeta(Wire):
    """Where the list goes on."""

    resource_version: str = ""
    continue_: str = field(default="", name="continue")
    remaining_item_count: int | None = None


class Page(Wire, Generic[T]):
    """One page of a list. Some servers write null for an empty one; a page without any items is no list."""

    kind: str = ""
    metadata: ListMeta = field(default_factory=ListMeta)
    items: list[T] | UnsetType | None = UNSET


class OwnerRef(Wire):
    """Who made an object."""

    kind: str = ""
    name: str = ""
    uid: str = ""
    api_version: str = ""
    controller: bool | None = None


class Meta(Wire):
    """Metadata of anything but a pod."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    labels: dict[str, str] | None = None
    owner_references: list[OwnerRef] | None = None


class Bare(Wire):
    """An object of which the metadata is enough."""

    metadata: Meta = field(default_factory=Meta)


class PodNotes(Struct, gc=False):
    """The annotations of a pod that mean something here; the others are skipped."""

    mirror: str | None = field(default=None, name="kubernetes.io/config.mirror")
    volcano_group: str | None = field(default=None, name="scheduling.k8s.io/group-name")
    kai_group: str | None = field(default=None, name="pod-group-name")
    pinned: str | None = field(default=None, name=PINNED)
    lws_size: str | None = field(default=None, name="leaderworkerset.sigs.k8s.io/size")
    do_not_disrupt: str | None = field(default=None, name="karpenter.sh/do-not-disrupt")
    do_not_evict: str | None = field(default=None, name="karpenter.sh/do-not-evict")
    safe_to_evict: str | None = field(default=None, name="cluster-autoscaler.kubernetes.io/safe-to-evict")
    checkpoint: str | None = field(default=None, name="dcctl.io/checkpoint")
    checkpoint_proof: str | None = field(default=None, name="dcctl.io/checkpoint-proof")
    checkpoint_timeout: str | None = field(default=None, name="dcctl.io/checkpoint-timeout")
    checkpointed_at: str | None = field(default=None, name="dcctl.io/checkpointed-at")
    when_drained: str | None = field(default=None, name="dcctl.io/when-drained")
    completion_index: str | None = field(default=None, name="batch.kubernetes.io/job-completion-index")
    index_failures: str | None = field(default=None, name="batch.kubernetes.io/job-index-failure-count")


class PodMeta(Wire):
    """Metadata of a pod."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    labels: dict[str, str] | None = None
    annotations: PodNotes | None = None
    owner_references: list[OwnerRef] | None = None
    deletion_timestamp: str | None = None
    finalizers: list[str] | None = None


class Amount(Wire):
    """ResourceRequirements."""

    requests: Amounts | None = None
    limits: Amounts | None = None


class Container(Wire):
    """A container, init container or sidecar (`restartPolicy: Always`)."""

    name: str = ""
    resources: Raw = Raw()
    """An Amount: read by requests.py, once for all that say the same."""
    restart_policy: str | None = None
    ports: Raw = Raw()


class SchedulingGroup(Wire):
    """The pod group of Kubernetes' own gang scheduling."""

    pod_group_name: str | None = None


class ClaimOfPod(Wire):
    """A claim that a pod names, or has made from a template."""

    name: str = ""
    resource_claim_name: str | None = None


class PodSpec(Wire):
    """What a pod asks for and where it was put. Decoded from JSON; what is raw is read by templates.py."""

    node_name: str | None = None
    containers: list[Container] | None = None
    init_containers: list[Container] | None = None
    overhead: Amounts | None = None
    resources: Amount | None = None
    priority: int | None = None
    priority_class_name: str | None = None
    scheduling_group: SchedulingGroup | None = None
    resource_claims: list[ClaimOfPod] | None = None
    active_deadline_seconds: int | None = None
    termination_grace_period_seconds: int | None = None
    host_network: bool | None = None
    preemption_policy: str | None = None
    scheduler_name: str | None = None
    volumes: Raw = Raw()
    node_selector: Raw = Raw()
    affinity: Raw = Raw()
    tolerations: Raw = Raw()
    topology_spread_constraints: Raw = Raw()
    scheduling_gates: Raw = Raw()


class ContainerStatus(Wire):
    """What the kubelet has given to a container, for resizes in place."""

    name: str = ""
    resources: Raw = Raw()
    allocated_resources: Raw = Raw()


class PodCondition(Wire):
    """A condition of a pod."""

    type: str = ""
    status: str = ""
    reason: str | None = None


class RequestMapping(Wire):
    """An extended resource that dynamic allocation serves."""

    resource_name: str = ""


class ExtendedClaim(Wire):
    """The claim behind extended resources."""

    request_mappings: list[RequestMapping] | None = None


class ClaimMade(Wire):
    """The claim that was made for a pod from a template; without a name: none was needed."""

    name: str = ""
    resource_claim_name: str | None = None


class PodStatus(Wire):
    """How a pod fares."""

    phase: str = ""
    start_time: datetime | None = None
    conditions: list[PodCondition] | None = None
    container_statuses: list[ContainerStatus] | None = None
    init_container_statuses: list[ContainerStatus] | None = None
    resources: Amount | None = None
    allocated_resources: Amounts | None = None
    extended_resource_claim_status: ExtendedClaim | None = None
    resource_claim_statuses: list[ClaimMade] | None = None


class Pod(Wire):
    """A pod."""

    metadata: PodMeta = field(default_factory=PodMeta)
    spec: PodSpec = field(default_factory=PodSpec)
    status: PodStatus = field(default_factory=PodStatus)


class NodeTaint(Wire):
    """A taint."""

    key: str = ""
    effect: str = ""
    value: str | None = None


class NodeSpec(Wire):
    """What the administrator says of a node."""

    unschedulable: bool = False
    taints: list[NodeTaint] | None = None
    provider_id: str | None = field(default=None, name="providerID")


class NodeCondition(Wire):
    """A condition of a node, from the kubelet or a problem detector."""

    type: str = ""
    status: str = ""


class NodeAddress(Wire):
    """A name or an address of a node."""

    type: str = ""
    address: str = ""


class NodeInfo(Wire):
    """What the kubelet knows of the machine."""

    architecture: str | None = None
    boot_id: str | None = field(default=None, name="bootID")
    machine_id: str | None = field(default=None, name="machineID")
    system_uuid: str | None = field(default=None, name="systemUUID")
    kernel_version: str | None = None
    os_image: str | None = None
    container_runtime_version: str | None = None
    kubelet_version: str | None = None


class NodeStatus(Wire):
    """What the kubelet says of a node."""

    capacity: Amounts | None = None
    allocatable: Amounts | None = None
    conditions: list[NodeCondition] | None = None
    addresses: list[NodeAddress] | None = None
    node_info: NodeInfo = field(default_factory=NodeInfo)


class NodeMeta(Wire):
    """Metadata of a node; its annotations may tell who took it out of service."""

    name: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class NodeObject(Wire):
    """A node."""

    metadata: NodeMeta = field(default_factory=NodeMeta)
    spec: NodeSpec = field(default_factory=NodeSpec)
    status: NodeStatus = field(default_factory=NodeStatus)


class NamespaceMeta(Wire):
    """Metadata of a namespace; its annotations may name who answers for it."""

    name: str = ""
    uid: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class Namespace(Wire):
    """A namespace."""

    metadata: NamespaceMeta = field(default_factory=NamespaceMeta)
