"""In which order waves go, and units in them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.drain.campaign import Leave, Unit
from dcctl.drain.waves.partition import TOGETHER_S, Limits, Stage, partition, shared_out, stage_of
from tests.asked import hook_of

HOOK = hook_of("signal USR1")


def unit(name: str, node: str, gpus: int = 1, ends_s: int | None = None, **more: object) -> Unit:
    """One pod that computes on a node, and is waited for where `ends_s` tells until when."""
    leaf = Leave(f"a/{name}-0", node, how="evict" if ends_s is None else "wait", gpu_milli=gpus * 1000)
    whole = Unit(f"a/{name}", "Job", (leaf,), gpu_milli=gpus * 1000, restarts=1, waits_until_s=ends_s)
    return replace(whole, **more)


def waves(*units: Unit, most: int | None = None, part: dict[str, str] | None = None) -> list[tuple[str, ...]]:
    nodes = sorted({leaf.node for one in units for leaf in one.leaves})
    lots = partition(nodes, units, Limits(most, part), lambda one: 30 * len(one.leaves))
    return [wave for lot in lots for wave in lot]


def test_the_part_that_loses_most_for_each_second_goes_first() -> None:
    part = {"n1": "r1", "n2": "r2", "n3": "r3"}
    units = (unit("small", "n1"), unit("large", "n2", 8), unit("ends", "n3", 8, 1000, restarts=0))
    assert waves(*units, part=part) == [("n2",), ("n1",), ("n3",)]


@pytest.mark.parametrize(
    ("more", "stage"),
    [
        ({}, Stage.NOTHING),
        ({"hook": HOOK}, Stage.CHECKPOINT),
        ({"hook": HOOK, "proved": True}, Stage.NOTHING),
        ({"hook": HOOK, "ends_s": 1000}, Stage.WAIT),
    ],
)
def test_what_has_to_happen_first(more: dict[str, object], stage: Stage) -> None:
    assert stage_of(unit("a", "n1", **more)) == stage  # type: ignore[arg-type]


def test_what_is_proved_goes_with_what_waits_for_nothing() -> None:
    asked = unit("asked", "n1", hook=HOOK)
    assert waves(asked, unit("free", "n2")) == [("n2",), ("n1",)]
    assert waves(replace(asked, proved=True), unit("free", "n2")) == [("n1", "n2")]


def test_what_ends_within_an_hour_is_waited_for_together() -> None:
    units = [unit(f"w{at}", f"n{at}", ends_s=at_s) for at, at_s in enumerate((1000, 1000 + TOGETHER_S))]
    assert waves(*units) == [("n0", "n1")]
    assert waves(*units, unit("late", "n2", ends_s=1001 + TOGETHER_S)) == [("n0", "n1"), ("n2",)]


def test_in_a_wave_what_waits_for_nothing_goes_first_and_the_largest_of_it() -> None:
    units = (
        unit("ends", "n1", 8, 1000),
        unit("asked", "n1", 8, hook=HOOK),
        unit("small", "n1", 1),
        unit("large", "n1", 4),
    )
    (found,) = shared_out([["n1"]], units)
    assert [one.workload for one in found] == ["a/large", "a/small", "a/asked", "a/ends"]
