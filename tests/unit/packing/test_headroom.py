"""Headroom counted on plain numbers is what the engine packs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dcctl.packing.headroom import Room, headroom, together
from dcctl.packing.problem import ItemClass, Job, Problem, Task
from dcctl.packing.reasons import Reason
from dcctl.packing.solve import solve
from tests.unit.packing.problems import SPACE, a_bin, device, need

_HERE = ("kubernetes", "dc1", "train")
_NODES = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 8)), min_size=1, max_size=8)


def _rooms(nodes: list[tuple[int, int]]) -> list[Room]:
    return [Room(_HERE, "nvidia.com/gpu", boards, min(boards, free)) for boards, free in nodes]


@given(_NODES, st.integers(1, 8))
def test_jobs_of_one_node_are_as_many_as_the_engine_packs(nodes: list[tuple[int, int]], size: int) -> None:
    rooms = [room for room in _rooms(nodes) if room.boards >= size]
    bins = tuple(
        a_bin(f"n{at}", devices=tuple(device(n) for n in range(room.free))) for at, room in enumerate(rooms)
    )
    jobs = tuple(Job(f"j{at}", (Task(0, ("m",)),)) for at in range(70))
    plan = solve(Problem(SPACE, bins, (ItemClass(need(0, size)),), jobs))
    assert headroom(rooms, size).jobs == plan.placed


@given(_NODES, st.integers(2, 4))
def test_jobs_of_whole_nodes_are_as_many_gangs_as_the_engine_packs(
    nodes: list[tuple[int, int]], members: int
) -> None:
    rooms = [Room(_HERE, "nvidia.com/gpu", 8, 8 if free > boards else 0) for boards, free in nodes]
    bins = tuple(
        a_bin(f"n{at}", devices=tuple(device(n) for n in range(room.free))) for at, room in enumerate(rooms)
    )
    names = tuple(f"m{n}" for n in range(members))
    jobs = tuple(Job(f"j{at}", (Task(0, names),), minimum=members) for at in range(9))
    plan = solve(Problem(SPACE, bins, (ItemClass(need(0, 8)),), jobs))
    assert headroom(rooms, 8 * members).jobs * members == plan.placed


def test_what_stops_the_next_job_is_what_stops_it_on_most_nodes() -> None:
    rooms = [
        Room(_HERE, "g", 8, 0),
        Room(_HERE, "g", 8, 3, 5, Reason.CPU),
        Room(_HERE, "g", 8, 0, 8, Reason.CPU),
    ]
    found = headroom(rooms, 8)
    assert (found.jobs, found.stopped_by()) == (0, Reason.CPU)
    assert together([found, headroom([], 8)]) == found
    assert headroom([], 8).stopped_by() is None
