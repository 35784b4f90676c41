"""Small random clusters in the middle of a drain, and every way in which a scheduler may go on with them.

An oracle: it shares no code with dcctl and looks at one pod and one node at a time.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, NamedTuple

from dcctl.inventory.model import Accelerator, Fleet, Member, Node, Resources, SourceRun, Template, Workload
from dcctl.inventory.placement import Neighbours, Selector, Spread, key_of

if TYPE_CHECKING:
    from random import Random

GPU, ZONE, HOST, POOL = "nvidia.com/gpu", "topology.kubernetes.io/zone", "kubernetes.io/hostname", "pool"


class Host(NamedTuple):
    name: str
    gpus: int
    cpus: int
    zone: str
    rack: str
    pool: str


class Shape(NamedTuple):
    """What all pods of a workload ask for."""

    app: str
    gpus: int
    cpus: int
    pool: str = ""
    alone: bool = False
    """No two on one node."""
    even: bool = False
    """Spread over zones."""


class Work(NamedTuple):
    name: str
    shape: Shape
    on: tuple[str, ...]
    """The host of each pod; empty: it waits."""
    gang: bool = False
    within: bool = False
    """All in one rack."""
    priority: int = 0


class Cluster(NamedTuple):
    hosts: tuple[Host, ...]
    works: tuple[Work, ...]
    closed: tuple[str, ...]
    """Hosts that take no work,"""
    drained: tuple[str, ...]
    """and those of them that are emptied now."""

    @property
    def leaving(self) -> dict[str, list[str]]:
        return {
            work.name: names
            for work in self.works
            if (names := [f"{work.name}-{at}" for at, host in enumerate(work.on) if host in self.drained])
        }


def cluster(chance: Random, *, rules: bool = True, waiting: bool = True) -> Cluster:
    """One in which everybody stands where they may."""
    many = chance.randint(3, 5)
    hosts = tuple(
        Host(f"n{at}", chance.choice((4, 4, 2, 8)), chance.choice((4, 8, 16)), f"z{at % 2}", f"r{at // 2}",
             chance.choice("aab"))
        for at in range(many)
    )  # fmt: skip
    state = State(Cluster(hosts, (), (), ()), ())
    works = []
    for number in range(chance.randint(2, 6)):
        shape = Shape(
            f"app{number % 3 if rules else number}",
            chance.choice((0, 1, 1, 2, 4)),
            chance.choice((1, 1, 2)),
            chance.choice(("", "", "", "a")),
            rules and chance.random() < 0.2,
            rules and chance.random() < 0.2,
        )
        on = []
        for _ in range(chance.randint(1, 3)):
            fits = [host.name for host in hosts if state.takes(shape, host)]
            if fits:
                on.append(chance.choice(fits))
                state = state.plus(shape, on[-1])
        racks = {host.rack for host in hosts if host.name in on}
        gang = len(on) > 1 and chance.random() < 0.3
        within = gang and len(racks) == 1 and chance.random() < 0.5 and not (shape.alone or shape.even)
        if on:
            works.append(Work(f"w{number}", shape, tuple(on), gang, within, chance.choice((0, 0, 5))))
    for number in range(chance.choice((0, 0, 1, 2)) if waiting else 0):
        shape = Shape("", chance.choice((0, 1, 2)), 1)
        works.append(Work(f"q{number}", shape, ("",), priority=chance.choice((0, 5))))
    count = chance.choice((1, 1, 2))
    drained = tuple(host.name for host in chance.sample(hosts, count))
    return Cluster(hosts, tuple(works), drained, drained)


class State(NamedTuple):
    """Who stands where: a row for each pod."""

    of: Cluster
    stands: tuple[tuple[Shape, str], ...]

    def plus(self, shape: Shape, host: str) -> State:
        return State(self.of, tuple(sorted((*self.stands, (shape, host)))))

    def takes(self, shape: Shape, host: Host) -> bool:
        """Whether a pod of this shape may be put on a host now."""
        there = [one for one, name in self.stands if name == host.name]
        if host.name in self.of.closed or (shape.pool and shape.pool != host.pool):
            return False
        if sum(one.gpus for one in there) + shape.gpus > host.gpus:
            return False
        if sum(one.cpus for one in there) + shape.cpus > host.cpus:
            return False
        if any((shape.alone or one.alone) and one.app == shape.app for one in there):
            return False
        return not shape.even or self._is_even(shape, host)

    def _is_even(self, shape: Shape, host: Host) -> bool:
        eligible = {one.name: one.zone for one in self.of.hosts if shape.pool in ("", one.pool)}
        counts = dict.fromkeys(eligible.values(), 0)
        for one, name in self.stands:
            if one.app == shape.app and name in eligible:
                counts[eligible[name]] += 1
        return counts[host.zone] + 1 - min(counts.values()) <= 1


class Drain:
    """All pods that look for room once the work of a cluster's closed hosts is evicted."""

    def __init__(self, of: Cluster) -> None:
        self.of = of
        gone = {work for work in of.works if not set(of.drained).isdisjoint(work.on)}
        stays = []
        self.units: list[tuple[str, Shape, int]] = []
        """(workload, shape, pods that are placed together): each pod by itself, or all of a rack's gang."""
        least = min((work.priority for work in gone), default=0)
        for work in of.works:
            leaves = [host in of.drained or (work.within and work in gone) for host in work.on]
            stays += [
                (work.shape, host) for host, left in zip(work.on, leaves, strict=True) if host and not left
            ]
            waits = "" in work.on and work.priority >= least and bool(gone)
            count = len(work.on) if waits else sum(leaves) if work in gone else 0
            self.units += [(work.name, work.shape, count)] if work.within and count else []
            self.units += [] if work.within else [(work.name, work.shape, 1)] * count
        self.start = State(of, tuple(sorted(stays)))
        self.displaced = {work.name for work in gone}

    def steps(self, state: State, shape: Shape, count: int) -> list[State]:
        """Every way to place one unit now."""
        if count == 1:
            return [state.plus(shape, host.name) for host in self.of.hosts if state.takes(shape, host)]
        found = []
        for rack in {host.rack for host in self.of.hosts}:
            inside = [host for host in self.of.hosts if host.rack == rack]
            for hosts in combinations_with_replacement(inside, count):
                after: State | None = state
                for host in hosts:
                    after = after.plus(shape, host.name) if after and after.takes(shape, host) else None
                found += [after] if after else []
        return found

    @cached_property
    def endings(self) -> list[frozenset[str]] | None:
        """Workloads left without room in every ending that a scheduler may come to; None: too many ways."""
        seen: set[object] = set()
        found: set[frozenset[str]] = set()
        todo = [(self.start, tuple(sorted(self.units)))]
        while todo:
            if len(seen) > 6000:
                return None
            state, units = todo.pop()
            if (state, units) in seen:
                continue
            seen.add((state, units))
            more = []
            for at, (_, shape, count) in enumerate(units):
                if at and units[at] == units[at - 1]:
                    continue
                rest = units[:at] + units[at + 1 :]
                more += [(after, rest) for after in self.steps(state, shape, count)]
            todo += more
            if not more:
                found.add(frozenset(name for name, _, _ in units))
        return sorted(found, key=sorted)

    def by_chance(self, chance: Random) -> Cluster | None:
        """One ending: units in any order, each wherever it fits; None: some of the work has no room then."""
        state, units, homes = self.start, list(self.units), {name: list[str]() for name in self.displaced}
        while True:
            ways = [(unit, self.steps(state, *unit[1:])) for unit in dict.fromkeys(units)]
            ways = [way for way in ways if way[1]]
            if not ways:
                break
            unit, after = chance.choice(ways)
            units.remove(unit)
            new = chance.choice(after)
            homes.setdefault(unit[0], []).extend(
                host for _, host in (Counter(new.stands) - Counter(state.stands)).elements()
            )
            state = new
        if any(name in self.displaced for name, _, _ in units):
            return None
        return self.of._replace(
            works=tuple(self._moved(work, homes.get(work.name, [])) for work in self.of.works)
        )

    def _moved(self, work: Work, homes: list[str]) -> Work:
        whole = work.within and work.name in self.displaced
        goes = [whole or host in (*self.of.drained, "") for host in work.on]
        left = iter(homes)
        on = (next(left, "") if gone else host for host, gone in zip(work.on, goes, strict=True))
        return work._replace(on=tuple(on))


