"""The history as a report: a headline, a row per group, plots, what was idle, and what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.assess.history import shape
from dcctl.assess.history import signals as s
from dcctl.assess.history.groups import Group, added, everything, groups, known, sizing, total, waiting
from dcctl.assess.history.notes import notes
from dcctl.assess.history.outlook import Outlook, outlook
from dcctl.assess.history.plots import plots
from dcctl.assess.history.power import energy_mj
from dcctl.assess.history.samples import samples
from dcctl.assess.history.verdicts import bound_boards, idle_boards, steps_stranded, stranded_nodes
from dcctl.render.report import Report, Table
from dcctl.units import duration, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.assess.history.model import Board, History
    from dcctl.assess.history.queries import By
    from dcctl.assess.history.signals import Found
    from dcctl.inventory.model import Gap
    from dcctl.render.report import Cell, Row


class Options(NamedTuple):
    """What a person can choose."""

    by: By = "pool"
    idle_share: float = 0.5
    """An accelerator is named when it was idle for this share of the time in which it was held."""
    ahead_s: int = 30 * 86400


class Told(NamedTuple):
    """All that a report is made from."""

    history: History
    options: Options
    whole: Group
    outlook: Outlook
    details: tuple[Table, ...]
    summary: dict[str, Cell]


def history_report(history: History, options: Options, gaps: Sequence[Gap] = ()) -> Report:
    """Return the report; level warn where anything was idle or stranded."""
    found = outlook(history, options.ahead_s)
    whole = everything(history)
    details = _details(history, options, found)
    summary = _summary(history, whole, found)
    told = Told(history, options, whole, found, details, summary)
    wasted = any(table.rows for table in details if table.name in ("idle", "stranded"))
    return Report(
        kind=shape.HISTORY.kind,
        headline=_headline(told),
        items=Table("items", shape.columns(options.by), _rows(history, options.by), fold=False),
        details=details,
        summary=dict(summary),
        plots=plots(history, whole, found),
        notes=notes(history, found, details, options, summary),
        samples=samples(summary, groups(history, options.by), options.by),
        gaps=tuple(gaps),
        name_key="name",
        level="warn" if wasted else "ok",
    )


def milli(value: float | None) -> int | None:
    """Return thousandths; None stays unknown."""
    return None if value is None else round(value * 1000)


def share(part: float | None, of: float) -> float | None:
    """Return a share; None: of nothing there is none."""
    return None if part is None or not of else part / of


def _headline(told: Told) -> str:
    """`30 d to 2026-11-22, 24 accelerators, 19.2 held, 41 % busy, 12 % of that idle`."""
    window, summary = told.history.window, told.summary
    count = told.history.found.accelerators
    parts = [f"last {duration(window.end_s - window.start_s)}"]
    if count:
        parts.append(f"{count:,} accelerators")
    for key, word in (("busy_milli", "busy"), ("idle_milli", "idle")):
        value = summary[key]
        if isinstance(value, int):
            parts.append(f"{percent(value)} of what was held {word}")
    parts.append(f"{told.history.queries} queries")
    return "  ".join(parts)


def _rows(history: History, by: By) -> tuple[Row, ...]:
    return tuple(_row(group, history, by) for group in groups(history, by))


def _row(group: Group, history: History, by: By) -> Row:
    step_s, held = history.window.step_s, group.held_steps
    ask = sizing(group, history)
    observed = len(known(added(history.present.values(), history.window.steps))) or 1
    told = bool(known(group.held))
    idle = group.idle_steps
    cells: dict[str, Cell] = {
        "name": group.name or None,
        "team": (group.team or None) if by == "workload" else group.name if by == "team" else None,
        "held_milli": milli(held / observed) if told else None,
        "gpu_time_s": round(held * step_s) if told else None,
        "busy_milli": milli(group.mean_busy),
        "busy_p50_milli": milli(group.busy_quantile(0.5)),
        "busy_p95_milli": milli(group.busy_quantile(0.95)),
        "idle_milli": milli(share(idle, held)),
        "idle_gpu_time_s": None if idle is None else round(idle * step_s),
        "memory_peak_bytes": group.memory_bytes,
        "usual_gpus": ask.held,
        "request_gpus": ask.accelerators,
        "request_memory_bytes": ask.memory_bytes,
        "request_slice": ask.slice,
        "energy_mj": energy_mj(history, group.name)[0] if by == "pool" else None,
    }
    return tuple(cells[column.key] for column in shape.GROUPS)


def _details(history: History, options: Options, found: Outlook) -> tuple[Table, ...]:
    step_s = history.window.step_s
    idle = tuple(
        (*_board(board, step_s), round((board.idle or 0) * step_s), milli(share(board.idle, board.held)))
        for board in idle_boards(history, options.idle_share)
    )
    bound = tuple((*_board(one.board, step_s), one.by, milli(one.share)) for one in bound_boards(history))
    stranded = tuple(
        (node.node, "CPU" if node.cpu >= node.memory else "memory", round(steps_stranded(node) * step_s))
        for node in stranded_nodes(history) or ()
    )
    tried = found.forecast.tried if found.forecast else ()
    return (
        Table("idle", shape.IDLE, idle, "IDLE WHILE HELD", fold=False),
        Table("stranded", shape.STRANDED, stranded, "FREE AND OF NO USE", fold=False),
        Table("bound", shape.BOUND, bound, "HELD BACK", fold=False),
        Table("queue", shape.QUEUE, _queue(history), "WAITED FOR", fold=False),
        Table("leads", shape.LEADS, _leads(found, step_s), "HOW FAR OFF FORECASTS WERE", fold=False),
        Table("tried", shape.TRIED, tuple((n, milli(e)) for n, e in tried), "FORECASTS TRIED", fold=False),
        Table("signals", shape.SIGNALS, _signals(history), "SIGNALS", fold=False),
    )


def _leads(found: Outlook, step_s: int) -> tuple[Row, ...]:
    """By how far ahead; of the end of what is shown nothing was measured where it was not tried so far."""
    outcome = found.forecast
    if outcome is None or not outcome.values:
        return ()
    rows: list[Row] = [
        (one.steps * step_s, milli(one.error), milli(outcome.spreads[one.steps - 1]), one.tested)
        for one in outcome.leads
    ]
    end = len(outcome.values)
    if end > outcome.tested_steps:
        rows.append((end * step_s, None, milli(outcome.spreads[-1]), 0))
    return tuple(rows)


def _board(board: Board, step_s: int) -> Row:
    return board.host or None, board.name, board.pool or None, round(board.held * step_s)


def _queue(history: History) -> tuple[Row, ...]:
    step_s, steps = history.window.step_s, len(known(waiting(history))) or 1
    rows = [
        (
            team,
            milli(total(values) / steps),
            milli(max(known(values), default=0)),
            round(total(values) * step_s),
        )
        for team, values in history.queue.items()
        if total(values)
    ]
    return tuple(sorted(rows, key=lambda row: (-row[3], row[0])))


def _signals(history: History) -> tuple[Row, ...]:
    """Which metric tells what: those that are not there have no count."""
    rows = [
        *(("how busy", one.metric) for one in s.BUSY),
        *(("whether idle", one.metric) for one in s.ACTIVE),
        ("memory-bound", s.DRAM.metric),
        ("power-throttled", s.POWER_CAPPED),
        ("I/O-bound", s.IO_PRESSURE),
        *(("energy", metric) for metric in (s.ENERGY, s.POWER)),
        *(("queue and stranded", metric) for metric in (s.REQUESTS, s.PHASE, s.ALLOCATABLE)),
    ]
    found = history.found
    told = ((what, *_metric(found, metric)) for what, metric in rows)
    return (*told, *_workload_signals(history))


def _metric(found: Found, metric: str) -> tuple[str, int | None]:
    return metric if metric in found.metrics else f"{metric} (missing)", found.counts.get(metric)


def _workload_signals(history: History) -> Iterator[Row]:
    """What tells the workload of a pod, the second where the first does not."""
    by = history.workloads_by
    for metric in s.OWNERS:
        name, _ = _metric(history.found, metric)
        yield "workload", name, by.get("owner") if metric == s.POD_OWNER else None
    yield "workload", "the name of the pod", by.get("name")


def _summary(history: History, whole: Group, found: Outlook) -> dict[str, Cell]:
    window = history.window
    there = known(added(history.present.values(), window.steps))
    waits = known(waiting(history)) if history.queue_known else []
    nodes = stranded_nodes(history)
    energy, energy_by = energy_mj(history)
    stranded = None if nodes is None else round(sum(map(steps_stranded, nodes)) * window.step_s)
    idle, held = whole.idle_steps, whole.held_steps
    outcome = found.forecast
    return {
        "start_s": window.start_s,
        "end_s": window.end_s,
        "step_s": window.step_s,
        "covered_milli": milli(len(there) / window.steps),
        "accelerators": history.found.accelerators or None,
        "held_milli": milli(held / len(there)) if there else None,
        "gpu_time_s": round(held * window.step_s) if known(whole.held) else None,
        "busy_milli": milli(whole.mean_busy),
        "idle_milli": milli(share(idle, held)),
        "idle_gpu_time_s": None if idle is None else round(idle * window.step_s),
        "stranded_gpu_time_s": stranded,
        "queue_milli": milli(sum(waits) / len(waits)) if waits else None,
        "queue_most_milli": milli(max(waits, default=None)),
        "energy_mj": energy,
        "energy_by": energy_by,
        "busy_by": tuple(one.metric for one in history.found.signals(s.BUSY)) or None,
        "idle_by": tuple(one.metric for one in history.found.signals(s.ACTIVE)) or None,
        "missing": s.missing(history.found),
        "demand": found.of,
        "forecast_by": outcome.name if outcome else None,
        "forecast_error_milli": milli(outcome.error) if outcome else None,
        "tested_s": outcome.tested_steps * window.step_s if outcome else None,
        "tested_error_milli": milli(outcome.tested_error) if outcome else None,
        "capacity_milli": milli(found.capacity),
        "full_s": found.full_s(history),
        "full_soonest_s": found.full_s(history, soonest=True),
        "queries": history.queries,
        "kept": history.kept.answers,
    }
