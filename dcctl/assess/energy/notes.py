"""What stands below the tables of `dcctl assess energy`: evidence, what is missing, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.assess.energy.balance import summed
from dcctl.inventory.folding import fold
from dcctl.render.report import Note
from dcctl.units import cores, duration, percent, plural, power

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.assess.energy.answer import Answer

SNAPSHOT = "dcctl inventory snapshot > before.json"


def notes(told: Answer) -> Iterator[Note]:
    """In the order of the questions: key figures, balance, UPSes, who, caps, hours."""
    yield from _of_kpis(told)
    yield from _of_balance(told)
    if told.ups:
        yield Note("ups", "losses are a + bL + cL^2 of the nameplate power, L the load", detail="ups")
    yield from _of_work(told)
    yield from _of_caps(told)
    if told.waits:
        yield Note("hours", "when work that has not begun is cheapest and greenest", detail="hours")


def _of_kpis(told: Answer) -> Iterator[Note]:
    for one in told.kpis:
        if one.pue_milli is None:
            why = f"more energy reaches the IT of {one.site} than the site takes in: a meter is wrong"
            yield Note("impossible", f"category {one.category}: the PUE would be below 1; {why}", "crit")
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
        text += f"; IT energy alone{' at ' + ', '.join(without) if any(without) else ''}: no PUE is known"
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
