"""What there is, in boards: free, held and out of service are all of it, in whatever parts it is had."""

from __future__ import annotations

from msgspec.structs import replace

from dcctl.inventory.asked import Asked
from dcctl.inventory.sources.demo import DemoSource
from dcctl.packing.intake.fleet import problem_of
from dcctl.packing.intake.supply import Free, Unit, boards_milli, on_offer, supply_of
from dcctl.packing.plan import Assignment
from dcctl.packing.problem import Device, Kind, Problem, Sliced, Space
from dcctl.packing.reasons import Reason
from tests.unit.packing.problems import a_bin, device

MIG = "nvidia.com/mig-"
KINDS = (Kind("nvidia.com/gpu", "A"), Kind("nvidia.com/gpu.shared", "S", 4), Kind("nvidia.com/gpu", "M"))


WHERE = (("a", (1,)), ("b", (0,)), ("b", (0, 0)))


def share(index: int, free_milli: int) -> Device:
    return Device(1, index, free_milli)


def problem() -> Problem:
    """A board of each sort with one part held, a free board on a closed node, and a broken one."""
    cut = Sliced(2, 0, (f"{MIG}3g.40gb", f"{MIG}4g.40gb"))
    bins = (
        a_bin("a", devices=(device(0, 0), device(1))),
        a_bin("b", devices=(share(0, 0), share(0, 1000), share(0, 1000), share(0, 1000))),
        replace(a_bin("c"), device_count=2, sliced=(cut,), scheduler="k"),
        a_bin("d", devices=(device(0),), closed=Reason.CORDONED),
    )
    bins = (bins[0], replace(bins[1], device_count=1), *bins[2:])
    none_left = tuple(replace(one, free=(*one.free, 0)) for one in bins)
    return Problem(Space((f"{MIG}3g.40gb",), KINDS), none_left, (), ())


def test_parts_of_boards_add_up() -> None:
    found = supply_of(problem())
    assert (found.total_milli, found.held_milli) == (6000, 1000 + 250 + round(1000 * 3 / 7))
    assert found.free_milli == 1000 + 750 + round(1000 * 4 / 7)
    assert found.out_milli == 2000, "the board of the closed node, and the one that nobody may have"


def test_what_can_be_asked_for() -> None:
    assert on_offer(problem()) == {
        Unit("nvidia.com/gpu", "A"): Free(1, 1000),
        Unit("nvidia.com/gpu.shared", "S", 4): Free(3, 750),
        Unit(f"{MIG}4g.40gb", "M", slice=True): Free(1, 571),
    }


def test_what_a_plan_takes() -> None:
    taken = [Assignment("j", str(at), node, devices) for at, (node, devices) in enumerate(WHERE)]
    assert boards_milli(problem(), taken) == 1000 + 250 + 500


def test_the_demo_adds_up() -> None:
    fleet = DemoSource(1_760_000_000).collect()
    found = supply_of(problem_of(fleet, fleet.nodes, Asked()))
    assert found.total_milli == 1_040_000
    assert min(found.held_milli, found.free_milli, found.out_milli) > 0
