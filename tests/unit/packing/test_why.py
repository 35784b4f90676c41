"""What is said of one job is what the plan says, and cures hold when all that waits is planned with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.inventory.conditions import SiteLink
from dcctl.packing.planning import decided, plan_for
from dcctl.packing.problem import Bin, Held, ItemClass, Job, Problem, Quota, Running
from dcctl.packing.questions.ask import Change, ask, only_for
from dcctl.packing.questions.cures import Cure, cures
from dcctl.packing.questions.why import Verdict, verdict
from dcctl.packing.reasons import WORDS, Reason, first
from dcctl.packing.solve import Options
from dcctl.packing.verify.verify import verify
from tests.examples import examples
from tests.unit.packing.problems import SPACE, a_bin, device, job, need, problems

if TYPE_CHECKING:
    from collections.abc import Sequence

HOUR = 3600
NOW = Options()
CLASSES = (ItemClass(need(devices=1)), ItemClass(need(devices=2)))


def node(name: str, free: bool, site: str = "") -> Bin:
    devices = tuple(device(number, 1000 if free else 0) for number in (0, 1))
    return a_bin(name, devices=devices, held_count=0 if free else 2, path=("", "", "", "", site))


def full(name: str, *jobs: str) -> tuple[Bin, tuple[Held, ...]]:
    """A node whose two devices two members hold."""
    return node(name, free=False), tuple(
        Held(job, f"{job}-{name}-{at}", 0, 0, (at,)) for at, job in enumerate(jobs)
    )


def problem(jobs: Sequence[Job], bins: Sequence[Bin], held: Sequence[Held] = (), **other: Any) -> Problem:
    running = {one.job: Running() for one in held}
    return Problem(SPACE, tuple(bins), CLASSES, tuple(jobs), tuple(held), **({"running": running} | other))


def said(one: Problem, each: Job) -> Verdict:
    return verdict(decided(one, NOW), each, NOW)


def fits(one: Problem, cure: Cure, name: str) -> bool:
    """Whether the job fits once the command that is printed for a cure is run."""
    positions = {each.name: at for at, each in enumerate(one.bins)}
    evicted = frozenset(each.job for each in cure.members)
    added = ((cure.amount, positions[cure.what]),) if cure.way == "add" else ()
    asked = only_for(one, name, NOW) if cure.alone else one
    answer = ask(asked, Change(added, frozenset(), evicted), NOW)
    return next(not each.missing for each in answer.after if each.job.id == name)


def test_work_that_is_pushed_out_is_judged_as_what_waits() -> None:
    """Its cures are proved by a plan that may push out anew."""
    home, held = full("a", "x", "x")
    known = {"x": Running(priority=1, preemptible=True, minimum=2)}
    urgent = job("urgent", 1, priority=9)
    one = problem([urgent], [home], held, running=known)
    pushing = Options(preempt=True)
    made = decided(one, pushing)
    (victim,) = (each for each in made.problem.jobs if each.id == "x")
    found = verdict(made, victim, pushing)
    assert (found.missing, [each.by for each in found.victims]) == (2, ["urgent"])
    assert [(each.way, each.amount) for each in cures(one, victim, pushing)] == [("add", 1)]
    assert not verdict(made, urgent, pushing).missing
    assert said(one, urgent).missing


def test_a_deadline_that_is_past() -> None:
    one = job("late", 1, duration_s=HOUR, deadline_s=-HOUR)
    found = said(problem([one], [node("a", free=True)]), one)
    assert found.unplaced is not None
    assert (found.missing, found.unplaced.earliest_end_s) == (1, HOUR)
    assert [each.what for each in cures(found.problem, one, NOW)] == ["deadline"]


def test_work_that_starts_later_does_not_hold_nodes_before() -> None:
    """The first job holds the node for an hour, then the other: so the first is told to have it."""
    first_, then = job("first", 1, duration_s=HOUR, priority=1), job("then", 1, duration_s=HOUR)
    one = problem([first_, then], [node("a", free=True), node("b", free=False)])
    found = said(one, then)
    assert [(each.node, each.start_s) for each in found.stands] == [("a", HOUR)]
    assert said(one, first_).stands[0].start_s == 0


def test_closed_windows_count_as_time() -> None:
    shut = replace(node("a", free=True), closed_windows=((HOUR, 9 * HOUR),))
    one = job("long", 1, duration_s=2 * HOUR, deadline_s=3 * HOUR)
    found = said(problem([one], [shut]), one)
    assert [first(bits) for bits in found.bits] == [Reason.TIME]


@examples(30)
@given(problems(), st.booleans())
def test_counts_are_those_of_the_plan(one: Problem, timed: bool) -> None:
    if timed:
        one = replace(one, jobs=tuple(replace(each, duration_s=HOUR) for each in one.jobs))
    plan = plan_for(one, NOW).plan
    told = {each.job: each for each in plan.unplaced}
    for each in one.jobs:
        found = said(one, each)
        assert found.missing == (told[each.id].members if each.id in told else 0)
        if each.id in told and told[each.id].why:
            counts: dict[str, int] = {}
            for bits in found.bits:
                if bits:
                    counts[WORDS[first(bits)]] = counts.get(WORDS[first(bits)], 0) + 1
            assert counts == told[each.id].why


def test_a_cure_is_proved_with_all_that_waits() -> None:
    """Another job that waits and is planned first would take the node that one eviction frees."""
    bins, held = [], []
    for at, name in enumerate("abc"):
        where, who = full(name, f"x{name}", f"y{name}")
        bins.append(where)
        held += [replace(each, bin=at) for each in who]
    rival, asked = job("rival", 1, priority=9), job("asked", 1)
    one = problem([asked, rival], bins, held)
    found = cures(one, asked, NOW)
    assert {each.way for each in found} == {"evict", "add"}
    assert {each.way: each.amount for each in found} == {"evict": 4, "add": 2}
    assert not any(each.alone for each in found)
    assert all(fits(one, each, "asked") for each in found)


def test_a_cure_that_holds_for_the_job_alone_says_so() -> None:
    where, who = full("a", "x", "y")
    rival, asked = job("rival", 1, priority=9), job("asked", 1)
    rivals = [replace(rival, id=f"rival-{at}") for at in range(70)]
    one = problem([asked, *rivals], [where], who)
    found = cures(one, asked, NOW)
    assert {each.way for each in found} == {"evict", "add"}
    assert all(each.alone and fits(one, each, "asked") for each in found)


def test_whole_workloads_are_evicted_and_counted() -> None:
    """A workload that stands in the way with one member loses all of them."""
    (a, on_a), (b, on_b) = full("a", "x", "x"), full("b", "x", "y")
    held = (*on_a, *(replace(each, bin=1) for each in on_b))
    asked = job("asked", 1)
    found = cures(problem([asked], [a, b], held), asked, NOW)
    evict = next(each for each in found if each.way == "evict")
    assert {each.job for each in evict.members} == {"x"}
    assert len(evict.members) == 3


@examples(12)
@given(problems(nodes=3, work=4))
def test_every_cure_cures_when_it_is_run_as_printed(one: Problem) -> None:
    for each in one.jobs:
        if said(one, each).missing:
            for cure in cures(one, each, NOW):
                assert cure.way not in ("evict", "add") or fits(one, cure, each.id)


def test_advice_that_is_none_is_not_given() -> None:
    """To add more than 64 nodes, or to ask for less than a tenth."""
    asked = job("huge", 1, 200, minimum=200)
    assert not cures(problem([asked], [node("a", free=True)]), asked, NOW)
    modest = job("modest", 1, 8, minimum=8)
    assert {each.way for each in cures(problem([modest], [node("a", free=True)]), modest, NOW)} == {
        "fewer",
        "add",
    }


@pytest.mark.parametrize(
    ("links", "bandwidth", "says"),
    [
        ((), 10, "over two sites only with a told link: --links FILE"),
        (
            (SiteLink("s1", "s2", 100),),
            0,
            "over two sites only if each member says how much it sends: bandwidth",
        ),
        (
            (SiteLink("s1", "s2", 5),),
            10,
            "1 member would send 10 b/s over the link, which carries 5 b/s",
        ),
        ((SiteLink("s1", "s2", 100),), 10, ""),
    ],
)
def test_why_a_gang_is_not_split(links: tuple[SiteLink, ...], bandwidth: int, says: str) -> None:
    one = problem(
        [job("gang", 0, 2, minimum=2)], [node("a", free=True, site="s1"), node("b", free=True, site="s2")]
    )
    one = replace(
        one, links=links, classes=(ItemClass(replace(need(devices=2), amounts=(1, 0, 0, 1, bandwidth, 0))),)
    )
    found = said(one, one.jobs[0])
    assert (found.unplaced.says if found.unplaced else "").endswith(says)
    assert (found.unplaced is None) == (not says)


def test_a_gang_that_ran_in_two_sites_may_do_so_again() -> None:
    bins = [
        node("a", free=False, site="s1"),
        node("b", free=False, site="s2"),
        node("c", free=True, site="s2"),
    ]
    held = [Held("gang", "0", 0, 1, (0, 1)), Held("gang", "1", 1, 1, (0, 1))]
    one = problem([], bins, held, running={"gang": Running(minimum=2)})
    (hit,) = ask(one, Change(removed=frozenset((1,))), NOW).loss.hits
    assert {stand.put.bin for stand in hit.placed.stands} == {0, 2}
    again = replace(
        one, jobs=(hit.placed.job,), bins=(node("a", free=True, site="s1"), bins[1], bins[2]), held=()
    )
    plan = plan_for(again, Options(cut=False)).plan
    assert plan.placed == 2
    assert not verify(plan, again)


def test_quota() -> None:
    asked = job("j", 0, 2, quotas=("o",))
    one = problem([asked], [node("a", free=True)], quotas=(Quota("o", {"gpu": 1000}),))
    assert [first(bits) for bits in said(one, asked).bits] == [Reason.QUOTA]
    assert [(each.way, each.what, each.amount) for each in cures(one, asked, NOW)][:1] == [
        ("quota", "quota by 1 GPU", 1000)
    ]


def test_to_ask_for_fewer_tells_who_loses_the_place() -> None:
    bins = tuple(a_bin(f"n{count}", devices=tuple(device(at) for at in range(count))) for count in (8, 4, 2))
    classes = tuple(ItemClass(need(devices=count)) for count in (2, 3))
    small, asked = job("small", 1, 2), job("asked", 0, 8, minimum=8)
    one = Problem(SPACE, bins, classes, (job("large", 1, 6, minimum=6), small, asked))
    found = {each.way: each for each in cures(one, asked, NOW)}
    assert (found["fewer"].amount, found["fewer"].instead_of) == (4, ("small",))


def test_the_state_of_the_very_plan_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = job("asked", 1)
    made = decided(problem([asked], [node("a", free=False)]), NOW)
    monkeypatch.delattr("dcctl.packing.questions.why.solved")
    assert verdict(made, asked, NOW).missing == 1
