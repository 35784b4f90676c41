"""What a choice of nodes takes from a fleet: the sites, racks and pools that are not whole any more."""

from collections.abc import Iterable

from msgspec import field

from dcctl.inventory.devices import Fact


class LeftOut(Fact, frozen=True):
    """Sites, racks and pools of which `-w` or `-x` left nodes out: no figure about all of one holds."""

    sites: tuple[str, ...] = ()
    """Empty text: a node that stands at no known site."""
    racks: tuple[tuple[str, str], ...] = ()
    """(site, name)."""
    pools: dict[str, int] = field(default_factory=dict)
    """How many nodes of each; empty text: those of no pool."""


def united(parts: Iterable[LeftOut]) -> LeftOut:
    """Return what is left out of any of these, each once and in order."""
    found = list(parts)
    return LeftOut(
        sites=tuple(sorted({name for one in found for name in one.sites})),
        racks=tuple(sorted({key for one in found for key in one.racks})),
        pools={name: sum(one.pools.get(name, 0) for one in found) for one in found for name in one.pools},
    )
