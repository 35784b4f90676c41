"""The headline and the sentences below the tables, each with the command to type next."""

from __future__ import annotations

from datetime import UTC, datetime
from shlex import quote
from typing import TYPE_CHECKING

from dcctl.assess.fleet.capacity import share_milli
from dcctl.assess.fleet.caveats import (
    bound_to_unlisted,
    counts_not_believed,
    over_requested,
    sources_disagree,
    unknown_amounts,
)
from dcctl.assess.fleet.details import states_out_of_service
from dcctl.assess.fleet.machine import disk_note, pressure_note
from dcctl.assess.fleet.nouns import counted
from dcctl.inventory.folding import fold
from dcctl.render.report import Note
from dcctl.units import cores, duration, memory, percent, plural, power

if TYPE_CHECKING:
    from dcctl.assess.fleet.capacity import Totals
    from dcctl.assess.fleet.details import Evidence
    from dcctl.assess.fleet.nodes import NodeState
    from dcctl.inventory.model import Node


def headline(evidence: Evidence, now_s: int) -> str:
    """The answer in one line: what there is, how much of it is taken and working, how well that is known.

    `now_s` is when it was asked: of a saved fleet, the time at which it was taken is told.
    """
    fleet, whole = evidence.fleet, evidence.whole
    sites = {state.node.site for state in evidence.states if state.node.site}
    least = "at least " if any(gap.part == "nodes" for gap in fleet.gaps) else ""
    nodes = least + plural(len(evidence.states), "node")
    parts = [fleet.name, plural(len(sites), "site") if sites else "", nodes]
    parts.append(_least_seen(whole) + counted(whole.resources.items()) if whole.boards else _machine(whole))
    taken = _taken(whole)
    asked = _asked(evidence)
    return "  ".join(part for part in (*parts, taken, asked, _as_of(fleet.taken_at_s, now_s)) if part)


def _least_seen(whole: Totals) -> str:
    """`at least ` where boards are seen on nodes of which none could be read."""
    unread = any(_seen(state.node) for state in whole.states if not state.boards_known)
    return "at least " if unread else ""


_STILL_NOW_S = 120
"""A fleet that was taken so recently is called live."""


def _as_of(taken_at_s: int | None, now_s: int) -> str:
    if taken_at_s is None or abs(now_s - taken_at_s) <= _STILL_NOW_S:
        return ""
    return f"as of {datetime.fromtimestamp(taken_at_s, UTC):%Y-%m-%d %H:%M} UTC"


def _machine(whole: Totals) -> str:
    cpu, ram = whole.dimensions["cpu_milli"], whole.dimensions["memory_bytes"]
    told = [
        f"{cores(cpu.capacity)} CPUs" if cpu.capacity is not None else "",
        f"{memory(ram.capacity)} memory" if ram.capacity is not None else "",
        "no accelerators" if whole.states and all(state.boards_known for state in whole.states) else "",
    ]
    return "  ".join(part for part in told if part)


def _taken(whole: Totals) -> str:
    if not whole.boards:
        return _machine_use(whole)
    allocated = whole.allocated_milli
    words = [
        f"{percent(allocated)} allocated" if allocated is not None else "allocated unknown",
        f"{percent(whole.busy_milli)} busy" if whole.busy_milli is not None else "busy unknown",
    ]
    return ", ".join(words)


def _machine_use(whole: Totals) -> str:
    words = []
    for dimension, word in (("cpu_milli", "CPU"), ("memory_bytes", "memory")):
        requested = share_milli(whole.states, "requested", "allocatable", dimension)
        used = share_milli(whole.states, "used", "capacity", dimension)
        if requested is not None:
            words.append(f"{percent(requested)} of {word} requested")
        if used is not None:
            words.append(f"{percent(used)} of {word} in use{_where_measured(whole)}")
    return ", ".join(words)


def _where_measured(whole: Totals) -> str:
    """` on 1 of 5 nodes` where not all tell what they use."""
    measured = sum(state.node.use is not None for state in whole.states)
    return "" if measured == len(whole.states) else f" on {measured:,} of {plural(len(whole.states), 'node')}"


def _asked(evidence: Evidence) -> str:
    runs, gaps = evidence.fleet.sources, len(evidence.fleet.gaps)
    words = [
        plural(len(runs), "source") if runs else "",
        plural(gaps, "gap") if gaps else "",
        f"{max(run.duration_ms for run in runs) / 1000:.1f} s" if runs else "",
    ]
    return ", ".join(word for word in words if word)


def notes(evidence: Evidence, after_s: int) -> tuple[Note, ...]:
    """What to do, worst first."""
    made = (
        _faults(evidence),
        _idle(evidence, after_s),
        _stranded(evidence),
        _out_of_service(evidence),
        sources_disagree(evidence),
        over_requested(evidence),
        bound_to_unlisted(evidence),
        counts_not_believed(evidence),
        _waiting(evidence),
        _busy_unknown(evidence),
        disk_note(evidence.states),
        pressure_note(evidence.states),
        _no_scheduler(evidence),
        _looked_nowhere(evidence.whole),
        unknown_amounts(evidence),
    )
    return tuple(note for note in made if note is not None)


