"""Which entries of several sources are one machine.

In this order: the same provider ID or system UUID; the same host name or alias; a short name and the one full
name that begins with it. Machines whose UUIDs differ are never joined by a name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from dcctl.inventory.folding import fold, short
from dcctl.inventory.model import Conflict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dcctl.inventory.merge.precedence import Known
    from dcctl.inventory.model import Node

_NOT_HEX = re.compile(r"[^0-9a-f]")
_EVERYWHERE = re.compile(r"localhost(\..*)?|127\..*|::1|169\.254\..*|fe80:.*|172\.17\.0\.1")
"""Names and addresses that every machine has."""
_JUNK_UUIDS: Final = frozenset(
    {
        "03000200040005000006000700080009",  # left in by several board makers
        "00020003000400050006000700080009",
        "12345678123456781234567812345678",
        "00112233445566778899aabbccddeeff",
    }
)


def uuid_key(text: str | None) -> str | None:
    """Return a key that is equal for both byte orders of one UUID, or None for none and for makers' junk.

    SMBIOS 2.6 and later store the first three fields in little-endian order (DSP0134, 7.2.1); firmware and
    tools differ, so the kubelet and dmidecode may print one machine's UUID in two ways.
    """
    digits = _NOT_HEX.sub("", (text or "").lower().replace("urn:uuid:", ""))
    if len(digits) != 32 or len(set(digits)) == 1:
        return None
    swapped = _swap(digits[:8]) + _swap(digits[8:12]) + _swap(digits[12:16]) + digits[16:]
    return None if {digits, swapped} & _JUNK_UUIDS else min(digits, swapped)


def _swap(digits: str) -> str:
    return bytes.fromhex(digits)[::-1].hex()


def machines(views: Sequence[Known]) -> tuple[list[list[Known]], list[Conflict]]:
    """Return the views grouped by machine, in order of their first view, and what contradicts itself."""
    joiner = _Joiner(views)
    joiner.join_ids()
    joiner.join_names()
    joiner.join_short_names()
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
        self._parent = list(range(len(views)))
        self._uuids: list[frozenset[str]] = [frozenset()] * len(views)
        self._entries = [frozenset({(view.fleet, view.node.name.lower())}) for view in views]
        self._sites = [frozenset({view.node.site} if view.node.site else ()) for view in views]

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
            self._entries[roots[0]] |= self._entries[other]

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

    def _tells_apart(self, fact: str, ats: list[int]) -> bool:
        """Report, and tell, when one source gives one ID to several names: it then identifies nothing."""
        named: dict[int, set[str]] = defaultdict(set)
        for at in ats:
            named[self.views[at].fleet].add(self.views[at].node.name.lower())
        shared = {fleet: names for fleet, names in named.items() if len(names) > 1}
        if shared:
            value = getattr(self.views[ats[0]].node, fact)
            views = [self.views[at] for at in ats if self.views[at].fleet in shared]
            named_so = {fleet: f"the same on {fold(names)}" for fleet, names in shared.items()}
            said = {(view.source, named_so[view.fleet]) for view in views}
            self.conflicts.append(Conflict(subject=value, fact=fact, values=tuple(sorted(said))))
        return not shared

    def join_names(self) -> None:
        """Join equal names, in any case of letters."""
        named: dict[str, list[int]] = defaultdict(list)
        for at, view in enumerate(self.views):
            for name in _names(view.node):
                named[name].append(at)
        for name in sorted(named):
            ats = named[name]
            if len(ats) > 1 and len(self._roots(ats)) > 1:
                self._join_alike(name, ats)

    def _join_alike(self, name: str, ats: list[int]) -> None:
        roots = self._roots(ats)
        marked = [root for root in roots if self._uuids[root]]
        blank = [at for at in ats if not self._uuids[self.root(at)]]
        if len(marked) <= 1:
            self._union_apart(name, roots)
            return
        said = {(self.views[at].source, self.views[at].node.system_uuid or "") for at in ats}
        values = tuple(sorted(pair for pair in said if pair[1]))
        self.conflicts.append(Conflict(subject=name, fact="system_uuid", values=values))
        self._ambiguous.add(name)
        for at in blank:
            home = self._at_site(at, marked)
            if home is not None and not self._apart(at, home):
                self._union((at, home))
        self._union_each_site(blank)

    def _apart(self, one: int, other: int) -> bool:
        """Tell whether one source lists both sets under different names: then they are two machines to it."""
        first, second = self._entries[self.root(one)], self._entries[self.root(other)]
        both = {fleet for fleet, _ in first} & {fleet for fleet, _ in second}
        return any(_in(fleet, first) != _in(fleet, second) for fleet in both)

    def _union_apart(self, name: str, roots: list[int]) -> None:
        """Join the sets that share a name; those that a source keeps apart stay so, and are reported."""
        kept = self._union_greedily(roots)
        if len(kept) > 1:
            said = {(self.views[root].source, f"a name of {self.views[root].node.name}") for root in kept}
            self.conflicts.append(Conflict(subject=name, fact="name", values=tuple(sorted(said))))

    def _union_greedily(self, roots: list[int]) -> list[int]:
        """Join each set to the first that no source keeps apart from it; return one view of each result."""
        kept: list[int] = []
        for root in sorted(roots, key=lambda root: (not self._uuids[root], root)):
            home = next((other for other in kept if not self._apart(root, other)), None)
            if home is None:
                kept.append(root)
            else:
                self._union((root, home))
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
                homeless[self.views[at].node.site or ""].append(at)
        for ats in homeless.values():
            self._union_greedily(self._roots(ats))

    def join_short_names(self) -> None:
        """Join a short name to the one full name that begins with it."""
        bare: dict[str, list[int]] = defaultdict(list)
        full: dict[str, list[int]] = defaultdict(list)
        for at, view in enumerate(self.views):
            for name in _names(view.node):
                (full if short(name) != name else bare)[short(name)].append(at)
        for name in sorted(bare.keys() & full.keys()):
            targets = self._roots(full[name])
            if name in self._ambiguous:
                continue
            for at in self._roots(bare[name]):
                self._join_short(name, at, targets)

    def _join_short(self, name: str, at: int, targets: list[int]) -> None:
        if at in targets or all(self._apart(at, target) for target in targets):
            return
        target = targets[0] if len(targets) == 1 else self._at_site(at, targets)
        if target is None:
            choice = fold(self.views[root].node.name for root in targets)
            said = ((self.views[at].source, f"could be any of {choice}"),)
            self.conflicts.append(Conflict(subject=name, fact="name", values=said))
        elif not (self._uuids[at] and self._uuids[self.root(target)]) and not self._apart(at, target):
            self._union((at, target))


def _names(node: Node) -> Iterator[str]:
    """Yield what a node answers to, in lower case; not what every machine answers to."""
    yield node.name.lower()
    for alias in node.aliases:
        if not _EVERYWHERE.fullmatch(alias.lower()):
            yield alias.lower()


def _in(fleet: int, entries: frozenset[tuple[int, str]]) -> set[str]:
    return {name for of, name in entries if of == fleet}
