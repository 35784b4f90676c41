"""Networks of the demo cluster: a namespace that nobody closed, a Ray head on every node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.inventory.demo.evidence.rbac import spaces
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.network import Allowed, Attachment, Ingress, NetworkPolicy, Peer, Service
from dcctl.inventory.placement import Selector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.inventory.model import Fleet

_OPEN: Final = "qa"
"""A namespace that somebody made by hand."""
_SYSTEM: Final = ("kube-system",)
_ANY: Final = Selector()


def part(fleet: Fleet) -> Evidence:
    """Return who may reach whom in the demo cluster."""
    tenants = [space for space in spaces(fleet) if space not in _SYSTEM]
    return Evidence(
        network_policies=tuple(one for space in tenants if space != _OPEN for one in _policies(space)),
        services=(
            Service(
                namespace="ingress",
                name="gateway",
                type="LoadBalancer",
                selector={"app": "gateway"},
                ports=("https",),
                sources=("10.0.0.0/8",),
            ),
            Service(
                namespace="rl",
                name="ppo-lab-head-svc",
                type="NodePort",
                selector={"app": "ppo-lab"},
                ports=("dashboard", "client"),
            ),
            Service(namespace="search", name="rank-small", selector={"app": "rank-small"}, ports=("http",)),
        ),
        ingresses=(
            Ingress(
                namespace="search",
                name="rank",
                class_name="cilium",
                hosts=("rank.example.com",),
                secured=("rank.example.com",),
                services=("rank-small",),
            ),
            Ingress(
                namespace="edu",
                name="courses",
                class_name="cilium",
                hosts=("courses.example.com",),
                services=("courses",),
            ),
        ),
        attachments=(
            Attachment(namespace="pretrain", name="rdma-a", type="host-device", resource="nvidia.com/rdma_a"),
        ),
    )


def _policies(space: str) -> Iterator[NetworkPolicy]:
    """Closed both ways, but for what is of the same namespace."""
    own = (Allowed((Peer(pods=_ANY),)),)
    yield NetworkPolicy(namespace=space, name="default-deny", ingress=(), egress=())
    yield NetworkPolicy(namespace=space, name="same-namespace", ingress=own, egress=own)
