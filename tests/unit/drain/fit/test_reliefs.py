"""What is tried to find reliefs is counted, and ends."""

from __future__ import annotations

from msgspec.structs import replace

from dcctl.drain.fit.reliefs import Effort
from dcctl.drain.fit.room import Room
from tests.unit.drain.fit.clusters import Cluster, Host, Shape, Work, fleet_of

NOW_S = 1_760_000_000


def test_nobody_is_waited_for_in_vain() -> None:
    """What ends first frees too little, and what ends last is not needed."""
    hosts = tuple(Host(f"n{at}", count, 64, "z0", "r0", "a") for at, count in enumerate((4, 2, 4, 4)))
    names = ("little", "enough", "late")
    others = [Work(name, Shape(name, hosts[at].gpus, 1), (f"n{at}",)) for at, name in enumerate(names, 1)]
    one = Cluster(hosts, (Work("w", Shape("w", 4, 1), ("n0",)), *others), ("n0",), ("n0",))
    fleet = fleet_of(one)
    ends = {name: 3600 * at for at, name in enumerate(names, 1)}
    works = (
        replace(work, started_at_s=NOW_S, duration_s=ends[work.id]) if work.id in ends else work
        for work in fleet.workloads
    )
    room = Room(replace(fleet, workloads=tuple(works)), one.closed, NOW_S)
    told = room.reliefs(room.judge(one.closed, one.leaving))
    assert [(each.workloads, each.at_s) for each in told if each.at_s] == [(("enough",), NOW_S + 7200)]


def one_without_room() -> Cluster:
    hosts = tuple(Host(f"n{at}", 4, 64, "z0", "r0", "a") for at in range(2))
    works = (Work("w", Shape("w", 4, 1), ("n0",)), Work("idle", Shape("i", 4, 1), ("n1",)))
    return Cluster(hosts, works, ("n0",), ("n0",))


def test_without_effort_nothing_is_tried() -> None:
    one = one_without_room()
    told = []
    for effort in (Effort(), Effort(0)):
        room = Room(fleet_of(one), one.closed, NOW_S, effort)
        told.append([relief.more for relief in room.reliefs(room.judge(one.closed, one.leaving))])
    assert told == [[0, 1], [0]]


def test_effort_is_spent_by_the_members_that_are_moved() -> None:
    effort = Effort(10)
    assert effort.allows(6)
    assert not effort.allows(5)
    assert effort.allows(3, looked_at=8)
    assert not effort.allows(1)
