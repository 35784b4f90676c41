"""Who is pushed out: the least work of lower priority, whole gangs, and nobody in vain."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.inventory.placement import BARE, Template
from dcctl.packing.preemption.preempt import Preempted, preempting
from dcctl.packing.problem import Bin, Held, ItemClass, Job, Problem, Running
from dcctl.packing.scene import Scene
from dcctl.packing.solve import Options, solved
from dcctl.packing.verify.verify import verify
from tests.unit.packing.problems import SPACE, a_bin, device, job, need
from tests.unit.packing.test_backfill import timed

NOW = 100


def full(name: str) -> Bin:
    """A node both of whose devices are held."""
    return replace(a_bin(name, 8000, (device(0, 0), device(1, 0))), held_count=2)


def problem(*jobs: Job, template: Template = BARE, **running: Any) -> Problem:
    """Nodes a and b are full of w, x, y and z, one device each."""
    classes = (ItemClass(need(devices=2), template), ItemClass(need(devices=1)))
    held = tuple(Held(name, "0", at // 2, 1, (at % 2,)) for at, name in enumerate("wxyz"))
    known = {name: Running(priority=5, preemptible=True) for name in "wxyz"} | running
    return Problem(SPACE, (full("a"), full("b")), classes, jobs, held, known, now_s=NOW)


def pushed(found: Preempted) -> list[str]:
    assert verify(found.plan, found.problem) == ()
    return sorted(one.job for victims in found.victims for one in victims.members)


def answer(one: Problem) -> list[str]:
    return pushed(preempting(one, Options()))


def urgent(name: str = "j", **other: Any) -> Job:
    return job(name, 0, **({"priority": 10} | other))


def test_the_lowest_and_the_fewest() -> None:
    assert answer(problem(urgent())) == ["w", "x"]
    low: dict[str, Any] = {name: Running(priority=1, preemptible=True) for name in "yz"}
    assert answer(problem(urgent(), **low)) == ["y", "z"]


def test_not_for_work_of_the_same_priority_nor_what_is_spared_or_belongs_to_its_node() -> None:
    assert answer(problem(urgent(priority=5))) == []
    kept = Running(priority=1, spared=True)
    assert answer(problem(urgent(), w=kept, y=Running(priority=1, fixed=True))) == []
    assert answer(problem(urgent(), w=kept)) == ["y", "z"]


def test_among_mixed_priorities_nobody_goes_for_work_of_his_own() -> None:
    low = Running(priority=1, preemptible=True)
    assert answer(problem(urgent(priority=5), z=low)) == []
    assert answer(problem(urgent(priority=5), y=low, z=low)) == ["y", "z"]


def test_who_must_not_preempt_pushes_out_only_what_is_preemptible() -> None:
    shy = Template(preempts=False)
    nothing: dict[str, Any] = {name: Running(priority=1) for name in "wxyz"}
    assert answer(problem(urgent(), **nothing)) == ["w", "x"]
    assert answer(problem(urgent(), template=shy, **nothing)) == []
    assert answer(problem(urgent(), template=shy)) == ["w", "x"]


def test_a_gang_stops_as_a_whole() -> None:
    gang = Running(priority=1, preemptible=True, minimum=2)
    one = problem(urgent(), w=gang)
    held = (*one.held[:2], replace(one.held[2], job="w", member="1"), one.held[3])
    found = preempting(replace(one, held=held), Options())
    assert pushed(found) == ["w", "w", "x"]


def test_they_go_elsewhere_if_they_fit_and_nobody_goes_for_what_fits() -> None:
    one = problem(urgent())
    free = a_bin("c", 8000, (device(0),))
    found = preempting(replace(one, bins=(*one.bins, free)), Options())
    assert pushed(found) == ["w", "x"]
    assert [(each.job, each.node) for each in found.plan.assignments if each.job != "j"] == [("w", "c")]
    room = replace(one, bins=(*one.bins, a_bin("c", 8000, (device(0), device(1)))))
    assert answer(room) == []


def test_room_that_would_not_be_enough_is_not_made() -> None:
    assert answer(problem(job("j", 0, 3, minimum=3, priority=10))) == []


def test_room_within_a_zone_is_made_in_a_rack_of_which_nobody_told_the_zone() -> None:
    gang = job("j", 0, 2, minimum=2, priority=10, within="zone")
    one = problem(gang)
    bins = tuple(replace(each, path=("", "", "r", "", "")) for each in one.bins)
    assert answer(replace(one, bins=bins)) == ["w", "x", "y", "z"]


def test_in_time_it_starts_at_once_and_they_after_it() -> None:
    found = preempting(problem(urgent(duration_s=50)), Options())
    assert pushed(found) == ["w", "x"]
    starts = {each.job: each.start_s for each in found.plan.assignments}
    assert starts == {"j": NOW, "w": NOW + 50, "x": NOW + 50}


@given(timed(), st.data())
def test_plans_that_push_out_hold(one: Problem, data: st.DataObject) -> None:
    known = Running(priority=data.draw(st.sampled_from((-5, 0, 5))), preemptible=data.draw(st.booleans()))
    asked = replace(one, running={"old": known})
    found = preempting(asked, Options())
    assert verify(found.plan, found.problem) == ()
    assert found == preempting(asked, Options())


def test_nobody_is_placed_now_where_it_is_closed_now() -> None:
    """Neither who pushes others out, nor who is pushed out of a node that stays open."""
    shut = replace(full("a"), closed_windows=((NOW - 1, NOW + 50),))
    one = replace(problem(urgent()), bins=(shut, full("b")))
    assert answer(one) == ["y", "z"]
    empty = replace(a_bin("c", 8000, (device(0), device(1))), closed_windows=((NOW, NOW + 50),))
    room = replace(one, bins=(*one.bins, empty))
    assert Scene(solved(replace(room, jobs=()))).lose((1,)).homeless == 2
    later = replace(empty, closed_windows=((NOW - 9, NOW), (NOW + 1, NOW + 2)))
    room = replace(one, bins=(*one.bins, later))
    assert Scene(solved(replace(room, jobs=()))).lose((1,)).homeless == 0
