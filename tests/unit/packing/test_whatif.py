"""What happens when nodes are lost: who is placed again first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.packing.problem import Held, ItemClass, Problem, Running
from dcctl.packing.scene import Scene
from dcctl.packing.solve import solved
from tests.unit.packing.problems import SPACE, a_bin, device, job, need

if TYPE_CHECKING:
    from dcctl.inventory.placement import Level

FULL = tuple(device(number, 0) for number in (0, 1))
FREE = tuple(device(number) for number in (0, 1))


def test_those_who_stop_are_placed_again_in_the_order_of_a_plan() -> None:
    """A gang of large members comes before many small ones, as it does when both wait."""
    classes = (ItemClass(need(devices=2)), ItemClass(need(devices=1)))
    bins = (*(a_bin(name, devices=FULL) for name in "abc"), *(a_bin(name, devices=FREE) for name in "de"))
    held = (
        Held("gang", "g0", 0, 0, (0, 1)),
        Held("gang", "g1", 1, 0, (0, 1)),
        *(Held("many", f"m{at}", 2, 1, (at,)) for at in (0, 1)),
        *(Held("many", f"m{at}", 2, 1, ()) for at in (2, 3)),
    )
    running = {"gang": Running(minimum=2), "many": Running()}
    scene = Scene(solved(Problem(SPACE, bins, classes, (), held, running)))
    hits = scene.lose((0, 1, 2)).hits
    assert [(one.job, one.homeless) for one in hits] == [("gang", 0), ("many", 4)]


def test_waiting_work_of_a_higher_priority_comes_before_what_is_displaced() -> None:
    bins = (a_bin("a", devices=FULL), a_bin("b", devices=FREE))
    held = (Held("low", "l0", 0, 0, (0, 1)),)
    scene = Scene(solved(Problem(SPACE, bins, (ItemClass(need(devices=2)),), (), held)))
    for priority, homeless in ((1000, 1), (0, 0), (-1, 0)):
        (hit,) = scene.lose((0,), [job("waits", 0, priority=priority)]).hits
        assert (hit.job, hit.homeless) == ("low", homeless)


def test_members_that_lose_their_node_stay_in_the_rack_of_the_others() -> None:
    def at(rack: str) -> tuple[str, ...]:
        return ("", "", rack, "", "")

    bins = (
        a_bin("a", devices=FULL, path=at("r1")),
        a_bin("b", devices=FULL, path=at("r1")),
        a_bin("c", devices=FREE, path=at("r2")),
    )
    held = (Held("gang", "g0", 0, 0, (0, 1)), Held("gang", "g1", 1, 0, (0, 1)))
    cases: tuple[tuple[Level | None, int], ...] = (("rack", 1), (None, 0))
    for within, homeless in cases:
        running = {"gang": Running(minimum=1, within=within)}
        problem = Problem(SPACE, bins, (ItemClass(need(devices=2)),), (), held, running)
        (hit,) = Scene(solved(problem)).lose((0,)).hits
        assert (hit.stopped, hit.homeless) == (1, homeless)
