"""Gangs that are split over data centres whose link does not carry them, and data that is not there in time.

For `verify` alone: it shares nothing with the solvers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from dcctl.packing.problem import BASIC

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcctl.packing.problem import Bin, Job, Problem
    from dcctl.packing.verify.times import Run


def split_gangs(problem: Problem, stands: Iterable[tuple[Job, int, Bin]]) -> Iterator[str]:
    """Gangs of which more members talk between two sites than the link carries. A stand: job, class, bin."""
    stands = tuple(stands)
    sites: dict[str, Counter[str]] = defaultdict(Counter)
    most: dict[str, list[int]] = defaultdict(list)
    for job, of, where in stands:
        if job.minimum > 1 and where.path[-1]:
            sites[job.id][where.path[-1]] += 1
            most[job.id].append(problem.classes[of].need.amounts[BASIC.index("bandwidth_bps")])
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
