"""Labels of nodes that tell in which part of a data centre they stand, the better known ones first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.inventory.model import Level

ZONE_LABELS: Final = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
REGION_LABELS: Final = ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region")
SITE_LABELS: Final = (*ZONE_LABELS, *REGION_LABELS)
"""A zone of a cloud is a data centre of its own."""
RACK_LABELS: Final = (
    "topology.kubernetes.io/rack",
    "topology.k8s.io/rack",
    "rack",
    "topology.rook.io/rack",
    "cloud.google.com/gce-topology-block",
    "cloud.provider.com/topology-rack",
    "network.topology.nvidia.com/accelerator",
    "network.topology.nvidia.com/leaf",
    "topology.k8s.aws/network-node-layer-3",
)
"""A rack, or the smallest block of the network that a provider makes known."""
LEAF_LABELS: Final = (
    "network.topology.nvidia.com/leaf",
    "topology.k8s.aws/network-node-layer-3",
    "cloud.google.com/gce-topology-subblock",
    "topology.dcctl.io/leaf",
)
DOMAIN_LABELS: Final = (
    "nvidia.com/gpu.clique",
    "network.topology.nvidia.com/accelerator",
    "topology.dcctl.io/domain",
)

FEEDS: Final = ("pdu", "ups")
"""Kinds of meters whose loss takes the power from the nodes that they cover."""

LEVEL_OF_LABEL: Final[Mapping[str, Level]] = {
    "kubernetes.io/hostname": "node",
    "topology.kubernetes.io/zone": "zone",
    "topology.kubernetes.io/region": "site",
    "nvidia.com/gpu.clique": "domain",
    **dict.fromkeys(RACK_LABELS, "rack"),
}
"""What part a label means where work names it (a topology key)."""


def first_of(labels: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    """The value of the first of these labels that has one."""
    return next((labels[name] for name in names if labels.get(name)), None)
