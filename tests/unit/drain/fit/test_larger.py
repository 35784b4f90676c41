"""Clusters too large to try every ending: a scheduler by chance, and one that means harm."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

import pytest

from dcctl.drain.fit.room import Room
from tests.unit.drain.fit.clusters import Cluster, Host, Shape, Work, fleet_of

NOW_S = 1_760_000_000
_Item = tuple[str, int, int]
"""(workload, devices, cores)"""


class Free(NamedTuple):
    gpus: list[int]
    cpus: list[int]

    def takes(self, item: _Item) -> list[int]:
        _, gpus, cpus = item
        return [at for at, have in enumerate(self.gpus) if have >= gpus and self.cpus[at] >= cpus]

    def copies(self, at: int, item: _Item) -> int:
        _, gpus, cpus = item
        return min(self.gpus[at] // gpus if gpus else 999, self.cpus[at] // cpus)

    def put(self, at: int, item: _Item) -> None:
        self.gpus[at] -= item[1]
        self.cpus[at] -= item[2]


def larger(chance: Random) -> Cluster:
    """Twenty nodes with eight devices each, about half of them held."""
    cores = chance.choice((32, 64))
    hosts = tuple(Host(f"n{at:02d}", 8, cores, "z", "r", "a") for at in range(20))
    free = Free([8] * 20, [cores] * 20)
    works, sizes = [], chance.choice(((1, 2), (1, 2, 4, 8), (0, 1), (2, 4, 8), (4,)))
    for number in range(chance.randint(6, 30)):
        shape = Shape(f"app{number}", chance.choice(sizes), chance.choice((1, 4)))
        item = (f"w{number:02d}", shape.gpus, shape.cpus)
        on = []
        for _ in range(chance.randint(1, 6)):
            if fits := free.takes(item):
                at = chance.choice(fits)
                free.put(at, item)
                on.append(hosts[at].name)
        works += [Work(item[0], shape, tuple(on), gang=chance.random() < 0.3)] if on else []
    closed = tuple(host.name for host in chance.sample(hosts, chance.randint(1, 5)))
    return Cluster(hosts, tuple(works), closed, closed)


def emptied(one: Cluster) -> tuple[Free, list[_Item]]:
    """What is free on the open nodes once all that is displaced has stopped, and who that is."""
    at = {
        host.name: number
        for number, host in enumerate(host for host in one.hosts if host.name not in one.closed)
    }
    free, items = Free([8] * len(at), [one.hosts[0].cpus] * len(at)), []
    for work in one.works:
        item = (work.name, work.shape.gpus, work.shape.cpus)
        for host in work.on:
            if host in one.closed:
                items.append(item)
            else:
                free.put(at[host], item)
    return free, items


def left_over(free: Free, items: list[_Item], chance: Random, against: _Item | None) -> set[str]:
    """Workloads without room at the end: by chance, or where others do most harm to one who comes last."""
    free, last = Free([*free.gpus], [*free.cpus]), []
    if against is not None:
        items = [*items]
        items.remove(against)
        last = [against]
    left = set()
    for item in (*items, *last):
        fits = free.takes(item)
        if not fits:
            left.add(item[0])
            continue
        if against is None or item is against:
            free.put(chance.choice(fits), item)
            continue
        free.put(min(fits, key=lambda at: _after(free, at, item, against)), item)
    return left


def _after(free: Free, at: int, item: _Item, against: _Item) -> tuple[bool, int, int]:
    """Whether a node has room for the other still, and how much: it is spoilt for least first."""
    before = free.copies(at, against)
    free.put(at, item)
    after = free.copies(at, against)
    free.put(at, (item[0], -item[1], -item[2]))
    return not before > after, after, -(before - after)


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_no_scheduler_leaves_out_what_fits(first: int) -> None:
    told = 0
    for seed in range(first, first + 100):
        chance = Random(seed)
        one = larger(chance)
        found = Room(fleet_of(one), one.closed, NOW_S).judge(one.closed, one.leaving)
        assert found.verdict != "unknown"
        free, items = emptied(one)
        sure = {name for name, verdict in found.verdicts.items() if verdict == "fits"}
        told += len(sure)
        for against in (None, None, None, *{item for item in items if item[0] in sure}):
            chance.shuffle(items)
            for order in (
                items,
                sorted(items, key=lambda item: item[1:]),
                sorted(items, key=lambda item: item[1:])[::-1],
            ):
                assert sure.isdisjoint(left_over(free, order, chance, against)), (seed, against)
    assert told > 150
