"""A made-up past of the demo fleet, to see every answer without a server. Same window, same past."""

from __future__ import annotations

from math import pi, sin
from typing import TYPE_CHECKING, NamedTuple

from dcctl.assess.history import signals as s
from dcctl.assess.history.model import Board, History, Stranded, Usage
from dcctl.assess.history.signals import Found

if TYPE_CHECKING:
    from dcctl.assess.history.model import Values
    from dcctl.assess.history.queries import By
    from dcctl.inventory.timeseries import Window

_DAY_S, _WEEK_S = 86400, 7 * 86400
_GIB = 1 << 30


class _Work(NamedTuple):
    pool: str
    team: str
    workload: str
    held: float
    """At the end of the time, on average over a week."""
    growth: float
    """Of that, in a week."""
    swing: float
    """Share by which work by day is more than the mean, and at weekends less."""
    busy: float
    idle: float
    """Share."""
    memory_gib: int


_H100, _H200, _L40S = "NVIDIA H100 80GB HBM3", "NVIDIA H200", "NVIDIA L40S"
_THERE = {_H100: (768, 640.0, 80), _H200: (96, 650.0, 141), _L40S: (112, 280.0, 48)}
"""By pool: accelerators, watts of one, GiB of one."""
_FIRST = {_H100: 1, _H200: 97, _L40S: 109}
"""The number of the first node of a pool."""
_WORK = (
    _Work(_H100, "foundation", "pretrain-70b", 512, 0.0, 0.0, 0.46, 0.0, 76),
    _Work(_H100, "nlp", "finetune", 96, 0.05, 0.25, 0.31, 0.06, 71),
    _Work(_H100, "vision", "eval-sweep", 32, 0.0, 0.1, 0.02, 0.81, 22),
    _Work(_H200, "chat", "serve-chat", 64, 0.06, 0.15, 0.28, 0.03, 128),
    _Work(_L40S, "vision", "notebook", 24, 0.02, 0.45, 0.05, 0.62, 9),
    _Work(_L40S, "bio", "dock-grid", 40, 0.0, 0.3, 0.4, 0.05, 30),
)
_WAITS = {"nlp": 12.0, "bio": 6.0}
_ABSENT = {s.TENSOR.metric: {_L40S}, s.POWER_CAPPED: {_H100, _H200, _L40S}}


def demo(window: Window, by: By) -> History:
    """Return the past of the demo fleet over a window."""
    owners: dict[tuple[str, str, str], Usage] = {}
    for work in _WORK:
        key = (work.pool, work.team, work.workload if by == "workload" else "")
        owners[key] = _usage(work, window)
    steps = window.steps
    held = {pool: sum(one.held for one in _WORK if one.pool == pool) for pool in _THERE}
    requested = _sums([usage.held for usage in owners.values()], steps)
    return History(
        window=window,
        found=_found(),
        owners=dict(sorted(owners.items())),
        present={pool: [float(count)] * steps for pool, (count, _, _) in _THERE.items()},
        power_w={pool: [watts * held[pool] * 0.7] * steps for pool, (_, watts, _) in _THERE.items()},
        queue={
            team: [_swing(window, step, most, 0.9) for step in range(steps)] for team, most in _WAITS.items()
        },
        requested=requested,
        allocatable=[float(sum(count for count, _, _ in _THERE.values()))] * steps,
        boards=tuple(_boards(window)),
        stranded=(Stranded("gpu117", cpu=4.0 * steps), Stranded("gpu118", memory=1.5 * steps)),
        energy_j={},
        memory_size_bytes={pool: gib * _GIB for pool, (_, _, gib) in _THERE.items()},
        queue_known=True,
    )


def _found() -> Found:
    total = sum(count for count, _, _ in _THERE.values())
    absent = {metric: sum(_THERE[pool][0] for pool in pools) for metric, pools in _ABSENT.items()}
    metrics = frozenset(metric for metric in s.METRICS if absent.get(metric, 0) < total) - {s.ENERGY}
    counts = {metric: total - absent.get(metric, 0) for metric in s.BOARDS if metric in metrics}
    return Found(metrics, counts, owned=True)


def _swing(window: Window, step: int, mean: float, swing: float) -> float:
    """More by day, less at weekends; whole accelerators."""
    left_s = (window.steps - 1 - step) * window.step_s
    day = sin(2 * pi * (left_s % _DAY_S) / _DAY_S)
    weekend = -1.0 if left_s % _WEEK_S < 2 * _DAY_S else 0.4
    return float(max(0, round(mean * (1 + swing * (0.5 * day + 0.5 * weekend)))))


def _usage(work: _Work, window: Window) -> Usage:
    held: Values = []
    for step in range(window.steps):
        weeks = (window.steps - 1 - step) * window.step_s / _WEEK_S
        held.append(_swing(window, step, work.held * max(0.0, 1 - work.growth * weeks), work.swing))
    quantity = [value or 0.0 for value in held]
    return Usage(
        held=held,
        busy=[value * work.busy * (1 + 0.2 * sin(step)) for step, value in enumerate(quantity)],
        idle=[float(round(value * work.idle)) for value in quantity],
        memory_bytes=[float(work.memory_gib * _GIB)] * window.steps,
    )


def _boards(window: Window) -> list[Board]:
    """The accelerators that somebody holds, the idle ones of each workload first."""
    boards = []
    taken = dict.fromkeys(_THERE, 0)
    for work in _WORK:
        for index in range(round(work.held)):
            place = taken[work.pool]
            taken[work.pool] += 1
            boards.append(_board(work, index, place, window.steps))
    return boards


def _board(work: _Work, index: int, place: int, steps: int) -> Board:
    """One accelerator; `index` among those of its workload, `place` among those of its pool."""
    does_nothing = index < round(work.held * work.idle)
    node = _FIRST[work.pool] + place // 8
    return Board(
        host=f"gpu{node:03d}",
        uuid=f"GPU-{node:03d}{place % 8}",
        slice="",
        pool=work.pool,
        held=float(steps),
        idle=steps * (0.97 if does_nothing else 0.01),
        memory_bound=steps * (0.64 if work.workload == "serve-chat" else 0.0),
        io_bound=steps * (0.31 if work.workload == "dock-grid" and index < 8 else 0.0),
    )


def _sums(lists: list[Values], steps: int) -> Values:
    return [sum(values[step] or 0.0 for values in lists) for step in range(steps)]
