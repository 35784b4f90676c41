"""Several answers as one fleet. Pure; the order of the sources does not change the result."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.folding import sort_key
from dcctl.inventory.kinds import kinds_of
from dcctl.inventory.leftout import united
from dcctl.inventory.merge import disagreement, identity
from dcctl.inventory.merge.node import unite
from dcctl.inventory.merge.precedence import Known, by_trust, known
from dcctl.inventory.merge.readings import told_apart
from dcctl.inventory.merge.rest import (
    Renames,
    merge_links,
    merge_meters,
    merge_places,
    merge_pools,
    merge_quotas,
    merge_workloads,
)
from dcctl.inventory.model import Conflict, Fleet, Gap
from dcctl.inventory.placement import in_use
from dcctl.inventory.uuids import uuid_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def merge(fleets: Sequence[Fleet], name: str = "", taken_at_s: int | None = None) -> Fleet:
    """Return one fleet in natural order of names, with a Conflict for each fact on which sources differ.

    Nodes are joined as `identity.machines` says; whose word counts is in `precedence.ORDER`; several readings
    of one cluster are told from clusters of one name as `readings.told_apart` says.
    """
    fleets = told_apart(fleets)
    views = sorted(known(fleets), key=lambda view: (view.source, view.fleet))
    groups, conflicts = identity.machines(views)
    names = _names(groups)
    nodes = [unite(own, group) for own, group in zip(names, groups, strict=True)]
    nodes.sort(key=lambda node: sort_key(node.name))
    for own, group in zip(names, groups, strict=True):
        conflicts += disagreement.disagreements(own, group)
    conflicts += disagreement.shared_devices(nodes)
    renames = Renames(names, groups, nodes)
    sites, racks = merge_places(fleets, nodes)
    workloads = merge_workloads(fleets, renames, kinds_of(fleets))
    templates = {key: template for fleet in fleets for key, template in fleet.templates.items()}
    disruptions = {key: one for fleet in fleets for key, one in fleet.disruptions.items()}
    return Fleet(
        name=name,
        taken_at_s=taken_at_s,
        sites=sites,
        racks=racks,
        nodes=tuple(nodes),
        pools=merge_pools(fleets, nodes, renames),
        links=merge_links(fleets, renames),
        workloads=workloads,
        templates=in_use(templates, workloads),
        disruptions=in_use(disruptions, workloads, "disruption"),
        meters=merge_meters(fleets, renames),
        gaps=_gaps(fleets, renames),
        conflicts=_united([item for fleet in fleets for item in fleet.conflicts], conflicts),
        sources=tuple(run for fleet in fleets for run in fleet.sources),
        quotas=merge_quotas(fleets),
        left_out=united(fleet.left_out for fleet in fleets),
    )


def _gaps(fleets: Sequence[Fleet], renames: Renames) -> tuple[Gap, ...]:
    gaps = {_named(at, gap, renames) for at, fleet in enumerate(fleets) for gap in fleet.gaps}
    return tuple(sorted(gaps, key=lambda gap: (gap.source, sort_key(gap.subject), gap.reason)))


def _named(fleet: int, gap: Gap, renames: Renames) -> Gap:
    """The gap about the node as it is called now."""
    node = renames.find(fleet, gap.node) if gap.node else ""
    return gap if node == gap.node else replace(gap, node=node)


def _united(earlier: Iterable[Conflict], found: Iterable[Conflict]) -> tuple[Conflict, ...]:
    """Return one conflict for each subject and fact, with every value said.

    What an earlier merge said under the names of its sources is not repeated under their joint name, `a+b`.
    """
    values: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for conflict in earlier:
        values[conflict.subject, conflict.fact].update(conflict.values)
    known_before = set(values)
    for conflict in found:
        key = conflict.subject, conflict.fact
        values[key].update(said for said in conflict.values if key not in known_before or "+" not in said[0])
    return tuple(
        Conflict(subject=subject, fact=fact, values=tuple(sorted(values[subject, fact])))
        for subject, fact in sorted(values, key=lambda key: (sort_key(key[0]), key[1]))
    )


def _names(groups: Sequence[Sequence[Known]]) -> list[str]:
    """Return a name for each machine: the scheduler's, as commands must use it; never one name for two.

    Machines of one name get their site, else the start of their UUID, else a number behind it.
    """
    names = [by_trust("name", group)[0].node.name for group in groups]
    holders: dict[str, list[int]] = defaultdict(list)
    for at, name in enumerate(names):
        holders[name.lower()].append(at)
    taken = {view.node.name.lower() for group in groups for view in group}
    for key in sorted(holders):
        ats = holders[key]
        if len(ats) > 1:
            taken.remove(key)
            for at, mark in zip(ats, _marks([groups[at] for at in ats]), strict=True):
                names[at] = _free(f"{names[at]}.{mark}" if mark else names[at], taken)
                taken.add(names[at].lower())
    return names


def _marks(groups: Sequence[Sequence[Known]]) -> list[str]:
    """Return what tells machines of one name apart, as the end of a name."""
    sites = [_first("site", group) or "" for group in groups]
    uuids = [(uuid_key(_first("system_uuid", group)) or "")[:8] for group in groups]
    return next((marks for marks in (sites, uuids) if len(set(marks)) == len(marks)), [""] * len(groups))


def _free(name: str, taken: set[str]) -> str:
    count, candidate = 1, name
    while candidate.lower() in taken:
        count += 1
        candidate = f"{name}.{count}"
    return candidate


def _first(fact: str, views: Iterable[Known]) -> str | None:
    """Return the word of the most trusted source that has one."""
    said = (getattr(view.node, fact) for view in by_trust(fact, views))
    return next((value for value in said if value), None)
