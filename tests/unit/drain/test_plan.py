"""The plan of a campaign: what always holds, and how it goes on."""

from collections import Counter

import msgspec
from hypothesis import given
from msgspec.structs import replace

from dcctl.drain.campaign import Campaign, Leave
from dcctl.drain.plan import plan
from dcctl.drain.request import Done, Gates, Request
from dcctl.inventory.model import Budget, Fleet, Site
from tests.examples import examples
from tests.unit.drain.fleets import NOTHING_DONE, NOW_S, campaigns, fleet, work


def planned(whole: Fleet, request: Request) -> Campaign:
    return plan(whole, request, NOTHING_DONE, NOW_S)


def leaves(campaign: Campaign) -> list[Leave]:
    return [leaf for wave in campaign.waves for unit in wave.units for leaf in unit.leaves]


def without(whole: Fleet, gone: set[str]) -> Fleet:
    """The fleet once these pods wait for room elsewhere."""
    return replace(
        whole,
        workloads=tuple(
            replace(
                one,
                members=tuple(
                    replace(each, node=None, phase="pending") if f"a/{each.name}" in gone else each
                    for each in one.members
                ),
            )
            for one in whole.workloads
        ),
    )


@given(campaigns())
@examples(60)
def test_what_always_holds(case: tuple[Fleet, Request]) -> None:
    whole, request = case
    found = planned(whole, request)
    nodes = [name for wave in found.waves for name in wave.nodes]
    assert sorted(nodes) == sorted(request.nodes)
    assert [one.name for one in found.targets] == nodes
    assert [wave.number for wave in found.waves] == list(range(1, len(found.waves) + 1))
    pods = Counter(leaf.pod for leaf in leaves(found))
    here = {f"a/{each.name}" for one in whole.workloads for each in one.members if each.node in request.nodes}
    assert pods == Counter(here)
    gangs = Counter(unit.workload for wave in found.waves for unit in wave.units if unit.gang)
    assert set(gangs.values()) <= {1}
    if request.max_unavailable is not None:
        assert all(len(wave.nodes) <= request.max_unavailable for wave in found.waves)
    assert msgspec.json.encode(found) == msgspec.json.encode(planned(whole, request))


@given(campaigns())
@examples(60)
def test_one_part_at_a_time(case: tuple[Fleet, Request]) -> None:
    whole, request = case
    if not request.by:
        return
    part = {one.name: one.rack if request.by == "rack" else one.name for one in whole.nodes}
    parts = [{part[name] for name in wave.nodes} for wave in planned(whole, request).waves]
    assert all(len(each) == 1 for each in parts)
    runs = [one for at, one in enumerate(parts) if not at or one != parts[at - 1]]
    assert len(runs) == len({frozenset(one) for one in runs})


@given(campaigns())
@examples(40)
def test_planned_again_after_each_wave_the_same_pods_leave_in_all(case: tuple[Fleet, Request]) -> None:
    whole, request = case
    first = planned(whole, request)
    done, gone, now_s, turns = Done(begun_s=NOW_S), Counter[str](), NOW_S, 0
    while True:
        again = plan(whole, request, done, now_s)
        if not again.waves:
            break
        wave = again.waves[0]
        pods = {leaf.pod for unit in wave.units for leaf in unit.leaves}
        gone.update(pods)
        whole = without(whole, pods)
        nodes = (*done.nodes, *wave.nodes)
        restarted = (*done.restarted, *(unit.workload for unit in wave.units if unit.restarts))
        turns += 1
        done = Done(nodes, restarted, waves=turns, begun_s=NOW_S)
        now_s += 600
    assert gone == Counter(leaf.pod for leaf in leaves(first))
    assert len(set(done.nodes)) == len(done.nodes) == len(request.nodes)


