"""What sources of meters tell an audit of power and cooling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.evidence.collected import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from dcctl.inventory.sources.base import PlantSource


class PlantEvidence:
    """The UPSes of one server, or the machines of one set of BMCs."""

    kinds = ("plants",)

    def __init__(self, name: str, source: Callable[[Event], PlantSource]) -> None:
        """`source` is made when it is asked."""
        self.name, self._source = name, source

    def gather(self, stop: Event) -> Evidence:
        """Return how they fare. SourceError: the source does not answer."""
        return Evidence(plants=self._source(stop).plants())
