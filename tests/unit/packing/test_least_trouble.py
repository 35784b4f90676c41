"""Who stops for a job, against every set of jobs that could: nobody more important than has to."""

from __future__ import annotations

from itertools import chain, combinations
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from dcctl.packing.preemption.blocking import fits_without, in_the_way
from dcctl.packing.problem import WHOLE, Held, ItemClass, Problem, Running
from dcctl.packing.scene import Scene
from dcctl.packing.solve import solved
from tests.unit.packing.problems import SPACE, a_bin, device, job, need

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dcctl.packing.problem import Job

_CLASSES = tuple(ItemClass(need(devices=count)) for count in (1, 2, 3, 4))


def scene(devices: int, nodes: int, held: Sequence[Held], running: Mapping[str, Running]) -> Scene:
    taken = {(one.bin, at) for one in held for at in one.devices}
    bins = tuple(
        a_bin(f"n{at}", 64_000, tuple(device(n, 0 if (at, n) in taken else WHOLE) for n in range(devices)))
        for at in range(nodes)
    )
    return Scene(solved(Problem(SPACE, bins, _CLASSES, (), tuple(held), running)))


@st.composite
def asked(draw: st.DrawFn) -> tuple[Scene, Job]:
    """A few nodes with work of three priorities, some of it gangs, and a gang that wants room."""
    nodes, devices = draw(st.integers(1, 3)), draw(st.sampled_from((2, 4)))
    free = {at: list(range(devices)) for at in range(nodes)}
    held: list[Held] = []
    running = {}
    for name in (f"w{at}" for at in range(draw(st.integers(1, 6)))):
        size = draw(st.integers(1, 2))
        homes = [draw(st.integers(0, nodes - 1)) for _ in range(draw(st.integers(1, 3)))]
        before = len(held)
        for number, at in enumerate(homes):
            if len(free[at]) >= size:
                held.append(Held(name, str(number), at, size - 1, tuple(free[at][:size])))
                del free[at][:size]
        members = len(held) - before
        running[name] = Running(priority=draw(st.integers(0, 2)), minimum=draw(st.sampled_from((0, members))))
    size = draw(st.integers(1, 3))
    return scene(devices, nodes, held, running), job(
        "j", draw(st.integers(0, devices - 1)), size, minimum=size
    )


@given(asked())
def test_nobody_of_higher_priority_stops_than_has_to(case: tuple[Scene, Job]) -> None:
    found, wanted = case
    jobs = {one.job: found.of(one.job) for one in found.problem.held}
    ways = chain.from_iterable(combinations(jobs, count) for count in range(len(jobs) + 1))
    tops = [
        max((found.running(name).priority for name in names), default=-1)
        for names in ways
        if fits_without(found, wanted, [jobs[name] for name in names])
    ]
    units = in_the_way(found, wanted)
    assert max((found.running(one.job).priority for unit in units for one in unit), default=-1) == min(
        tops, default=-1
    )
    assert not units or fits_without(found, wanted, units)


def test_a_node_of_low_priority_makes_room_twice_before_a_gang_of_higher_stops() -> None:
    homes = [(home, name, at) for home, name in enumerate("lg") for at in range(3)]
    held = [Held(name, str(at), home, 1, (2 * at, 2 * at + 1)) for home, name, at in homes]
    running = {"l": Running(priority=0), "g": Running(priority=1, minimum=3)}
    units = in_the_way(scene(8, 2, held, running), job("u", 3, 2, minimum=2, priority=10))
    assert {one.job for unit in units for one in unit} == {"l"}
