"""When and where a job could start, the best first: as soon as possible, or where it costs least.

A job that must end by a deadline (or may wait) starts where its energy and the way of its data cost least
and, of equals, emit least. Cost is linear between the steps of a curve, so the cheapest start is one at which
a run begins or ends with a step or with what is planned already, or the last one that is allowed.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from dcctl.inventory.conditions import curve_of
from dcctl.packing.greedy.sites import site_of, sites_of
from dcctl.packing.reasons import Reason
from dcctl.packing.timed.bill import MONEY, power_mw, weight
from dcctl.packing.timed.slices import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from dcctl.packing.fit.feasibility import Feasibility
    from dcctl.packing.greedy.links import Links
    from dcctl.packing.greedy.place import Placed
    from dcctl.packing.problem import Job, Problem
    from dcctl.packing.solve import Options

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

Key: TypeAlias = tuple[int | tuple[str, ...], ...]
"""What is compared, the lowest first; sites by their names in the end."""

_Value: TypeAlias = tuple[int, int, int, int]
"""What costs least is best; what nobody knows comes last, so it is never taken for nothing."""

_UNKNOWN_MW = 10**9
"""Where nobody knows the power: it ranks hours, and is never told."""


class Where(NamedTuple):
    """Bins that a job could start on."""

    sites: tuple[str, ...]
    """In which they lie."""
    bins: Bools | None
    """None: all."""
    ready_s: int
    """When it and its data can be there."""


class Offer(NamedTuple):
    """A start; its key is no higher than what it turns out to cost."""

    key: Key
    start_s: int
    where: Where
    cheap: bool = False
    """Whether what it costs counts before when it starts."""


class Offers:
    """All that a problem offers to its jobs."""

    def __init__(self, problem: Problem, options: Options, items: Feasibility, links: Links) -> None:
        """Look at the sites once. `links`: what is left of those between them."""
        self._problem, self._options, self._items, self._links = problem, options, items, links
        self._sites = sites_of(problem.bins)
        self.choosy = bool(problem.prices or problem.carbon)
        """Whether it matters at which site and hour a job runs."""

    @cached_property
    def _bins_of(self) -> dict[str, Bools]:
        names = np.array([site_of(one) for one in self._problem.bins])
        return {site: names == site for site in self._sites}

    @cached_property
    def _powers(self) -> Ints:
        """[bins, devices] the most that each draws; -1 where nobody knows."""
        found = np.full(self._items.state.milli.shape, -1, np.int64)
        for at, one in enumerate(self._problem.bins):
            for number, device in enumerate(one.devices):
                found[at, number] = -1 if device.power_mw is None else device.power_mw
        return found

    def latest(self, job: Job) -> int:
        """The last moment at which it may start."""
        return NEVER if job.deadline_s is None else job.deadline_s - (job.duration_s or 0)

    def rounds(self, job: Job, ready_s: int, moments: Sequence[int]) -> Iterator[list[Offer]]:
        """Starts from `ready_s` to the last that is allowed; a round is asked if all before were in vain."""
        latest_s, wait_s = self.latest(job), self._options.wait_s
        if self.choosy and job.duration_s is not None:
            if job.deadline_s is not None:
                yield self._offers(job, ready_s, latest_s, moments, cheap=True)
                return
            if wait_s:
                yield self._offers(job, ready_s, ready_s + wait_s, moments, cheap=True)
        yield self._offers(job, ready_s, latest_s, moments)

    def soonest(self, job: Job, ready_s: int, moments: Sequence[int]) -> list[Offer]:
        """All starts, whatever its deadline."""
        return self._offers(job, ready_s, NEVER - 1, moments)

    def _offers(
        self, job: Job, ready_s: int, latest_s: int, moments: Sequence[int], *, cheap: bool = False
    ) -> list[Offer]:
        if not (self.choosy or job.data):
            anywhere = Where(self._sites, None, ready_s)
            starts = (ready_s, *moments[bisect_right(moments, ready_s) :])
            return [Offer((at_s,), at_s, anywhere) for at_s in starts if at_s <= latest_s]
        found = []
        for where in self._wheres(job, ready_s):
            draws = self._least_mw(job, where)
            for start_s in self._starts(job, where, moments, latest_s if cheap else None):
                if start_s <= latest_s:
                    value = min(self._value(job, site, draws, start_s) for site in where.sites)
                    found.append(_offer(value, start_s, where, cheap))
        found.sort(key=lambda offer: offer.key)
        return found

    def _wheres(self, job: Job, ready_s: int) -> list[Where]:
        now_s, found = self._problem.now_s, []
        for site in self._sites:
            after_s = self._links.arrival(job.data, site).after_s
            if after_s is not None:
                found.append(Where((site,), self._bins_of[site], max(ready_s, now_s + after_s)))
        if len(found) > 1 and (self._problem.links or job.sites) and job.minimum > 1 and job.within is None:
            every = np.logical_or.reduce([one.bins for one in found if one.bins is not None])
            sites = tuple(site for one in found for site in one.sites)
            after_s = self._links.both(job.data, sites)
            if after_s is not None:
                found.append(Where(sites, every, max(ready_s, now_s + after_s)))
        return found

    def _starts(self, job: Job, where: Where, moments: Sequence[int], latest_s: int | None) -> list[int]:
        """Moments at which it may fit; with a last one, also all at which a start may be cheapest."""
        first_s = where.ready_s
        starts = {first_s, *moments[bisect_right(moments, first_s) :]}
        if latest_s is not None and job.duration_s is not None:
            steps = self._steps(where.sites)
            starts.update(steps, (time - job.duration_s for time in (*steps, *moments)))
            starts.add(latest_s)
        return sorted(start for start in starts if start >= first_s)

    def _steps(self, sites: Sequence[str]) -> set[int]:
        curves = (
            curve_of(told, one) for told in (self._problem.prices, self._problem.carbon) for one in sites
        )
        return {step for curve in curves if curve is not None for step in curve.times_s}

    def _least_mw(self, job: Job, where: Where) -> int | None:
        """What it draws at least on these bins; None: nobody knows."""
        if not self.choosy:
            return None
        total = 0
        for task in job.tasks:
            each = self._least_of(task.of, where)
            if each is None:
                return None
            total += each * len(task.members)
        return total

    def _least_of(self, of: int, where: Where) -> int | None:
        wanted = self._items.wanted[of]
        rows = (wanted.fixed == 0) if where.bins is None else (wanted.fixed == 0) & where.bins
        known = self._powers[rows]
        known = known[known >= 0]
        if not (wanted.devices or wanted.share) or not len(known):
            return power_mw(wanted.need, ())
        return int(known.min()) * wanted.need.gpu_milli // 1000

    def _value(self, job: Job, site: str, draws: int | None, start_s: int) -> _Value:
        """What a run costs with its data, and what it emits, scaled: each after whether nobody knows it."""
        found = []
        power = _UNKNOWN_MW if draws is None else draws
        end_s = start_s + (job.duration_s or 1)
        for curves in (self._problem.prices, self._problem.carbon):
            value = weight(self._problem, curves, site, power, start_s, end_s)
            found.append((int(bool(curves) and value is None), value or 0))
        moved = self._links.arrival(job.data, site).cost_milli if job.data else 0
        (price_unknown, price), (carbon_unknown, carbon) = found
        return price_unknown, price + moved * MONEY, carbon_unknown, carbon

    def priced(self, job: Job, offer: Offer, found: Placed) -> Key:
        """The key of an offer once it is known on which devices the job runs."""
        if not self.choosy:
            return offer.key
        draws: dict[str, int | None] = {}
        for stand in found.stands:
            home = self._problem.bins[stand.put.bin]
            devices = [home.devices[at] for at in stand.put.devices]
            each, before = (
                power_mw(self._problem.classes[stand.of].need, devices),
                draws.get(site_of(home), 0),
            )
            draws[site_of(home)] = None if each is None or before is None else each + before
        values = [self._value(job, site, each, offer.start_s) for site, each in draws.items()]
        unknown, cost, dark, carbon = (sum(column) for column in zip(*values, strict=True))
        total = unknown, cost, dark, carbon
        return _offer(total, offer.start_s, offer.where, offer.cheap).key

    def too_early(self, job: Job, offer: Offer) -> bool:
        """Whether its data comes later than was offered: other members had theirs brought first."""
        if not job.data:
            return False
        after = [self._links.arrival(job.data, site).after_s for site in offer.where.sites]
        return any(each is None or self._problem.now_s + each > offer.start_s for each in after)

    def without_data(self, job: Job) -> Ints:
        """DATA for the bins of each site to which its data cannot be brought, or nobody knows when."""
        bits = np.zeros(len(self._problem.bins), np.int64)
        for site in self._sites if job.data else ():
            if self._links.arrival(job.data, site).after_s is None:
                bits[self._bins_of[site]] = int(Reason.DATA)
        return bits

    def no_data(self, job: Job) -> str:
        """Why its data cannot be brought to some site, in words; empty: it can."""
        found = (self._links.arrival(job.data, site).says for site in self._sites if job.data)
        return "; ".join(dict.fromkeys(says for says in found if says))


def _offer(value: _Value, start_s: int, where: Where, cheap: bool) -> Offer:
    key = (*value, start_s, where.sites) if cheap else (start_s, *value, where.sites)
    return Offer(key, start_s, where, cheap)
