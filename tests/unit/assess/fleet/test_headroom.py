"""How many more jobs fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.assess.fleet.report import Options, report
from dcctl.inventory.model import Accelerator, Fleet, Node, Resources, SourceRun
from dcctl.packing.headroom import Room, headroom
from tests.unit.assess.fleet.build import GPU, NOW_S, node

_AMD = "amd.com/gpu"
_HERE = ("k", "dc1", "p")


@pytest.mark.parametrize(
    ("nodes", "wanted", "jobs"),
    [
        ([(8, 8), (8, 7), (8, 4)], 8, 1),
        ([(8, 8), (8, 7), (8, 4)], 4, 4),
        ([(8, 8), (8, 8), (8, 8), (8, 7)], 16, 1),
        ([(8, 8), (8, 8), (8, 8)], 12, 1),
        ([(8, 8), (8, 8), (8, 8), (8, 8), (4, 4), (4, 4)], 12, 2),
        ([(16, 16), (8, 8)], 16, 1),
        ([(0, 0)], 8, 0),
        ([], 8, 0),
        ([(8, 8)], 0, 0),
    ],
)
def test_how_many_more_jobs_fit(nodes: list[tuple[int, int]], wanted: int, jobs: int) -> None:
    assert headroom([Room(_HERE, GPU, *one) for one in nodes], wanted).jobs == jobs


_ROOMS = st.builds(
    lambda site, resource, boards, taken: Room(("k", site, "p"), resource, boards, max(0, boards - taken)),
    st.sampled_from("ab"),
    st.sampled_from((GPU, _AMD)),
    st.integers(0, 16),
    st.integers(0, 16),
)


@given(st.lists(_ROOMS), st.integers(1, 40))
def test_jobs_never_take_more_than_is_free_of_one_kind_in_one_place(rooms: list[Room], wanted: int) -> None:
    kinds = {(room.place, room.resource) for room in rooms}
    each = [sum(room.free for room in rooms if (room.place, room.resource) == kind) for kind in kinds]
    assert headroom(rooms, wanted).jobs <= sum(free // wanted for free in each)


def _jobs(job_size: int, *nodes: Node, **options: object) -> int:
    answer = report(Fleet(nodes=nodes), Options(job_size=job_size, **options), NOW_S)  # type: ignore[arg-type]  # test builder
    fit = answer.summary["more_jobs"]
    assert isinstance(fit, int)
    return fit


def _mixed(name: str) -> Node:
    four = tuple(Accelerator(i, f"{name}{i}") for i in range(4))
    others = tuple(Accelerator(i, f"{name}a{i}", vendor="amd", resource=_AMD) for i in range(4))
    room = Resources(80_000, devices={GPU: 4, _AMD: 4})
    return node(name, accelerators=(*four, *others), capacity=room, allocatable=room)


def test_a_job_takes_boards_of_one_resource() -> None:
    assert _jobs(8, _mixed("n1")) == 0
    assert _jobs(4, _mixed("n1")) == 2
    assert _jobs(8, _mixed("n1"), _mixed("n2")) == 2


@pytest.mark.parametrize("apart", [{"site": "dc2"}, {"pools": ("q",)}, {"sources": ("kubernetes:u",)}])
def test_a_job_of_several_nodes_stays_in_one_place(apart: dict[str, object]) -> None:
    assert _jobs(16, node("n1", site="dc1"), node("n2", site="dc1")) == 1
    assert _jobs(16, node("n1", site="dc1"), node("n2", **{"site": "dc1", **apart})) == 0


def test_the_row_of_a_pool_counts_all_of_its_nodes() -> None:
    nodes = (node("n1", pools=("all", "a")), node("n2", pools=("b", "all")))
    answer = report(Fleet(nodes=nodes), Options(job_size=16), NOW_S)
    jobs = answer.items.column("more_jobs")
    name = answer.items.column("name")
    assert {row[name]: row[jobs] for row in answer.items.rows} == {"a": 0, "all": 1, "b": 0}


def test_schedulers_are_told_by_their_kind_whatever_they_are_called() -> None:
    nodes = (node("n1", sources=("east",)), node("n2", sources=("west",)))
    runs = tuple(SourceRun(name, "kubernetes", True, 1, 1) for name in ("east", "west"))
    two = report(Fleet(nodes=nodes, sources=runs), Options(job_size=16), NOW_S)
    assert two.summary["more_jobs"] == 0
