"""The bars of the accuracy table, and that nothing is scored on what it was fitted on."""

from __future__ import annotations

from functools import cache
from math import log
from typing import TYPE_CHECKING, Any, get_args

import pytest

from dcctl.assess.check.arithmetic import FORMULAS, Shelf, compared
from dcctl.assess.check.cases import Case
from dcctl.assess.check.fit import Normal, fit
from dcctl.assess.check.measured import Group, measured
from dcctl.assess.check.peaks import asked, judged, off, peaks, refused
from dcctl.assess.check.predicted import Known, Predicted, fitted, known, predicted, score, wire
from dcctl.assess.check.report import COVERAGE_BAR, MEDIAN_BAR, MEMORY_BAR, WORST_BAR, Found, check_report
from dcctl.assess.check.widths import Error, Widths, spread, together
from dcctl.assess.demand import bill, durability, inference, kvcache, memory, queueing, training_spec
from dcctl.assess.demand.coefficients import COEFFICIENTS
from dcctl.assess.demand.estimate import Estimate
from dcctl.assess.demand.hardware import Gpu
from dcctl.assess.demand.lookup import Model
from dcctl.assess.demand.memory import SPREAD
from dcctl.assess.demand.predict import SEEN, SPLITS, SPREADS, Kind, splits
from dcctl.assess.demand.steptime import family
from dcctl.inventory.sources.catalogue import rows

if TYPE_CHECKING:
    from types import ModuleType

    from dcctl.assess.check.measured import Measured

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
    assert {case.case for case in CASES} == set(range(1, 26))


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


@cache
def ran() -> tuple[Measured, ...]:
    return measured(rows("runs", Group), SHELF.gpus, SHELF.models)


def found(cases: list[Case] | None = None) -> Found:
    """As the command compares it, the throughputs as they were predicted before."""
    impossible = [run for run, _ in refused(ran())]
    return Found(compared(cases or CASES, SHELF), predictions(), peaks(ran()), impossible)


def test_peaks_of_memory_meet_their_bars() -> None:
    held = judged(peaks(ran()))
    assert held.peaks >= 97
    assert held.median <= MEMORY_BAR
    assert held.coverage >= COVERAGE_BAR
    assert held.printed >= COVERAGE_BAR


def test_the_interval_of_memory_is_as_wide_as_the_errors_ask_for() -> None:
    assert 0 <= SPREAD - asked(off(ran())) <= 0.02


def test_the_interval_of_a_peak_comes_from_other_projects() -> None:
    mine = [one for one in peaks(ran()) if together(one.run) == "torchtitan"]
    wide = asked([one for one in off(ran()) if together(one.run) != "torchtitan"])
    assert {round(one.ours.high / one.ours.value, 9) for one in mine} == {round(1 + wide, 9)}


def test_no_run_that_happened_is_refused_unless_it_is_not_told_what_it_keeps() -> None:
    impossible = refused(ran())
    for run, why in impossible:
        assert ("recompute" if why.startswith("memory") else "stages") in run.run.assumed
    assert len(impossible) <= 15


def test_mpt_of_one_and_three_billions_on_many_accelerators_is_sharded_as_its_table_says() -> None:
    """SHARD_GRAD_OP is ZeRO-2."""
    twos = [run for run in ran() if run.run.zero == 2]
    assert {(run.group.model, run.run.gpus) for run in twos} == {
        (f"mpt-{size}", gpus) for size in ("1b", "3b") for gpus in (128, 256, 512)
    }


def test_the_table_is_ok_and_says_so_in_one_line() -> None:
    report = check_report(found(), SHELF, each_run=True)
    assert report.level == "ok"
    assert "73 of 75 published figures" in report.headline
    assert "2 within a wider bar" in report.headline
    assert len(report.items.rows) == len(CASES) + len(predictions()) + len(peaks(ran()))


def test_a_figure_with_a_wider_bar_says_why_and_what_was_recalled_is_marked() -> None:
    report = check_report(found(), SHELF, each_run=False)
    verdicts = {str(row[1]): str(row[6]) for row in report.items.rows}
    for one in compared(CASES, SHELF):
        if one.case.recalled:
            assert verdicts[one.case.name] == "ok (recalled)"
        if verdicts[one.case.name] == "ok (wider)":
            assert "wider than 1 %" in one.case.note


def test_a_figure_out_of_its_bar_is_a_finding() -> None:
    from msgspec.structs import replace

    wrong = [replace(CASES[0], published=CASES[0].published * 2), *CASES[1:]]
    assert check_report(found(wrong), SHELF, each_run=False).level == "crit"


def nothing(*_: object) -> Estimate:
    return Estimate.exact(0.0)


def hundredth(*asked: Any) -> float:
    return kvcache.kv_bytes_per_token(*asked) / 100


@pytest.mark.parametrize(
    ("where", "what", "broken"),
    [
        (memory, "activations", nothing),
        (memory, "logits", nothing),
        (bill, "_KWH_MJ", 3.6e12),
        (bill, "_money", nothing),
        (durability, "FAILURE_GPU_S", 7 * 3600),
        (durability, "sqrt", lambda one: one),
        (inference, "kv_bytes_per_token", hundredth),
        (queueing, "_waits", lambda *_: 0.0),
        (queueing, "_outlasts", lambda *_: 1.0),
        (training_spec, "OPTIMIZER_BYTES", None),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_demand_prints_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, where: ModuleType, what: str, broken: object
) -> None:
    if broken is None:
        monkeypatch.setitem(training_spec.OPTIMIZER_BYTES, "adamw", 6)
    else:
        monkeypatch.setattr(where, what, broken)
    assert check_report(found(), SHELF, each_run=False).level == "crit"
