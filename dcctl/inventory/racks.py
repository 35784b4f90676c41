"""Racks are told by site and name: r07 of dc1 is not r07 of dc2."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.inventory.model import Node, Rack

RackKey: TypeAlias = "tuple[str | None, str]"
"""(site, name). Without a site: nobody tells it, and none or several have a rack of that name."""


class Racks:
    """Tells apart the racks that nodes stand in, and those that are described."""

    def __init__(self, nodes: Iterable[Node], racks: Iterable[Rack] = ()) -> None:
        """Look at each once."""
        self._sites: dict[str, set[str | None]] = defaultdict(set)
        for name, site in {(node.rack, node.site) for node in nodes} | {(r.name, r.site) for r in racks}:
            if name and site:
                self._sites[name].add(site)

    def key(self, name: str, site: str | None) -> RackKey:
        """Return what tells this rack from every other; without a site it is the only one of its name."""
        known = self._sites.get(name, ())
        return (next(iter(known)) if not site and len(known) == 1 else site, name)

    def of(self, node: Node) -> RackKey | None:
        """Return the rack that a node stands in; None where nobody tells it."""
        return self.key(node.rack, node.site) if node.rack else None

    def shared(self, name: str) -> bool:
        """Tell whether several sites have a rack of this name."""
        return len(self._sites.get(name, ())) > 1

    def label(self, key: RackKey) -> str:
        """Return how a rack is shown: `r07`, or `dc1/r07` where several sites have an r07."""
        site, name = key
        return f"{site}/{name}" if site and self.shared(name) else name

    def names(self, node: Node) -> list[str]:
        """Return the names that mean the rack of a node and no other: `r07`, `dc1/r07`."""
        key = self.of(node)
        if key is None:
            return []
        site, name = key
        return ([] if self.shared(name) else [name]) + ([f"{site}/{name}"] if site else [])
