"""Which parts are readings of one cluster, and which only call theirs by the same name."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from msgspec.json import encode
from msgspec.structs import replace

from dcctl.inventory.kinds import SCHEDULERS
from dcctl.inventory.uuids import uuid_key

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence, Set

    from dcctl.inventory.model import Fleet, Gap, Node, Workload

    Marks = tuple[str | None, str | None]
    Home = tuple[str | None, dict[str, Marks], list[int]]


def told_apart(fleets: Iterable[Fleet]) -> list[Fleet]:
    """Return the fleets, the newest first, with a name for each cluster and one account of its work.

    Parts that name one source of work and tell of one cluster are its readings: they state one `cluster`, or
    none does and they share a node. What runs on a node is told by the newest that lists it: what an older
    one ran there may have ended. Of different clusters the older one's source gets a number,
    `kubernetes:current#2`, wherever it is named.
    """
    parts = _called_alike(_newest_first(fleets))
    taken = {run.name for fleet in parts for run in fleet.sources}.union(*map(_tellers, parts))
    for name in sorted(set().union(*map(_tellers, parts))):
        for place, cluster in enumerate(_clusters(parts, name)):
            own = _numbered(name, taken) if place else name
            for at, part in zip(cluster, _accounts([parts[at] for at in cluster], name), strict=True):
                parts[at] = part if own == name else _renamed(part, name, own)
    return parts


def _newest_first(fleets: Iterable[Fleet]) -> list[Fleet]:
    """Return the fleets by age, then by the names of their sources, then by all that they say."""

    def rank(fleet: Fleet) -> tuple[tuple[bool, int], list[str]]:
        return _age(fleet), [run.name for run in fleet.sources]

    ties = [list(tie) for _, tie in groupby(sorted(fleets, key=rank), key=rank)]
    return [fleet for tie in ties for fleet in (sorted(tie, key=encode) if len(tie) > 1 else tie)]


def _called_alike(parts: Sequence[Fleet]) -> list[Fleet]:
    """Return the parts, a cluster that several call by different names having the newest's name in all."""
    names: dict[str, str] = {}
    renamed: list[Fleet] = []
    for part in parts:
        alike = part
        for run in part.sources:
            name = names.setdefault(run.cluster, run.name) if run.cluster else run.name
            if name != run.name and all(name != other.name for other in part.sources):
                alike = _renamed(alike, run.name, name)
        renamed.append(alike)
    return renamed


def _age(fleet: Fleet) -> tuple[bool, int]:
    """What was asked just now comes first, then what was saved, the newest first."""
    saved = fleet.taken_at_s is not None or all(run.kind in {"file", "demo"} for run in fleet.sources)
    return saved, -(fleet.taken_at_s or 0)


def _tellers(fleet: Fleet) -> set[str]:
    """Return the names of the sources that tell of work."""
    named = {work.source for work in fleet.workloads if work.source}
    return named | {run.name for run in fleet.sources if run.kind in SCHEDULERS}


def _clusters(parts: Sequence[Fleet], name: str) -> list[list[int]]:
    """Return the parts that tell of a source, grouped by cluster; one that knows no node is of the first."""
    clusters: list[Home] = []
    holders = [at for at, part in enumerate(parts) if name in _tellers(part)]
    if len(holders) < 2:
        return []
    for at in holders:
        told, known, ats = _told_cluster(parts[at], name), _machines(parts[at], name), [at]
        homes = [one for one in clusters if _is_one(one, told, known)]
        for home in _of_one_cluster(homes) if known else homes[:1]:
            told, known, ats = told or home[0], home[1] | known, home[2] + ats
            clusters.remove(home)
        clusters.append((told, known, ats))
    return sorted(sorted(ats) for _, _, ats in clusters)


def _of_one_cluster(homes: Sequence[Home]) -> list[Home]:
    """Return the groups without those that state another cluster than the newest that states one."""
    told = next((home[0] for home in sorted(homes, key=lambda home: min(home[2])) if home[0]), None)
    return [home for home in homes if home[0] in (None, told)]


def _is_one(home: Home, told: str | None, known: dict[str, Marks]) -> bool:
    """Tell whether another part tells of the same cluster: by what it calls itself, else by its nodes."""
    if told and home[0]:
        return told == home[0]
    return not known or not home[1] or _meet(home[1], known)


