"""What a merged fleet has besides nodes, under their new names: places, pools, links, work and meters."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from dcctl.inventory.folding import fold, short, sort_key
from dcctl.inventory.kinds import SCHEDULERS, kind_of
from dcctl.inventory.merge.precedence import coalesce
from dcctl.inventory.model import Pool, Rack, Site
from dcctl.inventory.nodeexpr import plain
from dcctl.inventory.racks import Racks

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from dcctl.inventory.merge.precedence import Known
    from dcctl.inventory.model import Fact, Fleet, Link, Member, Node, PowerMeter, Quota, Workload

F = TypeVar("F", bound="Fact")


class Renames:
    """What each fleet's names of nodes are called after the merge."""

    def __init__(
        self, names: Sequence[str], groups: Sequence[Sequence[Known]], nodes: Iterable[Node]
    ) -> None:
        """`names[i]` is the name of the machine that `groups[i]` describe."""
        self._own: dict[tuple[int, str], str] = {}
        for name, group in zip(names, groups, strict=True):
            for view in group:
                for alias in view.node.aliases:
                    self._own.setdefault((view.fleet, alias), name)
        for name, group in zip(names, groups, strict=True):
            self._own.update({(view.fleet, view.node.name): name for view in group})
        self._any: dict[str, set[str]] = defaultdict(set)
        for node in nodes:
            for name in (node.name, *node.aliases):
                self._any[name.lower()].add(node.name)
                self._any[short(name).lower()].add(node.name)

    def kept(self, fleet: int) -> set[str | None]:
        """Return the names of one fleet that stay as they are, and None: most fleets need no renaming."""
        own = {name for (of, name), new in self._own.items() if of == fleet and name == new}
        return {None, *own}

    def find(self, fleet: int, name: str) -> str:
        """Return the node's name; a name that no node has, or several have, stays."""
        own = self._own.get((fleet, name))
        if own is not None:
            return own
        found = self._any.get(name.lower(), set())
        return next(iter(found)) if len(found) == 1 else name

    def fold(self, fleet: int, text: str) -> str:
        """Return a folded node set with the names replaced."""
        return fold(self.find(fleet, name) for name in plain(text))


def _by_key(pairs: Iterable[tuple[Hashable, F]]) -> list[F]:
    """Return one fact for each key, in order of first mention; the earlier fact's fields win."""
    parts: dict[Hashable, list[F]] = {}
    for key, fact in pairs:
        parts.setdefault(key, []).append(fact)
    return [coalesce(same) for same in parts.values()]


def merge_places(fleets: Sequence[Fleet], nodes: Sequence[Node]) -> tuple[tuple[Site, ...], tuple[Rack, ...]]:
    """Return every site and rack that is described or mentioned. A rack belongs to the site of its nodes."""
    racks = [rack for fleet in fleets for rack in fleet.racks]
    racks += [Rack(name=node.rack, site=node.site) for node in nodes if node.rack]
    known = Racks(nodes, racks)
    united = _by_key(
        (key, replace(rack, site=key[0])) for rack in racks for key in [known.key(rack.name, rack.site)]
    )
    sites = [site for fleet in fleets for site in fleet.sites]
    mentioned = [*(node.site for node in nodes), *(rack.site for rack in united)]
    sites += [Site(name=name) for name in mentioned if name]
    return (
        tuple(sorted(_by_key((site.name, site) for site in sites), key=lambda site: sort_key(site.name))),
        tuple(sorted(united, key=lambda rack: (rack.site or "", sort_key(rack.name)))),
    )


def merge_pools(fleets: Sequence[Fleet], nodes: Iterable[Node], renames: Renames) -> tuple[Pool, ...]:
    """Return the pools united by name; what a node says of itself counts too."""
    members: dict[str, set[str]] = defaultdict(set)
    kinds: dict[str, set[str]] = defaultdict(set)
    first: dict[tuple[str, str], Pool] = {}
    for at, fleet in enumerate(fleets):
        for pool in fleet.pools:
            members[pool.name].update(renames.find(at, name) for name in plain(pool.nodes))
            kinds[pool.name].add(pool.kind)
            first.setdefault((pool.name, pool.kind), pool)
    for node in nodes:
        for name in node.pools:
            members[name].add(node.name)
    result = []
    for name in sorted(members, key=sort_key):
        # `group` is what an inventory calls any set of nodes: the scheduler's word says more.
        kind = min(kinds[name] or {"group"}, key=lambda kind: (kind == "group", kind))
        result.append(replace(first.get((name, kind), Pool(name=name, nodes="")), nodes=fold(members[name])))
    return tuple(result)


