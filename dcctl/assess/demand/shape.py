"""The form of an answer: one row per figure, with its interval and, if asked for, its formula."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.render.report import Column, Note, Shape, Table
from dcctl.units import BY_UNIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.assess.demand.architecture import Architecture
    from dcctl.assess.demand.estimate import Estimate, Figure
    from dcctl.inventory.model import Gap
    from dcctl.render.report import Row

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
FLOWS = (
    Column("kind", "SENT FOR", keep=9),
    Column("link", "OVER", keep=8),
    Column("sent_bytes", "PER GPU AND STEP", "bytes", keep=8),
    Column("duration_ms", "AT LINE RATE", "duration_ms", keep=7),
    Column("formula", "FORMULA", keep=3, wide=True),
)
SHARES = (
    Column("part", "A STEP SPENDS ITS TIME ON", keep=9),
    Column("share_milli", "SHARE", "percent_milli", keep=9),
)
LAYOUTS = (
    Column("layout", "NEXT BEST", keep=9),
    Column("memory_bytes", "MEMORY", "memory", keep=7),
    Column("step_ms", "STEP", "duration_ms", keep=6),
    Column("tokens_per_s_gpu", "TOKENS/S PER GPU", "number", keep=8),
    Column("slower_milli", "SLOWER BY", "percent_milli", keep=9),
    Column("passes", "PASSES", keep=3, wide=True),
)
SUMMARY = (
    Column("model", "name of the model"),
    Column("gpu", "accelerator"),
    Column("gpus", "accelerators", "count"),
    Column("layout", "sizes of the groups that the run is split over"),
    Column("fits_memory", "whether it fits into the accelerators; null: at one end of the interval alone"),
    Column("fits_fleet", "whether that many are free now in the fleet; null: no fleet was asked"),
    Column("time_s", "time for all tokens", "duration_s"),
    Column("energy_mj", "energy of the nodes, from the nameplate of their accelerators", "energy_mj"),
    Column("money", "money for the run", "number"),
    Column("carbon_kg", "carbon of the run in kg", "number"),
    Column("bottleneck", "what takes most of a step, or what the fleet lacks"),
)
DEMAND = Shape(
    "assess-demand",
    "What training or serving a model takes.",
    _ITEMS,
    (("flows", FLOWS), ("shares", SHARES), ("layouts", LAYOUTS)),
    SUMMARY,
)


class Told(NamedTuple):
    """What goes with the figures."""

    fits_fleet: bool | None = None
    notes: tuple[Note, ...] = ()
    gaps: tuple[Gap, ...] = ()
    explain: bool = False
    missing: str = ""
    """What the fleet lacks, in words; empty: nothing, or no fleet was asked."""
    late: bool = False
    """Whether a deadline is missed."""


def items(found: Sequence[tuple[str, Figure]], *, explain: bool) -> Table:
    """Return one row per figure; with `explain` the formula and its source stand in narrow tables too."""
    shown = {"formula", "source"}
    columns = tuple(
        Column(one.key, one.title, one.unit, one.keep, wide=False) if explain and one.key in shown else one
        for one in _ITEMS
    )
    return Table("items", columns, tuple(_row(part, figure) for part, figure in found), fold=False)


def whole(one: Estimate | None) -> int | None:
    """Return the figure as an integer; None: unknown."""
    return None if one is None else round(one.value)


def value(one: Estimate | None) -> float | None:
    """Return the figure; None: unknown."""
    return None if one is None else one.value


def _row(part: str, figure: Figure) -> Row:
    one = figure.estimate
    if one is None:
        return part, figure.key, figure.title, "unknown", None, None, None, None, None, None
    show = BY_UNIT[figure.unit]
    kept = float if figure.unit == "number" else round
    spread = None if one.low == one.high else f"{show(one.low)} to {show(one.high)}"
    return (
        part, figure.key, figure.title, show(one.value), spread,
        kept(one.value), kept(one.low), kept(one.high), one.formula or None, one.source or None,
    )  # fmt: skip


def assumed(model: Architecture) -> Iterable[Note]:
    """Yield what was taken for granted of the model, if anything was."""
    if model.assumed:
        yield Note("assumed", "; ".join(model.assumed))
