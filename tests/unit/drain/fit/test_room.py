"""Whether displaced work fits: held against every way in which a scheduler may place it."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from dcctl.drain.fit.room import Room
from dcctl.inventory.model import Cordon, Node, Quota, Resources, Taint
from tests.unit.drain.fit.clusters import GPU, Cluster, Drain, Host, Shape, State, Work, cluster, fleet_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.drain.fit.room import Judged
    from dcctl.inventory.model import Fleet

NOW_S = 1_760_000_000


def judged(one: Cluster) -> Judged:
    return room_of(one).judge(one.closed, one.leaving)


def room_of(one: Cluster, fleet: Fleet | None = None) -> Room:
    return Room(fleet or fleet_of(one), one.closed, NOW_S)


def some(first: int, count: int, **how: bool) -> Iterator[tuple[Cluster, Drain]]:
    for seed in range(first, first + count):
        one = cluster(Random(seed), **how)
        if one.leaving:
            yield one, Drain(one)


@pytest.mark.parametrize("first", range(0, 600, 150))
def test_what_fits_does_so_in_every_ending(first: int) -> None:
    """Every order of the queue and every node that a scheduler may choose."""
    told = 0
    for one, drain in some(first, 150):
        found, endings = judged(one), drain.endings
        if endings is not None:
            sure = {name for name, verdict in found.verdicts.items() if verdict == "fits"}
            assert not any(sure & left for left in endings), one
            told += len(sure)
    assert told > 50


@pytest.mark.parametrize("first", range(0, 600, 150))
def test_does_not_fit_is_said_where_there_is_no_way_and_only_there(first: int) -> None:
    """Of clusters in which nothing waits. None is left unknown."""
    verdicts = set()
    for one, drain in some(first, 150, waiting=False):
        found, endings = judged(one), drain.endings
        if endings is not None:
            fits = any(not left for left in endings)
            assert (found.verdict in ("fits", "fits after reordering")) is fits, one
            assert (found.verdict == "does not fit") is not fits, one
            verdicts.add(found.verdict)
    assert len(verdicts) == 3


def test_most_of_what_is_certain_is_told() -> None:
    """`fits` is no rare answer: where no rule is about others, nine in ten that are certain are told so."""
    told = certain = 0
    for one, drain in some(5000, 300, rules=False, waiting=False):
        verdicts, endings = judged(one).verdicts, drain.endings or []
        sure = {name for name in verdicts if endings and not any(name in left for left in endings)}
        certain += len(sure)
        told += sum(verdicts[name] == "fits" for name in sure)
    assert told > 0.9 * certain > 100


def test_places_hold_in_their_order() -> None:
    """One pod after the other goes where the plan says, and is taken there."""
    for one, drain in some(2000, 200, waiting=False):
        found = judged(one)
        if found.verdict == "does not fit":
            continue
        state, shapes = drain.start, {work.name: work.shape for work in one.works}
        hosts = {host.name: host for host in one.hosts}
        assert len(found.places) == sum(count for _, _, count in drain.units)
        if any(shape.even or shape.alone for shape in shapes.values()):
            continue  # who is first among equals matters to rules
        for (work, _), host in found.places.items():
            assert state.takes(shapes[work], hosts[host]), one
            state = state.plus(shapes[work], host)


def test_a_later_wave_fits_wherever_the_first_one_went() -> None:
    """What was displaced may stand elsewhere than the plan says; nodes may be back in service."""
    waves = 0
    for seed in range(250):
        chance = Random(seed)
        one = cluster(chance)
        first, second = chance.sample([host.name for host in one.hosts], 2)
        closed = (first, second) if chance.random() < 0.5 else (first,)
        before = one._replace(closed=closed, drained=(first,))
        room = Room(fleet_of(one), (first, second), NOW_S)
        told = room.judge(before.closed, before.leaving)
        if "does not fit" in told.verdicts.values():
            continue
        room.carry(told)
        stands = {key: host for key, host in told.places.items() if host == second}
        for _ in range(4):
            after = Drain(before).by_chance(chance)
            if after is None:
                continue
            now = after._replace(closed=(second,) if len(closed) == 1 else closed, drained=(second,))
            if len(closed) == 1 and ({*now.leaving} != {*one._replace(drained=(second,)).leaving} or stands):
                continue  # others leave than the plan says: it is planned anew then
            found = room.judge(now.closed, now.leaving)
            sure = {name for name, verdict in found.verdicts.items() if verdict == "fits"}
            endings = Drain(now).endings
            assert endings is None or not any(sure & left for left in endings), (seed, now)
            waves += bool(sure)
    assert waves > 60


def test_a_judgement_changes_nothing() -> None:
    for one, _ in some(0, 40):
        room = room_of(one)
        first = room.judge(one.closed, one.leaving)
        told = room.reliefs(first)
        again = room.judge(one.closed, one.leaving)
        assert (again.verdicts, again.places) == (first.verdicts, first.places)
        assert room.reliefs(again) == told


def test_reliefs_hold_when_it_is_judged_again() -> None:
    kinds = dict.fromkeys(("stop", "wait", "leave", "more"), 0)
    for one, _ in some(3000, 300, waiting=False):
        fleet = _ending(fleet_of(one))
        room = room_of(one, fleet)
        found = room.judge(one.closed, one.leaving)
        reliefs = room.reliefs(found)
        stopped = {name for relief in reliefs if relief.says.startswith("stop") for name in relief.workloads}
        if stopped and sum(relief.says.startswith("stop") for relief in reliefs) == len(found.homeless):
            kinds["stop"] += 1
            assert fits(one, _without(fleet, stopped)), one
        for relief in reliefs:
            if relief.at_s is not None:
                kinds["wait"] += 1
                assert relief.at_s > NOW_S
                assert fits(one, _without(fleet, set(relief.workloads))), one
            elif relief.nodes:
                kinds["leave"] += 1
                left = tuple(host for host in one.closed if host not in relief.nodes)
                assert left
                assert fits(one._replace(closed=left, drained=left), fleet), one
            elif relief.more:
                kinds["more"] += 1
                like = next(host for host in one.hosts if host.name == relief.says.rpartition(" ")[2])
                assert fits(_with_more(one, like, relief.more), None), one
    assert min(kinds.values()) > 5, kinds


def fits(one: Cluster, fleet: Fleet | None) -> bool:
    left = {work.id for work in (fleet or fleet_of(one)).workloads}
    leaving = {name: members for name, members in one.leaving.items() if name in left}
    return room_of(one, fleet).judge(one.closed, leaving).verdict in ("fits", "fits after reordering")


def _ending(fleet: Fleet) -> Fleet:
    """Every other workload tells when it ends."""
    works = [
        replace(work, started_at_s=NOW_S - 60, duration_s=3600 + at * 60) if at % 2 else work
        for at, work in enumerate(fleet.workloads)
    ]
    return replace(fleet, workloads=tuple(works))


def _without(fleet: Fleet, gone: set[str]) -> Fleet:
    return replace(fleet, workloads=tuple(work for work in fleet.workloads if work.id not in gone))


def _with_more(one: Cluster, like: Host, count: int) -> Cluster:
    return one._replace(hosts=(*one.hosts, *(like._replace(name=f"new{at}") for at in range(count))))


def one_of(works: tuple[Work, ...], gpus: tuple[int, ...], closed: str = "n0") -> Cluster:
    hosts = tuple(Host(f"n{at}", count, 64, "z0", "r0", "a") for at, count in enumerate(gpus))
    return Cluster(hosts, works, (closed,), (closed,))


def test_equal_members_never_spoil_each_others_room() -> None:
    one = one_of((Work("w", Shape("w", 2, 1), ("n0",) * 4),), (8, 4, 4))
    assert judged(one).verdict == "fits"


def test_small_ones_may_spoil_the_room_of_a_large_one() -> None:
    """It has room if it is moved first, and nobody may promise that it is."""
    works = (Work("big", Shape("b", 8, 1), ("n0",)), Work("small", Shape("s", 1, 1), ("n1",)))
    one = one_of(works, (8, 1, 8, 4))._replace(closed=("n0", "n1"), drained=("n0", "n1"))
    found = judged(one)
    assert found.verdicts == {"big": "fits after reordering", "small": "fits"}
    assert found.order == ("big", "small")
    assert found.places == {("big", "big-0"): "n2", ("small", "small-0"): "n3"}


def test_urgent_work_that_waits_takes_room_first() -> None:
    works = (
        Work("gang", Shape("g", 4, 1), ("n0", "n1"), gang=True),
        Work("queue", Shape("q", 4, 1), ("",), priority=5),
    )
    found = judged(one_of(works, (4, 4, 4, 2))._replace(closed=("n0",)))
    assert found.verdict == "does not fit"
    assert [one.workload for one in found.homeless] == ["gang"]
    assert found.ahead == ("queue",)


def test_nodes_that_dcctl_cordoned_take_work_once_they_are_returned() -> None:
    one = one_of((Work("w", Shape("w", 4, 1), ("n0",)),), (4, 4, 2))
    shut = Taint("node.kubernetes.io/unschedulable", "NoSchedule")
    fleet = fleet_of(one)
    for who, verdict in (("dcctl", "fits"), ("kured", "does not fit")):
        cordon = Cordon(who, was_schedulable=True)
        nodes = [_cordoned(node, cordon, shut) if node.name == "n1" else node for node in fleet.nodes]
        room = Room(replace(fleet, nodes=tuple(nodes)), ("n0", "n1"), NOW_S)
        assert room.judge(("n0",), one.leaving).verdict == verdict
        assert room.judge(("n0", "n1"), one.leaving).verdict == "does not fit"


def _cordoned(node: Node, cordon: Cordon, taint: Taint) -> Node:
    return replace(node, schedulable=False, cordon=cordon, taints=(taint,))


def test_members_whose_requests_nobody_could_read_are_unknown() -> None:
    one = one_of((Work("w", Shape("w", 1, 1), ("n0",)),), (4, 4))
    fleet = fleet_of(one)
    work = fleet.workloads[0]
    unread = replace(work, members=(replace(work.members[0], requests=None),))
    assert room_of(one, replace(fleet, workloads=(unread,))).judge(("n0",), one.leaving).verdict == "unknown"


def test_what_ends_frees_its_room_for_the_next_wave() -> None:
    works = (Work("ends", Shape("e", 4, 1), ("n0", "n1")), Work("w", Shape("w", 4, 1), ("n2",)))
    one = one_of(works, (4, 4, 4))
    room = room_of(one)
    assert room.judge(("n0", "n2"), {"w": ["w-0"]}).verdict == "does not fit"
    room.carry(room.judge(("n0", "n2"), {}, waits=("ends",)))
    assert room.judge(("n0", "n2"), {"w": ["w-0"]}).places == {("w", "w-0"): "n1"}


def test_what_found_no_room_looks_for_it_in_later_waves() -> None:
    """Room that is freed meanwhile may be taken by it, and nobody may promise it to others."""
    works = (
        Work("first", Shape("f", 4, 1), ("n0",)),
        Work("ends", Shape("e", 4, 1), ("n1",)),
        Work("second", Shape("s", 4, 1), ("n2",)),
    )
    room = room_of(one_of(works, (4, 4, 4)))
    found = room.judge(("n0", "n2"), {"first": ["first-0"]}, waits=("ends",))
    assert [each.workload for each in found.homeless] == ["first"]
    room.carry(found)
    assert room.judge(("n0", "n2"), {"second": ["second-0"]}).verdict == "fits after reordering"


def test_a_scheduler_that_would_preempt_is_told_of() -> None:
    works = (
        Work("urgent", Shape("u", 4, 1), ("n0",), priority=9),
        Work("idle", Shape("i", 4, 1), ("n1",)),
    )
    one = one_of(works, (4, 4))
    room = room_of(one)
    found = room.judge(one.closed, one.leaving)
    assert found.verdict == "does not fit"
    stop = room.reliefs(found)[0]
    assert (stop.says, stop.workloads, stop.by_itself) == ("stop idle (4 GPUs)", ("idle",), True)
    assert found.preempts == {"urgent": ("idle",)}
    room.carry(found)
    assert room.judge(("n0", "n1"), {"idle": ["idle-0"]}).preempts == {}


@pytest.mark.parametrize(("priority", "pool"), [(9, ""), (10, ""), (0, "a")])
def test_only_what_is_less_urgent_and_in_the_way_is_preempted(priority: int, pool: str) -> None:
    """Equal priority is never pushed out; what stands where the work may not is of no use."""
    hosts = (Host("n0", 4, 64, "z0", "r0", "a"), Host("n1", 4, 64, "z0", "r0", "b"))
    works = (
        Work("urgent", Shape("u", 4, 1, pool), ("n0",), priority=9),
        Work("idle", Shape("i", 4, 1), ("n1",), priority=priority),
    )
    found = judged(Cluster(hosts, works, ("n0",), ("n0",)))
    assert (found.verdict, found.preempts) == ("does not fit", {})


def test_members_of_a_gang_preempt_one_by_one() -> None:
    """Not all of it fits even then, but its scheduler stops work for those that do."""
    works = (
        Work("gang", Shape("g", 4, 1), ("n0", "n0"), gang=True, priority=9),
        Work("idle", Shape("i", 4, 1), ("n1",)),
    )
    assert judged(one_of(works, (8, 4))).preempts == {"gang": ("idle",)}


def test_every_node_is_counted_under_one_reason() -> None:
    """Drained ones too, and those with room for a member of a gang that has none as a whole."""
    works = (
        Work("gang", Shape("g", 4, 1), ("n0", "n1"), gang=True),
        Work("other", Shape("o", 4, 1), ("n2",)),
    )
    one = one_of(works, (4, 4, 4, 4))._replace(closed=("n0", "n1"), drained=("n0", "n1"))
    why = {"cordoned": 2, "too few free accelerators": 1, "free, but the gang does not fit as a whole": 1}
    assert [each.why for each in judged(one).homeless] == [why]


def test_reasons_of_whoever_has_no_room_add_up_to_all_nodes() -> None:
    told = 0
    for one, _ in some(0, 300):
        for each in judged(one).homeless:
            assert sum(each.why.values()) == len(one.hosts), one
            told += 1
    assert told > 30


def test_a_quota_that_others_may_spend_is_never_certain() -> None:
    works = (
        Work("w", Shape("w", 2, 1), ("n0",)),
        Work("queue", Shape("q", 2, 1), ("",)),
    )
    one = one_of(works, (2, 4, 4))
    fleet = fleet_of(one)
    owned = tuple(replace(work, owner="team") for work in fleet.workloads)
    for most, verdict in ((4, "fits"), (2, "fits after reordering"), (1, "does not fit")):
        quota = Quota("q", "team", hard=Resources(devices={GPU: most}))
        limited = replace(fleet, workloads=owned, quotas=(quota,))
        assert room_of(one, limited).judge(one.closed, one.leaving).verdict == verdict


def test_what_is_beyond_its_quota_is_not_made_again() -> None:
    """Its quota was lowered while it ran: it may stay, but nobody admits its pods anew."""
    one = one_of((Work("x/w", Shape("w", 2, 1), ("n0",)), Work("x/v", Shape("v", 4, 1), ("n2",))), (2, 4, 4))
    for most, used, verdict in (
        (6, 6, "fits"),
        (8, 6, "fits"),
        (5, 6, "does not fit"),
        (2, 6, "does not fit"),
    ):
        hard, held = Resources(devices={GPU: most}), Resources(devices={GPU: used})
        quota = Quota("q", "x", source="kubernetes:t", hard=hard, used=held)
        found = room_of(one, replace(fleet_of(one), quotas=(quota,))).judge(one.closed, one.leaving)
        assert found.verdict == verdict, most
        assert [each.why for each in found.homeless] == ([] if verdict == "fits" else [{"quota is spent": 3}])
    assert found.homeless[0].says == "quota q of x: 4 of 2 GPUs used, 2 asked for"


def test_alike_work_counts_for_its_quota_before_others_do() -> None:
    works = (
        Work("x/a", Shape("s", 1, 1), ("n0",), priority=5),
        Work("x/b", Shape("s", 1, 1), ("n0",), priority=5),
        Work("x/c", Shape("c", 2, 1), ("n0",)),
    )
    one = one_of(works, (4, 4, 4))
    hard, held = Resources(devices={GPU: 3}), Resources(devices={GPU: 4})
    quota = Quota("q", "x", source="kubernetes:t", hard=hard, used=held)
    found = room_of(one, replace(fleet_of(one), quotas=(quota,))).judge(one.closed, one.leaving)
    assert [each.workload for each in found.homeless] == ["x/c"]


def test_the_oracle_knows_a_full_node() -> None:
    one = one_of((), (2, 2))
    state = State(one, ((Shape("w", 1, 1), "n1"),))
    assert state.takes(Shape("w", 1, 1), one.hosts[1])
    assert not state.takes(Shape("w", 2, 1), one.hosts[1])


def test_what_stays_of_a_gang_keeps_its_room() -> None:
    """Nobody is sent to a node that another member of its gang fills and does not leave."""
    works = (
        Work("gang", Shape("g", 4, 1), ("n0", "n1"), gang=True),
        Work("other", Shape("o", 4, 1), ("n2",)),
    )
    found = judged(one_of(works, (4, 4, 4, 4)))
    assert (found.verdict, dict(found.places)) == ("fits", {("gang", "gang-0"): "n3"})
