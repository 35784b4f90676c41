"""Which entries of several sources are one machine.

In this order: the same provider ID or system UUID; the same boot; the same host name; a short name and the
one full name that begins with it; a name that is the address of one machine; an alias, so that a node's own
name wins over what others claim. Machines whose UUIDs or stated sites differ are never joined by a name, and
two that one source lists under two names by nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from dcctl.inventory.folding import fold, is_address, short
from dcctl.inventory.model import Conflict
from dcctl.inventory.uuids import uuid_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dcctl.inventory.merge.precedence import Known
    from dcctl.inventory.model import Node

_EVERYWHERE = re.compile(r"localhost(\..*)?|127\..*|::1|169\.254\..*|fe80:.*|172\.17\.0\.1")
"""Names and addresses that every machine has."""
_FEW: Final = 8
"""Nodes of one source that may claim one alias; one that more of them claim identifies nothing."""


def machines(views: Sequence[Known]) -> tuple[list[list[Known]], list[Conflict]]:
    """Return the views grouped by machine, in order of their first view, and what contradicts itself."""
    joiner = _Joiner(views)
    joiner.join_ids()
    joiner.join_boots()
    joiner.join_names(_own_name)
    joiner.join_short_names(_own_name, settle=False)
    joiner.join_addresses()
    joiner.join_names(_names)
    joiner.join_short_names(_names, settle=True)
    groups: dict[int, list[Known]] = {}
    for at, view in enumerate(views):
        groups.setdefault(joiner.root(at), []).append(view)
    return list(groups.values()), joiner.conflicts


class _Joiner:
    """Disjoint sets of views (union-find), each with the UUIDs of its members."""

    def __init__(self, views: Sequence[Known]) -> None:
        self.views = views
        self.conflicts: list[Conflict] = []
        self._ambiguous: set[str] = set()
        self._listed: dict[int, set[str]] = defaultdict(set)
        for view in views:
            self._listed[view.fleet].add(view.node.name.lower())
        self._parent = list(range(len(views)))
        self._uuids: list[frozenset[str]] = [frozenset()] * len(views)
        self._entries = [{view.fleet: view.node.name.lower()} for view in views]
        self._sites = [frozenset({view.node.site.lower()} if view.node.site else ()) for view in views]

    def root(self, at: int) -> int:
        """Return the lowest view of the set that `at` is in."""
        while self._parent[at] != at:
            self._parent[at] = at = self._parent[self._parent[at]]
        return at

    def _union(self, ats: Iterable[int]) -> None:
        roots = sorted({self.root(at) for at in ats})
        for other in roots[1:]:
            self._parent[other] = roots[0]
            self._uuids[roots[0]] |= self._uuids[other]
            self._sites[roots[0]] |= self._sites[other]
            self._entries[roots[0]] |= self._entries[other]  # of each source one name

    def _roots(self, ats: Iterable[int]) -> list[int]:
        return sorted({self.root(at) for at in ats})

    def join_ids(self) -> None:
        """Join what shares a provider ID or a UUID that tells machines apart."""
        owners: dict[tuple[str, str], list[int]] = defaultdict(list)
        for at, view in enumerate(self.views):
            uuid = uuid_key(view.node.system_uuid)
            if view.node.provider_id:
                owners["provider_id", view.node.provider_id].append(at)
            if uuid:
                owners["system_uuid", uuid].append(at)
        for (fact, key), ats in owners.items():
            if not self._tells_apart(fact, ats):
                continue
            if fact == "system_uuid":
                for at in ats:
                    root = self.root(at)
                    self._uuids[root] |= {key}
            self._union(ats)

    def join_boots(self) -> None:
        """Join what runs since one boot: boot_id is drawn at each (random(4)), and needs no root to be read.

        Containers of one host share it. Where a source gives it to several, or where the machine-id differs
        (machine-id(5)), it identifies nothing.
        """
        booted: dict[str, list[int]] = defaultdict(list)
        for at, view in enumerate(self.views):
            if view.node.system and view.node.system.boot_id:
                booted[view.node.system.boot_id.lower()].append(at)
        for ats in booted.values():
            systems = (self.views[at].node.system for at in ats)
            machine_ids = {system.machine_id for system in systems if system and system.machine_id}
            if len(machine_ids) < 2 and len(self._marks(ats)) < 2 and not self._crossed(ats):
                self._union(ats)

    def _marks(self, ats: Iterable[int]) -> set[frozenset[str]]:
        """Return the different UUIDs of these."""
        return {self._uuids[self.root(at)] for at in ats} - {frozenset()}

    def _tells_apart(self, fact: str, ats: list[int]) -> bool:
        """Report, and tell, when one ID is given to what a source lists as several: it identifies nothing."""
        named: dict[int, set[str]] = defaultdict(set)
        for at in ats:
            named[self.views[at].fleet].add(self.views[at].node.name.lower())
        shared = {fleet: names for fleet, names in named.items() if len(names) > 1}
        if shared:
            value = getattr(self.views[ats[0]].node, fact)
            told = {fleet: f"the same on {fold(names)}" for fleet, names in shared.items()}
            views = [self.views[at] for at in ats if self.views[at].fleet in shared]
            said = {(view.source, told[view.fleet]) for view in views}
            self.conflicts.append(Conflict(subject=value, fact=fact, values=tuple(sorted(said))))
        elif self._crossed(ats):
            views = [self.views[at] for at in ats]
            value = getattr(views[0].node, fact)
            claims = tuple(sorted({(view.source, f"that of {view.node.name}") for view in views}))
            self.conflicts.append(Conflict(subject=value, fact=fact, values=claims))
            return False
        return not shared

    def _crossed(self, ats: list[int]) -> bool:
        """Tell whether a source that vouches for one of these lists another of them under another name."""
        names = {self.views[at].node.name.lower() for at in ats}
        if any(len(names & self._listed[self.views[at].fleet]) > 1 for at in ats):
            return True
        seen: dict[int, str] = {}
        known = [self._entries[root] for root in self._roots(ats)]
        return any(
            seen.setdefault(fleet, name) != name for entries in known for fleet, name in entries.items()
        )

    def join_names(self, names_of: Callable[[Node], Iterable[str]]) -> None:
        """Join equal names, in any case of letters. A name that many nodes claim joins nothing."""
        named: dict[str, list[int]] = defaultdict(list)
        for at, view in enumerate(self.views):
            for name in names_of(view.node):
                named[name].append(at)
        for name in sorted(named):
            ats = named[name]
            if len(ats) > _FEW and self._claimed_by_many(name, ats):
                self._ambiguous.add(name)
            elif len(ats) > 1 and len(self._roots(ats)) > 1:
                self._join_alike(name, ats)

    def _claimed_by_many(self, name: str, ats: list[int]) -> bool:
        """Report, and tell, when more than a few nodes of one source claim a name."""
        claims: dict[int, set[str]] = defaultdict(set)
        for at in ats:
            claims[self.views[at].fleet].add(self.views[at].node.name.lower())
        many = {fleet: f"a name of {len(of)} nodes" for fleet, of in claims.items() if len(of) > _FEW}
        views = [self.views[at] for at in ats if self.views[at].fleet in many]
        said = tuple(sorted({(view.source, many[view.fleet]) for view in views}))
        if said:
            self.conflicts.append(Conflict(subject=name, fact="name", values=said))
        return bool(said)

    def _join_alike(self, name: str, ats: list[int]) -> None:
        roots = self._roots(ats)
        marked = [root for root in roots if self._uuids[root]]
        if len(marked) > 1:
            self._report(name, "system_uuid", ats)
            self._join_unmarked(marked, [at for at in ats if not self._uuids[self.root(at)]])
        elif self._far_apart(roots):
            self._report(name, "site", ats)
            self._union_greedily(roots)
        else:
            self._union_apart(name, roots)

    def _report(self, name: str, fact: str, ats: list[int]) -> None:
        """Several machines have this name, as one of their facts tells: short names settle nothing either."""
        said = {(self.views[at].source, getattr(self.views[at].node, fact) or "") for at in ats}
        values = tuple(sorted(pair for pair in said if pair[1]))
        self.conflicts.append(Conflict(subject=name, fact=fact, values=values))
        self._ambiguous.add(name)

    def _far_apart(self, roots: list[int]) -> bool:
        """Tell whether these state sites, and none that all of them share."""
        stated = [self._sites[root] for root in roots if self._sites[root]]
        return len(stated) > 1 and not frozenset.intersection(*stated)

    def _join_unmarked(self, marked: list[int], blank: list[int]) -> None:
        """Join what has no UUID to the machine of its name on its site, else to its like."""
        for at in blank:
            home = self._at_site(at, marked)
            if home is not None and not self._apart(at, home):
                self._union((at, home))
        self._union_each_site(blank)

    def _apart(self, one: int, other: int) -> bool:
        """Tell whether one source lists both under different names, or their sites differ."""
        one, other = self.root(one), self.root(other)
        if self._sites[one] and self._sites[other] and not self._sites[one] & self._sites[other]:
            return True
        first, second = self._entries[one], self._entries[other]
        return any(second.get(fleet, name) != name for fleet, name in first.items())

    def _union_apart(self, name: str, roots: list[int]) -> None:
        """Join the sets that share a name; those that a source keeps apart stay so, and are reported."""
        kept = self._union_greedily(roots)
        if len(kept) > 1:
            said = {(self.views[root].source, f"a name of {self.views[root].node.name}") for root in kept}
            self.conflicts.append(Conflict(subject=name, fact="name", values=tuple(sorted(said))))

    def _union_greedily(self, roots: list[int]) -> list[int]:
        """Join each set to the only one that nothing keeps apart from it; return one view of each result."""
        kept: list[int] = []
        for root in sorted(roots, key=lambda root: (not self._uuids[root], not self._sites[root], root)):
            homes = [other for other in kept if not self._apart(root, other)]
            if len(homes) == 1:
                self._union((root, homes[0]))
            else:
                kept.append(root)
        return kept

    def _at_site(self, at: int, roots: list[int]) -> int | None:
        """Return the only one of these sets that is on the site of a view."""
        here = self._sites[self.root(at)]
        found = [root for root in roots if here & self._sites[self.root(root)]]
        return found[0] if len(found) == 1 else None

    def _union_each_site(self, blank: list[int]) -> None:
        """Join those that found no home, by site: they are the same name without any other mark."""
        homeless: dict[str, list[int]] = defaultdict(list)
        for at in blank:
            if not self._uuids[self.root(at)]:
                homeless[(self.views[at].node.site or "").lower()].append(at)
        for ats in homeless.values():
            self._union_greedily(self._roots(ats))

    def join_addresses(self) -> None:
        """Join what is called by an IP address to the only machine that has it."""
        holders: dict[str, list[int]] = defaultdict(list)
        for at, view in enumerate(self.views):
            if view.node.address and not _EVERYWHERE.fullmatch(view.node.address.lower()):
                holders[view.node.address.lower()].append(at)
        for at, view in enumerate(self.views):
            if is_address(view.node.name):
                homes = self._roots(holders.get(view.node.name.lower(), ()))
                if len(homes) == 1 and len(self._marks((at, *homes))) < 2 and not self._apart(at, homes[0]):
                    self._union((at, homes[0]))

    def join_short_names(self, names_of: Callable[[Node], Iterable[str]], *, settle: bool) -> None:
        """Join a short name to the one full name that begins with it; `settle`: report what stays open."""
        bare: dict[str, list[int]] = defaultdict(list)
        full: dict[str, list[int]] = defaultdict(list)
        for at, view in enumerate(self.views):
            for name in names_of(view.node):
                (full if short(name) != name else bare)[short(name)].append(at)
        for name in sorted(bare.keys() & full.keys()):
            targets = self._roots(full[name])
            if name in self._ambiguous:
                continue
            for at in self._roots(bare[name]):
                self._join_short(name, at, targets, settle)

    def _join_short(self, name: str, at: int, targets: list[int], settle: bool) -> None:
        if at in targets or all(self._apart(at, target) for target in targets):
            return
        target = targets[0] if len(targets) == 1 else self._at_site(at, targets)
        if target is None and not settle:
            return
        if target is None:
            choice = fold(self.views[root].node.name for root in targets)
            said = ((self.views[at].source, f"could be any of {choice}"),)
            self.conflicts.append(Conflict(subject=name, fact="name", values=said))
        elif not (self._uuids[at] and self._uuids[self.root(target)]) and not self._apart(at, target):
            self._union((at, target))


def _own_name(node: Node) -> tuple[str]:
    return (node.name.lower(),)


def _names(node: Node) -> Iterator[str]:
    """Yield what a node answers to, in lower case; not what every machine answers to."""
    yield node.name.lower()
    for alias in node.aliases:
        if not _EVERYWHERE.fullmatch(alias.lower()):
            yield alias.lower()
