"""Node sets of one fleet: its groups, the choice of nodes by `-w` and `-x`, and what is left of a fleet then.

The inventory's groups win over those of the same name in the administrator's groups.conf: they were measured,
and `@source:group` still reaches the file's. Nothing is contacted here, so a wrong name costs nothing.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.errors import UsageError
from dcctl.inventory.folding import fold, short, sort_key
from dcctl.inventory.leftout import LeftOut, united
from dcctl.inventory.nodeexpr import (
    Groups,
    bad,
    check_name,
    evaluate,
    expand,
    join,
    nearest,
    plain,
    shown,
)
from dcctl.inventory.placement import in_use
from dcctl.inventory.racks import Racks
from dcctl.inventory.states import words_of
from dcctl.inventory.topology import FEEDS, LEAF_LABELS, first_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcctl.inventory.model import Fleet, Node, Pool, PowerMeter, Workload
    from dcctl.inventory.nodeexpr import Accept

__all__ = [
    "Names",
    "check_name",
    "expand",
    "fold",
    "group_names",
    "groups_of",
    "join",
    "plain",
    "restrict",
    "select",
    "sort_key",
]

_NOT_IN_GROUP = re.compile(r"[^\w.+/=-]+")
_FAMILY = re.compile(r"\b[A-Za-z]+[0-9]+[A-Za-z]*\b")


class Names:
    """Finds nodes by name, alias, short or full name, in any case of letters."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        """Index the nodes once."""
        self.nodes: set[str] = set()
        self._index: dict[str, set[str]] = {}
        for node in nodes:
            self.nodes.add(node.name)
            for name in (node.name, *node.aliases):
                for key in {name.lower(), short(name).lower()}:
                    self._index.setdefault(key, set()).add(node.name)

    def find(self, name: str) -> str:
        """Return the node's own name, or `name` where no node has it; UsageError if it may be several."""
        if name in self.nodes:
            return name
        found = self._index.get(name.lower())
        if found is None:
            # A full name finds the node that is known by its short one, never a full name of another domain.
            found = {node for node in self._index.get(short(name).lower(), ()) if node == short(node)}
        if len(found) > 1:
            choice = ", ".join(sorted(found, key=sort_key)[:5])
            raise UsageError(f"node {shown(name)}", f"could be any of {choice}", "give the name in full")
        return next(iter(found), name)


def groups_of(fleet: Fleet) -> dict[str, tuple[str, ...]]:
    """Return the members of each group that the inventory forms, in natural order.

    `*` and `all`; `rack:`, `leaf:`, `feed:`, `pool:`, `site:`, `model:`, `state:` with a name, the first
    three also as `rack:SITE/NAME`; the bare name of a rack, pool or site. A name that means several is no
    group. Characters that a group cannot hold become `-`.
    """
    rank = {name: at for at, name in enumerate(sorted((node.name for node in fleet.nodes), key=sort_key))}
    members = _members(fleet)
    return {group: tuple(sorted(members[group], key=rank.__getitem__)) for group in sorted(members)}


def group_names(fleet: Fleet) -> list[str]:
    """Return the names of `groups_of`, in order."""
    return sorted(_members(fleet))


def _members(fleet: Fleet) -> dict[str, set[str]]:
    """Return the nodes of each group, in no order."""
    racks = Racks(fleet.nodes)
    members: dict[str, set[str]] = {}
    bare: dict[str, set[str]] = {}
    for (kind, name), nodes in _memberships(fleet, racks).items():
        group = f"{kind}:{_slug(name)}"
        members.setdefault(group, set()).update(nodes)
        if kind in {"rack", "pool", "site"}:
            bare.setdefault(_slug(name), set()).add(group)
    for name, groups in bare.items():
        if racks.shared(name):
            continue
        first, *others = (members[group] for group in groups)
        if all(other == first for other in others):
            members.setdefault(name, first)
    members["*"] = {node.name for node in fleet.nodes}
    members.setdefault("all", members["*"])
    return members


