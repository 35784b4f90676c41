"""Which nodes go together: as good as trying everything, and never worse than the simple way."""

from itertools import product
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from dcctl.drain.waves.order import EXACT, Item, Plan, Work, chopped, cost, greedy, ordered

Case: TypeAlias = tuple[tuple[Item, ...], list[Work], int]


@st.composite
def cases(draw: st.DrawFn, most: int) -> Case:
    """Items with work of which some stands on several."""
    works = [
        Work(draw(st.integers(0, 9)) * 1000, draw(st.integers(0, 5)) * 600)
        for _ in range(draw(st.integers(0, 4)))
    ]
    limit = draw(st.integers(1, 4))
    items, name = [], 0
    for _ in range(draw(st.integers(1, most))):
        size = draw(st.integers(1, limit))
        nodes = tuple(f"n{name + each:02}" for each in range(size))
        name += size
        on = draw(st.frozensets(st.integers(0, len(works) - 1))) if works else frozenset()
        items.append(Item(nodes, on))
    return tuple(items), works, limit


def is_valid(plan: Plan, items: tuple[Item, ...], limit: int) -> bool:
    each = sorted(at for turn in plan for at in turn) == list(range(len(items)))
    return each and all(sum(len(items[at].nodes) for at in turn) <= limit for turn in plan)


@given(cases(4))
def test_few_items_are_solved_as_well_as_by_trying_all(
    case: Case,
) -> None:
    items, works, limit = case
    every = []
    for turns in product(range(len(items)), repeat=len(items)):
        used = sorted(set(turns))
        if used == list(range(len(used))):
            plan = tuple(tuple(at for at, turn in enumerate(turns) if turn == one) for one in used)
            if is_valid(plan, items, limit):
                every.append(cost(plan, items, works))
    found = ordered(items, works, limit)
    assert is_valid(found, items, limit)
    assert cost(found, items, works) == min(every)


@given(cases(EXACT + 4))
def test_it_is_never_worse_than_the_simple_way(case: Case) -> None:
    items, works, limit = case
    found = ordered(items, works, limit)
    assert is_valid(found, items, limit)
    assert cost(found, items, works) <= cost(greedy(items, works, limit), items, works)


def test_without_a_limit_all_go_together() -> None:
    items = [Item((f"n{at}",), frozenset()) for at in range(30)]
    assert ordered(items, [], None) == (tuple(range(30)),)
    assert ordered([], [], 3) == ()


def test_what_loses_most_goes_first() -> None:
    items = [Item(("a",), frozenset({0})), Item(("b",), frozenset({1})), Item(("c",), frozenset())]
    assert ordered(items, [Work(1000, 30), Work(8000, 30)], 1) == ((1,), (0,), (2,))


def test_items_beyond_the_limit_are_cut() -> None:
    cut = chopped([Item(("a", "b", "c"), frozenset({0}))], 2)
    assert [one.nodes for one in cut] == [("a", "b"), ("c",)]
