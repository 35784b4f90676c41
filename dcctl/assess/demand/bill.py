"""Energy, money and carbon of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from dcctl.assess.demand.estimate import Estimate

if TYPE_CHECKING:
    from dcctl.assess.demand.training import TrainingNeeds

BUSY: Final = Estimate(
    0.9, 0.6, 1.0, "share of the nameplate that is drawn", "Meta and LLaMA count 1.0 (arXiv 2302.13971)"
)
_KWH_MJ: Final = 3.6e9


class Prices(Struct, frozen=True):
    """What is known of the costs; None: not known, and neither is the sum."""

    gpu_hour: Estimate | None = None
    """Money for one accelerator for an hour, whatever that includes."""
    kwh: Estimate | None = None
    """Money for a kWh."""
    carbon_g_per_kwh: Estimate | None = None
    pue: Estimate | None = None
    currency: str = ""


class Bill(Struct, frozen=True):
    """Of the whole run."""

    energy_mj: Estimate | None
    """Of the accelerators, in millijoules, with `pue` at the entry of the site: nameplate, never measured."""
    money: Estimate | None
    carbon_kg: Estimate | None
    pue: bool = False
    """Whether the energy is that of the site."""
    energy_only: bool = False
    """Whether the money is for energy alone."""
    currency: str = ""
    """Of the money; empty: nobody told."""


def bill(needs: TrainingNeeds, prices: Prices) -> Bill:
    """Return what a run of known length costs; what is not known stays so."""
    if needs.time_s is None:
        return Bill(None, None, None)
    energy = _energy(needs, needs.time_s, prices.pue)
    money = _money(needs, needs.time_s, energy, prices)
    return Bill(
        energy,
        money,
        _carbon(energy, prices),
        pue=prices.pue is not None,
        energy_only=prices.gpu_hour is None,
        currency=prices.currency,
    )


def _energy(needs: TrainingNeeds, time: Estimate, pue: Estimate | None) -> Estimate | None:
    if not needs.spec.gpu.power_mw:
        return None
    whole = _product(
        time * (needs.spec.layout.gpus * needs.spec.gpu.power_mw), BUSY, "n x nameplate x share drawn x time"
    )
    source = f"nameplate of {needs.spec.gpu.name}: {needs.spec.gpu.source}; {BUSY.source}"
    if pue is not None:
        whole, source = _product(whole, pue, f"{whole.formula} x PUE"), f"{source}; PUE: {pue.source}"
    return Estimate(whole.value, whole.low, whole.high, whole.formula, source)


def _money(needs: TrainingNeeds, time: Estimate, energy: Estimate | None, prices: Prices) -> Estimate | None:
    if prices.gpu_hour is not None:
        return _product(time * (needs.spec.layout.gpus / 3600), prices.gpu_hour, "n x hours x price")
    if prices.kwh is not None and energy is not None:
        return _product(energy * (1 / _KWH_MJ), prices.kwh, "kWh x price: energy alone")
    return None


def _carbon(energy: Estimate | None, prices: Prices) -> Estimate | None:
    if energy is None or prices.carbon_g_per_kwh is None:
        return None
    formula = "kWh x intensity (location-based)"
    return _product(energy * (1 / _KWH_MJ / 1000), prices.carbon_g_per_kwh, formula)


def _product(one: Estimate, other: Estimate, formula: str) -> Estimate:
    """From the lowest to the highest product of their ends: a price may be below zero."""
    ends = sorted((one.low * other.low, one.low * other.high, one.high * other.low, one.high * other.high))
    return Estimate(one.value * other.value, ends[0], ends[-1], formula, other.source or one.source)
