"""What one run could see: only what it would have found again is gone when it is not found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.audit.check import OWN
from dcctl.audit.scene import DERIVED, MADE_OF

if TYPE_CHECKING:
    from dcctl.audit.check import Check
    from dcctl.audit.finding import Finding
    from dcctl.audit.record import Scope
    from dcctl.audit.scene import Scene

_OF_LIKES: Final = ("FAB-06", "GPU-09", "NOD-19", "NOD-20")
"""Checks that hold a node against others like it, which a run of a part of the fleet may leave out."""


class Sight:
    """Whether a run could see what a check found before."""

    def __init__(self, scene: Scene, untold: frozenset[str], scope: Scope) -> None:
        """`untold`: nodes that gave no answer."""
        fleet = scene.evidence.fleet
        self._scene, self._untold, self._partial = scene, untold, scope.partial
        self._nodes = {node.name for node in fleet.nodes}
        self._answered = not any(not gap.node and gap.cause != "limited" for gap in fleet.gaps)
        self._objects: dict[str, frozenset[str]] = {}

    def __call__(self, check: Check, one: Finding) -> bool:
        """Tell whether a finding that is there no more is gone, as far as the selection and sources go."""
        if self._partial and (not one.nodes or check.over in DERIVED or check.id in _OF_LIKES):
            return False  # of a part of the fleet nobody can tell what the whole of it adds up to
        return all(map(self._has, one.nodes)) and self._asked(check) and self._whole(check, one)

    def _has(self, node: str) -> bool:
        """Whether this run was about a node and was answered by it, or by all that would know it."""
        return node not in self._untold and (node in self._nodes or (self._answered and not self._partial))

    def _asked(self, check: Check) -> bool:
        """Whether a source of this run tells of what the check looks at."""
        if check.id in OWN or (check.over in DERIVED and check.over not in MADE_OF):
            return True
        evidence = self._scene.evidence
        return any(getattr(evidence, kind) is not None for kind in MADE_OF.get(check.over, (check.over,)))

    def _whole(self, check: Check, one: Finding) -> bool:
        """Whether all answered that a derived subject is made of; else it has to be there still."""
        kind = check.over
        if self._answered or kind not in DERIVED:
            return True
        if kind not in self._objects:
            self._objects[kind] = frozenset(each.object for each in self._scene.of(kind))
        return one.object in self._objects[kind]
