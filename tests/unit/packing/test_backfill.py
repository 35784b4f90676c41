"""Plans in time: what runs frees what it holds, what is planned is never delayed, and every plan holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.inventory.model import Dataset
from dcctl.inventory.placement import Neighbours, Selector, Spread, Template
from dcctl.packing.greedy.place import Placed, Placer
from dcctl.packing.plan import Assignment, Plan
from dcctl.packing.problem import Bin, Held, ItemClass, Job, Problem, Running, Task
from dcctl.packing.solve import Options, solve
from dcctl.packing.timed.backfill import Book, in_time, planned
from dcctl.packing.timed.timeline import Timeline
from dcctl.packing.timed.turns import in_turn
from dcctl.packing.verify.verify import verify
from tests.unit.packing.problems import SPACE, a_bin, device, job, need, problems

if TYPE_CHECKING:
    import numpy as np

NOW = 1000
BUSY = device(0, 0)


def nodes(count: int = 2) -> tuple[Bin, ...]:
    """Nodes of two devices."""
    return tuple(a_bin(name, 4000, (device(0), device(1))) for name in "abcdefgh"[:count])


def problem(*jobs: Job, bins: tuple[Bin, ...] = (), **other: Any) -> Problem:
    """Classes: two devices, one device, a share of one."""
    classes = (ItemClass(need(devices=2)), ItemClass(need(devices=1)), ItemClass(need(share=600)))
    return Problem(SPACE, bins or nodes(), classes, jobs, now_s=NOW, **other)


def times(plan: Plan) -> dict[str, tuple[int | None, int | None]]:
    return {one.member: (one.start_s, one.end_s) for one in plan.assignments}


def held(*ends: int | None) -> dict[str, Any]:
    """Node a is full: a job on each of its two devices."""
    return {
        "bins": (a_bin("a", 2000, (BUSY, device(1, 0))),),
        "held": tuple(Held(f"old-{at}", "0", 0, 1, (at,)) for at in range(len(ends))),
        "running": {f"old-{at}": Running(ends_s=end) for at, end in enumerate(ends)},
    }


def test_without_times_a_plan_holds_at_once() -> None:
    one = problem(job("j", 1))
    assert not in_time(one)
    assert planned(one) == solve(one)
    assert times(planned(one)) == {"j-0": (None, None)}


def test_what_ends_is_free_and_what_nobody_knows_never_ends() -> None:
    two = problem(job("j", 1, 2, duration_s=10), **held(NOW + 50, None))
    plan = planned(two)
    assert times(plan) == {"j-0": (NOW + 50, NOW + 60), "j-1": (NOW + 60, NOW + 70)}
    assert verify(plan, two) == ()
    whole = problem(job("j", 0, duration_s=10), **held(NOW + 50, None))
    assert planned(whole).unplaced[0].why == {"too few free accelerators": 1}
    late = problem(job("j", 1, duration_s=10), **held(NOW - 1, None))
    assert not planned(late).assignments, "it should have ended, and nobody knows when it will"


def test_members_that_end_make_room_before_others_do() -> None:
    """Each member starts as soon as it can: at the end of one of its own job before that of a longer one."""
    jobs = (job("x", 1, duration_s=100, priority=9), job("y", 1, 3, duration_s=10))
    one = problem(*jobs, bins=nodes(1))
    assert times(planned(one)) == {
        "x-0": (NOW, NOW + 100),
        "y-0": (NOW, NOW + 10),
        "y-1": (NOW + 10, NOW + 20),
        "y-2": (NOW + 20, NOW + 30),
    }


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The jobs that were tried, one for each time."""
    tried: list[str] = []

    def noted(self: Placer, one: Job) -> Placed:
        tried.append(one.id)
        return place(self, one)

    place = Placer.place
    monkeypatch.setattr(Placer, "place", noted)
    return tried


