"""Which parts are readings of one cluster, and which only call theirs by the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.kinds import SCHEDULERS
from dcctl.inventory.uuids import uuid_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dcctl.inventory.model import Fleet, Node

    Marks = tuple[str | None, str | None]


def told_apart(fleets: Iterable[Fleet]) -> list[Fleet]:
    """Return the fleets, the newest first, with a name for each cluster and one account of its work.

    Parts that name one source of work and tell of one cluster are its readings: they state one `cluster`, or
    none does and they share a node. Its work is that of the newest: what an older one ran may have ended. Of
    different clusters the older one's source gets a number, `kubernetes:current#2`, wherever it is named.
    """
    parts = sorted(fleets, key=lambda fleet: (_age(fleet), [run.name for run in fleet.sources]))
    parts = _called_alike(parts)
    taken = {run.name for fleet in parts for run in fleet.sources}.union(*map(_tellers, parts))
    for name in sorted(set().union(*map(_tellers, parts))):
        for place, cluster in enumerate(_clusters(parts, name)):
            newest = next((at for at in cluster if not _is_silent(parts[at], name)), cluster[-1])
            own = _numbered(name, taken) if place else name
            for at in cluster:
                part = _superseded(parts[at], name) if at > newest else parts[at]
                parts[at] = part if own == name else _renamed(part, name, own)
    return parts


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
    clusters: list[tuple[str | None, dict[str, Marks], list[int]]] = []
    holders = [at for at, part in enumerate(parts) if name in _tellers(part)]
    if len(holders) < 2:
        return []
    for at in holders:
        told, known, ats = _told_cluster(parts[at], name), _machines(parts[at], name), [at]
        homes = [one for one in clusters if _is_one(one, told, known)]
        for home in homes if known else homes[:1]:
            told, known, ats = told or home[0], home[1] | known, home[2] + ats
            clusters.remove(home)
        clusters.append((told, known, ats))
    return sorted(sorted(ats) for _, _, ats in clusters)


def _is_one(
    home: tuple[str | None, dict[str, Marks], list[int]], told: str | None, known: dict[str, Marks]
) -> bool:
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


def _superseded(fleet: Fleet, name: str) -> Fleet:
    """Return an older reading without the work of a source and what it could not read then."""
    return replace(
        fleet,
        workloads=tuple(work for work in fleet.workloads if work.source != name),
        gaps=tuple(gap for gap in fleet.gaps if gap.source != name),
    )


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
