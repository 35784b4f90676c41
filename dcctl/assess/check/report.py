"""The accuracy table: each published figure beside ours, and how far the predictions are off."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.assess.check.arithmetic import serving_interval
from dcctl.assess.check.predicted import score
from dcctl.render.report import Column, Note, Report, Shape, Table
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.assess.check.arithmetic import Shelf
    from dcctl.assess.check.cases import Compared
    from dcctl.assess.check.predicted import Predicted
    from dcctl.render.report import Row

MEDIAN_BAR: Final = 0.07
WORST_BAR: Final = 0.15
COVERAGE_BAR: Final = 0.85

_ITEMS = (
    Column("case", "CASE", keep=6),
    Column("name", "WHAT", keep=9),
    Column("published", "PUBLISHED", "number", keep=8),
    Column("ours", "OURS", "number", keep=8),
    Column("unit", "UNIT", keep=7),
    Column("error_milli", "ERROR", "percent_milli", keep=9),
    Column("verdict", "VERDICT", "state", keep=9),
    Column("low", "LOW", "number", wide=True),
    Column("high", "HIGH", "number", wide=True),
    Column("predicted", "PREDICTED", wide=True),
    Column("recalled", "RECALLED", wide=True),
    Column("note", "NOTE", wide=True),
    Column("source", "SOURCE", keep=2, wide=True),
)
_TABLES = (
    Column("table", "PUBLISHED RUNS", keep=9),
    Column("runs", "RUNS", "count", keep=7),
    Column("scored", "SCORED", "count", keep=8),
    Column("median_milli", "MEDIAN ERROR", "percent_milli", keep=9),
    Column("worst_milli", "WORST", "percent_milli", keep=9),
    Column("covered_milli", "IN INTERVAL", "percent_milli", keep=8),
    Column("source", "SOURCE", keep=2, wide=True),
)
_OUTSIDE = (
    Column("reason", "NOT HELD TO THE BARS BECAUSE", keep=9),
    Column("runs", "RUNS", "count", keep=8),
    Column("median_milli", "MEDIAN ERROR", "percent_milli", keep=7),
    Column("worst_milli", "WORST", "percent_milli", keep=7),
)
_SUMMARY = (
    Column("cases", "published figures recomputed", "count"),
    Column("cases_within", "of them as near as asked", "count"),
    Column("runs", "published runs", "count"),
    Column("predictions", "throughputs and latencies predicted and held to the bars", "count"),
    Column("median_error_milli", "median error of the predictions", "percent_milli"),
    Column("worst_error_milli", "worst error of the predictions", "percent_milli"),
    Column("coverage_milli", "share of them inside of the stated 90 % interval", "percent_milli"),
    Column("independent_runs", "runs that nobody had seen when the formulas were made", "count"),
    Column("independent_median_error_milli", "median error of those", "percent_milli"),
    Column("independent_worst_error_milli", "worst error of those", "percent_milli"),
    Column("independent_coverage_milli", "share of those inside of the 90 % interval", "percent_milli"),
)
CHECK = Shape(
    "assess-check",
    "Published figures and measured runs against what is estimated here.",
    _ITEMS,
    (("tables", _TABLES), ("outside", _OUTSIDE)),
    _SUMMARY,
)


class Guess(NamedTuple):
    """A prediction that is held to the bars."""

    error: float
    within: bool


def check_report(
    cases: Sequence[Compared], runs: Sequence[Predicted], shelf: Shelf, *, each_run: bool
) -> Report:
    """Every case, and every run or a line per table; the level is `crit` if anything is out of its bar."""
    plain = [one for one in cases if not serving_interval(one.case, shelf)]
    served = [
        (one, interval)
        for one in cases
        for interval in [serving_interval(one.case, shelf)]
        if interval is not None
    ]
    guesses = [Guess(one.error, one.within) for one in runs if one.scored]
    guesses += [Guess(one.error, low <= one.case.published <= high) for one, (low, high) in served]
    errors = [abs(one.error) for one in guesses]
    coverage = sum(one.within for one in guesses) / len(guesses)
    judged = score(one for one in runs if one.judges)
    summary = {
        "cases": len(cases),
        "cases_within": sum(one.within for one in cases),
        "runs": len(runs),
        "predictions": len(guesses),
        "median_error_milli": round(1000 * median(errors)),
        "worst_error_milli": round(1000 * max(errors)),
        "coverage_milli": round(1000 * coverage),
        "independent_runs": judged.runs,
        "independent_median_error_milli": round(1000 * judged.median),
        "independent_worst_error_milli": round(1000 * judged.worst),
        "independent_coverage_milli": round(1000 * judged.coverage),
    }
    rows = [*(_case(one, None) for one in plain), *(_case(one, interval) for one, interval in served)]
    rows += [_run(one) for one in runs] if each_run else []
    return Report(
        kind=CHECK.kind,
        headline=_headline(len(plain), sum(one.within for one in plain), summary),
        items=Table("items", _ITEMS, tuple(rows), fold=False),
        details=(
            Table("tables", _TABLES, tuple(_tables(runs)), fold=False),
            Table("outside", _OUTSIDE, tuple(_outside(runs)), fold=False),
        ),
        summary={**summary},
        notes=_notes(runs, summary, each_run=each_run),
        name_key="name",
        level="ok" if _good(summary) else "crit",
    )


def _good(summary: dict[str, int]) -> bool:
    return (
        summary["cases_within"] == summary["cases"]
        and summary["median_error_milli"] <= 1000 * MEDIAN_BAR
        and summary["worst_error_milli"] <= 1000 * WORST_BAR
        and summary["coverage_milli"] >= 1000 * COVERAGE_BAR
        and summary["independent_coverage_milli"] >= 1000 * COVERAGE_BAR
    )


def _headline(figures: int, near: int, summary: dict[str, int]) -> str:
    return (
        f"{near} of {figures} published figures recomputed to 1 % or their rounding; "
        f"{summary['predictions']} predictions: median error {summary['median_error_milli'] / 10:g} %, worst "
        f"{summary['worst_error_milli'] / 10:g} %; {summary['independent_runs']} of independent projects: "
        f"median {summary['independent_median_error_milli'] / 10:g} %, "
        f"{summary['independent_coverage_milli'] / 10:g} % in the 90 % interval"
    )


def _case(one: Compared, interval: tuple[float, float] | None) -> Row:
    case = one.case
    low, high = interval or (None, None)
    verdict = "ok" if one.within else "off"
    return (
        str(case.case), case.name, float(case.published), one.ours, case.unit,
        round(1000 * one.error), verdict, low, high, interval is not None,
        case.recalled, case.note or None, case.source,
    )  # fmt: skip


def _run(one: Predicted) -> Row:
    group, run = one.known.run.group, one.known.run.run
    verdict = "ok" if abs(one.error) <= WORST_BAR else "off"
    if not one.scored:
        verdict = "independent" if one.judges else "outside"
    assumed = f"assumed: {', '.join(run.assumed)}" if run.assumed else ""
    note = "; ".join(part for part in (one.known.outside, assumed) if part)
    return (
        group.table, one.known.run.name, one.published, one.ours.value, "tokens/s/GPU",
        round(1000 * one.error), verdict, one.ours.low, one.ours.high, True, run.recalled,
        note or None, group.source,
    )  # fmt: skip


def _tables(runs: Sequence[Predicted]) -> Iterable[Row]:
    for name in dict.fromkeys(one.known.run.group.table for one in runs):
        mine = [one for one in runs if one.known.run.group.table == name]
        held = [one for one in mine if one.scored]
        judged = held or [one for one in mine if one.judges]
        found = score(judged) if judged else None
        yield (
            name,
            len(mine),
            len(held),
            round(1000 * found.median) if found else None,
            round(1000 * found.worst) if found else None,
            round(1000 * found.coverage) if found else None,
            mine[0].known.run.group.source,
        )


def _outside(runs: Sequence[Predicted]) -> Iterable[Row]:
    """Reasons that differ in a number or a name alone are one."""
    reasons: dict[str, list[float]] = {}
    for one in runs:
        if not (one.scored or one.judges):
            reasons.setdefault(one.known.outside.partition(":")[0], []).append(abs(one.error))
    for reason, errors in reasons.items():
        yield reason, len(errors), round(1000 * median(errors)), round(1000 * max(errors))


def _notes(runs: Sequence[Predicted], summary: dict[str, int], *, each_run: bool) -> tuple[Note, ...]:
    outside = sum(not (one.scored or one.judges) for one in runs)
    held = Note(
        "held out",
        "a run is predicted, with its interval, from runs of other models, accelerators or software alone",
        detail="tables",
    )
    kept = Note(
        "outside",
        f"{plural(outside, 'run')} of {len(runs)} are not held to the bars; the reasons, which were settled"
        " when their errors were known",
        command="" if each_run else "dcctl assess check --runs",
        detail="outside",
    )
    middle, worst, inside = (
        f"{summary[f'independent_{name}_milli'] / 10:g} %"
        for name in ("median_error", "worst_error", "coverage")
    )
    projects = len({one.known.run.group.independent for one in runs if one.judges})
    new = Note(
        "independent",
        f"{summary['independent_runs']} runs of {projects} projects that nobody had seen when the formulas"
        f" were made: median error {middle}, worst {worst}, {inside} in the interval: expect the same",
    )
    return held, kept, new
