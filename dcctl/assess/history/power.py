"""Energy of accelerators, by their counters and by the power that they tell: two ways to the same figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.assess.history import signals as s
from dcctl.assess.history.groups import known

if TYPE_CHECKING:
    from dcctl.assess.history.model import History

_ALIKE = 0.2
"""Two ways to one energy agree when they differ by at most so much of the larger."""


def energy_mj(history: History, pool: str | None = None) -> tuple[int | None, str | None]:
    """Return the energy of a pool, or of all, in mJ, and what tells it: a counter, else the mean power."""
    counted, drawn = history.energy_j, _by_power_j(history)
    pools = [name for name in sorted(counted.keys() | drawn.keys()) if pool in (None, name)]
    if not pools:
        return None, None
    by = {s.ENERGY if name in counted else s.POWER: None for name in pools}
    return round(sum(counted.get(name, drawn.get(name, 0.0)) for name in pools) * 1000), " and ".join(by)


def contradictions(history: History) -> tuple[tuple[str, float, float], ...]:
    """Return the pools whose two energies differ, with that by counter and that by power, in J."""
    drawn = _by_power_j(history)
    pairs = [(name, joules, drawn[name]) for name, joules in history.energy_j.items() if name in drawn]
    return tuple(one for one in sorted(pairs) if abs(one[1] - one[2]) > _ALIKE * max(one[1:]))


def _by_power_j(history: History) -> dict[str, float]:
    """Of each pool, in the time of which its power is known; nothing of one that tells none."""
    found = {name: known(values) for name, values in history.power_w.items()}
    return {name: sum(watts) * history.window.step_s for name, watts in found.items() if watts}
