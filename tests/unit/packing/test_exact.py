"""The exact solver finds what trying everything finds, never less than there was, and no bound is below."""

from __future__ import annotations

import sys
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from dcctl.errors import UsageError
from dcctl.packing.improve.bound import bound
from dcctl.packing.improve.exact import Polished, polish
from dcctl.packing.problem import UNLIMITED, WHOLE, Bin, ItemClass, Problem
from dcctl.packing.solve import Options, ended, solve, solved
from dcctl.packing.solve import engine_of as engine
from dcctl.packing.verify.verify import verify
from dcctl.packing.verify.where import refused, wanted
from tests.examples import examples
from tests.unit.packing.problems import SPACE, a_bin, device, job, need, problems

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.importorskip("ortools")


def polished(problem: Problem) -> tuple[Polished, int, int]:
    """What came out; members and thousandths before."""
    made = solved(problem)
    found = polish(problem, made.placer.engine, made.placed, 0, 2.0)
    plan = ended(problem, made.placer, found.placed, Options())
    assert verify(plan, problem) == ()
    assert plan.placed >= made.plan.placed
    return found, made.plan.placed, plan.gpu_milli


@examples(40)
@given(problems())
def test_it_holds_and_is_never_worse(problem: Problem) -> None:
    _, _, gpu = polished(problem)
    if len({one.priority for one in problem.jobs}) == 1:
        assert gpu >= solve(problem).gpu_milli


@examples(60)
@given(problems(plain=True, nodes=2, work=3))
def test_it_finds_the_best_and_no_bound_is_below(problem: Problem) -> None:
    found, members, gpu = polished(problem)
    items = [task.of for one in problem.jobs for task in one.tasks for _ in task.members]
    if len(items) > 6 or sum(len(one.devices) for one in problem.bins) > 5:
        return
    best = max(total for count, total in every(problem, items) if count >= members)
    shared = any(one.need.share_milli and one.need.device_memory_bytes for one in problem.classes)
    assert shared or (found.proved and gpu == best)
    assert bound(problem, engine(problem, "first-fit").items, members) >= best


def every(problem: Problem, items: list[int]) -> set[tuple[int, int]]:
    """(members, thousandths of devices) of all that can be placed."""
    rooms = tuple(
        (one.free, tuple((d.free_milli, d.memory_bytes or 0) for d in one.devices)) for one in problem.bins
    )
    states = {(rooms, 0, 0)}
    for of in items:
        one, more = problem.classes[of], set(states)
        for rooms, count, total in states:
            for at, where in enumerate(problem.bins):
                for room in after(problem, one, where, rooms[at]):
                    now = (*rooms[:at], room, *rooms[at + 1 :])
                    more.add((now, count + 1, total + one.need.gpu_milli))
        states = more
    return {(count, total) for _, count, total in states}


Row = tuple[tuple[int, ...], tuple[tuple[int, int], ...]]


def after(problem: Problem, one: ItemClass, where: Bin, room: Row) -> Iterator[Row]:
    """The bin with one item more, in every way."""
    asked, (free, devices) = one.need, room
    short = any(amount > has for amount, has in zip(asked.amounts, free, strict=True) if amount)
    if short or refused(problem, one, where):
        return
    left = tuple(
        has if has >= UNLIMITED else has - amount for has, amount in zip(free, asked.amounts, strict=True)
    )
    each, count = asked.share_milli or WHOLE, asked.devices or bool(asked.share_milli)
    good = [
        at
        for at, (milli, memory) in enumerate(devices)
        if milli >= each
        and memory >= asked.device_memory_bytes
        and wanted(asked, problem.space.kinds[where.devices[at].kind])
    ]
    spent = asked.device_memory_bytes if asked.share_milli else 0
    for chosen in combinations(good, count):
        yield (
            left,
            tuple((m - each, b - spent) if at in chosen else (m, b) for at, (m, b) in enumerate(devices)),
        )


def test_what_cannot_be_found_by_one_pass() -> None:
    nodes = (a_bin("a", devices=tuple(device(at) for at in range(4))),)
    classes = tuple(ItemClass(need(share=share)) for share in (720, 600, 400))
    found, _, gpu = polished(Problem(SPACE, nodes, classes, tuple(job(f"j{at}", at, 4) for at in range(3))))
    assert (found.proved, gpu) == (True, 4000)


def test_a_gang_is_fixed_so_nothing_is_proved() -> None:
    nodes = (a_bin("a", devices=(device(0), device(1))),)
    found, _, gpu = polished(
        Problem(SPACE, nodes, (ItemClass(need(devices=1)),), (job("j", 0, 2, minimum=2),))
    )
    assert (found.proved, gpu) == (False, 2000)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ortools.sat.python", None)
    made = solved(Problem(SPACE, (), (), ()))
    with pytest.raises(UsageError, match=r"pip install 'dcctl\[exact\]'"):
        polish(made.problem, made.placer.engine, made.placed, 0, 1.0)
    assert solve(made.problem, Options(effort="best")).placed == 0
