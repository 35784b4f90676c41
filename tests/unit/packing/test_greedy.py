"""A run of identical items ends as if each had been placed by itself."""

from __future__ import annotations

from collections import Counter
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.packing.choices import PolicyName
from dcctl.packing.greedy.choice import POLICIES
from dcctl.packing.problem import UNLIMITED, Bin, Device, ItemClass, Job, Kind, Need, Problem, Space, Task
from dcctl.packing.solve import engine_of, solve
from tests.examples import examples
from tests.unit.packing.problems import SPACE, a_bin, device, job, need

_KINDS = (Kind("nvidia.com/gpu", "A"), Kind("nvidia.com/gpu", "B"))


def _bin(at: int, cpu: int, milli: list[int], kind: int, numa: bool) -> Bin:
    free = (cpu * 1000, 64 << 30, UNLIMITED, 20, UNLIMITED, UNLIMITED)
    devices = tuple(
        Device(kind, n, one, numa=n * 2 // len(milli) if numa else None) for n, one in enumerate(milli) if one
    )
    return Bin(f"n{at}", free, free, devices, len(milli), kinds=(kind,) if milli else ())


_bins = st.lists(
    st.tuples(
        st.integers(0, 32),
        st.lists(st.sampled_from([0, 200, 500, 1000]), max_size=4),
        st.integers(0, 1),
        st.booleans(),
    ),
    min_size=1,
    max_size=9,
)
_needs = st.builds(
    lambda cpu, devices, share, models: Need(
        (cpu * 1000, 1 << 30, 0, 1, 0, 0),
        devices=devices,
        share_milli=0 if devices else share,
        models=models,
    ),
    st.integers(0, 8),
    st.integers(0, 3),
    st.sampled_from([0, 100, 300, 500]),
    st.sampled_from([(), ("A",)]),
)


def test_every_name_is_a_policy() -> None:
    assert set(POLICIES) == set(get_args(PolicyName))


@pytest.mark.parametrize("policy", sorted(POLICIES))
@given(
    bins=_bins,
    needs=st.lists(_needs, min_size=1, max_size=3),
    runs=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 12)), max_size=5),
)
@examples(40)
def test_a_run_is_the_same_as_item_by_item(
    policy: PolicyName,
    bins: list[tuple[int, list[int], int, bool]],
    needs: list[Need],
    runs: list[tuple[int, int]],
) -> None:
    problem = Problem(
        Space((), _KINDS),
        tuple(_bin(at, *row) for at, row in enumerate(bins)),
        tuple(map(ItemClass, needs)),
        tuple(Job(f"j{at}", (Task(at, ("m",)),)) for at in range(len(needs))),
    )
    waves, single = engine_of(problem, policy), engine_of(problem, policy)
    for drawn, count in runs:
        of = drawn % len(needs)
        together = waves.run(of, count)
        assert together == [put for _ in range(count) for put in single.run(of, 1)]
        assert (waves.state.free == single.state.free).all()
        assert (waves.state.milli == single.state.milli).all()
        assert (waves.state.milli <= 1000).all()
    waves.undo(0)
    assert (waves.state.free == engine_of(problem, policy).state.free).all()
    assert (waves.state.milli == engine_of(problem, policy).state.milli).all()


def test_devices_that_nobody_has_are_refused() -> None:
    """A fleet without a device, and jobs of which one wants some."""
    classes = (ItemClass(need()), ItemClass(need(devices=2)))
    jobs = (job("a", 0), job("b", 1))
    plan = solve(Problem(Space(), (a_bin("n0"),), classes, jobs))
    assert [one.job for one in plan.assignments] == ["a"]


def test_whole_nodes_are_kept_though_nobody_is_known_to_want_one() -> None:
    """Twelve single devices on four empty nodes of eight, one of them started: two nodes stay whole."""
    started = (device(0, 0), *(device(at) for at in range(1, 8)))
    empty = tuple(device(at) for at in range(8))
    bins = tuple(a_bin(f"n{at}", devices=started if at == 2 else empty) for at in range(4))
    plan = solve(Problem(SPACE, bins, (ItemClass(need(devices=1)),), (job("ones", 0, 12),)))
    assert Counter(one.node for one in plan.assignments) == {"n2": 7, "n0": 5}
