"""The workers of a workflow: their names, how fast they are, and the links between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.nodeexpr import nearest
from dcctl.inventory.sources.jobs import amounts
from dcctl.inventory.sources.jobs.resources import checked
from dcctl.inventory.workflow import Crew

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dcctl.inventory.sources.jobs.cursor import Cursor

_EACH = {"each node": "node", "each pool": "pool"}
_MAX_WORKERS = 1000
_FEW = 8
"""Names that an error lists."""
Rates = tuple[tuple[int | None, ...], ...]


class Team:
    """The workers that a file may name."""

    def __init__(self, crew: Crew) -> None:
        """All are of speed 1."""
        self.names = crew.workers
        self._groups = crew.groups
        self._position = {name: at for at, name in enumerate(crew.workers)}
        self.speed_milli = dict.fromkeys(crew.workers, 1000)

    def meant(self, at: Cursor, name: str) -> tuple[str, ...]:
        """Return the workers that a name stands for. UsageError with the nearest when there are none."""
        if name in self._position:
            return (name,)
        if name in self._groups:
            return self._groups[name]
        raise at.error(f"no worker is called {name}{meant(name, [*self.names, *self._groups])}")

    def by_name(self, given: Cursor) -> dict[str, Cursor]:
        """Return what stands for each worker. What is told of a worker beats what is told of its group."""
        found = [(self.meant(at, name), at) for name, at in given.entries().items()]
        found.sort(key=lambda each: -len(each[0]))
        return {name: at for names, at in found for name in names}

    def rates(self, links: Cursor | None) -> Rates:
        """Return the rate in bits per second from each worker to each: of several the last one told."""
        rates: list[list[int | None]] = [[None] * len(self.names) for _ in self.names]
        for link in links.items() if links else ():
            keys = link.fields(("between", "rate"), required=("rate",))
            rate_bps = checked(keys["rate"], lambda text: amounts.read(text, amounts.BANDWIDTH))
            ends = self._ends(keys["between"]) if "between" in keys else range(len(self.names))
            for a in ends:
                for b in ends:
                    rates[a][b] = rate_bps if a != b else None
        return tuple(map(tuple, rates))

    def without_rate(self, rates: Rates) -> tuple[str, str] | None:
        """Return two workers between which no rate is told, or None when there are none."""
        for a, row in enumerate(rates):
            for b, rate_bps in enumerate(row):
                if a != b and rate_bps is None:
                    return self.names[a], self.names[b]
        return None

    def _ends(self, given: Cursor) -> list[int]:
        names = [name for at in given.items() for name in self.meant(at, at.text())]
        if len(set(names)) < 2:
            raise given.error("a link is between at least two workers")
        return [self._position[name] for name in dict.fromkeys(names)]


def meant(name: str, known: Sequence[str]) -> str:
    """Return the end of a sentence about a name that is not known: what is near it, or all where few are."""
    few = f"; known are {', '.join(known)}" if 0 < len(known) <= _FEW else ""
    return nearest(name, known) or few


def team(keys: Mapping[str, Cursor], crew: Callable[[str], Crew]) -> Team:
    """Return the workers that `workers` and `speed` tell of."""
    given = keys["workers"]
    found = Crew(given.names()) if given.is_list else crew(given.choice(_EACH))
    if not found.workers:
        raise given.error("there is no worker")
    if len(found.workers) > _MAX_WORKERS:
        raise given.error(f"{len(found.workers):,} workers are more than {_MAX_WORKERS:,}")
    members = Team(found)
    for name, at in members.by_name(keys["speed"]).items() if "speed" in keys else ():
        members.speed_milli[name] = checked(at, lambda text: amounts.read(text, amounts.PLAIN))
    return members
