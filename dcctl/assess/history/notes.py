"""Sentences about the history: evidence, what it means, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.assess.history import signals as s
from dcctl.assess.history.power import contradictions
from dcctl.render.report import Note
from dcctl.units import duration, percent, plural, scaled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.assess.history.forecast import Forecast
    from dcctl.assess.history.model import History
    from dcctl.assess.history.outlook import Outlook
    from dcctl.assess.history.report import Options
    from dcctl.render.report import Cell, Table


def notes(
    history: History, outlook: Outlook, details: Sequence[Table], options: Options, summary: dict[str, Cell]
) -> tuple[Note, ...]:
    """Return what is worth a sentence, what is wasted first."""
    tables = {table.name: table for table in details}
    return (
        *_nodes(history),
        *_wasted(tables, options, summary),
        *_bound(tables["bound"]),
        *_queue(summary, tables["queue"]),
        *_outlook(history, outlook, summary),
        *_energy(history, summary),
        *_kept(history),
        *_signals(history),
    )


def _nodes(history: History) -> Iterator[Note]:
    if history.found.nodes:
        yield Note("nodes", f"{history.found.nodes.words}; who waits is on no node yet and is left out")


def _wasted(tables: dict[str, Table], options: Options, summary: dict[str, Cell]) -> Iterator[Note]:
    idle = tables["idle"].rows
    if idle:
        text = (
            f"{plural(len(idle), 'accelerator')} did nothing for at least "
            f"{percent(options.idle_share * 1000)} of the time held"
        )
        yield Note("idle", text, "warn", "dcctl assess history --by workload --sort -idle_gpu_time_s", "idle")
    nodes, lost = tables["stranded"].rows, summary["stranded_gpu_time_s"]
    if nodes and isinstance(lost, int):
        text = f"free accelerators of {plural(len(nodes), 'node')} were of no use for {duration(lost)} in all"
        yield Note("stranded", text, "warn", detail="stranded")


def _bound(table: Table) -> Iterator[Note]:
    by = table.column("by")
    causes = sorted({str(row[by]) for row in table.rows})
    if causes:
        told = ", ".join(f"{cause} {sum(row[by] == cause for row in table.rows)}" for cause in causes)
        yield Note("held back", f"accelerators by cause: {told}", detail="bound")


def _queue(summary: dict[str, Cell], table: Table) -> Iterator[Note]:
    mean, most = summary["queue_milli"], summary["queue_most_milli"]
    if isinstance(mean, int) and isinstance(most, int) and most:
        text = f"pods waited for {mean / 1000:.1f} accelerators on average, {most // 1000} at most"
        yield Note("queue", text, detail=table.name)


def _outlook(history: History, outlook: Outlook, summary: dict[str, Cell]) -> Iterator[Note]:
    outcome = outlook.forecast
    if outcome is None:
        yield Note("forecast", "none: too little is known of what was asked for")
        return
    tried = _tried(outcome, history.window.step_s)
    end_s, full, soonest = history.window.end_s, summary["full_s"], summary["full_soonest_s"]
    if isinstance(full, int):
        early = soonest if isinstance(soonest, int) else full
        text = f"full in {duration(full - end_s)}, in {duration(early - end_s)} at the soonest; {tried}"
        yield Note("forecast", text, "warn")
    elif outlook.capacity is None:
        yield Note("forecast", f"nobody tells how many accelerators there are; {tried}")
    else:
        ahead = duration(len(outcome.values) * history.window.step_s)
        early_text = f", though perhaps in {duration(soonest - end_s)}" if isinstance(soonest, int) else ""
        yield Note("forecast", f"not full within {ahead}{early_text}; {tried}")


def _tried(outcome: Forecast, step_s: int) -> str:
    """What is known of its error, and how much of it is expected alone."""
    tested = duration(outcome.tested_steps * step_s)
    text = f"by {outcome.name}; tried up to {tested} ahead it erred by {percent(outcome.tested_error * 1000)}"
    if len(outcome.values) > outcome.tested_steps:
        ahead = duration(len(outcome.values) * step_s)
        text += f", and {percent(outcome.error * 1000)} is to be expected over {ahead}"
    return text


def _energy(history: History, summary: dict[str, Cell]) -> Iterator[Note]:
    energy, by = summary["energy_mj"], summary["energy_by"]
    if isinstance(energy, int):
        yield Note("energy", f"{scaled(energy / 3_600_000, 'Wh')} by {by}")
    for pool, counted, drawn in contradictions(history):
        two = f"{scaled(counted / 3600, 'Wh')} by {s.ENERGY} and {scaled(drawn / 3600, 'Wh')} by {s.POWER}"
        yield Note("energy", f"{pool}: {two}, of the same time: one of them is wrong", "warn")


def _kept(history: History) -> Iterator[Note]:
    """What was not asked for again."""
    answers, at_s = history.kept
    if answers:
        clock = f"{at_s // 3600 % 24:02}:{at_s // 60 % 60:02} UTC"
        left = f"{plural(answers, 'answer')} of a run that broke off, from the cache of {clock}"
        yield Note("cache", left, command="dcctl assess history --fresh")


def _signals(history: History) -> Iterator[Note]:
    """What the answer rests on, and what could not be told."""
    found = history.found
    for order, what in ((s.BUSY, "how busy"), (s.ACTIVE, "whether idle")):
        known = found.signals(order)
        if known and known[0] is not order[0]:
            yield Note(
                "signal", f"{what}: {known[0].metric} ({known[0].word}), as {order[0].metric} is missing"
            )
        elif not known:
            wanted = ", ".join(one.metric for one in order)
            yield Note("signal", f"{what}: unknown, as {wanted} are missing", "warn")
    unknown = [
        f"{what} ({', '.join(s.missing(found, metrics))})"
        for what, metrics in (
            ("memory-bound", (s.DRAM.metric, s.TENSOR.metric)),
            ("power-throttled", (s.POWER_CAPPED,)),
            ("I/O-bound", (s.IO_PRESSURE,)),
            ("queue", (s.REQUESTS, s.PHASE)),
            ("stranded", (s.REQUESTS, s.PHASE, s.ALLOCATABLE)),
        )
        if not found.has(*metrics)
    ]
    if unknown:
        yield Note("unknown", f"for want of metrics: {', '.join(unknown)}")
    yield from _partly(history)
    if not found.owned and found.metrics:
        how = (
            "whoever fills the memory of an accelerator holds it" if found.has(s.MEMORY_USED) else "all count"
        )
        yield Note("held", f"no series names pods: {how}")


def _partly(history: History) -> Iterator[Note]:
    """What is told of some accelerators and not of others."""
    counts = {
        what: sum(getattr(board, name) is None for board in history.boards)
        for what, name in (
            ("idle", "idle"),
            ("memory-bound", "memory_bound"),
            ("power-throttled", "power_capped"),
            ("I/O-bound", "io_bound"),
        )
    }
    partly = [f"{what} of {few}" for what, few in counts.items() if 0 < few < len(history.boards)]
    if partly:
        text = f"nobody tells whether they are {', '.join(partly)} of {len(history.boards)} accelerators"
        yield Note("unknown", text)
