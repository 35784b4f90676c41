"""Checks whose findings an administrator meets by taking the node out of service.

What is set on a running node (a limit of power, the rules of SSH) or beside it (a role, a rack) is not
among them, nor are updates, which are rolled out a few nodes at a time.
"""

from __future__ import annotations

from typing import Final

_HEALTH: Final = ("NOD-18", "NOD-19", "NOD-20", "NOD-21", "NOD-22")
_BOARDS: Final = tuple(f"GPU-{number:02d}" for number in range(1, 21) if number not in (15, 16))
_FABRIC: Final = ("FAB-01", "FAB-02", "FAB-03", "FAB-04", "FAB-05", "FAB-06")
_DRIFT: Final = ("DRF-01", "DRF-02", "DRF-03", "DRF-04")
DRAINS: Final = frozenset((*_HEALTH, *_BOARDS, *_FABRIC, *_DRIFT))
"""Their ids."""