def test_a_gang_leaves_in_the_first_wave_that_meets_it() -> None:
    whole = fleet(8, work("big", [0, 1, 2, 3], gpus=1, gang=True))
    nodes = tuple(f"n{at:02}" for at in range(4))
    first, second = planned(whole, Request(nodes, max_unavailable=2)).waves
    assert {leaf.node for leaf in first.units[0].leaves} == set(nodes)
    assert (second.units, second.after_return) == ((), True)


def test_nodes_of_one_gang_are_in_one_wave_if_they_may_be() -> None:
    whole = fleet(8, work("one", [0, 3], gpus=1, gang=True), work("two", [1, 2], gpus=1, gang=True))
    nodes = tuple(f"n{at:02}" for at in range(4))
    waves = planned(whole, Request(nodes, max_unavailable=2)).waves
    assert {wave.nodes for wave in waves} == {("n00", "n03"), ("n01", "n02")}


def test_what_waits_for_nothing_goes_first_then_checkpoints_then_what_ends() -> None:
    whole = fleet(
        8,
        work("late", [0], gpus=1, told="waited", started_at_s=NOW_S - 60, duration_s=7260),
        work("soon", [1], gpus=1, told="waited", started_at_s=NOW_S - 60, duration_s=660),
        work("saves", [2], gpus=1, told="hooked"),
        work("job", [3], gpus=1),
    )
    waves = planned(whole, Request(("n00", "n01", "n02", "n03", "n04"))).waves
    assert [wave.nodes for wave in waves] == [("n03", "n04"), ("n02",), ("n01",), ("n00",)]
    assert [wave.start_s for wave in waves][:2] == [NOW_S, NOW_S + 30]
    assert waves[-1].end_s == NOW_S + 7200 + 30


def test_nodes_that_are_out_count() -> None:
    whole = fleet(4)
    request = Request(("n00", "n01", "n02"), max_unavailable=2)
    done = Done(("n00",), out=("n00",), waves=1)
    (wave,) = plan(whole, request, done, NOW_S).waves
    assert (wave.number, wave.nodes, wave.after_return) == (2, ("n01", "n02"), True)
    assert not plan(whole, request, replace(done, out=()), NOW_S).waves[0].after_return


def test_work_that_finds_no_room_blocks_unless_it_may_wait() -> None:
    whole = fleet(2, work("big", [0], gpus=8), work("other", [1], gpus=8))
    found = planned(whole, Request(("n00",)))
    assert found.verdict == "does not fit"
    assert [one.subject for one in found.blocked] == ["a/big"]
    opened = planned(whole, Request(("n00",), gates=Gates(without_fit=True)))
    assert (opened.verdict, opened.blocked) == ("does not fit", ())


def test_whether_what_is_made_anew_otherwise_fits_is_not_known() -> None:
    whole = fleet(4, work("job", [0], gpus=1), work("other", [1], gpus=1, told="served"))
    told = {**whole.disruptions, "kept": replace(whole.disruptions["kept"], changed=True)}
    found = planned(replace(whole, disruptions=told), Request(("n00", "n01")))
    verdicts = {unit.workload: unit.verdict for wave in found.waves for unit in wave.units}
    assert verdicts == {"a/job": "unknown", "a/other": "fits"}
    assert (found.verdict, found.blocked) == ("unknown", ())


def test_it_fits_in_another_order_of_waves() -> None:
    # n03 has room for `big` once `ends` is over; in the order of stages `big` would go first
    whole = fleet(
        4,
        work("big", [0], gpus=8),
        work("ends", [1, 3], gpus=8, told="waited", duration_s=7800, started_at_s=NOW_S - 7200),
        work("full", [2], gpus=8),
    )
    whole = replace(
        whole,
        disruptions=whole.disruptions | {"waited": replace(whole.disruptions["waited"], when_drained="wait")},
    )
    found = planned(whole, Request(("n00", "n01")))
    assert [wave.nodes for wave in found.waves] == [("n01",), ("n00",)]
    assert found.waves[1].verdict == "fits after reordering"
    assert not found.blocked


