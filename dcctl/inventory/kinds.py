"""Kinds of sources, and which hand out what nodes have. A source has any name; its run tells its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dcctl.inventory.model import Fleet

SCHEDULERS: Final = frozenset({"kubernetes", "slurm", "yarn"})


def kinds_of(fleets: Iterable[Fleet]) -> dict[str, str]:
    """Return the kind of each source that says how it fared."""
    return {run.name: run.kind for fleet in fleets for run in fleet.sources}


def kind_of(name: str, kinds: Mapping[str, str]) -> str:
    """Return the kind of a source; of one that nobody ran, what stands before the colon of its name."""
    return kinds.get(name, name.partition(":")[0])
