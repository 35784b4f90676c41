"""Energy, money and carbon of a run, or of serving for a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from dcctl.assess.demand.estimate import Estimate, Figure

if TYPE_CHECKING:
    from dcctl.assess.demand.hardware import Gpu

BUSY: Final = Estimate(
    0.9, 0.6, 1.0, "share of the nameplate that is drawn", "Meta and LLaMA count 1.0 (arXiv 2302.13971)"
)
NODE: Final = Estimate(
    1.4,
    1.15,
    1.82,
    "node / its accelerators",
    "a DGX H100 is built for 10.2 kW with 8 x 0.7 kW in it (NVIDIA user guide); CPUs, fans and"
    " network draw less than they are built for",
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
    busy: Estimate = BUSY
    """Share of the nameplate that accelerators draw."""
    node: Estimate = NODE
    """What a node draws over what its accelerators do."""


class Bill(Struct, frozen=True):
    """Of some accelerators over some time."""

    energy_mj: Estimate | None
    """Of the nodes, in millijoules, with `pue` at the entry of the site: by nameplate, never measured."""
    money: Estimate | None
    carbon_kg: Estimate | None
    pue: bool = False
    """Whether the energy is that of the site."""
    energy_only: bool = False
    """Whether the money is for energy alone."""
    currency: str = ""
    """Of the money; empty: nobody told."""


def bill(gpus: Estimate, gpu: Gpu, time_s: Estimate | None, prices: Prices) -> Bill:
    """Return what so many cost over that time; what is not known stays so."""
    if time_s is None:
        return Bill(None, None, None)
    spent_s = product(gpus, time_s, "n x time")
    energy = _energy(spent_s, gpu, prices)
    return Bill(
        energy,
        _money(spent_s, energy, prices),
        _carbon(energy, prices),
        pue=prices.pue is not None,
        energy_only=prices.gpu_hour is None,
        currency=prices.currency,
    )


def figures(bill: Bill, of: str = "") -> tuple[Figure, ...]:
    """Return the lines of a bill; `of`: what it is for, where that is not the whole run."""
    whose = "nodes and cooling" if bill.pue else "the nodes"
    paid = "money for energy alone" if bill.money and bill.energy_only else "money"
    money = f"{paid}{of}, {bill.currency}" if bill.currency else f"{paid}{of}"
    return (
        Figure("energy_mj", f"energy of {whose} (by nameplate){of}", "energy_mj", bill.energy_mj),
        Figure("money", money, "number", bill.money),
        Figure("carbon_kg", f"carbon{of}, kg of CO2", "number", bill.carbon_kg),
    )


def _energy(spent_s: Estimate, gpu: Gpu, prices: Prices) -> Estimate | None:
    if not gpu.power_mw:
        return None
    formula = "n x time x nameplate x share drawn x node / accelerators"
    boards = product(spent_s * gpu.power_mw, prices.busy, formula)
    whole = product(boards, prices.node, formula)
    source = f"nameplate of {gpu.name}: {gpu.source}; {prices.busy.source}; {prices.node.source}"
    if prices.pue is not None:
        whole = product(whole, prices.pue, f"{formula} x PUE")
        source = f"{source}; PUE: {prices.pue.source}"
    return Estimate(whole.value, whole.low, whole.high, whole.formula, source)


def _money(spent_s: Estimate, energy: Estimate | None, prices: Prices) -> Estimate | None:
    if prices.gpu_hour is not None:
        return product(spent_s * (1 / 3600), prices.gpu_hour, "n x hours x price")
    if prices.kwh is not None and energy is not None:
        return product(energy * (1 / _KWH_MJ), prices.kwh, "kWh x price: energy alone")
    return None


def _carbon(energy: Estimate | None, prices: Prices) -> Estimate | None:
    if energy is None or prices.carbon_g_per_kwh is None:
        return None
    formula = "kWh x intensity (location-based)"
    return product(energy * (1 / _KWH_MJ / 1000), prices.carbon_g_per_kwh, formula)


def product(one: Estimate, other: Estimate, formula: str) -> Estimate:
    """Return the product, from the lowest to the highest product of their ends: a price may be below zero."""
    ends = sorted((one.low * other.low, one.low * other.high, one.high * other.low, one.high * other.high))
    return Estimate(one.value * other.value, ends[0], ends[-1], formula, other.source or one.source)
