"""Where power goes: the tree of meters, and what is left over at each step."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.assess.energy.balance import Step, groups, steps, summed
from dcctl.assess.energy.meters import told
from dcctl.inventory.model import Fleet, PowerMeter
from tests.unit.assess.energy.plants import KW, fleet, node


def edges(plant: Fleet) -> dict[tuple[str, str], Step]:
    return {(step.upper.level, step.lower): step for step in summed(steps(groups(plant)))}


def meter(name: str, kind: str, power_mw: int | None, nodes: str = "", **more: int) -> PowerMeter:
    return PowerMeter(name, kind, "dc1", nodes, power_mw, **more)  # type: ignore[arg-type]


NODES = (node("a", 5 * KW, 2 * KW, 2 * KW), node("b", 4 * KW, KW, 2 * KW))
PDUS = (
    meter("a1", "pdu", 2_520_000, "a"),
    meter("a2", "pdu", 2_520_000, "a"),
    meter("b1", "pdu", 4_000_000, "b"),
)
ABOVE = (meter("main", "facility", 12 * KW), meter("ups", "ups", 9_100_000, input_mw=9_600_000))


def test_from_the_entry_to_the_boards() -> None:
    found = edges(fleet(*NODES, meters=(*ABOVE, *PDUS)))
    told = {edge: (step.residual_mw, step.state) for edge, step in found.items()}
    assert told == {
        ("facility", "ups input"): (2_400_000, "loss"),
        ("ups input", "ups"): (500_000, "loss"),
        ("ups", "pdu"): (60_000, "closed"),
        ("pdu", "node"): (40_000, "closed"),
        ("node", "boards and CPUs"): (2 * KW, "loss"),
    }


@pytest.mark.parametrize(
    ("power_mw", "state"),
    [(4_040_000, "closed"), (4_041_000, "open"), (3_961_000, "closed"), (3_900_000, "more out than in")],
)
def test_one_per_cent_is_closed_and_no_more(power_mw: int, state: str) -> None:
    plant = fleet(NODES[1], meters=(meter("b1", "pdu", power_mw, "b"),))
    step = edges(plant)["pdu", "node"]
    assert step.state == state


def test_what_was_not_read_makes_a_step_unknown_and_is_not_zero() -> None:
    plant = fleet(node("a", None, None), NODES[1], meters=PDUS)
    found = {step.upper.names: step for step in steps(groups(plant)) if step.upper.level == "pdu"}
    assert found["a1", "a2"].state == "unknown"
    assert found["b1",].state == "closed"
    assert edges(plant)["pdu", "node"].read == 1
    assert edges(fleet(node("a", KW, None)))["node", "boards and CPUs"].state == "unknown"


def test_one_feed_of_two_without_an_answer_is_unknown() -> None:
    pdus = (PDUS[0], meter("a2", "pdu", None, "a"))
    assert edges(fleet(NODES[0], meters=pdus))["pdu", "node"].residual_mw is None


def test_a_bmc_tells_more_of_a_node_than_the_node_itself() -> None:
    found = groups(fleet(NODES[0], meters=(meter("a", "bmc", 5_500_000, "a"),)))
    assert [one.power_mw for one in found if one.level == "node"] == [5_500_000]


def test_processors_count_where_they_are_metered() -> None:
    step = edges(fleet(NODES[0], meters=(meter("a", "rapl", 400_000, "a"),)))["node", "boards and CPUs"]
    assert step.lower_mw == 4_400_000


def test_slices_of_a_board_do_not_draw_a_second_time() -> None:
    board = NODES[0].accelerators or ()
    cut = replace(
        NODES[0], accelerators=(*board, replace(board[0], index=9, id="x", kind="mig", parent="a-0"))
    )
    assert edges(fleet(cut))["node", "boards and CPUs"].lower_mw == 4 * KW


def test_a_node_that_two_sources_tell_of_is_counted_once_and_a_contradiction_is_told() -> None:
    bmc = (meter("a", "bmc", 5 * KW, "a"), meter("a.dc1", "bmc", 5 * KW + 1000, "a"))
    far = meter("b.dc1", "bmc", 3 * KW, "b")
    plant = fleet(*NODES, meters=(*bmc, meter("b", "bmc", 4 * KW, "b"), far))
    assert [one.power_mw for one in groups(plant) if one.level == "node"] == [5 * KW, 4 * KW]
    (trouble,) = told(plant, None).troubles
    assert (trouble.meter, "3 kW" in trouble.why, "4 kW" in trouble.why) == ("b.dc1", True, True)


def test_a_meter_of_all_boards_stands_for_boards_that_tell_nothing() -> None:
    plant = fleet(node("a", 5 * KW, None, 2 * KW), meters=(meter("a", "accelerator", 3 * KW, "a"),))
    assert edges(plant)["node", "boards and CPUs"].lower_mw == 3 * KW


def test_without_meters_in_between_what_lies_between_may_lose() -> None:
    above = (meter("main", "facility", 12 * KW),)
    assert edges(fleet(*NODES, meters=above))["facility", "node"].state == "loss"
    assert edges(fleet(*NODES, meters=(*above, *PDUS)))["facility", "pdu"].state == "loss"


def test_a_meter_of_a_node_that_nobody_knows_is_told() -> None:
    plant = fleet(*NODES, meters=(meter("10.0.0.7", "bmc", 5 * KW, "10.0.0.7"),))
    (trouble,) = told(plant, None).troubles
    assert (trouble.meter, trouble.why) == ("10.0.0.7", "the inventory has no node of that name")
