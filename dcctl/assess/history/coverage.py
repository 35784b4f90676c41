"""Time of which nothing is told, though it was asked about: a gap, not idleness."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.assess.history import signals as s
from dcctl.assess.history.groups import added
from dcctl.inventory.model import Gap
from dcctl.units import duration, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.assess.history.model import History

_HOLES = 0.01
"""Share of steps that may be missing unsaid."""


def gaps(history: History, source: str) -> tuple[Gap, ...]:
    """Return what the answers leave out: metrics that nobody has, a beginning that is not kept, holes."""
    doubts = tuple(Gap(source, one.what, one.why, "invalid") for one in dict.fromkeys(history.doubts))
    if history.found.present() is None:
        why = f"no series of dcgm-exporter, such as {s.MEMORY_USED}, in the time looked at"
        return (*doubts, Gap(source, "accelerators", why, "missing"))
    told = (
        ("accelerators", added(history.present.values(), history.window.steps)),
        ("requests", history.requested if history.found.has(s.REQUESTS, s.PHASE) else ()),
    )
    holes = (gap for what, values in told for gap in _missing(history, source, what, values))
    return (*doubts, *holes, *_mixed(history, source))


def _mixed(history: History, source: str) -> Iterator[Gap]:
    for job in history.found.mixed_jobs:
        why = (
            "some of its series name pods as exported_pod, others as pod alone, which may be the exporter's"
            " own: these are left out"
        )
        yield Gap(source, f"holders of job {job}", why, "invalid", "honorLabels: true in its ServiceMonitor")


def _missing(history: History, source: str, what: str, values: Sequence[float | None]) -> Iterator[Gap]:
    if not any(value is not None for value in values):
        return  # the query itself is the gap
    step_s = history.window.step_s
    first = next(index for index, value in enumerate(values) if value is not None)
    if first > 1:
        kept = duration((len(values) - first) * step_s)
        why = f"the series begin {kept} before the end, of {duration(len(values) * step_s)} asked for"
        yield Gap(source, what, why, "truncated")
    holes = sum(value is None for value in values[first:])
    if holes > _HOLES * (len(values) - first):
        part = percent(1000 * holes / len(values))
        why = f"nothing is told of {duration(holes * step_s)} ({part}) in between"
        yield Gap(source, what, why, "truncated")
