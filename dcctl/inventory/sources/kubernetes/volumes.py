"""PersistentVolumes: on which nodes the volume of a claim can be mounted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import field

from dcctl.inventory.placement import NodeTerm
from dcctl.inventory.sources.kubernetes.scheduling import Terms  # noqa: TC001  # as in types.py
from dcctl.inventory.sources.kubernetes.selecting import node_terms
from dcctl.inventory.sources.kubernetes.types import Wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.inventory.placement import Expression

MOST_TERMS = 256
"""Alternatives that the volumes of one pod may leave together; real ones leave one or a few."""
_LEFT_OVER = ("Released", "Failed")
"""Phases of a volume whose claim is gone: a new claim of that name does not get it."""


class ClaimRef(Wire):
    """The claim that has the volume."""

    namespace: str = ""
    name: str = ""


class VolumeAffinity(Wire):
    """VolumeNodeAffinity."""

    required: Terms | None = None


class VolumeSpec(Wire):
    """Whose a volume is, and where it is."""

    claim_ref: ClaimRef | None = None
    node_affinity: VolumeAffinity | None = None


class VolumeStatus(Wire):
    """How a volume fares."""

    phase: str = ""


class VolumeObject(Wire):
    """A PersistentVolume."""

    spec: VolumeSpec = field(default_factory=VolumeSpec)
    status: VolumeStatus = field(default_factory=VolumeStatus)


class Volumes:
    """The volumes that not every node can mount, by claim. A sink for pages of them."""

    def __init__(self) -> None:
        self._terms: dict[tuple[str, str], Terms] = {}

    def add(self, items: list[VolumeObject]) -> None:
        """Read one page."""
        for item in items:
            claim, affinity = item.spec.claim_ref, item.spec.node_affinity
            if claim is None or affinity is None or item.status.phase in _LEFT_OVER:
                continue
            if affinity.required is not None:
                self._terms[claim.namespace, claim.name] = affinity.required

    def clear(self) -> None:
        """Forget all."""
        self._terms.clear()

    def bound_to(self, namespace: str, claims: Iterable[str]) -> tuple[NodeTerm, ...] | None:
        """Where the volumes of these claims can all be mounted; None: anywhere, as far as is known.

        A claim without a volume yet binds to no place. Raises ValueError for what is not understood.
        """
        found: tuple[NodeTerm, ...] | None = None
        for name in claims:
            terms = self._terms.get((namespace, name))
            if terms is not None:
                own = node_terms(terms)
                found = own if found is None else _both(found, own)
        return found


def _both(some: tuple[NodeTerm, ...], others: tuple[NodeTerm, ...]) -> tuple[NodeTerm, ...]:
    """Terms of which one holds where one of each side does."""
    if len(some) * len(others) > MOST_TERMS:
        raise ValueError(f"its volumes leave more than {MOST_TERMS} alternatives")
    pairs = ((a, b) for a in some for b in others if NodeTerm() not in (a, b))  # an empty one holds nowhere
    return tuple(
        dict.fromkeys(NodeTerm(_union(a.labels, b.labels), _union(a.names, b.names)) for a, b in pairs)
    )


def _union(some: tuple[Expression, ...], others: tuple[Expression, ...]) -> tuple[Expression, ...]:
    return tuple(dict.fromkeys((*some, *others)))
