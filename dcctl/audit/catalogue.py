"""All checks, in the order of the catalogue. Importing it is what enters them."""

from __future__ import annotations

from dcctl.audit.check import CATALOGUE
from dcctl.audit.checks import own, rbac

__all__ = ["CATALOGUE", "own", "rbac"]
