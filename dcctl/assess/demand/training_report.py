"""What a training run takes, as a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.assess.demand.bottleneck import shares
from dcctl.assess.demand.figures import figures
from dcctl.assess.demand.shape import DEMAND, FLOWS, LAYOUTS, SHARES, assumed, value, whole
from dcctl.assess.demand.shape import items as rows
from dcctl.render.report import Note, Report, Table
from dcctl.units import duration, memory, plural

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.assess.demand.bill import Bill
    from dcctl.assess.demand.layout import Layout
    from dcctl.assess.demand.shape import Told
    from dcctl.assess.demand.training import TrainingNeeds
    from dcctl.render.report import Cell, Row, Severity


def training_report(needs: TrainingNeeds, bill: Bill, told: Told) -> Report:
    """Return the report of a training run; its level is `crit` where it does not fit or is late."""
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
        "time_s": whole(needs.time_s),
        "energy_mj": whole(bill.energy_mj),
        "money": value(bill.money),
        "carbon_kg": value(bill.carbon_kg),
        "bottleneck": bottleneck,
    }
    return Report(
        kind=DEMAND.kind,
        headline=_headline(needs, told),
        items=rows(figures(needs, bill), explain=told.explain),
        details=(
            Table("flows", FLOWS, tuple(_flows(needs)), fold=False),
            Table("shares", SHARES, tuple((name, round(1000 * one)) for name, one in spent), fold=False),
            Table("layouts", LAYOUTS, tuple(_layouts(needs)), fold=False),
        ),
        summary=summary,
        notes=(*_notes(needs, bottleneck), *told.notes),
        gaps=told.gaps,
        name_key="figure",
        level=_level(needs, told),
    )


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


def _flows(needs: TrainingNeeds) -> Iterable[Row]:
    for flow in sorted(needs.flows, key=lambda one: -one.bytes):
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
    yield from assumed(spec.model)
    if needs.time_s is not None and needs.durability.write_s:
        steps = needs.durability.interval_s.value / needs.step_s.value
        yield Note("checkpoint", f"every {plural(round(steps), 'step')}, the state is written once")


def _level(needs: TrainingNeeds, told: Told) -> Severity:
    return "crit" if needs.fits is False or told.fits_fleet is False or told.late else "ok"
