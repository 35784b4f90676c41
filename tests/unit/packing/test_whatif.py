"""What happens when nodes are lost: who is placed again first."""

from __future__ import annotations

from dcctl.packing.problem import Held, ItemClass, Problem, Running
from dcctl.packing.solve import solved
from dcctl.packing.whatif import Scene
from tests.unit.packing.problems import SPACE, a_bin, device, need

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