def merge_links(fleets: Sequence[Fleet], renames: Renames) -> tuple[Link, ...]:
    """Return each cable once, whichever end it was seen from."""
    links = []
    for at, fleet in enumerate(fleets):
        for link in fleet.links:
            a_node, b_node = renames.find(at, link.a_node), renames.find(at, link.b_node)
            links.append(replace(link, a_node=a_node, b_node=b_node))
    united = _by_key((frozenset({(k.a_node, k.a_port), (k.b_node, k.b_port)}), k) for k in links)
    return tuple(sorted(united, key=lambda link: (sort_key(link.a_node), sort_key(link.a_port), link.b_node)))


def merge_meters(fleets: Sequence[Fleet], renames: Renames) -> tuple[PowerMeter, ...]:
    """Return the newest reading of each meter of each site."""
    newest: dict[tuple[str, str, str], PowerMeter] = {}
    for at, fleet in enumerate(fleets):
        for meter in fleet.meters:
            named = replace(meter, nodes=renames.fold(at, meter.nodes))
            key = (meter.site or "", meter.kind, meter.name)
            kept = newest.get(key)
            if kept is None or (named.read_at_s or 0) > (kept.read_at_s or 0):
                newest[key] = named
    return tuple(newest[key] for key in sorted(newest))


def merge_quotas(fleets: Iterable[Fleet]) -> tuple[Quota, ...]:
    """Return every quota of every source once."""
    united = _by_key(((one.source, one.account, one.name), one) for fleet in fleets for one in fleet.quotas)
    return tuple(sorted(united, key=lambda one: (one.source or "", one.account, one.name)))


def merge_workloads(
    fleets: Sequence[Fleet], renames: Renames, kinds: Mapping[str, str]
) -> tuple[Workload, ...]:
    """Return the workloads united by id; those of two schedulers, or twice in one, stay apart."""
    same: dict[str, list[tuple[int, Workload]]] = defaultdict(list)
    for at, fleet in enumerate(fleets):
        kept = renames.kept(at)
        for work in fleet.workloads:
            if all(member.node in kept for member in work.members):
                same[work.id].append((at, work))
                continue
            members = tuple(_named(at, member, renames) for member in work.members)
            named = work if members == work.members else replace(work, members=members)
            same[work.id].append((at, named))
    united = [one for views in same.values() for one in _unite_work(views, kinds)]
    return tuple(sorted(united, key=lambda work: (sort_key(work.id), work.source or "", work.kind)))


def _named(fleet: int, member: Member, renames: Renames) -> Member:
    if member.node is None:
        return member
    node = renames.find(fleet, member.node)
    return member if node == member.node else replace(member, node=node)


def _unite_work(views: list[tuple[int, Workload]], kinds: Mapping[str, str]) -> list[Workload]:
    """Return one workload for each scheduler; views without a scheduler join where there is only one.

    A Job and a Deployment may have one name: what one fleet tells twice is two.
    """
    groups: dict[tuple[str, str, int], list[Workload]] = defaultdict(list)
    told: Counter[tuple[int, str, str]] = Counter()
    for fleet, work in views:
        source = work.source or ""
        kind = (source, work.kind) if kind_of(source, kinds) in SCHEDULERS else ("", "")
        groups[*kind, told[fleet, *kind]].append(work)
        told[fleet, *kind] += 1
    if len(groups) == 2 and len({scheduler for scheduler, _, _ in groups}) == 2 and ("", "", 0) in groups:
        others = groups.pop(("", "", 0))
        groups = {key: group + others for key, group in groups.items()}
    return [_united(group) for group in groups.values()]


def _united(views: list[Workload]) -> Workload:
    """Return one workload of several views; readings of one source tell of different members of it."""
    first, *others = views
    if not others:
        return first
    readings = [first, *(work for work in others if work.source and work.source == first.source)]
    whole = coalesce(views)
    return replace(whole, members=tuple(m for work in readings for m in work.members) or whole.members)
