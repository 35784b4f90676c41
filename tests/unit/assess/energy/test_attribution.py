"""Who draws what: nothing is lost, nothing counts twice, and what nobody holds is nobody's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dcctl.assess.energy.attribution import NOBODY, attribute
from tests.unit.assess.energy.plants import KW, fleet, node, work

BOARDS = st.lists(st.one_of(st.none(), st.integers(0, 900_000)), min_size=1, max_size=4)
NODE = st.tuples(st.integers(0, 9_000_000), BOARDS)


def test_boards_to_their_holders_and_the_rest_by_what_is_held() -> None:
    plant = fleet(
        node("a", 3 * KW, 600_000, 600_000, 100_000, 100_000),
        works=(work("x", "a", "a-0", "a-1"), work("y", "a", cpu_milli=16_000)),
    )
    found = {one.name: one for one in attribute(plant, plant.nodes, {"a": 3 * KW}).drawn}
    base = 3 * KW - 1_400_000
    assert found["x"].dynamic_mw == {"dc1": 1_000_000}
    assert found["x"].idle_mw == {"dc1": 200_000 + base // 2}  # two of four boards
    assert found["y"].by_site() == {"dc1": base // 4}  # 16 of 64 CPUs
    assert found[NOBODY].by_site() == {"dc1": 200_000 + base // 4}


@given(st.lists(NODE, min_size=1, max_size=4), st.data())
def test_the_parts_add_up_to_what_was_measured(
    told: list[tuple[int, list[int | None]]], data: st.DataObject
) -> None:
    nodes = tuple(node(f"n{at}", power, *boards) for at, (power, boards) in enumerate(told))
    works = []
    for one in nodes:
        ids = [board.id or "" for board in one.accelerators or ()]
        held = data.draw(st.lists(st.sampled_from(ids), unique=True))
        works.append(work(f"w{one.name}", one.name, *held, cpu_milli=data.draw(st.integers(0, 90_000))))
        works.append(work(f"c{one.name}", one.name, cpu_milli=data.draw(st.integers(0, 90_000))))
    power_of = {one.name: told[at][0] for at, one in enumerate(nodes)}
    found = attribute(fleet(*nodes, works=tuple(works)), nodes, power_of)
    assert found.measured_mw == sum(power_of.values()) == sum(one.power_mw() for one in found.drawn)
    assert all(part >= 0 for one in found.drawn for part in (*one.idle_mw.values(), *one.dynamic_mw.values()))


def test_a_node_that_was_not_read_is_named_with_its_nameplate_which_counts_nowhere() -> None:
    plant = fleet(node("a", None, None, None), works=(work("x", "a", "a-0"),))
    found = attribute(plant, plant.nodes, {})
    assert (found.drawn, found.measured_mw, found.unread) == ((), 0, ("a",))
    assert found.nameplate_mw == 1_400_000


def test_idle_boards_of_other_nodes_tell_what_a_board_draws_without_work() -> None:
    busy, idle = node("a", 3 * KW, 600_000, 600_000), node("b", 2 * KW, 80_000)
    plant = fleet(busy, idle, works=(work("x", "a", "a-0", "a-1"),))
    (found,) = attribute(plant, (busy,), {"a": 3 * KW, "b": 2 * KW}).drawn
    assert (found.name, found.dynamic_mw) == ("x", {"dc1": 2 * 520_000})
