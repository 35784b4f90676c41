"""Plots of the history: use, queue, forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.assess.history.groups import added, known, waiting
from dcctl.render.report import Line, Plot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.assess.history.groups import Group
    from dcctl.assess.history.model import History, Values
    from dcctl.assess.history.outlook import Outlook


def plots(history: History, whole: Group, outlook: Outlook) -> tuple[Plot, ...]:
    """Return the plots of which anything is known. Values are thousandths of accelerators."""
    return tuple(
        plot
        for plot in (_use(history, whole), _queue(history), _forecast(history, outlook))
        if plot is not None
    )


def _use(history: History, whole: Group) -> Plot | None:
    there = added(history.present.values(), history.window.steps)
    if not known(whole.held):
        return None
    pairs = list(zip(whole.busy, whole.held, strict=True))
    busy: Values = [None if b is None or h is None else b * h for b, h in pairs]
    lines = [Line("there are", _milli(there), "limit"), Line("held", _milli(whole.held), "part")]
    if known(busy):
        lines.append(Line("busy", _milli(busy)))
    return _plot(history, "use", "accelerators: there, held, and as many as their load would fill", lines)


def _queue(history: History) -> Plot | None:
    waits = waiting(history)
    if not any(known(waits)):
        return None
    return _plot(history, "queue", "accelerators that pods wait for", [Line("waited for", _milli(waits))])


def _forecast(history: History, outlook: Outlook) -> Plot | None:
    outcome = outlook.forecast
    if outcome is None or not outcome.values:
        return None
    blank: Values = [None] * len(outlook.demand)
    lines = [
        Line("demand", _milli(outlook.demand)),
        Line(f"forecast by {outcome.name}", _milli([*blank, *outcome.values]), "forecast"),
    ]
    if outlook.capacity is not None:
        steps = len(outlook.demand) + len(outcome.values)
        lines.append(Line("capacity", _milli([outlook.capacity] * steps), "limit"))
    return _plot(history, "forecast", f"accelerators {outlook.of}, and what is to come", lines)


def _plot(history: History, name: str, title: str, lines: Sequence[Line]) -> Plot:
    window = history.window
    return Plot(name, title, window.start_s + window.step_s, window.step_s, tuple(lines))


def _milli(values: Sequence[float | None]) -> tuple[int | None, ...]:
    return tuple(None if value is None else round(value * 1000) for value in values)