def test_alike_jobs_start_no_later_for_those_before_them(tries: list[str]) -> None:
    """What is known of those before saves tries, and no more than that."""
    kept = {"minimum": 3, "within": "rack", "duration_s": 10, "earliest_s": NOW + 5}
    jobs = tuple(job(f"j{at:02}", 1, 3, **kept) for at in range(40))
    racks = zip(nodes(4), "rrqq", strict=True)
    plan = planned(
        problem(*jobs, bins=tuple(replace(one, path=("", "", rack, "", "")) for one, rack in racks))
    )
    assert [one.start_s for one in plan.assignments[::3]] == [NOW + 5 + at // 2 * 10 for at in range(40)]
    assert len(tries) <= 2 * len(jobs)


def test_a_gang_does_not_start_without_one_of_its_tasks() -> None:
    gang = Job("g", (Task(0, ("leader",)), Task(1, ("a", "b"))), minimum=2, duration_s=10)
    small = a_bin("a", 4000, (device(0),)), a_bin("b", 4000, (device(0),))
    assert times(planned(problem(gang, bins=small))) == {}


def test_moments_at_which_nothing_got_freer_are_not_tried(tries: list[str]) -> None:
    """Jobs that must not stand side by side, each on a node for a while of its own."""
    mine = Selector({"app": "x"})
    apart = Template(labels={"app": "x"}, neighbours=(Neighbours("host", mine, apart=True),))
    host = replace(nodes(1)[0], labels={"host": "a"})
    jobs = tuple(job(f"j{at:02}", 0, duration_s=100 - at) for at in range(60))
    one = Problem(SPACE, (host,), (ItemClass(need(), apart),), jobs, now_s=NOW)
    plan = planned(one)
    assert plan.placed == 60
    assert verify(plan, one) == ()
    assert len(tries) <= 3 * len(jobs)


def test_a_gang_looks_only_at_nodes_that_may_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 40 nodes all but two are taken by long work: the gang asks for what is free on those two alone."""
    seen: list[int] = []

    def counted(self: Timeline, start_s: int, end_s: int, bins: np.ndarray[Any, Any] | None = None) -> None:
        seen.append(40 if bins is None else len(bins))
        show(self, start_s, end_s, bins)

    show = Timeline.show
    bins = tuple(a_bin(f"n{at:02}", 4000, (device(0), device(1))) for at in range(40))
    first = [job(f"a{at:02}", 0, duration_s=90, priority=9) for at in range(38)]
    later = job("b", 0, duration_s=9, earliest_s=NOW + 1, priority=5)
    gang = job("gang", 0, 2, minimum=2, duration_s=50, earliest_s=NOW + 1)
    monkeypatch.setattr(Timeline, "show", counted)
    plan = planned(problem(*first, later, gang, bins=bins))
    assert times(plan)["gang-0"] == (NOW + 10, NOW + 60)
    assert seen[1:] == [2, 2], "the first time all start at once"


def test_a_gang_starts_as_a_whole_and_short_work_goes_before_it() -> None:
    jobs = (
        job("first", 1, duration_s=50, priority=9),
        job("gang", 0, 2, minimum=2, duration_s=100, priority=5),
        job("short", 1, duration_s=50),
        job("long", 1, duration_s=51),
    )
    plan = planned(problem(*jobs))
    assert times(plan) == {
        "first-0": (NOW, NOW + 50),
        "gang-0": (NOW + 50, NOW + 150),
        "gang-1": (NOW + 50, NOW + 150),
        "short-0": (NOW, NOW + 50),
        "long-0": (NOW + 150, NOW + 201),
    }


def test_a_device_is_one_and_the_same_for_the_whole_time() -> None:
    """At every moment one of the two is free, and neither for long enough."""
    jobs = (
        job("x", 1, duration_s=50, priority=9, deadline_s=NOW + 50),
        job("y", 1, duration_s=50, priority=9, earliest_s=NOW + 50, deadline_s=NOW + 100),
        job("z", 1, duration_s=100, priority=5, deadline_s=NOW + 100),
        job("w", 1, duration_s=100),
    )
    one = problem(*jobs, bins=nodes(1))
    plan = planned(one)
    assert verify(plan, one) == ()
    devices = {each.job: each.devices for each in plan.assignments}
    assert devices["x"] == devices["y"] != devices["z"]
    assert times(plan)["w-0"] == (NOW + 100, NOW + 200)


def test_earliest_after_and_duration() -> None:
    jobs = (
        job("b", 1, duration_s=10, after=("a",), priority=7),
        job("a", 1, duration_s=30, earliest_s=NOW + 5),
        job("stays", 1, after=("b", "done"), priority=3),
        job("never", 1, after=("stays",)),
        job("lost", 1, after=("cluster/job",)),
    )
    one = problem(*jobs, ended=frozenset(("done",)))
    plan = planned(one)
    assert [each.id for each in in_turn(one)] == ["a", "b", "stays", "lost", "never"]
    assert times(plan) == {
        "a-0": (NOW + 5, NOW + 35),
        "b-0": (NOW + 35, NOW + 45),
        "stays-0": (NOW + 45, None),
    }
    assert {each.job: each.says for each in plan.unplaced} == {
        "never": "waits for stays, of which nobody knows when it ends",
        "lost": "waits for cluster/job, of which nobody knows when it ends",
    }
    assert verify(plan, one) == ()


def test_the_bound_is_the_longest_job_or_all_work_over_all_accelerators() -> None:
    """Four devices of which two are held for 40 s more: 2 x 40 and 4 x 15 make up 14 times 10 s."""
    long = problem(job("x", 1, duration_s=50, earliest_s=NOW + 7), job("y", 0, duration_s=5))
    assert planned(long).bound_end_s == NOW + 57
    busy = replace(nodes(1)[0], devices=(BUSY, device(1, 0)))
    running = {"old": Running(ends_s=NOW + 40)}
    work = problem(
        job("j", 1, 14, duration_s=10),
        bins=(busy, nodes(2)[1]),
        held=(Held("old", "0", 0, 0, (0, 1)),),
        running=running,
    )
    plan = planned(work)
    assert plan.bound_end_s == NOW + 55
    assert verify(plan, work) == ()
    assert "it ends before its bound" in verify(replace(plan, bound_end_s=NOW + 99), work)
    assert planned(problem(job("x", 1), job("y", 1, duration_s=5))).bound_end_s is None


def test_a_deadline_that_is_missed_says_when_it_could_end() -> None:
    jobs = (job("x", 0, duration_s=50, priority=9), job("y", 0, duration_s=20, deadline_s=NOW + 60))
    plan = planned(problem(*jobs, bins=nodes(1)))
    assert [(one.job, one.earliest_end_s) for one in plan.unplaced] == [("y", NOW + 70)]


def test_work_that_is_too_late_from_the_start_fits_no_node() -> None:
    one = problem(job("y", 1, 2, minimum=2, duration_s=20, deadline_s=NOW + 10))
    late = planned(one).unplaced[0]
    assert (late.why, late.fits, late.earliest_end_s) == ({"would end after its deadline": 2}, 0, NOW + 20)
    assert verify(planned(one), one) == ()


def test_a_node_is_closed_for_a_while() -> None:
    window = replace(nodes(1)[0], closed_windows=((NOW + 20, NOW + 40),))
    one = problem(job("x", 1, duration_s=20, priority=9), job("y", 1, duration_s=21), bins=(window,))
    plan = planned(one)
    assert times(plan) == {"x-0": (NOW, NOW + 20), "y-0": (NOW + 40, NOW + 61)}
    never = problem(job("z", 1, duration_s=30, deadline_s=NOW + 50), bins=(window,))
    assert planned(never).unplaced[0].why == {"not free for so long": 1}
    assert verify(plan, one) == ()
    moved = Assignment("y", "y-0", "a", (0,), 0, NOW + 10, NOW + 31)
    assert "y/y-0 runs on a while that is closed" in verify(replace(plan, assignments=(moved,)), one)


def test_whom_it_must_not_stand_beside_counts_all_the_time() -> None:
    apart = Template(
        labels={"app": "x"}, neighbours=(Neighbours("host", Selector({"app": "x"}), apart=True),)
    )
    host = replace(nodes(1)[0], labels={"host": "a"})
    jobs = (
        job("later", 0, duration_s=50, earliest_s=NOW + 50, priority=9),
        job("now", 0, duration_s=60),
    )
    one = Problem(SPACE, (host,), (ItemClass(need(devices=1), apart),), jobs, now_s=NOW)
    plan = planned(one)
    assert times(plan) == {"later-0": (NOW + 50, NOW + 100), "now-0": (NOW + 100, NOW + 160)}
    assert verify(plan, one) == ()


def test_spread_is_that_of_those_who_are_there_at_the_start() -> None:
    even = Template(labels={"app": "x"}, spreads=(Spread("host", Selector({"app": "x"}), max_skew=2),))
    bins = tuple(replace(one, labels={"host": one.name}) for one in nodes())
    full = replace(bins[1], free=(0, *bins[1].free[1:]))
    one = Problem(
        SPACE,
        (bins[0], full),
        (ItemClass(need(), even),),
        (job("j", 0, 2, minimum=2),),
        held=(Held("old", "0", 0, 0),),
        running={"old": Running(ends_s=NOW + 5)},
        now_s=NOW,
    )
    plan = Book(one, Options()).plan()
    assert times(plan) == {"j-0": (NOW + 5, None), "j-1": (NOW + 5, None)}
    assert verify(plan, one) == ()


def test_data_whose_place_or_size_nobody_knows_never_takes_no_time() -> None:
    jobs = (
        job("here", 1, data=(Dataset("d", None, ("s1",)),)),
        job("nowhere", 1, data=(Dataset("d", 10),)),
    )
    home = replace(nodes(1)[0], path=("", "", "", "", "s1"))
    away = replace(nodes(2)[1], path=("", "", "", "", "s2"))
    plan = planned(problem(*jobs, bins=(home, away)))
    assert [(one.job, one.node) for one in plan.assignments] == [("here", "a")]
    assert plan.unplaced[0].why == {"data cannot be brought there": 2}
    assert plan.unplaced[0].says == "nobody says where a copy of d is"


@st.composite
def timed(draw: st.DrawFn) -> Problem:
    """Problems with durations, deadlines, an order, running work that ends, and closed nodes."""
    one = draw(problems(nodes=3, work=7))
    some = st.sampled_from((None, None, 5, 10, 25))
    moment = st.sampled_from((None, None, None, NOW + 5, NOW + 20, NOW + 60))
    jobs: list[Job] = []
    for each in one.jobs:
        after = draw(st.sampled_from(((), (), *((before.id,) for before in jobs))))
        more = {"duration_s": draw(some), "earliest_s": draw(moment), "deadline_s": draw(moment)}
        jobs.append(replace(each, after=after, **more))
    windows = st.sampled_from(((), (), ((NOW + 10, NOW + 20),), ((NOW, NOW + 4), (NOW + 30, NOW + 31))))
    bins = tuple(replace(each, closed_windows=draw(windows)) for each in one.bins)
    running = {"old": Running(ends_s=draw(moment))}
    return replace(one, jobs=tuple(jobs), bins=bins, running=running, now_s=NOW)


@given(timed())
def test_plans_in_time_hold(one: Problem) -> None:
    plan = planned(one)
    assert verify(plan, one) == ()
    assert planned(one) == plan


@given(timed())
def test_no_job_is_delayed_by_one_that_comes_after_it(one: Problem) -> None:
    """Whoever is planned last could as well not be there."""
    last = in_turn(one)[-1]
    fewer = replace(one, jobs=tuple(job for job in one.jobs if job.id != last.id))
    with_it, without = Book(one, Options()).plan(), Book(fewer, Options()).plan()
    assert [each for each in with_it.assignments if each.job != last.id] == list(without.assignments)
