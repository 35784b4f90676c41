"""Selectors of budgets: looked up by label, the answer is that of comparing with every one."""

from hypothesis import given
from hypothesis import strategies as st

from dcctl.inventory.sources.kubernetes.budgets import (
    BudgetObject,
    Budgets,
    BudgetSpec,
    BudgetStatus,
    Expression,
    Selector,
    selects,
)
from dcctl.inventory.sources.kubernetes.types import Meta

KEYS, VALUES = st.sampled_from("abc"), st.sampled_from("xyz")
LABELS = st.dictionaries(KEYS, VALUES, max_size=3)
EXPRESSIONS = st.builds(
    Expression,
    key=KEYS,
    operator=st.sampled_from(("In", "NotIn", "Exists", "DoesNotExist", "Near")),
    values=st.lists(VALUES, max_size=2),
)
SELECTORS = st.none() | st.builds(
    Selector, match_labels=st.none() | LABELS, match_expressions=st.none() | st.lists(EXPRESSIONS, max_size=2)
)


@given(st.lists(SELECTORS, max_size=6), LABELS)
def test_the_index_finds_what_comparing_with_all_finds(
    selectors: list[Selector | None], labels: dict[str, str]
) -> None:
    budgets = Budgets()
    budgets.add([budget(f"b{i}", selector) for i, selector in enumerate(selectors)])
    expected = {f"b{i}" for i, each in enumerate(selectors) if each is not None and selects(each, labels)}
    assert {each.name for each in budgets.covering("ns", labels)} == expected
    assert budgets.covering("elsewhere", labels) == []


def budget(name: str, selector: Selector | None) -> BudgetObject:
    return BudgetObject(Meta(name=name, namespace="ns"), BudgetSpec(selector), BudgetStatus(1, 2, 1))


def test_no_selector_covers_nobody_and_an_empty_one_everybody() -> None:
    budgets = Budgets()
    budgets.add([budget("none", None), budget("all", Selector())])
    assert [each.name for each in budgets.covering("ns", {})] == ["all"]


def test_operators_as_kubernetes_defines_them() -> None:
    def holds(operator: str, labels: dict[str, str]) -> bool:
        return selects(Selector(match_expressions=[Expression("a", operator, ["x", "y"])]), labels)

    table = {
        each: (holds(each, {"a": "x"}), holds(each, {"a": "z"}), holds(each, {}))
        for each in ("In", "NotIn", "Exists", "DoesNotExist")
    }
    assert table == {
        "In": (True, False, False),
        "NotIn": (False, True, True),
        "Exists": (True, True, False),
        "DoesNotExist": (False, False, True),
    }
