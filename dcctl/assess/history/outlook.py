"""Demand against what there is: how it went, how it will go, and when it is full."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.assess.history.forecast import Forecast, forecast, full_after
from dcctl.assess.history.groups import added, everything, known

if TYPE_CHECKING:
    from dcctl.assess.history.model import History, Values


class Outlook(NamedTuple):
    """What is wanted, and what there is. In accelerators."""

    demand: Values
    of: str
    """What the demand is: what pods request, or what is held."""
    capacity: float | None
    forecast: Forecast | None

    def full_s(self, history: History, *, soonest: bool = False) -> int | None:
        """When demand meets the capacity; `soonest`: higher by the spread. None: not in that time."""
        if self.forecast is None or self.capacity is None:
            return None
        outcome = self.forecast
        wide = outcome.spreads if soonest else (0.0,) * len(outcome.values)
        values = [value + more for value, more in zip(outcome.values, wide, strict=True)]
        step = full_after(values, self.capacity)
        return None if step is None else history.window.end_s + (step + 1) * history.window.step_s


def outlook(history: History, ahead_s: int) -> Outlook:
    """Return the outlook: requests where kube-state-metrics tells them, else what is held."""
    steps = history.window.steps
    there = added(history.present.values(), steps)
    demand, of, capacity = history.requested, "requested by pods", history.allocatable
    if not known(demand):
        demand, of, capacity = everything(history).held, "held", there
    last = known(capacity) or known(there)
    found = forecast(demand, history.window.step_s, ahead_s // history.window.step_s)
    return Outlook(demand, of, last[-1] if last else None, found)