def _memberships(fleet: Fleet, racks: Racks) -> dict[tuple[str, str], list[str]]:
    """Return the nodes of each (kind, group); one may be named twice."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    known = {node.name for node in fleet.nodes}
    for pool in fleet.pools:
        found["pool", pool.name] += plain(pool.nodes) & known
    for node in fleet.nodes:
        for group in _groups(node, racks):
            found[group].append(node.name)
    for kind, parts in (("leaf", _leaves(fleet)), ("feed", _feeds(fleet, known))):
        sites = Counter(name for _, name in parts)
        for (site, name), nodes in parts.items():
            if sites[name] == 1:
                found[kind, name] += nodes
            if site:
                found[kind, f"{site}/{name}"] += nodes
    return found


def _leaves(fleet: Fleet) -> dict[tuple[str | None, str], list[str]]:
    """Return the nodes at each leaf switch, by site and name, as labels tell."""
    found: dict[tuple[str | None, str], list[str]] = defaultdict(list)
    for node in fleet.nodes:
        if leaf := first_of(node.labels, LEAF_LABELS):
            found[node.site, leaf].append(node.name)
    return found


def _feeds(fleet: Fleet, known: set[str]) -> dict[tuple[str | None, str], list[str]]:
    """Return the nodes that each PDU and UPS feeds, by site and name, as its meter tells."""
    found: dict[tuple[str | None, str], list[str]] = defaultdict(list)
    for meter in fleet.meters:
        if meter.kind in FEEDS:
            here = (node.name for node in fleet.nodes if meter.site in (None, node.site))
            found[meter.site, meter.name] += plain(meter.nodes) & known if meter.nodes else here
    return found


def _groups(node: Node, racks: Racks) -> list[tuple[str, str]]:
    """Return (kind, group) of each group that a node names."""
    groups: list[tuple[str, str]] = [("state", word) for word in words_of(node)]
    groups += [("pool", pool) for pool in node.pools]
    groups += [("rack", name) for name in racks.names(node)]
    if node.site:
        groups.append(("site", node.site))
    for model in {board.model for board in node.accelerators or () if board.model}:
        groups += [("model", name) for name in _models(model)]
    return groups


@lru_cache
def _models(model: str) -> tuple[str, ...]:
    """Return what a model can be called: in full, and by the first word with a number in it."""
    family = _FAMILY.search(model)
    return (model, family.group()) if family else (model,)


def _slug(name: str) -> str:
    return _NOT_IN_GROUP.sub("-", name).strip("-") or "-"


def select(fleet: Fleet, include: str | None, exclude: str | None = None, option: str = "-w ") -> Fleet:
    """Return what is left of the fleet by `-w include` and `-x exclude`; None leaves that side alone.

    `option`: what `include` was typed behind; empty: it is an argument.
    UsageError: not readable, a group or name that the inventory lacks (with the nearest ones), nothing left.
    Each term after `!` or `&` must meet a known node: `@rack7!gpu0o9` is a typing error, not a choice.
    """
    if include is None and exclude is None:
        return fleet
    names = Names(fleet.nodes)
    groups = Groups(groups_of(fleet))
    kept = set(names.nodes) if include is None else _chosen(include, names, groups)
    if exclude is not None:
        kept -= _chosen(exclude, names, groups)
    if not kept:
        text = ", ".join(
            part for part in (include and f"{option}{include}", exclude and f"-x {exclude}") if part
        )
        raise UsageError(f"node set {shown(text)}", "no node is left", "dcctl inventory -o name")
    return restrict(fleet, kept)


def _chosen(text: str, names: Names, groups: Groups) -> set[str]:
    """Evaluate against the inventory; every name in the result is a node's own."""
    if text in names.nodes:
        return {text}  # a name with brackets or commas in it can still be typed
    chosen = evaluate(text, groups, _checker(names))
    unknown = chosen - names.nodes
    if unknown:
        raise _unknown(unknown, names)
    return chosen


