"""The bars of the accuracy table, and that nothing is scored on what it was fitted on."""

from __future__ import annotations

from functools import cache
from math import log
from typing import get_args

import pytest

from dcctl.assess.check.arithmetic import FORMULAS, Shelf, compared
from dcctl.assess.check.cases import Case
from dcctl.assess.check.fit import Normal, fit
from dcctl.assess.check.measured import Group, measured
from dcctl.assess.check.predicted import Known, Predicted, fitted, known, predicted, score, wire
from dcctl.assess.check.report import COVERAGE_BAR, MEDIAN_BAR, WORST_BAR, check_report
from dcctl.assess.check.widths import Error, Widths, spread
from dcctl.assess.demand.coefficients import COEFFICIENTS
from dcctl.assess.demand.hardware import Gpu
from dcctl.assess.demand.lookup import Model
from dcctl.assess.demand.predict import SEEN, SPLITS, SPREADS, Kind, splits
from dcctl.assess.demand.steptime import family
from dcctl.inventory.sources.catalogue import rows

SHELF = Shelf(rows("models", Model), rows("gpus", Gpu))
CASES = rows("cases", Case)


@cache
def runs() -> tuple[Known, ...]:
    return tuple(known(measured(rows("runs", Group), SHELF.gpus, SHELF.models)))


@cache
def predictions() -> tuple[Predicted, ...]:
    return tuple(predicted(runs()))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.case} {case.name}")
def test_a_published_figure_is_met_within_its_bar(case: Case) -> None:
    found = compared([case], SHELF)[0]
    assert found.within, f"{found.ours} for {case.published}"


def test_every_formula_is_used_and_every_case_of_the_reference_is_there() -> None:
    assert {case.formula for case in CASES} == set(FORMULAS)
    assert {case.case for case in CASES} == set(range(1, 23))


def test_predictions_of_runs_that_were_not_fitted_meet_the_bars() -> None:
    found = score(one for one in predictions() if one.scored)
    assert found.runs >= 250
    assert found.median <= MEDIAN_BAR
    assert found.worst <= WORST_BAR
    assert found.coverage >= COVERAGE_BAR


def test_intervals_cover_runs_that_nobody_had_seen() -> None:
    found = score(one for one in predictions() if one.judges)
    assert found.runs >= 250
    assert found.coverage >= COVERAGE_BAR


def test_what_is_independent_is_never_fitted_nor_held_to_the_bars() -> None:
    mine = [one for one in predictions() if one.known.independent]
    assert len({one.known.run.group.independent for one in mine}) >= 8
    assert not any(one.scored or one.known.fits for one in mine)
    others = [one for one in runs() if not one.independent]
    assert fitted(others)[1] == fitted(runs())[1]
    assert wire(others, COEFFICIENTS) == wire(runs(), COEFFICIENTS)


@pytest.mark.parametrize("which", get_args(Kind))
def test_intervals_are_as_wide_as_the_errors_of_their_kind(which: Kind) -> None:
    errors = [
        Error(one.known.run, abs(log(1 + one.error)))
        for one in predictions()
        if not one.known.run.run.outside or one.known.run.experts
    ]
    assert 0 <= SPREADS[which] - Widths(errors).of(which) <= 0.02


def test_each_table_has_the_same_weight_in_a_width() -> None:
    few, many = runs()[0].run, next(one.run for one in runs() if one.run.group.independent)
    assert few.group.table != many.group.table
    assert spread([Error(few, log(1.5)), *[Error(many, log(1.1))] * 99]) == pytest.approx(0.5)


def test_the_interval_of_a_run_does_not_know_its_error() -> None:
    last = runs()[-1]
    faster = last.run._replace(tokens_per_s=last.run.tokens_per_s * 9)
    again = predicted([*runs()[:-1], last._replace(run=faster)])[-1]
    before = predicted(runs())[-1]
    assert (again.ours.low, again.ours.high) == pytest.approx((before.ours.low, before.ours.high))


def test_a_run_is_predicted_without_those_of_its_model_accelerator_and_software() -> None:
    one = next(each for each in predictions() if each.scored and each.known.run.spec.stack == "megatron")
    key = one.known.run.held_out
    rest = [each for each in runs() if each.run.held_out != key]
    _, coefficients = fitted(rest)
    again = predicted([*rest, one.known])[-1]
    assert again.ours.value == pytest.approx(one.ours.value, rel=1e-6)
    assert coefficients != fitted(runs())[1]


def test_what_was_recalled_or_stands_outside_is_never_fitted() -> None:
    assert not any(one.fits for one in runs() if one.outside or one.run.run.recalled)
    assert all(one.outside for one in runs() if one.run.run.recalled)


def test_the_coefficients_that_demand_uses_are_those_of_the_data() -> None:
    _, whole = fitted(runs())
    assert whole | wire(runs(), whole) == pytest.approx(COEFFICIENTS, abs=1e-3)


def test_the_accelerators_that_were_seen_are_those_of_the_data() -> None:
    seen: dict[tuple[str, str], set[str]] = {}
    for one in runs():
        if not (one.outside or one.independent):
            spec = one.run.spec
            seen.setdefault((spec.stack, spec.precision), set()).add(family(spec.gpu.name))
    assert {key: set(names) for key, names in SEEN.items()} == seen


def test_the_ways_to_split_that_were_seen_are_those_of_the_data() -> None:
    looked_at = [one.run.spec for one in runs() if not (one.outside or one.independent)]
    for stack, seen in SPLITS.items():
        assert seen == frozenset().union(*(splits(one.layout) for one in looked_at if one.stack == stack))


def test_least_squares_finds_what_made_the_rows_and_nothing_below_zero() -> None:
    made = {"a": 2.0, "b": 0.5, "optimizer": 3.0}
    points = [{"a": 0.1 * n, "b": 0.2 * (n % 3), "optimizer": 0.01 * (n % 5)} for n in range(1, 12)]
    rows_ = [
        {name: value / sum(made[k] * v for k, v in one.items()) for name, value in one.items()}
        for one in points
    ]
    equations = Normal(sorted(made))
    equations.add(rows_)
    assert fit(equations) == pytest.approx(made, rel=0.05)
    opposed = Normal(["a", "b"])
    opposed.add([{"a": 1.0, "b": 0.1}, {"a": 1.2, "b": 0.9}])
    assert min(fit(opposed).values()) == 0.0


def test_the_table_is_ok_and_says_so_in_one_line() -> None:
    report = check_report(compared(CASES, SHELF), predictions(), SHELF, each_run=True)
    assert report.level == "ok"
    assert "59 of 59 published figures" in report.headline
    assert len(report.items.rows) == len(CASES) + len(predictions())


def test_a_figure_out_of_its_bar_is_a_finding() -> None:
    from msgspec.structs import replace

    wrong = [replace(CASES[0], published=CASES[0].published * 2), *CASES[1:]]
    assert check_report(compared(wrong, SHELF), predictions(), SHELF, each_run=False).level == "crit"
