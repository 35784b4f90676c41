"""Moves that free whole nodes: each one is done by itself, replayed here by a checker of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.inventory.placement import BARE, Neighbours, Selector, Template
from dcctl.packing.intake.seats import seated
from dcctl.packing.problem import WHOLE, Allowance, Bin, Held, ItemClass, Job, Problem, Running, Task
from dcctl.packing.questions.cures import cures
from dcctl.packing.questions.defrag import Moves, defragment, in_order
from dcctl.packing.scene import Scene
from dcctl.packing.solve import Options, solved
from tests.examples import examples
from tests.unit.packing.problems import GIB, SPACE, a_bin, device, need

HOST = "kubernetes.io/hostname"
CLASSES = (
    ItemClass(need(1000, share=300, device_memory_bytes=20 * GIB)),
    ItemClass(need(1000, share=600)),
    ItemClass(need(2000, devices=1)),
    ItemClass(need(1000)),
)


@dataclass
class Node:
    """What is left of one node, as the checker counts it."""

    cpu: int
    milli: list[int]
    memory: list[int]


def node(name: str, *milli: int, cpu: int = 8000) -> Bin:
    """A node whose devices have so much left before shares are seated."""
    devices = tuple(device(at, free, memory_bytes=80 * GIB) for at, free in enumerate(milli))
    return a_bin(name, cpu, devices, labels={HOST: name})


def scene(
    bins: tuple[Bin, ...],
    *standing: tuple[str, int, int],
    classes: tuple[ItemClass, ...] = CLASSES,
    **known: Any,
) -> Scene:
    """Who stands where: (job/member, node, class). `known`: what is known of a job."""
    named = [(name.partition("/"), at, of) for name, at, of in standing]
    held = [Held(job, member, at, of) for (job, _, member), at, of in named]
    used = [
        sum(classes[of].need.amounts[0] for _, where, of in standing if where == at)
        for at in range(len(bins))
    ]
    rows = tuple(
        replace(one, free=(one.free[0] - cpu, *one.free[1:])) for one, cpu in zip(bins, used, strict=True)
    )
    seats, members = seated(rows, held, classes)
    return Scene(solved(Problem(SPACE, seats, classes, (), members, known)))


def replayed(problem: Problem, moves: Moves) -> set[str]:
    """Do the steps one by one: each must find room at its time. The nodes that are wholly free then."""
    rows = [
        Node(
            one.free[0], [d.free_milli for d in one.devices], [d.free_memory_bytes or 0 for d in one.devices]
        )
        for one in problem.bins
    ]
    at = {(one.job, one.member): (one.bin, one.devices) for one in problem.held}
    for step in moves.steps:
        who, asked = (step.member.job, step.member.member), problem.classes[step.member.of].need
        start = at[who]
        assert start[0] == step.member.bin != step.to
        change(rows[start[0]], asked, start[1], 1)
        change(rows[step.to], asked, step.devices, -1)
        assert len(set(step.devices)) == asked.devices + bool(asked.share_milli)
        for row in rows:
            assert row.cpu >= 0
            assert all(0 <= milli <= WHOLE for milli in row.milli)
            assert all(0 <= memory <= 80 * GIB for memory in row.memory)
        at[who] = (step.to, step.devices)
        assert step.frees is None or set(rows[step.frees].milli) == {WHOLE}
    return {
        one.name
        for one, row in zip(problem.bins, rows, strict=True)
        if row.milli and set(row.milli) == {WHOLE}
    }


def change(row: Node, asked: Any, devices: tuple[int, ...], sign: int) -> None:
    row.cpu += sign * asked.amounts[0]
    for at in devices:
        row.milli[at] += sign * (WHOLE if asked.devices else asked.share_milli)
        row.memory[at] += sign * (0 if asked.devices else asked.device_memory_bytes)


def moved(one: Scene, most: int = 9) -> list[tuple[str, str]]:
    """(member, to) of every step, after all of them were replayed."""
    before = one.placer.engine.state.milli.tolist()
    moves = defragment(one, most)
    free = replayed(one.problem, moves)
    assert (len(free), len(moves.steps) <= most) == (moves.free_after, True)
    assert one.placer.engine.state.milli.tolist() == before
    return [
        (f"{step.member.job}/{step.member.member}", one.problem.bins[step.to].name) for step in moves.steps
    ]


THREE = (node("a", 1000, 1000), node("b", 1000, 1000), node("c", 1000, 1000))
SPREAD = (("x/0", 0, 1), ("y/0", 1, 0), ("z/0", 2, 1))


def test_the_fewest_moves_free_a_node() -> None:
    assert moved(scene(THREE, ("x/0", 0, 0), ("y/0", 1, 0), ("y/1", 1, 0))) == [("x/0", "b")]
    assert moved(scene(THREE, *SPREAD)) == [("y/0", "a"), ("z/0", "a")]
    assert moved(scene(THREE, *SPREAD), most=1) == [("y/0", "a")]
    assert moved(scene(THREE, *SPREAD), most=0) == []


@pytest.mark.parametrize(
    "known",
    [
        {"fixed": True},  # a DaemonSet
        {"minimum": 2},  # a gang
        {"within": "rack"},  # it must stay near the others
        {"made_anew": False},  # a bare pod
        {"budgets": (Allowance("b", 0),)},  # a budget that allows nobody to be missing
    ],
)
def test_who_may_not_move_stays_and_so_does_its_node(known: dict[str, Any]) -> None:
    rest = (("x/0", 0, 0), ("x/1", 1, 0))
    assert len(moved(scene(THREE, *rest))) == 1
    assert moved(scene(THREE, *rest, x=Running(**known))) == []
    mixed = scene(THREE, ("x/0", 0, 0), ("y/0", 0, 0), ("z/0", 1, 0), x=Running(**known))
    assert moved(mixed) == [("z/0", "a")]
    assert defragment(mixed, 9).stuck == 1


def test_under_a_budget_of_one_the_members_of_a_node_go_one_after_the_other() -> None:
    members = (("x/0", 0, 0), ("x/1", 0, 0), ("x/2", 0, 0))
    one = scene(
        THREE,
        *members,
        ("y/0", 1, 1),
        x=Running(budgets=(Allowance("b", 1),)),
        y=Running(budgets=(Allowance("c", 0),)),
    )
    moves = defragment(one, 9)
    assert replayed(one.problem, moves) == {"a", "c"}
    assert [step.frees for step in moves.steps] == [None, None, 0]
    assert len({step.member for step in moves.steps}) == len(moves.steps) == 3


def test_nobody_moves_if_one_of_a_node_finds_no_room() -> None:
    bins = (node("a", 1000, 0), node("b", 1000, 0))  # both have a device that one member holds whole
    assert moved(scene(bins, ("w/0", 0, 2), ("x/0", 0, 0), ("y/0", 1, 2), ("z/0", 1, 0))) == []


def test_who_finds_no_room_leaves_no_trace() -> None:
    # Of a one device is held whole, and a share with more CPU than b has: nobody of a moves, so d's two may.
    classes = (*CLASSES, ItemClass(need(7000, share=300)))
    bins = (node("a", 0, 1000, cpu=16_000), node("b", 0, 1000, 1000), node("d", 0, 0))
    standing = (("q/0", 0, 2), ("p/0", 0, 4), ("r/0", 1, 2), ("s/0", 2, 2), ("t/0", 2, 2))
    one = scene(bins, *standing, classes=classes, r=Running(fixed=True))
    assert moved(one) == [("s/0", "b"), ("t/0", "b")]


def test_members_that_must_be_apart_stay_apart() -> None:
    apart = Template(labels={"app": "a"}, neighbours=(Neighbours(HOST, Selector({"app": "a"}), apart=True),))
    beside = (("x/0", 0, 0), ("x/1", 1, 0))
    for template, steps in ((BARE, 1), (apart, 0)):
        assert len(moved(scene(THREE, *beside, classes=(replace(CLASSES[0], template=template),)))) == steps


@examples(60)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=8), st.integers(0, 8))
def test_every_state_in_between_holds(members: list[tuple[int, int]], most: int) -> None:
    whole = [sum(of == 2 for at, of in members if at == row) for row in range(3)]
    if max(whole) > 2:
        return
    bins = tuple(
        node(name, *(0 for _ in range(held)), *(1000 for _ in range(2 - held)), cpu=16_000)
        for name, held in zip("abc", whole, strict=True)
    )
    standing = [(f"j{number}/0", at, of) for number, (at, of) in enumerate(members)]
    one = scene(bins, *standing)
    moved(one, most)


def test_in_order_takes_members_away_one_by_one_or_not_at_all() -> None:
    one = scene(THREE, ("x/0", 0, 0), ("x/1", 0, 1), ("y/0", 1, 0))
    gone = [each for each in one.problem.held if each.bin == 0]
    steps = in_order(one, gone)
    assert steps is not None
    assert [step.member.member for step in steps] == ["1", "0"]  # the largest first
    assert replayed(one.problem, Moves(steps, 0, 0, 0)) >= {"a"}
    full = scene((THREE[0], node("b", 0)), ("x/0", 0, 0), ("y/0", 1, 2))
    assert in_order(full, [full.problem.held[0]]) is None


def test_moves_that_make_room_for_a_job_are_the_steps_that_were_proved() -> None:
    """The largest goes first: a small one before it would take the room that it needs."""
    standing = (("x/0", 0, 0), ("x/1", 0, 1), ("y/0", 1, 0), ("y/1", 1, 0))
    one = scene((THREE[0], node("b", 1000), node("c", 600)), *standing).problem
    wanted = Job("j", (Task(4, ("0",)),))
    asked = replace(one, jobs=(wanted,), classes=(*CLASSES, ItemClass(need(2000, devices=2))))
    cure = next(each for each in cures(asked, wanted, Options()) if each.way == "move")
    assert [step.member for step in cure.steps] == list(cure.members)
    assert [step.member.member for step in cure.steps] == ["1", "0"]
    assert all(step.devices for step in cure.steps)
    assert replayed(asked, Moves(cure.steps)) == {"a"}