def _told_cluster(fleet: Fleet, name: str) -> str | None:
    return next((run.cluster for run in fleet.sources if run.name == name), None)


def _machines(fleet: Fleet, name: str) -> dict[str, Marks]:
    """Return what tells the nodes of a source apart, by name; nothing for those that only work names."""
    members = (member for work in fleet.workloads if work.source == name for member in work.members)
    known: dict[str, Marks] = {member.node.lower(): (None, None) for member in members if member.node}
    return known | {
        node.name.lower(): (uuid_key(node.system_uuid), node.provider_id) for node in _nodes(fleet, name)
    }


def _nodes(fleet: Fleet, name: str) -> Iterator[Node]:
    return (node for node in fleet.nodes if name in node.sources or not node.sources)


def _meet(one: dict[str, Marks], other: dict[str, Marks]) -> bool:
    """Tell whether a node of both may be one machine: `worker1` is in many a cluster."""
    return any(
        not any(a and b and a != b for a, b in zip(one[name], other[name], strict=True))
        for name in one.keys() & other.keys()
    )


def _is_silent(fleet: Fleet, name: str) -> bool:
    return not any(_nodes(fleet, name)) and not any(work.source == name for work in fleet.workloads)


def _numbered(name: str, taken: set[str]) -> str:
    count = 2
    while f"{name}#{count}" in taken:
        count += 1
    taken.add(f"{name}#{count}")
    return f"{name}#{count}"


def _accounts(readings: Iterable[Fleet], name: str) -> Iterator[Fleet]:
    """Return the readings of one cluster, the newest first, each without what a newer one tells."""
    listed: set[str] = set()
    told: set[tuple[str, str]] = set()
    is_newest = True
    for fleet in readings:
        part = fleet if is_newest else _superseded(fleet, name, listed, told)
        yield part
        is_newest = is_newest and _is_silent(fleet, name)
        listed |= {alias.lower() for node in _nodes(fleet, name) for alias in (node.name, *node.aliases)}
        works = (work for work in part.workloads if work.source == name)
        told |= {(work.id, member.name) for work in works for member in work.members}


def _superseded(fleet: Fleet, name: str, listed: Set[str], told: Container[tuple[str, str]]) -> Fleet:
    """Return an older reading without what a source says of nodes that newer readings list.

    Left out too: what waited for a node then, and members of work (id, name) that a newer reading tells of.
    """
    own = list(_nodes(fleet, name))
    gone = listed | {
        node.name.lower() for node in own if not listed.isdisjoint(alias.lower() for alias in node.aliases)
    }
    left = [node.name for node in own if node.name.lower() not in gone]

    def still(work: Workload) -> Workload:
        members = (one for one in work.members if one.node and one.node.lower() not in gone)
        return replace(work, members=tuple(one for one in members if (work.id, one.name) not in told))

    works = (work if work.source != name else still(work) for work in fleet.workloads)
    return replace(
        fleet,
        workloads=tuple(work for work in works if work.source != name or work.members),
        gaps=tuple(gap for each in fleet.gaps for gap in _left_of(each, name, left, gone)),
    )


def _left_of(gap: Gap, name: str, left: Iterable[str], gone: Container[str]) -> Iterable[Gap]:
    """Return what an older gap still says: that of every node of the source holds of those that are left."""
    if gap.source != name or (gap.node and gap.node.lower() not in gone):
        return (gap,)
    if gap.node or gap.part not in {"work", "devices"}:
        return ()
    return (replace(gap, node=node) for node in left)


def _renamed(fleet: Fleet, old: str, new: str) -> Fleet:
    """Return the fleet with another name for one of its sources."""

    def called(name: str) -> str:
        return new if name == old else name

    return replace(
        fleet,
        nodes=tuple(
            replace(node, sources=tuple(map(called, node.sources))) if old in node.sources else node
            for node in fleet.nodes
        ),
        workloads=tuple(
            replace(work, source=new) if work.source == old else work for work in fleet.workloads
        ),
        gaps=tuple(replace(gap, source=called(gap.source)) for gap in fleet.gaps),
        conflicts=tuple(
            replace(
                conflict,
                values=tuple(
                    ("+".join(map(called, names.split("+"))), value) for names, value in conflict.values
                ),
            )
            for conflict in fleet.conflicts
        ),
        sources=tuple(replace(run, name=called(run.name)) for run in fleet.sources),
    )