def fleet_of(of: Cluster) -> Fleet:
    """The same for dcctl."""
    templates = {}
    works = []
    for work in of.works:
        template = _template(work.shape)
        key = key_of(template)
        templates[key] = template
        asked = Resources(work.shape.cpus * 1000, 0, 0, 1, {GPU: work.shape.gpus} if work.shape.gpus else {})
        members = tuple(
            Member(f"{work.name}-{at}", host or None, "running" if host else "pending", asked, template=key)
            for at, host in enumerate(work.on)
        )
        gang = len(members) if work.gang else None
        works.append(
            Workload(work.name, "Job", source="kubernetes:t", priority=work.priority, gang_min=gang,
                     members=members, within="rack" if work.within else None)
        )  # fmt: skip
    nodes = tuple(_node(host) for host in of.hosts)
    run = SourceRun("kubernetes:t", "kubernetes", ok=True, duration_ms=1, items=len(nodes))
    return Fleet("t", 1_760_000_000, nodes=nodes, workloads=tuple(works), templates=templates, sources=(run,))


def _node(host: Host) -> Node:
    size = Resources(host.cpus * 1000, 1 << 40, 1 << 40, 110, {GPU: host.gpus})
    return Node(
        host.name,
        site="s",
        rack=host.rack,
        sources=("kubernetes:t",),
        ready=True,
        schedulable=True,
        labels={HOST: host.name, ZONE: host.zone, POOL: host.pool},
        capacity=size,
        allocatable=size,
        accelerators=tuple(Accelerator(at, model="H100") for at in range(host.gpus)),
    )


def _template(shape: Shape) -> Template:
    app = Selector({"app": shape.app})
    return Template(
        namespace="x",
        labels={"app": shape.app},
        node_selector={POOL: shape.pool} if shape.pool else {},
        neighbours=(Neighbours(HOST, app, apart=True),) if shape.alone else (),
        spreads=(Spread(ZONE, app),) if shape.even else (),
    )
