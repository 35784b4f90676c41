"""Shares of a supply that is too small as a report: whether all fits whole, and what each gets if not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.packing.sharing.shares import PARTS, given
from dcctl.render.report import Column, Report, Shape, Table
from dcctl.schedule import shares_words as words
from dcctl.schedule.samples import with_samples
from dcctl.schedule.shares_notes import notes
from dcctl.units import plural

if TYPE_CHECKING:
    from fractions import Fraction

    from dcctl.inventory.asked import Asked
    from dcctl.inventory.model import Gap
    from dcctl.packing.sharing.shares import Claim, Share, Shares
    from dcctl.render.report import Cell, Row
    from dcctl.schedule.shares import Available, Objective

_SHARES = (
    Column("model", "MODEL", keep=9),
    Column("training_milli", "TRAINING", "percent_milli", keep=8),
    Column("inference_milli", "INFERENCE", "percent_milli", keep=8),
    Column("dominant_milli", "SHARE", "percent_milli", keep=7),
    Column("limited_by", "LIMITED BY", keep=6),
    Column("cost_milli", "COST A YEAR", "milli", keep=5),
    Column("weight_milli", "WEIGHT", "milli", keep=4, wide=True),
    Column("product_milli", "TRAIN X INFER", "percent_milli", keep=4, wide=True),
    Column("devices", "ACCELERATORS", keep=4, wide=True),
    Column("cpu_milli", "CPUS", "milli", keep=4, wide=True),
    Column("memory_bytes", "MEMORY", "memory", keep=4, wide=True),
    Column("storage_bytes", "STORAGE", "bytes", keep=3, wide=True),
    Column("bandwidth_bps", "BANDWIDTH", "bps", keep=3, wide=True),
    Column("power_mw", "POWER", "power_mw", keep=3, wide=True),
)
_SUMMARY = (
    Column("objective", "What the shares are the best for: fair, train-x-infer or max-min"),
    Column("models", "Models and jobs that want something", "count"),
    Column("whole", "Those that get all that they want", "count"),
    Column("value_milli", "Sum over models of weight x training x inference satisfied", "milli"),
    Column("bound_milli", "No shares have a larger sum; null: not asked", "milli"),
    Column("fair_milli", "That sum at fair shares", "milli"),
    Column("cost_milli", "Cost of all that is wanted, a year; null: no prices are told", "milli"),
    Column("currency", "Its currency"),
)
SHARES = Shape(
    "schedule-shares",
    "What each model gets of what it wants where the supply is too small; SHARE is its dominant share.",
    _SHARES,
    (),
    _SUMMARY,
)


class Answer(NamedTuple):
    """All that a report of shares is made from."""

    asked: Asked
    claims: tuple[Claim, ...]
    there: Available
    objective: Objective
    shares: Shares
    fair: Shares
    """The fair shares, whatever the objective."""
    prices: dict[str, Fraction]


def shares_report(answer: Answer, gaps: tuple[Gap, ...] = ()) -> Report:
    """Return the report: models in the order in which they are asked for; level crit if one is not whole."""
    rows = tuple(
        _row(answer, claim, one) for claim, one in zip(answer.claims, answer.shares.shares, strict=True)
    )
    columns = tuple(replace(one, wide=one.wide or _is_blank(one.key, answer)) for one in _SHARES)
    found = Report(
        kind=SHARES.kind,
        headline=_headline(answer),
        items=Table("items", columns, rows, fold=False),
        summary=_summary(answer),
        notes=notes(answer),
        gaps=(*answer.asked.gaps, *gaps),
        name_key="model",
        level="ok" if all(map(is_whole, answer.shares.shares)) else "crit",
    )
    return with_samples(found)


def is_whole(share: Share) -> bool:
    """Whether a model gets all that it wants."""
    return all(share.satisfied(part) in (None, 1) for part in PARTS)


def _is_blank(key: str, answer: Answer) -> bool:
    """Columns in which nothing would stand."""
    if key == "cost_milli":
        return not answer.prices
    return key in ("training_milli", "inference_milli") and not any(
        claim.wanted("training" if key == "training_milli" else "inference") for claim in answer.claims
    )


def _row(answer: Answer, claim: Claim, share: Share) -> Row:
    amounts = given(claim, share)
    devices = {name: amounts.pop(name) for name in list(amounts) if words.is_device(name)}
    cells: dict[str, Cell] = {
        "model": claim.name,
        "training_milli": words.milli(share.training),
        "inference_milli": words.milli(share.inference),
        "dominant_milli": words.milli(share.dominant),
        "limited_by": tuple(dict.fromkeys(words.limit(one, answer.there.supply) for one in share.limits)),
        "cost_milli": words.money_milli({**amounts, **devices}, answer.prices) if answer.prices else None,
        "weight_milli": round(claim.weight * 1000),
        "product_milli": words.milli(share.product),
        "devices": tuple(words.quantity(name, amount) for name, amount in devices.items()),
        **amounts,
    }
    return tuple(cells.get(column.key) for column in _SHARES)


def _headline(answer: Answer) -> str:
    if not all(map(is_whole, answer.shares.shares)):
        short = words.short_of(answer.claims, answer.there.supply)
        return f"cannot be placed whole: {', '.join(short) or 'quotas'}; {_shares(answer)}"
    tight = words.tightest(answer.claims, answer.there.supply)
    return plural(len(answer.claims), "model fits", "models fit") + " whole" + (f": {tight}" if tight else "")


_CALLED = {"fair": "fair shares", "train-x-infer": "best shares", "max-min": "max-min shares"}


def _shares(answer: Answer) -> str:
    """The shares in words: each of a few, the range of many."""
    found = answer.shares.shares
    if len(found) <= 3:
        each = ", ".join(f"{one.name} {words.percents(one)}" for one in found)
        return f"{_CALLED[answer.objective]}: {each}"
    parts = [share for one in found for part in PARTS if (share := one.satisfied(part)) is not None]
    least, most = min(parts), max(parts)
    return f"{_CALLED[answer.objective]} from {words.percent_of(least)} to {words.percent_of(most)}"


def _summary(answer: Answer) -> dict[str, Cell | dict[str, Cell]]:
    shares = answer.shares
    return {
        "objective": answer.objective,
        "models": len(answer.claims),
        "whole": sum(map(is_whole, shares.shares)),
        "value_milli": round(shares.value * 1000),
        "bound_milli": None if shares.bound is None else -int(-shares.bound * 1000 // 1),
        "fair_milli": round(answer.fair.value * 1000),
        "cost_milli": words.money_milli(words.wanted(answer.claims), answer.prices)
        if answer.prices
        else None,
        "currency": (answer.asked.supply.currency if answer.asked.supply else "") or None,
    }
