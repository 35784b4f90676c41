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


class Prices(Struct, frozen=True):
    """What is known of the costs; None: not known, and neither is the sum."""

    gpu_hour: float | None = None
    """Money for one accelerator for an hour, whatever that includes."""
    kwh: float | None = None
    """Money for a kWh."""
    carbon_g_per_kwh: float | None = None
    pue: float | None = None


class Bill(Struct, frozen=True):
    """Of the whole run."""

    energy_mj: Estimate | None
    """Of the accelerators, in millijoules: nameplate, never measured."""
    money: Estimate | None
    carbon_kg: Estimate | None


def bill(needs: TrainingNeeds, prices: Prices) -> Bill:
    """Return what a run of known length costs; what is not known stays so."""
    if needs.time_s is None:
        return Bill(None, None, None)
    energy = _energy(needs, needs.time_s, prices.pue)
    return Bill(energy, _money(needs, needs.time_s, energy, prices), _carbon(energy, prices))


def _energy(needs: TrainingNeeds, time: Estimate, pue: float | None) -> Estimate | None:
    if not needs.spec.gpu.power_mw:
        return None
    each = needs.spec.layout.gpus * needs.spec.gpu.power_mw * (pue or 1.0)
    formula = "n x nameplate x share drawn x time" + ("" if pue is None else " x PUE")
    return Estimate(
        each * BUSY.value * time.value, each * BUSY.low * time.low, each * BUSY.high * time.high, formula,
        f"nameplate of {needs.spec.gpu.name}: {needs.spec.gpu.source}; {BUSY.source}",
    )  # fmt: skip


def _money(needs: TrainingNeeds, time: Estimate, energy: Estimate | None, prices: Prices) -> Estimate | None:
    if prices.gpu_hour is not None:
        return _scaled(time, needs.spec.layout.gpus * prices.gpu_hour / 3600, "n x hours x price")
    if prices.kwh is not None and energy is not None:
        return _scaled(energy, prices.kwh / 3.6e9, "kWh x price: energy of the accelerators alone")
    return None


def _carbon(energy: Estimate | None, prices: Prices) -> Estimate | None:
    if energy is None or prices.carbon_g_per_kwh is None:
        return None
    return _scaled(energy, prices.carbon_g_per_kwh / 1000 / 3.6e9, "kWh x intensity (location-based)")


def _scaled(one: Estimate, factor: float, formula: str) -> Estimate:
    return Estimate(one.value * factor, one.low * factor, one.high * factor, formula, one.source)