def test_budgets_let_go_in_turns() -> None:
    budget = (Budget("b", 2, 3, 5, 5),)
    whole = fleet(8, work("web", [0, 1, 2, 3, 0], gpus=0, told="served", budgets=budget))
    (wave,) = planned(whole, Request(("n00", "n01", "n02", "n03"))).waves
    assert wave.rounds == 3
    assert wave.end_s == NOW_S + 3 * 60 + 2 * 30


def test_the_zone_of_a_site_is_where_moments_are_told() -> None:
    whole = replace(fleet(2, work("job", [0], gpus=1)), sites=(Site("dc1", timezone="Asia/Tokyo"),))
    (one,) = planned(whole, Request(("n00",), "n00", deadline_s=NOW_S + 10)).blocked
    assert (one.why, one.subject) == ("deadline", "n00")
    assert one.says == "the last wave ends about 20 s after 2025-10-09 17:53 Asia/Tokyo"
    assert one.cure == "a later --deadline"


def test_a_gang_goes_to_targets_that_are_back_rather_than_to_those_of_later_waves() -> None:
    whole = fleet(5, work("llm", [0, 1], gpus=8, gang=True), work("full", [4], gpus=8))
    nodes = tuple(f"n{at:02}" for at in range(4))
    found = planned(whole, Request(nodes, max_unavailable=2))
    assert [wave.nodes for wave in found.waves] == [("n02", "n03"), ("n00", "n01")]
    (unit,) = found.waves[1].units
    assert ({leaf.to for leaf in unit.leaves}, unit.restarts) == ({"n02", "n03"}, 1)
    assert not found.blocked


def test_a_gang_that_would_restart_twice_blocks() -> None:
    # each of the two has room on the nodes of the other alone
    whole = fleet(4, work("one", [0, 1], gpus=4, gang=True), work("two", [2, 3], gpus=4, gang=True))
    request = Request(tuple(f"n{at:02}" for at in range(4)), max_unavailable=2)
    found = planned(whole, request)
    first = found.waves[0].units[0]
    assert (first.restarts, first.lost_gpu_ms) == (2, None)
    (one,) = found.blocked
    assert (one.why, one.subject, one.cure) == ("no-room", first.workload, "--without-fit")
    opened = planned(whole, replace(request, gates=Gates(without_fit=True)))
    assert (opened.blocked, opened.waves[0].units[0].restarts) == ((), 2)


def test_room_off_later_targets_that_is_not_certain_is_told() -> None:
    # `small` may take a GPU of n04 or n05, where alone both members of the gang have room
    works = (work("llm", [0, 1], gpus=8, gang=True), work("small", [2], gpus=1), work("most", [6], gpus=7))
    nodes = tuple(f"n{at:02}" for at in range(4))
    found = planned(fleet(7, *works), Request(nodes, max_unavailable=3))
    wave = next(wave for wave in found.waves if wave.units)
    assert (wave.verdict, wave.number, len(found.waves)) == ("fits after reordering", 1, 2)
    (one,) = (each for each in found.findings if each.why == "no-room")
    assert (one.subject, one.blocks) == ("a/llm", False)
    assert "not for certain: a taint PreferNoSchedule is all" in one.says


def test_work_that_fits_on_later_targets_alone_is_named() -> None:
    whole = fleet(2, work("job", [0], gpus=4), work("other", [1], gpus=1))
    found = planned(whole, Request(("n00", "n01"), max_unavailable=1))
    assert [wave.nodes for wave in found.waves] == [("n00",), ("n01",)]
    first, second = (wave.units[0] for wave in found.waves)
    assert ([leaf.to for leaf in first.leaves], first.restarts, second.restarts) == (["n01"], 2, 1)
    again = [one for one in found.findings if one.why == "no-room"]
    assert [(one.subject, one.nodes, one.blocks) for one in again] == [("a/job", ("n01",), False)]
