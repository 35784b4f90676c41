"""The demo cluster itself, in which dcctl may read and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.evidence.cluster import Cluster
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.rbac import Rule

if TYPE_CHECKING:
    from dcctl.inventory.model import Fleet


def part(_fleet: Fleet) -> Evidence:
    """Return the cluster."""
    demo = Cluster(
        name="demo",
        version="v1.35.3",
        minor=35,
        apis=("apps", "deployments.apps", "externalsecrets.external-secrets.io", "external-secrets.io"),
        control_plane="own",
        told_by="node cp-1",
        user="system:serviceaccount:dcctl:auditor",
        rules=(
            Rule(("list",), ("", "apps", "rbac.authorization.k8s.io"), ("pods", "nodes", "clusterroles")),
        ),
    )
    return Evidence(clusters=(demo,))
