"""The order in which work is moved: what is large first, unless it waits for room that others free."""

from __future__ import annotations

from msgspec.structs import replace

from dcctl.drain.fit.room import Room
from tests.unit.drain.fit.clusters import Cluster, Host, Shape, Work, fleet_of

NOW_S = 1_760_000_000


def host(name: str, gpus: int) -> Host:
    return Host(name, gpus, 64, "z0", "r0", "a")


def order(one: Cluster, *bare: str) -> tuple[str, ...]:
    """`bare`: pods that nobody makes anew."""
    fleet = fleet_of(one)
    works = (replace(work, kind="Pod") if work.id in bare else work for work in fleet.workloads)
    room = Room(replace(fleet, workloads=tuple(works)), one.closed, NOW_S)
    found = room.judge(one.closed, one.leaving)
    assert found.verdict == "fits after reordering"
    return found.order


def test_small_members_of_a_gang_do_not_take_the_room_of_a_large_one() -> None:
    """A scheduler that spreads them would leave eight boards on no node."""
    hosts = (host("n0", 8), host("n1", 8), host("n2", 8), host("n3", 8))
    gang = Work("gang", Shape("a", 2, 1), ("n0", "n0"), gang=True)
    large = Work("large", Shape("b", 8, 1), ("n1",))
    assert order(Cluster(hosts, (gang, large), ("n0", "n1"), ("n0", "n1"))) == ("large", "gang")


def test_what_needs_the_room_of_a_gang_comes_after_it() -> None:
    """Its member on a node that stays goes too, and only then are eight boards free there."""
    hosts = (host("n0", 8), host("n1", 8), host("n2", 8), host("n3", 4))
    gang = Work("gang", Shape("a", 2, 1), ("n0", "n2"), gang=True, within=True)
    large = Work("large", Shape("b", 8, 1), ("n1",))
    assert order(Cluster(hosts, (gang, large), ("n0", "n1"), ("n0", "n1"))) == ("gang", "large")


def test_what_needs_no_room_goes_first() -> None:
    hosts = (host("n0", 8), host("n1", 8), host("n2", 8), host("n3", 8))
    gang = Work("gang", Shape("a", 2, 1), ("n0", "n0"), gang=True)
    large = Work("large", Shape("b", 8, 1), ("n1",))
    bare = Work("bare", Shape("c", 1, 1), ("n0",))
    drained = Cluster(hosts, (gang, large, bare), ("n0", "n1"), ("n0", "n1"))
    assert order(drained, "bare") == ("bare", "large", "gang")
    assert order(drained) == ("large", "gang", "bare")
