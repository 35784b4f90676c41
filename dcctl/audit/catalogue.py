"""All checks, in the order of the catalogue. Importing it is what enters them."""

from __future__ import annotations

from dcctl.audit.check import CATALOGUE
from dcctl.audit.checks import boards, drift, fabric, gpu_nodes, links, rbac

__all__ = ["CATALOGUE", "boards", "drift", "fabric", "gpu_nodes", "links", "rbac"]
