"""All checks, in the order of the catalogue. Importing it is what enters them."""

from __future__ import annotations

from dcctl.audit.check import CATALOGUE
from dcctl.audit.checks import (
    control_plane,
    kubelet,
    logs,
    modes,
    nodes_access,
    nodes_health,
    nodes_keys,
    nodes_upkeep,
    nodes_watch,
    rbac,
)

__all__ = [
    "CATALOGUE",
    "control_plane",
    "kubelet",
    "logs",
    "modes",
    "nodes_access",
    "nodes_health",
    "nodes_keys",
    "nodes_upkeep",
    "nodes_watch",
    "rbac",
]
