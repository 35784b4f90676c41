"""The accuracy table: each published figure beside ours, and how far the predictions are off."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.assess.check.arithmetic import GIB, serving_interval
from dcctl.assess.check.peaks import judged
from dcctl.assess.check.predicted import score
from dcctl.render.report import Column, Note, Report, Shape, Table
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.assess.check.arithmetic import Shelf
    from dcctl.assess.check.cases import Compared
    from dcctl.assess.check.measured import Measured
    from dcctl.assess.check.peaks import Peak
    from dcctl.assess.check.predicted import Predicted
    from dcctl.render.report import Row

MEDIAN_BAR: Final = 0.07
WORST_BAR: Final = 0.15
COVERAGE_BAR: Final = 0.85
UNTOLD: Final = {"recompute", "stages"}
"""What must be told of a run to call it impossible: what it recomputes, and how stages share the layers."""
MEMORY_BAR: Final = 0.2
"""For the median error of peaks of memory."""

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
_MEMORY = (
    Column("table", "PUBLISHED PEAKS OF MEMORY", keep=9),
    Column("peaks", "PEAKS", "count", keep=8),
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
    Column("cases_near", "of them to 1 % or their rounding", "count"),
    Column("cases_within", "of them as near as asked", "count"),
    Column("cases_recalled", "of them recalled, not read in their source", "count"),
    Column("runs", "published runs", "count"),
    Column("predictions", "throughputs and latencies predicted and held to the bars", "count"),
    Column("median_error_milli", "median error of the predictions", "percent_milli"),
    Column("worst_error_milli", "worst error of the predictions", "percent_milli"),
    Column("coverage_milli", "share of them inside of the stated 90 % interval", "percent_milli"),
    Column("independent_runs", "runs that nobody had seen when the formulas were made", "count"),
    Column("independent_median_error_milli", "median error of those", "percent_milli"),
    Column("independent_worst_error_milli", "worst error of those", "percent_milli"),
    Column("independent_coverage_milli", "share of those inside of the 90 % interval", "percent_milli"),
    Column("memory_peaks", "published peaks of memory", "count"),
    Column("memory_median_error_milli", "median error of those", "percent_milli"),
    Column("memory_worst_error_milli", "worst error of those", "percent_milli"),
    Column("memory_coverage_milli", "share of those inside of the 90 % interval", "percent_milli"),
    Column("memory_printed_milli", "share of those inside of what demand prints", "percent_milli"),
    Column(
        "refused_runs", "runs that happened and would be refused, for something that is not told", "count"
    ),
    Column("refused_known_runs", "the same with all that matters told", "count"),
)
CHECK = Shape(
    "assess-check",
    "Published figures and measured runs against what is estimated here.",
    _ITEMS,
    (("tables", _TABLES), ("memory", _MEMORY), ("outside", _OUTSIDE)),
    _SUMMARY,
)


class Guess(NamedTuple):
    """A prediction that is held to the bars."""

    error: float
    within: bool


class Found(NamedTuple):
    """What was compared."""

    cases: Sequence[Compared]
    runs: Sequence[Predicted]
    peaks: Sequence[Peak]
    refused: Sequence[Measured]
    """Runs that are called impossible, though they ran."""


def check_report(found: Found, shelf: Shelf, *, each_run: bool) -> Report:
    """Every case, and every run or a line per table; the level is `crit` if anything is out of its bar."""
    intervals = [(one, serving_interval(one.case, shelf)) for one in found.cases]
    plain = [one for one, interval in intervals if interval is None]
    served = [(one, interval) for one, interval in intervals if interval is not None]
    summary = _summary(found, plain, served)
    rows = [*(_case(one, None) for one in plain), *(_case(one, interval) for one, interval in served)]
    if each_run:
        rows += [*map(_run, found.runs), *map(_peak, found.peaks)]
    return Report(
        kind=CHECK.kind,
        headline=_headline(plain, summary),
        items=Table("items", _ITEMS, tuple(rows), fold=False),
        details=(
            Table("tables", _TABLES, tuple(_tables(found.runs)), fold=False),
            Table("memory", _MEMORY, tuple(_memory(found.peaks)), fold=False),
            Table("outside", _OUTSIDE, tuple(_outside(found.runs)), fold=False),
        ),
        summary={**summary},
        notes=tuple(_notes(found, summary, each_run=each_run)),
        name_key="name",
        level="ok" if _good(summary) else "crit",
    )


def _summary(
    found: Found, plain: Sequence[Compared], served: Sequence[tuple[Compared, tuple[float, float]]]
) -> dict[str, int]:
    guesses = [Guess(one.error, one.within) for one in found.runs if one.scored]
    guesses += [Guess(one.error, low <= one.case.published <= high) for one, (low, high) in served]
    errors = [abs(one.error) for one in guesses]
    new, held = score(one for one in found.runs if one.judges), judged(found.peaks)
    known = [run for run in found.refused if not UNTOLD & {*run.run.assumed}]
    return {
        "cases": len(found.cases),
        "cases_near": sum(one.near for one in plain),
        "cases_within": sum(one.within for one in found.cases),
        "cases_recalled": sum(one.case.recalled for one in found.cases),
        "runs": len(found.runs),
        "predictions": len(guesses),
        "median_error_milli": round(1000 * median(errors)),
        "worst_error_milli": round(1000 * max(errors)),
        "coverage_milli": round(1000 * sum(one.within for one in guesses) / len(guesses)),
        "independent_runs": new.runs,
        "independent_median_error_milli": round(1000 * new.median),
        "independent_worst_error_milli": round(1000 * new.worst),
        "independent_coverage_milli": round(1000 * new.coverage),
        "memory_peaks": held.peaks,
        "memory_median_error_milli": round(1000 * held.median),
        "memory_worst_error_milli": round(1000 * held.worst),
        "memory_coverage_milli": round(1000 * held.coverage),
        "memory_printed_milli": round(1000 * held.printed),
        "refused_runs": len(found.refused),
        "refused_known_runs": len(known),
    }


def _good(summary: dict[str, int]) -> bool:
    covered = ("coverage", "independent_coverage", "memory_coverage", "memory_printed")
    return (
        summary["cases_within"] == summary["cases"]
        and summary["median_error_milli"] <= 1000 * MEDIAN_BAR
        and summary["worst_error_milli"] <= 1000 * WORST_BAR
        and summary["memory_median_error_milli"] <= 1000 * MEMORY_BAR
        and all(summary[f"{name}_milli"] >= 1000 * COVERAGE_BAR for name in covered)
        and not summary["refused_known_runs"]
    )


def _headline(plain: Sequence[Compared], summary: dict[str, int]) -> str:
    wider = sum(one.within and not one.near for one in plain)
    beyond = f", {wider} within a wider bar" if wider else ""
    said = {name: f"{value / 10:g} %" for name, value in summary.items() if name.endswith("_milli")}
    return (
        f"{summary['cases_near']} of {len(plain)} published figures recomputed to 1 % or their rounding"
        f"{beyond}; {summary['predictions']} predictions: median error {said['median_error_milli']}, worst"
        f" {said['worst_error_milli']}; {summary['independent_runs']} of independent projects: median"
        f" {said['independent_median_error_milli']}, worst {said['independent_worst_error_milli']},"
        f" {said['independent_coverage_milli']} in the 90 % interval; {summary['memory_peaks']} peaks of"
        f" memory: median {said['memory_median_error_milli']}, worst {said['memory_worst_error_milli']},"
        f" {said['memory_coverage_milli']} in it"
    )


def _case(one: Compared, interval: tuple[float, float] | None) -> Row:
    case = one.case
    low, high = interval or (None, None)
    verdict = "ok" if one.within else "off"
    if one.within and case.recalled:
        verdict = "ok (recalled)"
    elif one.within and interval is None and not one.near:
        verdict = "ok (wider)"
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


def _peak(one: Peak) -> Row:
    group, run = one.run.group, one.run.run
    assumed = f"assumed: {', '.join(run.assumed)}" if run.assumed else None
    return (
        group.table, f"memory of {one.run.name}", one.published / GIB, one.ours.value / GIB, "GiB",
        round(1000 * one.error), "in interval" if one.within else "beyond", one.ours.low / GIB,
        one.ours.high / GIB, True, run.recalled, assumed, group.source,
    )  # fmt: skip


def _memory(peaks: Sequence[Peak]) -> Iterable[Row]:
    for name in dict.fromkeys(one.run.group.table for one in peaks):
        mine = [one for one in peaks if one.run.group.table == name]
        found = judged(mine)
        errors = round(1000 * found.median), round(1000 * found.worst), round(1000 * found.coverage)
        yield name, found.peaks, *errors, mine[0].run.group.source


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


def _notes(found: Found, summary: dict[str, int], *, each_run: bool) -> Iterable[Note]:
    runs = found.runs
    outside = sum(not (one.scored or one.judges) for one in runs)
    yield Note(
        "held out",
        "a run is predicted, with its interval, from runs of other models, accelerators or software alone",
        detail="tables",
    )
    projects = len({one.run.group.independent for one in found.peaks})
    yield Note(
        "memory",
        f"{plural(len(found.peaks), 'peak')} of {projects} projects; each interval is as wide as the errors"
        " of the other projects ask for",
        detail="memory",
    )
    yield Note(
        "outside",
        f"{plural(outside, 'run')} of {len(runs)} are not held to the bars; the reasons, which were settled"
        " when their errors were known",
        command="" if each_run else "dcctl assess check --runs",
        detail="outside",
    )
    if found.refused:
        yield Note(
            "refused",
            f"{plural(len(found.refused), 'run')} would be called impossible: it is not told what they"
            f" recompute or move to the host, or their stages are uneven;"
            f" but for {summary['refused_known_runs']}",
        )
    others = len({one.known.run.group.independent for one in runs if one.judges})
    middle, worst, inside = (
        f"{summary[f'independent_{name}_milli'] / 10:g} %"
        for name in ("median_error", "worst_error", "coverage")
    )
    yield Note(
        "independent",
        f"{summary['independent_runs']} runs of {others} projects, on which nothing was fitted: median error"
        f" {middle}, worst {worst}, {inside} in the interval: expect the same",
    )
