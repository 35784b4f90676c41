"""Every list that an audit reads: the one origin of its requests and of the ClusterRole that allows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.inventory.sources.kubernetes.evidence import (
    admission,
    certificates,
    kyverno,
    network,
    policies,
    rbac,
    secrets,
    storage,
    workloads,
)

if TYPE_CHECKING:
    from dcctl.inventory.sources.kubernetes.evidence.row import Row

ROWS: Final[tuple[Row, ...]] = (
    *rbac.ROWS,
    *admission.ROWS,
    *policies.ROWS,
    *kyverno.ROWS,
    *secrets.ROWS,
    *certificates.ROWS,
    *workloads.ROWS,
    *network.ROWS,
    *storage.ROWS,
)
"""In the order of topics; each module has its own."""
