"""What stands below the tables of `dcctl assess energy`: evidence, what is missing, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.assess.energy.balance import summed
from dcctl.inventory.folding import fold
from dcctl.render.report import Note
from dcctl.units import cores, duration, percent, plural, power

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcctl.assess.energy.answer import Answer
    from dcctl.assess.energy.kpis import Kpi

SNAPSHOT = "dcctl inventory snapshot > before.json"


def notes(told: Answer) -> Iterator[Note]:
    """In the order of the questions: key figures, balance, UPSes, who, caps, hours."""
    yield from _of_kpis(told)
    yield from _of_balance(told)
    yield from _of_ups(told)
    yield from _of_work(told)
    yield from _of_caps(told)
    if told.waits:
        yield Note("hours", "when work that has not begun is cheapest and greenest", detail="hours")


def _of_kpis(told: Answer) -> Iterator[Note]:
    yield from _of_doubts(told.kpis)
    if any(one.coverage_milli < 1000 for one in told.kpis):
        yield Note("coverage", "IT energy that is not metered makes the PUE look higher than it is")
    if told.without_figure:
        need = "a period needs energy at `facility` and at `ups`, `pdu` or `it`"
        yield Note(
            "figures", f"no key figures of {', '.join(told.without_figure)} from the file: {need}", "warn"
        )
    if told.unknown_sites:
        yield Note(
            "sites",
            f"the inventory does not have {', '.join(told.unknown_sites)}, of which the file tells",
            "warn",
        )
    if told.ahead:
        yield Note("ahead", f"not measured yet: what ends later than now ({', '.join(told.ahead)})", "warn")
    if told.power_only:
        text = f"no PUE of {', '.join(told.power_only)} from one sample of power: save the registers now"
        yield Note("energy", f"{text}, and ask again later with --since before.json", command=SNAPSHOT)
    same: dict[tuple[str, str], list[str]] = {}
    for trouble in told.troubles:
        same.setdefault((trouble.site, trouble.why), []).append(trouble.meter)
    for (site, why), meters in same.items():
        where, verb = f" at {site}" if site else "", "is" if len(meters) == 1 else "are"
        yield Note("meter", f"{fold(meters)}{where} {verb} not counted: {why}", "warn")


def _of_doubts(found: Iterable[Kpi]) -> Iterator[Note]:
    """PUEs that cannot be, or mean nothing."""
    for one in found:
        which = f"category {one.category} at {one.site or 'the site'}"
        if one.pue_milli is None and one.facility_mj < one.it_mj:
            why = "more energy reaches the IT than the site takes in: a meter is wrong"
            yield Note("impossible", f"{which}: the PUE would be below 1; {why}", "crit")
        elif one.pue_milli is None:
            why = f"the PUE would be {cores(one.impossible_milli or 0)}: above 10 a meter or a unit is wrong"
            yield Note("impossible", f"{which}: {why}", "crit")
        elif one.short:
            text = f"{which}: {duration(one.covered_s)} are too short for a PUE: it needs a day at least"
            yield Note("too short", text, "warn")
        elif one.doubtful:
            text = f"{which}: a PUE of {cores(one.pue_milli)} is above 3, which hardly any data centre has"
            yield Note("doubtful", f"{text}; nothing is billed with it", "warn")


def _of_ups(told: Answer) -> Iterator[Note]:
    """How losses are told, what UPSes say that is wrong with them, and data sheets that do not fit."""
    if told.ups:
        yield Note("ups", "losses are a + bL + cL^2 of the nameplate power, L the load", detail="ups")
    for one in told.ups:
        for finding in one.findings:
            yield Note("ups", f"{one.name}: {finding.text}", finding.severity)


def _of_balance(told: Answer) -> Iterator[Note]:
    if told.steps:
        yield Note("balance", "from the entry to the boards, where both sides were read", detail="balance")
    bad = [step for step in told.steps if step.state in ("open", "more out than in")]
    if bad:
        verb = "does" if len(bad) == 1 else "do"
        text = f"{plural(len(bad), 'step')} should close within 1 % and {verb} not"
        yield Note("open", text, "warn", detail="open")
    found = told.attribution
    if found.unread and found.measured_mw:
        text = f"nobody told the power of {fold(found.unread)}"
        if found.nameplate_mw:
            text += f" (nameplate of their boards: {power(found.nameplate_mw)}, counted nowhere)"
        yield Note("unread", text)


def _of_work(told: Answer) -> Iterator[Note]:
    if not told.attribution.drawn:
        return
    text = f"what each draws now, and takes in {duration(told.options.horizon_s)} if it goes on so"
    at = {site for one in told.attribution.drawn for site in one.idle_mw}
    without = sorted(at - told.pue_milli.keys())
    known = [f"{cores(told.pue_milli[site])} at {site}" for site in sorted(at & told.pue_milli.keys())]
    if known:
        text += f"; with PUE {', '.join(known)}"
    if without:
        where = f" at {', '.join(without)}" if any(without) else ""
        text += f"; IT energy alone{where}: no PUE is known that can be used"
    yield Note("work", text, detail="workloads")
    if told.uncovered:
        length = duration(told.options.horizon_s)
        yield Note("curves", f"not known for all of the next {length}: {', '.join(told.uncovered)}", "warn")


def _of_caps(told: Answer) -> Iterator[Note]:
    if not told.caps:
        return
    rule = f"energy counts {percent(told.options.eta_milli)} against time"
    if told.options.slowdown_milli is not None:
        rule = f"at most {percent(told.options.slowdown_milli)} slower"
    yield Note("caps", f"recommended, never set: {rule}", detail="caps")


def worst_closed_milli(told: Answer) -> int | None:
    """The largest residual between UPS outputs and nodes, of what was read; None: nothing was."""
    chain = {("ups", "pdu"), ("ups", "node"), ("pdu", "node")}
    found = [
        abs(step.residual_milli)
        for step in summed(told.steps)
        if (step.upper.level, step.lower) in chain and step.residual_milli is not None
    ]
    return max(found, default=None)
