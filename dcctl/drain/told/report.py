"""The plan of a drain as an answer: possible or not, the waves, what stands in the way, what it costs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from dcctl.drain.told import words
from dcctl.drain.told.masked import masked
from dcctl.drain.told.remedies import remedies
from dcctl.drain.told.shape import FINDINGS, PLAN, RELIEFS, STAYS, WAVES, WORKLOADS
from dcctl.drain.told.timeline import timeline
from dcctl.inventory.folding import fold
from dcctl.render.report import Note, Report, Table
from dcctl.units import gpu_hours, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dcctl.drain.campaign import Campaign, Finding, Relief, Serial, Unit, Wave
    from dcctl.inventory.model import Gap
    from dcctl.render.report import Cell, Column, Row, Severity

_MOST: Final = 8
"""Findings of one sort that a screen tells; all are in the tables of `wide`."""
_SUBJECTS: Final = 3
"""Pieces of work that one sentence names."""
_WIDEST: Final = 60
"""Characters of names that are told folded."""


class Told(NamedTuple):
    """A campaign, and what an answer tells beside it."""

    campaign: Campaign
    gaps: tuple[Gap, ...] = ()
    command: str = ""
    """What carries it out; empty: it cannot be, or not from here."""
    deadline_s: int | None = None
    clocks: tuple[str, ...] = ()
    """When it runs, by the clocks of the zones of its windows: a sentence each."""
    zone: str = "UTC"
    """Whose clocks tell when waves begin and end: see `clocks.zone_of`."""
    last: Mapping[str, int] = {}
    """When each workload wrote its last checkpoint (Unix time), where that is known."""
    picture: bool = False
    """Whether the waves are drawn over time."""
    saved: bool = False
    """Whether it was planned for a fleet that is not asked: it cannot be carried out."""


def plan_report(told: Told) -> Report:
    """Return the answer of a dry run: the waves, and below them what is to be decided or known."""
    campaign = told.campaign
    rows = tuple(_wave_row(wave, told) for wave in campaign.waves)
    return Report(
        kind=PLAN.kind,
        alarms=True,
        headline=words.headline(campaign),
        items=Table("items", _columns(told), rows, fold=False),
        details=_details(told),
        summary=_summary(campaign, told.deadline_s),
        gantts=timeline(campaign, told.zone) if told.picture else (),
        notes=tuple(_notes(told)),
        gaps=told.gaps,
        name_key="nodes",
        level=level_of(campaign),
        data=("campaign", masked(campaign)),
    )


def level_of(campaign: Campaign) -> Severity:
    """Return how bad it is: what does not fit, or is to be decided first, is a finding."""
    if campaign.blocked or campaign.verdict == "does not fit":
        return "crit"
    return "warn" if campaign.verdict == "unknown" else "ok"


def question(campaign: Campaign) -> tuple[str, ...]:
    """Return what is told before the question, line by line: the waves, what restarts, what lasts."""
    now_s = campaign.made_at_s
    waves = [_wave_line(wave, now_s, campaign.boards) for wave in campaign.waves]
    again = sorted(name for name, count in words.restarts(campaign).items() if count)
    pods = [leave for unit in words.units_of(campaign) for leave in unit.leaves]
    gone = sorted({leave.pod for leave in pods if leave.how == "delete"})
    lines = [words.headline(campaign), *waves]
    lines += [f"starts again: {_some(again)}"] if again else []
    lines += [f"deleted past its budget: {_some(gone)}"] if gone else []
    lines += [f"{_label(one)}: {_says(one, subjects)}" for one, subjects in words.groups(campaign.findings)]
    lines += [_lasting(len(pods))] if pods else []
    what = fold(campaign.boards) if campaign.boards else plural(len(campaign.targets), "node")
    return (*lines, f"Take {what} out of service?")


def _lasting(pods: int) -> str:
    if pods == 1:
        return "cannot be undone: 1 pod that leaves its node does not come back to it"
    return f"cannot be undone: {pods:,} pods that leave their nodes do not come back to them"


def _wave_line(wave: Wave, now_s: int, boards: tuple[str, ...]) -> str:
    before, goes = words.before_of(wave, now_s, {}), words.to_of(wave)
    parts = [
        f"wave {wave.number}: {fold(boards or wave.nodes)}",
        "" if before == words.NOTHING else before,
        "" if goes == words.NOTHING else f"work goes to {goes}",
        "" if wave.units else "nothing is moved",
    ]
    return "; ".join(filter(None, parts))


def _columns(told: Told) -> tuple[Column, ...]:
    """The columns; when a wave starts is for a screen where windows decide about it."""
    now_s, wide = told.campaign.made_at_s, not told.clocks
    zoned = tuple(replace(one, zone=told.zone) if one.unit == "time_s" else one for one in WAVES)
    return tuple(replace(one, since_s=now_s, wide=wide) if one.key == "start_s" else one for one in zoned)


def _wave_row(wave: Wave, told: Told) -> Row:
    leaves = [leave for unit in wave.units for leave in unit.leaves]
    return (
        wave.number,
        wave.nodes,
        words.before_of(wave, told.campaign.made_at_s, told.last),
        words.to_of(wave),
        wave.lost_gpu_ms,
        wave.start_s,
        wave.end_s,
        wave.verdict,
        len({unit.workload for unit in wave.units}),
        len(leaves),
        sum(unit.gpu_milli for unit in wave.units),
        sum(unit.restarts for unit in wave.units),
        wave.rounds,
    )


def _details(told: Told) -> tuple[Table, ...]:
    campaign = told.campaign
    pairs = [(wave, unit) for wave in campaign.waves for unit in wave.units]
    return (
        Table("workloads", WORKLOADS, tuple(_unit_row(*pair, told) for pair in pairs), "work"),
        Table("findings", FINDINGS, tuple(map(_finding_row, campaign.findings)), "findings", fold=False),
        Table(
            "reliefs",
            RELIEFS,
            tuple(map(_relief_row, remedies(campaign, told.command))),
            "what would make it fit",
            fold=False,
        ),
        Table("stays", STAYS, tuple(_stay_rows(campaign)), "pods that stay", fold=False),
    )


def _unit_row(wave: Wave, unit: Unit, told: Told) -> Row:
    return (
        unit.workload,
        wave.number,
        unit.kind,
        unit.gang,
        len(unit.leaves),
        unit.gpu_milli,
        tuple(sorted({leave.node for leave in unit.leaves})),
        tuple(sorted({leave.to for leave in unit.leaves if leave.to})),
        unit.verdict,
        unit.restarts,
        unit.lost_gpu_ms,
        words.asks_of(unit, told.campaign.made_at_s, told.last),
    )


def _finding_row(one: Finding) -> Row:
    return one.blocks, one.why, one.subject, one.says, one.nodes, one.cure, one.more


def _relief_row(one: Relief) -> Row:
    return one.workload, one.says, one.workloads, one.nodes, one.command


def _stay_rows(campaign: Campaign) -> Iterator[Row]:
    counts = Counter(one.why for one in campaign.stays)
    for why in sorted(counts):
        yield why, counts[why], tuple(sorted({one.node for one in campaign.stays if one.why == why}))


def _summary(campaign: Campaign, deadline_s: int | None) -> dict[str, Cell | dict[str, Cell]]:
    units, serial = words.units_of(campaign), campaign.serial
    gangs = words.restarts(campaign, gangs=True)
    return {
        "verdict": campaign.verdict,
        "blocked": len(campaign.blocked),
        "nodes": len(campaign.targets),
        "boards": campaign.boards,
        "waves": len(campaign.waves),
        "workloads": len({one.workload for one in units}),
        "pods": sum(len(one.leaves) for one in units),
        "stays": len(campaign.stays),
        "gpu_milli": sum(one.gpu_milli for one in units),
        "gangs": len(gangs),
        "gang_restarts": sum(gangs.values()),
        "restarts": sum(words.restarts(campaign).values()),
        "lost_gpu_ms": campaign.lost_gpu_ms,
        "budgets_broken": words.broken_budgets(campaign),
        "made_at_s": campaign.made_at_s,
        "start_s": campaign.start_s,
        "end_s": campaign.end_s,
        "deadline_s": deadline_s,
        "max_unavailable": campaign.max_unavailable,
        "serial_restarts": serial.restarts if serial else None,
        "serial_lost_gpu_ms": serial.lost_gpu_ms if serial else None,
        "serial_stuck": serial.stuck if serial else None,
        "serial_held": serial.held if serial else None,
        "clusters": campaign.clusters,
    }


def _notes(told: Told) -> Iterator[Note]:
    campaign = told.campaign
    grouped = words.groups(campaign.findings)
    for one, subjects in grouped[:_MOST]:
        yield _finding_note(one, subjects)
    if len(grouped) > _MOST:
        yield Note("more", f"{plural(len(grouped) - _MOST, 'finding')} with -o wide", "warn")
    for relief in remedies(campaign, told.command)[:_MOST]:
        yield Note("relief", ": ".join(filter(None, (relief.workload, relief.says))), command=relief.command)
    for sentence in told.clocks:
        yield Note("window", sentence)
    yield from _elsewhere(campaign)
    yield from _serial(campaign)
    yield from _dark(told)
    yield _dry_run(told)


def _dark(told: Told) -> Iterator[Note]:
    """Nodes that told nothing, and that work could go to for all that anybody knows."""
    targets = {one.name for one in told.campaign.targets}
    dark = {gap.node for gap in told.gaps if gap.node and gap.cause != "limited"} - targets
    if dark and told.campaign.waves:
        text = f"{fold(dark)} did not tell all: work may find more room there than this plan counts on"
        yield Note("not wholly known", text)


def _finding_note(one: Finding, subjects: tuple[str, ...]) -> Note:
    severity: Severity = "crit" if one.blocks else "warn"
    runs = one.cure.startswith("dcctl ") and ";" not in one.cure
    return Note(_label(one), _says(one, subjects, cured=not runs), severity, one.cure if runs else "")


def _label(one: Finding) -> str:
    return "blocked until you decide" if one.blocks else one.why.replace("-", " ")


def _says(one: Finding, subjects: tuple[str, ...], *, cured: bool = True) -> str:
    """The sentence with all that it is about, where, and what removes it."""
    where = "" if not one.nodes or one.subject in one.nodes else f" on {fold(one.nodes)}"
    folded = fold(subjects)
    about = folded if "[" in folded and len(folded) <= _WIDEST else _some(subjects)
    text = f"{about}{where}: {one.says.rstrip('.')}"
    return f"{text}; {one.cure}" if cured and one.cure else text


def _some(names: tuple[str, ...] | list[str]) -> str:
    more = len(names) - _SUBJECTS
    return ", ".join(names[:_SUBJECTS]) + (f" and {more:,} more" if more > 0 else "")


def _elsewhere(campaign: Campaign) -> Iterator[Note]:
    """Where single accelerators are meant: what else their node does goes on."""
    if campaign.boards:
        count = sum(one.why == "elsewhere" for one in campaign.stays)
        pods = f"{plural(count, 'pod')} that hold none of it stay" if count > 1 else ""
        pods = "1 pod that holds none of it stays" if count == 1 else pods
        where = fold(one.name for one in campaign.targets)
        yield Note("stays in service", "; ".join(filter(None, (f"{where} is not cordoned", pods))))


def _serial(campaign: Campaign) -> Iterator[Note]:
    """What kubectl's way would cost."""
    serial = campaign.serial
    if serial is None:
        return
    stuck = f"{fold(serial.stuck)} would stay cordoned with nothing moved" if serial.stuck else ""
    held = f"{fold(serial.held)} would never be empty: PDBs keep pods there" if serial.held else ""
    text = "; ".join(filter(None, (_cost(campaign, serial), held, stuck)))
    if text:
        yield Note("node by node, as kubectl drain does", text)


def _cost(campaign: Campaign, serial: Serial) -> str:
    """Restarts and time lost, and those of this plan beside them."""
    if not serial.restarts and not serial.lost_gpu_ms:
        return ""
    here = sum(words.restarts(campaign).values())
    lost, mine = (
        "an unknown time" if one is None else gpu_hours(one)
        for one in (serial.lost_gpu_ms, campaign.lost_gpu_ms)
    )
    return f"{plural(serial.restarts, 'restart')} and {lost} lost, in place of {here:,} and {mine}"


def _dry_run(told: Told) -> Note:
    """What was done, which is nothing, and how to do it."""
    blocked = bool(told.campaign.blocked)
    if told.saved:
        text = "nothing was changed: a saved fleet can be planned for, not acted on"
        then = "Once what blocks is decided, on the live cluster" if blocked else "On the live cluster"
        return Note("dry run", f"{text}. {then}", command=f"{told.command} -i live" if told.command else "")
    if blocked:
        return Note("dry run", "nothing was changed, and nothing is begun before what blocks is decided")
    return Note("dry run", "nothing was changed. To do it", command=told.command)
