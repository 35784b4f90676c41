"""The headline and the sentences below the tables, each with the command to type next."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from dcctl.assess.boards import not_believed
from dcctl.assess.caveats import (
    bound_to_unlisted,
    counts_not_believed,
    over_requested,
    sources_disagree,
    unknown_amounts,
)
from dcctl.assess.machine import disk_note, pressure_note
from dcctl.assess.vendors import counted
from dcctl.inventory.folding import fold
from dcctl.render.report import Note
from dcctl.units import cores, duration, memory, percent, plural, power

if TYPE_CHECKING:
    from dcctl.assess.capacity import Totals
    from dcctl.assess.details import Evidence
    from dcctl.assess.nodes import NodeState


def headline(evidence: Evidence) -> str:
    """The answer in one line: what there is, how much of it is taken and working, how well known."""
    fleet, whole = evidence.fleet, evidence.whole
    sites = {state.node.site for state in evidence.states if state.node.site}
    parts = [fleet.name, plural(len(sites), "site") if sites else "", plural(len(evidence.states), "node")]
    parts.append(counted(whole.resources.items()) if whole.boards else _machine(whole))
    taken = _taken(whole)
    asked = _asked(evidence)
    return "  ".join(part for part in (*parts, taken, asked) if part)


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
        sums = whole.dimensions[dimension]
        if sums.allocatable and sums.requested is not None:
            words.append(f"{percent(sums.requested * 1000 // sums.allocatable)} of {word} requested")
        if sums.capacity and sums.used is not None:
            words.append(f"{percent(sums.used * 1000 // sums.capacity)} of {word} in use")
    return ", ".join(words)


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
        _busy_unknown(evidence.whole),
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
    burnt = f", burning {power(sum(watts))} now" if watts else ""
    unsure = " (start not known of all)" if any(one.held_s is None for one in evidence.idle) else ""
    holders = len({one.who for one in evidence.idle})
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
    worst = evidence.stuck[0]
    boards = sum(one.boards for one in evidence.stuck)
    cure = f"; {worst.cure}" if worst.cure else ""
    others = f", and {plural(len(evidence.stuck) - 1, 'more cause')}" if len(evidence.stuck) > 1 else ""
    text = f"{boards} free on {fold(worst.nodes)} cannot be used: {worst.cause}{cure}{others}"
    return Note("stranded", text, "warn", f"dcctl assess --by node -w {quote(fold(worst.nodes))}")


def _out_of_service(evidence: Evidence) -> Note | None:
    out = [state for state in evidence.states if state.count("unavailable")]
    if not out:
        return None
    boards = sum(state.count("unavailable") for state in out)
    nodes = fold(state.node.name for state in out)
    return Note("out of service", f"{plural(boards, 'accelerator')} on {nodes}", "warn", "", "unavailable")


def _waiting(evidence: Evidence) -> Note | None:
    if not evidence.waiting:
        return None
    asked = [one.accelerators for one in evidence.waiting if one.accelerators is not None]
    least = "at least " if len(asked) < len(evidence.waiting) else ""
    text = f"{plural(len(evidence.waiting), 'workload')} for {least}{plural(sum(asked), 'accelerator')}"
    return Note("waiting", text, "info", "", "waiting")


def _busy_unknown(whole: Totals) -> Note | None:
    if not whole.boards or whole.busy_measured == whole.boards:
        return None
    if not whole.busy_measured:
        text = "unknown: no source read the accelerators; add an ssh source, or run dcctl on the node"
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


def _read(state: NodeState) -> bool:
    return any(board.processes is not None for board in state.node.accelerators or ())


def _looked_nowhere(whole: Totals) -> Note | None:
    blind = sum(1 for state in whole.states if not state.boards_known and not not_believed(state.node))
    if not blind:
        return None
    return Note(
        "accelerators",
        f"unknown on {plural(blind, 'node')}: nobody looked there",
        "info",
        "dcctl inventory sources",
    )
