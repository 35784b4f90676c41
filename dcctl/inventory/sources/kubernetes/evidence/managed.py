"""Who runs the control plane of a cluster: by what providers write into versions, labels and APIs."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

VERSIONS: Final = {"-eks-": "EKS", "-gke.": "GKE", "-aliyun.": "ACK", "-tke.": "TKE", "-cce": "CCE"}
"""What providers write into the versions of API servers and of nodes."""
LABELS: Final = {
    "eks.amazonaws.com/": "EKS",
    "cloud.google.com/gke-": "GKE",
    "kubernetes.azure.com/cluster": "AKS",
    "doks.digitalocean.com/": "DOKS",
    "lke.linode.com/": "LKE",
    "ibm-cloud.kubernetes.io/": "IKS",
    "oke.oraclecloud.com/": "OKE",
    "k8s.scaleway.com/": "Kapsule",
    "nodepool.ovh/": "OVHcloud",
    "vke.vultr.com/": "VKE",
}
"""Beginnings of labels that providers put on nodes of clusters of which they run the control plane."""
APIS: Final = {
    "vpcresources.k8s.aws": "EKS",
    "networking.gke.io": "GKE",
    "aks.azure.com": "AKS",
    "alibabacloud.com": "ACK",
}
"""Groups of APIs that a managed cluster has from its first day."""
CONTROL_PLANE: Final = "node-role.kubernetes.io/control-plane"
"""The label of a node that is part of it: a provider shows none of them."""


class Sign(NamedTuple):
    """What tells who runs the control plane."""

    provider: str
    """Empty: the site itself."""
    says: str
    """`version v1.33.1-eks-abc`, `node cp-1`."""


class Seen(NamedTuple):
    """A node by what providers leave on it."""

    name: str
    version: str
    labels: Mapping[str, str]


def control_plane(version: str, apis: Iterable[str], nodes: Iterable[Seen]) -> Sign | None:
    """Return who runs the control plane, and what tells it; None: nothing does.

    `version` is that of the API server. A node of the control plane is proof that it is the site's own,
    whatever distribution runs there and whatever APIs somebody installed.
    """
    nodes = tuple(nodes)
    own = (Sign("", f"node {node.name}") for node in nodes if CONTROL_PLANE in node.labels)
    return next(chain(own, _by_versions(version, nodes), _by_labels(nodes), _by_apis(apis)), None)


def _by_versions(version: str, nodes: Iterable[Seen]) -> Iterator[Sign]:
    for text in (version, *(node.version for node in nodes)):
        for mark, provider in VERSIONS.items():
            if mark in text.lower():
                yield Sign(provider, f"version {text}")


def _by_labels(nodes: Iterable[Seen]) -> Iterator[Sign]:
    for node in nodes:
        for label in node.labels:
            for beginning, provider in LABELS.items():
                if label.startswith(beginning):
                    yield Sign(provider, f"label {label} of {node.name}")


def _by_apis(apis: Iterable[str]) -> Iterator[Sign]:
    for api in apis:
        for group, provider in APIS.items():
            if api == group or api.endswith(f".{group}"):
                yield Sign(provider, f"API {group} of {provider}")
