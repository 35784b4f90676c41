"""Gangs that are split over data centres whose links do not carry them, and data that is not there in time.

For `verify` alone: it shares nothing with the solvers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.packing.problem import BANDWIDTH

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from dcctl.inventory.model import Dataset
    from dcctl.packing.problem import Bin, Job, Problem
    from dcctl.packing.verify.times import Run

_NEVER: Final = 1 << 62


def split_gangs(problem: Problem, stands: Iterable[tuple[Job, int, Bin]]) -> Iterator[str]:
    """Gangs of which more members talk between two sites than the link carries. A stand: job, class, bin."""
    stands = tuple(stands)
    sites: dict[str, Counter[str]] = defaultdict(Counter)
    most: dict[str, list[int]] = defaultdict(list)
    for job, of, where in stands:
        if job.minimum > 1 and where.path[-1]:
            sites[job.id][where.path[-1]] += 1
            most[job.id].append(problem.classes[of].need.amounts[BANDWIDTH])
    again = {job.id: set(job.sites) for job, _, _ in stands}
    for name, members in sites.items():
        if set(members) == again[name]:
            continue
        if len(members) > 2:
            yield f"{name} is split over more than two sites"
        elif len(members) == 2:
            rates = [link.rate_bps for link in problem.links if {link.a, link.b} == set(members)]
            told = all(most[name]) and rates
            if not told or min(members.values()) * max(most[name]) > max(rates):
                yield f"{name} is split over {' and '.join(sorted(members))}, whose link does not carry it"


class Crossing(NamedTuple):
    """A gang that talks between two sites for a time."""

    name: str
    sites: frozenset[str]
    bps: int
    start_s: int
    end_s: int


def crossings(problem: Problem, stands: Iterable[tuple[Job, int, Run]]) -> list[Crossing]:
    """Gangs in two sites: those that run, and those of a plan. A stand: job, class, when and where."""
    times: dict[str, tuple[int, int]] = {}
    members: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for job, of, run in stands:
        if job.minimum > 1:
            start_s = problem.now_s if run.start_s is None else run.start_s
            times[job.id] = start_s, _NEVER if run.end_s is None else run.end_s
            members[job.id].append((run.where.path[-1], _sends(problem, of)))
    for one in problem.held:
        known = problem.running.get(one.job)
        if known is not None and known.minimum > 1 and one.job not in times:
            members[one.job].append((problem.bins[one.bin].path[-1], _sends(problem, one.of)))
    for name in set(members) - set(times):
        end_s = problem.running[name].ends_s
        times[name] = problem.now_s, end_s if end_s and end_s > problem.now_s else _NEVER
    found = []
    for name, there in sorted(members.items()):
        counts = Counter(site for site, _ in there if site)
        if len(counts) == 2 and all(bps for _, bps in there):
            bps = min(counts.values()) * max(bps for _, bps in there)
            found.append(Crossing(name, frozenset(counts), bps, *times[name]))
    return found


def _sends(problem: Problem, of: int) -> int:
    return problem.classes[of].need.amounts[BANDWIDTH]


def overloaded(problem: Problem, crossing: Sequence[Crossing], again: Collection[str]) -> Iterator[str]:
    """Links over which gangs send more than they carry. `again`: who may, having run there before."""
    new = [one for one in crossing if one.name not in again and one.name not in problem.running]
    for one in new:
        for at_s in {other.start_s for other in crossing if one.start_s <= other.start_s < one.end_s}:
            there = [
                other
                for other in crossing
                if other.sites == one.sites and other.start_s <= at_s < other.end_s
            ]
            if 0 < _rate(problem, one.sites) < sum(other.bps for other in there):
                yield f"{' and '.join(sorted(one.sites))} send more to each other than their links carry"


def _rate(problem: Problem, sites: Collection[str]) -> int:
    return sum(link.rate_bps for link in set(problem.links) if {link.a, link.b} == set(sites))


def crowded_data(problem: Problem, runs: Iterable[Run], crossing: Sequence[Crossing]) -> Iterator[str]:
    """Pairs of sites between which more data has to come in time than their links carry beside gangs.

    Data that can come on one way alone counts; what is brought for one is there for all.
    """
    due: dict[tuple[Dataset, str, frozenset[str]], int] = {}
    for one in runs:
        site = one.where.path[-1]
        for data in one.job.data if one.start_s is not None else ():
            ways = {frozenset((copy, site)) for copy in data.sites if _rate(problem, {copy, site})}
            if site not in data.sites and len(ways) == 1:
                key = data, site, ways.pop()
                due[key] = min(due.get(key, _NEVER), one.start_s or 0)
    for sites in {way for _, _, way in due}:
        mine = [(end_s, key[0].size_bytes or 0) for key, end_s in due.items() if key[2] == sites]
        for until_s, _ in mine:
            spent = (
                one.bps * max(0, min(one.end_s, until_s) - max(one.start_s, problem.now_s))
                for one in crossing
                if one.sites == sites
            )
            left = _rate(problem, sites) * (until_s - problem.now_s) - sum(spent)
            if sum(size for end_s, size in mine if end_s <= until_s) * 8 > left:
                yield f"{' and '.join(sorted(sites))} cannot send each other all data in time"


def late_data(problem: Problem, runs: Iterable[Run]) -> Iterator[str]:
    """Who starts before its data can be there, or where nobody knows when that is."""
    for one in runs:
        site = one.where.path[-1]
        start_s = problem.now_s if one.start_s is None else one.start_s
        for data in one.job.data:
            if one.start_s is None or (site and site in data.sites):
                continue
            rates = [
                link.rate_bps for link in problem.links for at in data.sites if {link.a, link.b} == {at, site}
            ]
            if data.size_bytes is None or not rates:
                yield f"{one.name} starts where {data.name} cannot be brought"
            elif (start_s - problem.now_s) * max(rates) < data.size_bytes * 8:
                yield f"{one.name} starts before {data.name} can be there"
