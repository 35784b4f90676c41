"""What links between data centres carry, and what of it is promised: to gangs that are split, and to data.

A gang has what its members send for as long as it runs. Data takes all that is left of a link, from now until
it is there; so what is asked for later comes after it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from dcctl.packing.problem import BANDWIDTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dcctl.inventory.conditions import SiteLink
    from dcctl.inventory.model import Dataset
    from dcctl.packing.problem import Problem

_TB: Final = 10**12
_NEVER: Final = 1 << 62
ALWAYS: Final = (-_NEVER, _NEVER)
"""From when until when: without times."""


class Arrival(NamedTuple):
    """When the data of a job can be at a site."""

    after_s: int | None
    """Seconds from now; None: nobody can tell, or never."""
    cost_milli: int = 0
    """What bringing it costs, in thousandths of the currency."""
    says: str = ""
    """Why nobody can tell."""


class _Lane:
    """One link over time."""

    def __init__(self, link: SiteLink) -> None:
        self.link = link
        self._times_s, self._sent_bps = [-_NEVER], [0]

    def add(self, start_s: int, end_s: int, bps: int) -> None:
        """So much more is promised from start to end."""
        first, last = self._split(start_s), self._split(end_s)
        for at in range(first, last):
            self._sent_bps[at] += bps

    def _split(self, at_s: int) -> int:
        at = bisect_left(self._times_s, at_s)
        if at == len(self._times_s) or self._times_s[at] != at_s:
            self._times_s.insert(at, at_s)
            self._sent_bps.insert(at, self._sent_bps[at - 1])
        return at

    def changes_s(self, after_s: int) -> list[int]:
        """When what is promised changes after a moment."""
        return self._times_s[bisect_right(self._times_s, after_s) :]

    def left_bps(self, start_s: int, end_s: int) -> int:
        """What is left all the time from start to end."""
        first = bisect_right(self._times_s, start_s) - 1
        last = max(bisect_left(self._times_s, end_s), first + 1)
        return max(0, self.link.rate_bps - max(self._sent_bps[first:last]))

    def pieces(self, bits: int, from_s: int) -> Iterator[tuple[int, int, int]]:
        """(from, to, bps) in which so much comes over with all that is left; fewer bits: never all of it."""
        at = bisect_right(self._times_s, from_s) - 1
        while bits > 0 and at < len(self._times_s):
            end_s = self._times_s[at + 1] if at + 1 < len(self._times_s) else _NEVER
            left = max(0, self.link.rate_bps - self._sent_bps[at])
            start_s = max(self._times_s[at], from_s)
            if left and start_s < end_s:
                end_s = min(end_s, start_s - -bits // left)
                bits -= left * (end_s - start_s)
                yield start_s, end_s, left
            at += 1

    def there_s(self, bits: int, from_s: int) -> int:
        """When so much has come over; _NEVER: never."""
        came, end_s = 0, from_s
        for start_s, end_s, bps in self.pieces(bits, from_s):
            came += bps * (end_s - start_s)
        return end_s if came >= bits else _NEVER


class _Split(NamedTuple):
    """A gang that runs in two sites."""

    lane: _Lane
    end_s: int
    each_bps: int
    members: Mapping[str, int]
    """By site."""

    @property
    def bps(self) -> int:
        """What it sends: as much as those on the smaller side."""
        return min(self.members.values()) * self.each_bps


Promised: TypeAlias = tuple[int, int, Mapping[str, _Split]]
"""How much is promised and brought, and by which gangs."""


class Links:
    """All links, and what of them is promised."""

    def __init__(self, links: Iterable[SiteLink] = (), now_s: int = 0) -> None:
        """Nothing is promised."""
        self._lanes = [_Lane(link) for link in dict.fromkeys(links)]
        self._now_s = now_s
        self.window = ALWAYS
        """From when until when it is asked, and promised."""
        self._log: list[tuple[_Lane, int, int, int]] = []
        self._there: dict[tuple[Dataset, str], int] = {}
        """When data that is brought to a site is there, for all who need it."""
        self._splits: Mapping[str, _Split] = {}
        """Gangs that run, by job: replaced, never changed."""
        self._known: dict[tuple[tuple[Dataset, ...], str], Arrival] = {}

    @property
    def any(self) -> bool:
        """Whether there is a link at all."""
        return bool(self._lanes)

    def mark(self) -> Promised:
        """Where `undo` can go back to."""
        return len(self._log), len(self._there), self._splits

    def undo(self, mark: Promised) -> None:
        """What was promised and brought since is so no more."""
        if mark != self.mark():
            self._known.clear()
        for lane, start_s, end_s, bps in self._log[mark[0] :]:
            lane.add(start_s, end_s, -bps)
        del self._log[mark[0] :]
        while len(self._there) > mark[1]:
            self._there.popitem()
        self._splits = mark[2]

    def _promise(self, lane: _Lane, start_s: int, end_s: int, bps: int) -> None:
        lane.add(start_s, end_s, bps)
        self._log.append((lane, start_s, end_s, bps))
        self._known.clear()

    def moments(self, after_s: int) -> list[int]:
        """When what is left of any link changes after a moment."""
        times = {at_s for lane in self._lanes for at_s in lane.changes_s(after_s)}
        return sorted(times - {_NEVER})

    def _between(self, one: str, other: str) -> list[_Lane]:
        return [lane for lane in self._lanes if lane.link.joins(one, other)]

    def rate_bps(self, one: str, other: str) -> int:
        """What the best link between two sites carries; 0: there is none."""
        return max((lane.link.rate_bps for lane in self._between(one, other)), default=0)

    def left_bps(self, one: str, other: str) -> int:
        """What is left of the best link between two sites in the window."""
        return max((lane.left_bps(*self.window) for lane in self._between(one, other)), default=0)

    def promise(self, one: str, other: str, bps: int, sign: int = 1) -> None:
        """A gang sends so much between two sites in the window; `sign` -1: one does no longer."""
        lanes = self._between(one, other)
        if sign < 0:
            mine = (lane for lane, *rest in reversed(self._log) if rest == [*self.window, bps])
            lane = next((lane for lane in mine if lane in lanes), None)
        else:
            lane = max(lanes, key=lambda lane: lane.left_bps(*self.window), default=None)
        if lane is not None:
            self._promise(lane, *self.window, sign * bps)

    def runs(self, job: str, members: Mapping[str, int], each_bps: int, end_s: int) -> None:
        """A gang runs in two sites with so many members in each, until it ends; each sends so much."""
        lanes = self._between(*members)
        if lanes:
            lane = max(lanes, key=lambda lane: lane.left_bps(-_NEVER, end_s))
            split = _Split(lane, end_s, each_bps, members)
            self._splits = {**self._splits, job: split}
            self._promise(lane, -_NEVER, end_s, split.bps)

    def knows(self, job: str) -> bool:
        """Whether it is a gang that ran in two sites of which it is known what it sends over which link."""
        return job in self._splits

    def sends(self, job: str) -> bool:
        """Whether it is a gang that runs in two sites and sends between them."""
        split = self._splits.get(job)
        return split is not None and split.bps > 0

    def hold(self, job: str, site: str, sign: int) -> None:
        """A member of a gang that ran in two sites stands in that one again, or, with -1, no longer."""
        split = self._splits.get(job)
        if split is not None and site in split.members:
            now = split._replace(members={**split.members, site: split.members[site] + sign})
            self._splits = {**self._splits, job: now}
            if now.bps != split.bps:
                self._promise(split.lane, -_NEVER, split.end_s, now.bps - split.bps)

    def arrival(self, data: Sequence[Dataset], site: str) -> Arrival:
        """When all of the data can be at a site: what comes over one link comes one after the other."""
        key = tuple(data), site
        if key not in self._known:
            self._known[key] = self._way(data, site)[0]
        return self._known[key]

    def both(self, data: Sequence[Dataset], sites: Iterable[str]) -> int | None:
        """Seconds from now until it is at all of these sites; None: nobody can tell, or never."""
        mark, found = self.mark(), []
        for site in sites:
            found.append(self.arrival(data, site).after_s)
            self.bring(data, site)
        self.undo(mark)
        known = [after_s for after_s in found if after_s is not None]
        return max(known, default=0) if len(known) == len(found) else None

    def bring(self, data: Sequence[Dataset], site: str) -> None:
        """The data is brought to a site, for all who need it there."""
        _, bits = self._way(data, site)
        for lane, (amount, brought) in bits.items():
            pieces = list(lane.pieces(amount, self._now_s))
            for start_s, end_s, bps in pieces:
                self._promise(lane, start_s, end_s, bps)
            self._there.update(((one, site), pieces[-1][1] if pieces else self._now_s) for one in brought)

    def _way(
        self, data: Sequence[Dataset], site: str
    ) -> tuple[Arrival, dict[_Lane, tuple[int, list[Dataset]]]]:
        """When it is there, and what comes over which link: bits, and of which data."""
        bits: dict[_Lane, tuple[int, list[Dataset]]] = {}
        cost, there_s = 0, self._now_s
        for one in dict.fromkeys(data):
            if (site and site in one.sites) or (one, site) in self._there:
                there_s = max(there_s, self._there.get((one, site), there_s))
                continue
            lanes = list(dict.fromkeys(lane for copy in one.sites for lane in self._between(copy, site)))
            if one.size_bytes is None or not lanes:
                return Arrival(None, 0, _unknown(one, site)), {}
            sums = {lane: bits.get(lane, (0, []))[0] + one.size_bytes * 8 for lane in lanes}
            ends = {lane: lane.there_s(sums[lane], self._now_s) for lane in lanes}
            best = min(lanes, key=lambda lane: (ends[lane], lane.link.a, lane.link.b))
            if ends[best] == _NEVER:
                return Arrival(None, 0, _taken(one, best.link)), {}
            bits[best] = sums[best], [*bits.get(best, (0, []))[1], one]
            there_s = max(there_s, ends[best])
            cost += one.size_bytes * best.link.cost_milli_per_tb // _TB
        return Arrival(there_s - self._now_s, cost), bits


def links_of(problem: Problem) -> Links:
    """The links of a problem with what gangs send that run in two sites already, as far as they say."""
    links = Links(problem.links, problem.now_s)
    for job, members, each_bps, end_s in _standing(problem) if problem.links else ():
        links.runs(job, members, each_bps, end_s)
    return links


def _standing(problem: Problem) -> Iterator[tuple[str, Mapping[str, int], int, int]]:
    """Gangs that run in two sites: their members in each, what each sends, and when that ends."""
    sites: dict[str, list[str]] = {}
    each: dict[str, list[int]] = {}
    for one in problem.held:
        known = problem.running.get(one.job)
        if known is not None and known.minimum > 1:
            sites.setdefault(one.job, []).append(problem.bins[one.bin].path[-1])
            each.setdefault(one.job, []).append(problem.classes[one.of].need.amounts[BANDWIDTH])
    for job, names in sites.items():
        counts = Counter(name for name in names if name)
        end_s = problem.running[job].ends_s
        if len(counts) == 2 and all(each[job]):
            late = end_s is None or end_s <= problem.now_s
            members = {site: counts[site] for site in sorted(counts)}
            yield job, members, max(each[job]), _NEVER if late or not end_s else end_s


def _unknown(one: Dataset, site: str) -> str:
    where = site or "nodes whose data centre nobody tells"
    if not one.sites:
        return f"nobody says where a copy of {one.name} is"
    if one.size_bytes is None:
        return f"nobody knows how large {one.name} is, and {where} has no copy"
    return f"no link is known from {' or '.join(one.sites)} to {where} for {one.name}"


def _taken(one: Dataset, link: SiteLink) -> str:
    return f"the link of {link.a} and {link.b} is promised to others for good, and {one.name} comes over it"