def _faults(evidence: Evidence) -> Note | None:
    grave = [fault for fault in evidence.faults if fault.severity == "crit"]
    if not grave:
        return None
    devices = sum(len(fault.devices) for fault in grave)
    nodes = sorted({name for fault in grave for name in fault.nodes})
    text = f"{plural(devices, 'grave fault')} on {plural(len(nodes), 'node')}"
    return Note("faults", text, "crit", f"dcctl assess --by node -w {quote(fold(nodes))}", "faults")


def _idle(evidence: Evidence, after_s: int) -> Note | None:
    boards = sum(one.boards for one in evidence.idle)
    if not boards:
        return None
    watts = [one.power_mw for one in evidence.idle if one.power_mw is not None]
    burnt = f", burning {power(sum(watts))}" if watts else ""
    unsure = " (start not known of all)" if any(one.held_s is None for one in evidence.idle) else ""
    holders = len({(one.source, one.kind, one.who) for one in evidence.idle})
    text = (
        f"{counted(_idle_by_resource(evidence))} held by {plural(holders, 'workload')} "
        f"for over {duration(after_s)}{unsure}{burnt}"
    )
    return Note("idle", text, "warn", "dcctl assess --by workload", "idle")


def _idle_by_resource(evidence: Evidence) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for state in evidence.states:
        for board in state.boards if state.tally.idle else ():
            if board.idle:
                counts[board.resource] = counts.get(board.resource, 0) + 1
    return list(counts.items())


def _stranded(evidence: Evidence) -> Note | None:
    if not evidence.stuck:
        return None
    worst, *others = evidence.stuck
    cure = f"; {worst.cure}" if worst.cure else ""
    more = sum(one.boards for one in others)
    rest = f"; {more} more for {plural(len(others), 'other cause')}" if others else ""
    text = f"{worst.boards} free on {fold(worst.nodes)} cannot be used: {worst.cause}{cure}{rest}"
    return Note("stranded", text, "warn", f"dcctl assess --by node -w {quote(fold(worst.nodes))}")


def _out_of_service(evidence: Evidence) -> Note | None:
    out = states_out_of_service(evidence.states)
    if not out:
        return None
    some = [state for state in out if state.count("unavailable")]
    boards = sum(state.count("unavailable") for state in some)
    others = [state.node.name for state in out if not state.count("unavailable")]
    told = [
        f"{plural(boards, 'accelerator')} on {fold(state.node.name for state in some)}" if some else "",
        f"{plural(len(others), 'node')} with none free: {fold(others)}" if others else "",
    ]
    return Note("out of service", "; ".join(filter(None, told)), "warn", "", "unavailable")


def _waiting(evidence: Evidence) -> Note | None:
    if not evidence.waiting:
        return None
    asked = [one.accelerators for one in evidence.waiting if one.accelerators is not None]
    least = "at least " if len(asked) < len(evidence.waiting) else ""
    text = f"{plural(len(evidence.waiting), 'workload')} for {least}{plural(sum(asked), 'accelerator')}"
    return Note("waiting", text, "info", "", "waiting")


def _busy_unknown(evidence: Evidence) -> Note | None:
    whole = evidence.whole
    if not whole.boards or whole.busy_measured == whole.boards:
        return None
    if not whole.busy_measured:
        tried = any(gap.part == "devices" for gap in evidence.fleet.gaps)
        cure = "see the gaps" if tried else "add an ssh source, or run dcctl on the node"
        text = f"unknown: no source read the accelerators; {cure}"
        return Note("busy", text, "info", "dcctl inventory sources")
    missing = whole.boards - whole.busy_measured
    text = (
        f"measured on {whole.busy_measured:,} of {whole.boards:,} accelerators; {missing:,} gave no reading"
    )
    return Note("busy", text)


def _no_scheduler(evidence: Evidence) -> Note | None:
    counted_so = [state for state in evidence.states if state.by_processes and _read(state)]
    if not counted_so:
        return None
    where = "" if len(counted_so) == len(evidence.states) else f" on {plural(len(counted_so), 'node')}"
    return Note("allocated", f"no scheduler{where}: counted by processes")


def _seen(node: Node) -> int:
    """Boards that some view counts, the PCI bus say."""
    return max(node.accelerator_counts.values(), default=0)


def _read(state: NodeState) -> bool:
    return any(board.processes is not None for board in state.node.accelerators or ())


def _looked_nowhere(whole: Totals) -> Note | None:
    blind = sum(1 for state in whole.states if not state.boards_known and not state.not_believed)
    if not blind:
        return None
    seen = sum(_seen(state.node) for state in whole.states if not state.boards_known)
    why = f"{plural(seen, 'board')} seen, none could be read" if seen else "nobody looked there"
    return Note(
        "accelerators",
        f"unknown on {plural(blind, 'node')}: {why}",
        "info",
        "dcctl inventory sources",
    )
