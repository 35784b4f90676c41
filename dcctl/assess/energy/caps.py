"""Which power cap to set: energy against slowdown, from points that were measured or from a stated model.

Stated model: dynamic power goes with the cube of the clock f, so a cap P allows a clock of
f = cbrt((P - idle)/(limit - idle)), and of the time a share `compute` goes with 1/f:
T/T0 = compute/f + 1 - compute. The board draws its cap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.inventory.energy import CapModel

_STEPS: Final = 20
_LOWEST: Final = 8
"""Caps of a stated model: twentieths of the limit, down to 8 of them. Below, the cube law is wrong."""


class Choice(Struct, frozen=True):
    """One cap and what it does to a piece of work."""

    cap_mw: int
    power_mw: int
    time_milli: int
    """Thousandths of the time at the highest cap."""

    def energy(self) -> int:
        """Of the work, in units that only compare."""
        return self.power_mw * self.time_milli


def choices(model: CapModel) -> tuple[Choice, ...]:
    """The caps to choose from, the highest first: it is what the others are compared with."""
    if model.points:
        first = model.points[0].time_milli
        return tuple(
            Choice(one.cap_mw, one.power_mw, round(one.time_milli * 1000 / first)) for one in model.points
        )
    found = []
    for step in range(_STEPS, _LOWEST - 1, -1):
        cap = model.limit_mw * step // _STEPS
        if cap <= model.idle_mw:
            break
        clock = ((cap - model.idle_mw) / (model.limit_mw - model.idle_mw)) ** (1 / 3)
        found.append(Choice(cap, cap, round(model.compute_milli / clock + 1000 - model.compute_milli)))
    return tuple(found)


def by_weight(found: Sequence[Choice], eta_milli: int) -> Choice:
    """The cap that minimises eta E + (1 - eta) P_max T: 0 counts time alone, 1000 energy alone.

    Source: Zeus (You, Chung, Chowdhury; NSDI 2023). Ties go to the higher cap.
    """
    most = found[0].power_mw
    return min(
        found,
        key=lambda one: (
            eta_milli * one.energy() + (1000 - eta_milli) * most * one.time_milli,
            -one.cap_mw,
        ),
    )


def by_slowdown(found: Sequence[Choice], most_milli: int) -> Choice:
    """The lowest cap whose time is at most so many thousandths longer than without a cap."""
    return min(
        (one for one in found if one.time_milli <= 1000 + most_milli),
        key=lambda one: one.cap_mw,
        default=found[0],
    )
