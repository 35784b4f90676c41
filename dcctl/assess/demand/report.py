"""What a model takes, as a report: one row per figure, with its interval and, if asked for, its formula."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.assess.demand.bottleneck import shares
from dcctl.assess.demand.figures import figures
from dcctl.assess.demand.inference_report import figures as serving_figures
from dcctl.assess.demand.inference_report import remarks
from dcctl.render.report import Column, Note, Report, Shape, Table
from dcctl.units import BY_UNIT, duration, memory, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.assess.demand.architecture import Architecture
    from dcctl.assess.demand.bill import Bill
    from dcctl.assess.demand.estimate import Estimate, Figure
    from dcctl.assess.demand.layout import Layout
    from dcctl.assess.demand.serving import ServingNeeds, ServingSpec
    from dcctl.assess.demand.training import TrainingNeeds
    from dcctl.inventory.model import Gap
    from dcctl.render.report import Cell, Row, Severity

_ITEMS = (
    Column("part", "PART", keep=6),
    Column("figure", "KEY", wide=True),
    Column("title", "FIGURE", keep=9),
    Column("shown", "VALUE", keep=9),
    Column("interval", "90 % INTERVAL", keep=8),
    Column("value", "RAW", "number", wide=True),
    Column("low", "LOW", "number", wide=True),
    Column("high", "HIGH", "number", wide=True),
    Column("formula", "FORMULA", keep=4, wide=True),
    Column("source", "SOURCE", keep=3, wide=True),
)
_FLOWS = (
    Column("kind", "SENT FOR", keep=9),
    Column("link", "OVER", keep=8),
    Column("sent_bytes", "PER GPU AND STEP", "bytes", keep=8),
    Column("duration_ms", "AT LINE RATE", "duration_ms", keep=7),
    Column("formula", "FORMULA", keep=3, wide=True),
)
_SHARES = (
    Column("part", "A STEP SPENDS ITS TIME ON", keep=9),
    Column("share_milli", "SHARE", "percent_milli", keep=9),
)
_LAYOUTS = (
    Column("layout", "NEXT BEST", keep=9),
    Column("memory_bytes", "MEMORY", "memory", keep=7),
    Column("step_ms", "STEP", "duration_ms", keep=6),
    Column("tokens_per_s_gpu", "TOKENS/S PER GPU", "number", keep=8),
    Column("slower_milli", "SLOWER BY", "percent_milli", keep=9),
    Column("passes", "PASSES", keep=3, wide=True),
)
_SUMMARY = (
    Column("model", "name of the model"),
    Column("gpu", "accelerator"),
    Column("gpus", "accelerators", "count"),
    Column("layout", "sizes of the groups that the run is split over"),
    Column("fits_memory", "whether it fits into the accelerators; null: at one end of the interval alone"),
    Column("fits_fleet", "whether that many are free now in the fleet; null: no fleet was asked"),
    Column("time_s", "time for all tokens", "duration_s"),
    Column("energy_mj", "energy of the accelerators, from their nameplate", "energy_mj"),
    Column("money", "money for the run", "number"),
    Column("carbon_kg", "carbon of the run in kg", "number"),
    Column("bottleneck", "what takes most of a step, or what the fleet lacks"),
)
DEMAND = Shape(
    "assess-demand",
    "What training or serving a model takes.",
    _ITEMS,
    (("flows", _FLOWS), ("shares", _SHARES), ("layouts", _LAYOUTS)),
    _SUMMARY,
)


class Told(NamedTuple):
    """What goes with the figures."""

    fits_fleet: bool | None = None
    notes: tuple[Note, ...] = ()
    gaps: tuple[Gap, ...] = ()
    explain: bool = False
    missing: str = ""
    """What the fleet lacks, in words; empty: nothing, or no fleet was asked."""


def training_report(needs: TrainingNeeds, bill: Bill, told: Told) -> Report:
    """Return the report of a training run; its level is `warn` where it does not fit."""
    spent = shares(needs.spec)
    spec = needs.spec
    bottleneck = told.missing or f"{spent[0][0]}, {spent[0][1]:.0%} of a step"
    summary: dict[str, Cell | dict[str, Cell]] = {
        "model": spec.model.name,
        "gpu": spec.gpu.name,
        "gpus": spec.layout.gpus,
        "layout": words(spec.layout),
        "fits_memory": needs.fits,
        "fits_fleet": told.fits_fleet,
        "time_s": _whole(needs.time_s),
        "energy_mj": _whole(bill.energy_mj),
        "money": _value(bill.money),
        "carbon_kg": _value(bill.carbon_kg),
        "bottleneck": bottleneck,
    }
    return Report(
        kind=DEMAND.kind,
        headline=_headline(needs, told),
        items=items(figures(needs, bill), explain=told.explain),
        details=(
            Table("flows", _FLOWS, tuple(_flows(needs)), fold=False),
            Table("shares", _SHARES, tuple((name, round(1000 * one)) for name, one in spent), fold=False),
            Table("layouts", _LAYOUTS, tuple(_layouts(needs)), fold=False),
        ),
        summary=summary,
        notes=(*_notes(needs, bottleneck), *told.notes),
        gaps=told.gaps,
        name_key="figure",
        level=_level(needs, told),
    )


def serving_report(spec: ServingSpec, needs: ServingNeeds, gaps: tuple[Gap, ...], *, explain: bool) -> Report:
    """Return the report of a model that is served; its level is `warn` where it does not fit or misses."""
    found = [("serving", one) for one in serving_figures(spec, needs)]
    gpus = needs.replicas.value * spec.gpus if needs.replicas else None
    summary: dict[str, Cell | dict[str, Cell]] = {
        **dict.fromkeys((column.key for column in _SUMMARY), None),
        "model": spec.model.name,
        "gpu": spec.gpu.name,
        "gpus": None if gpus is None else round(gpus),
        "layout": _groups(spec),
        "fits_memory": needs.fits,
        "bottleneck": needs.bound,
    }
    told = remarks(spec, needs)
    bad = not needs.fits or bool(needs.missed)
    replicas = f"{plural(round(needs.replicas.value), 'replica')} of " if needs.replicas else ""
    return Report(
        kind=DEMAND.kind,
        headline=f"{spec.model.name}: {replicas}{spec.gpus} x {spec.gpu.name}, {needs.batch:,} at once",
        items=items(found, explain=explain),
        summary=summary,
        notes=(*(Note("serving", text, "warn" if bad else "info") for text in told), *_assumed(spec.model)),
        gaps=gaps,
        name_key="figure",
        level="warn" if bad else "ok",
    )


def _groups(spec: ServingSpec) -> str:
    sizes = [("TP", spec.tensor), ("PP", spec.pipeline), ("DP", spec.data)]
    found = " x ".join(f"{name} {size}" for name, size in sizes if size > 1 or name == "TP")
    return f"{found}, EP {spec.expert}" if spec.expert > 1 else found


def items(found: Sequence[tuple[str, Figure]], *, explain: bool) -> Table:
    """Return one row per figure; with `explain` the formula and its source stand in narrow tables too."""
    shown = {"formula", "source"}
    columns = tuple(
        Column(one.key, one.title, one.unit, one.keep, wide=False) if explain and one.key in shown else one
        for one in _ITEMS
    )
    return Table("items", columns, tuple(_row(part, figure) for part, figure in found), fold=False)


def _whole(one: Estimate | None) -> int | None:
    return None if one is None else round(one.value)


def _value(one: Estimate | None) -> float | None:
    return None if one is None else one.value


def words(layout: Layout) -> str:
    """Return a layout in one line: TP 4 x PP 4 x DP 48, micro-batch 1, batch 576, ZeRO-1, recompute full."""
    return f"{_split(layout)}, {_passes(layout)}"


def _split(layout: Layout) -> str:
    sizes = [("TP", layout.tensor), ("PP", layout.pipeline), ("CP", layout.context), ("DP", layout.data)]
    found = " x ".join(f"{name} {size}" for name, size in sizes if size > 1 or name == "DP")
    return f"{found}, EP {layout.expert}" if layout.expert > 1 else found


def _passes(layout: Layout) -> str:
    more = [f"{layout.virtual} chunks a stage"] if layout.virtual > 1 else []
    more += [f"micro-batch {layout.micro_batch}", f"batch {layout.batch:,}", f"ZeRO-{layout.zero}"]
    return ", ".join([*more, f"recompute {layout.recompute}"])


def _row(part: str, figure: Figure) -> Row:
    one = figure.estimate
    if one is None:
        return part, figure.key, figure.title, "unknown", None, None, None, None, None, None
    show = BY_UNIT[figure.unit]
    spread = None if one.low == one.high else f"{show(one.low)} to {show(one.high)}"
    return (
        part, figure.key, figure.title, show(one.value), spread, one.value, one.low, one.high,
        one.formula or None, one.source or None,
    )  # fmt: skip


def _flows(needs: TrainingNeeds) -> Iterable[Row]:
    for flow in needs.flows:
        took = None if flow.seconds is None else round(flow.seconds * 1000)
        yield flow.kind, flow.link, round(flow.bytes), took, flow.formula


def _layouts(needs: TrainingNeeds) -> Iterable[Row]:
    for one in needs.others:
        took = round(one.step_s * 1000), one.tokens_per_s_gpu, round(1000 * one.slower)
        yield _split(one.spec.layout), round(one.memory_bytes), *took, _passes(one.spec.layout)


def _headline(needs: TrainingNeeds, told: Told) -> str:
    spec = needs.spec
    took = f", {duration(needs.time_s.value)}" if needs.time_s else ""
    doubt = {True: "", None: " (only just: see the interval)", False: " (memory may not suffice)"}[needs.fits]
    room = {True: "; fits the fleet now", False: "; does not fit the fleet now", None: ""}[told.fits_fleet]
    each = memory(needs.memory.total.value)
    gpus = f"{spec.layout.gpus:,} x {spec.gpu.name}"
    return f"{spec.model.name} on {gpus}: {each} per GPU{doubt}, MFU {needs.mfu.value:.0%}{took}{room}"


def _notes(needs: TrainingNeeds, bottleneck: str) -> Iterable[Note]:
    spec = needs.spec
    yield Note("layout", f"{words(spec.layout)}; {spec.stack}, {spec.precision}, {spec.optimizer}")
    yield Note("bottleneck", bottleneck, detail="shares")
    if needs.others:
        text = "memory, time of a step, tokens per second of a GPU, slower by"
        yield Note("next best", text, detail="layouts")
    if needs.flows:
        most = max(needs.flows, key=lambda flow: flow.bytes)
        yield Note("network", f"most is sent for {most.kind}, over {most.link}", detail="flows")
    for caution in needs.cautions:
        yield Note("caution", caution, "warn")
    yield from _assumed(spec.model)
    if needs.time_s is not None and needs.durability.write_s:
        steps = needs.durability.interval_s.value / needs.step_s.value
        yield Note("checkpoint", f"every {plural(round(steps), 'step')}, the state is written once")


def _assumed(model: Architecture) -> Iterable[Note]:
    if model.assumed:
        yield Note("assumed", "; ".join(model.assumed))


def _level(needs: TrainingNeeds, told: Told) -> Severity:
    return "warn" if needs.fits is False or told.fits_fleet is False else "ok"