def _checker(names: Names) -> Accept:
    def accept(operator: str, term: str, found: set[str]) -> set[str]:
        if not found and term[0] != "@":
            raise bad(term, "matches no node of the inventory", "dcctl inventory -o name")
        resolved = {names.find(name) for name in found}
        if found and operator in "!&" and not resolved & names.nodes:
            raise _unknown(resolved, names)
        return resolved

    return accept


def _unknown(unknown: set[str], names: Names) -> UsageError:
    """Return the error for names that no node has."""
    first = min(unknown, key=sort_key)
    what = f"node {shown(first)}" if len(unknown) == 1 else f"nodes {shown(fold(unknown))}"
    near = nearest(first, names.nodes)
    return UsageError(what, f"not in the inventory{near}", "dcctl inventory -o name")


def restrict(fleet: Fleet, kept: set[str]) -> Fleet:
    """Return the fleet of these nodes only, and of what concerns them.

    Workloads with at least one member on a kept node, or on none yet, stay whole. What is about other nodes
    alone (work, gaps, conflicts, meters, links) goes; what is about no node in particular stays.
    """
    nodes = tuple(node for node in fleet.nodes if node.name in kept)
    dropped = (node for node in fleet.nodes if node.name not in kept)
    gone = {name for node in dropped for name in (node.name, *node.aliases)} - kept
    sites = {node.site for node in nodes}
    known = Racks(fleet.nodes, fleet.racks)
    racks = {known.of(node) for node in nodes}
    workloads = tuple(work for work in fleet.workloads if _concerns(work, kept))
    return replace(
        fleet,
        nodes=nodes,
        sites=tuple(site for site in fleet.sites if site.name in sites),
        racks=tuple(rack for rack in fleet.racks if known.key(rack.name, rack.site) in racks),
        pools=tuple(_restrict_pools(fleet.pools, nodes)),
        links=tuple(link for link in fleet.links if link.a_node in kept or link.b_node in kept),
        workloads=workloads,
        templates=in_use(fleet.templates, workloads),
        disruptions=in_use(fleet.disruptions, workloads, "disruption"),
        meters=tuple(meter for meter in fleet.meters if _covers(meter, kept, sites)),
        gaps=tuple(gap for gap in fleet.gaps if gap.node not in gone),
        conflicts=tuple(conflict for conflict in fleet.conflicts if conflict.subject not in gone),
        left_out=united((fleet.left_out, _left_out(fleet, kept, known))),
    )


def _left_out(fleet: Fleet, kept: set[str], racks: Racks) -> LeftOut:
    """Return the sites, racks and pools that nodes which are not kept belong to."""
    dropped = [node for node in fleet.nodes if node.name not in kept]
    stood = {key for node in dropped if (key := racks.of(node))}
    pools = {pool.name: plain(pool.nodes) - kept for pool in fleet.pools}
    for node in dropped:
        for name in node.pools or ("",):
            pools.setdefault(name, set()).add(node.name)
    return LeftOut(
        sites=tuple(sorted({node.site or "" for node in dropped})),
        racks=tuple(sorted((site or "", name) for site, name in stood)),
        pools={name: len(gone) for name, gone in pools.items() if gone},
    )


def _concerns(work: Workload, kept: set[str]) -> bool:
    """Tell whether work runs on one of these nodes, or may yet: what waits is in no node's queue."""
    return not work.members or any(member.node is None or member.node in kept for member in work.members)


def _restrict_pools(pools: tuple[Pool, ...], nodes: tuple[Node, ...]) -> Iterator[Pool]:
    by_pool: dict[str, set[str]] = {}
    for node in nodes:
        for name in node.pools:
            by_pool.setdefault(name, set()).add(node.name)
    kept = {node.name for node in nodes}
    for pool in pools:
        left = (plain(pool.nodes) & kept) | by_pool.get(pool.name, set())
        if left:
            yield replace(pool, nodes=fold(left))


def _covers(meter: PowerMeter, kept: set[str], sites: set[str | None]) -> bool:
    """Tell whether a meter says something about the nodes kept."""
    if meter.nodes:
        return bool(plain(meter.nodes) & kept)
    return meter.site is None or meter.site in sites
