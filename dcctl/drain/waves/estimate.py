"""When each wave begins and ends, as far as can be told, and whether windows and the deadline are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from dcctl.drain.campaign import Finding
from dcctl.drain.waves.calendar import clock, opening
from dcctl.drain.waves.clocks import zone_of
from dcctl.units import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.drain.campaign import Unit, Wave
    from dcctl.drain.request import Request

CHECKPOINT_S: Final = {"signal": 120, "exec": 120, "http": 120, "annotation": 180}
"""How long work takes to write a checkpoint when asked. Assumed: it depends on its size and its storage. The
time-out of a hook is the longest that is waited, not an estimate. Who reads an annotation notices later."""
GRACE_S: Final = 30
"""Of a pod that does not say (the default of Kubernetes: terminationGracePeriodSeconds)."""
READY_S: Final = 30
"""From the end of a pod until its successor is ready, so that its budget lets the next go. Assumed: without
images that are pulled, and without models that are loaded."""


class Times(NamedTuple):
    """Waves with their times, and what is wrong with these."""

    waves: tuple[Wave, ...]
    findings: tuple[Finding, ...]


class _Span(NamedTuple):
    """How long a wave takes."""

    seconds: int
    """Where nothing is waited for."""
    over_s: int | None
    """Unix time before which it is not over: so long something is waited for. None: nobody knows."""


def seconds_of(unit: Unit, rounds: int = 1) -> int:
    """From the first step of a unit to its last pod gone, once it is not waited for: an estimate."""
    if unit.ends_by_itself:
        return 0
    hook = unit.hook
    first = CHECKPOINT_S[hook.ask.how] if hook is not None and not unit.proved else 0
    graces = [GRACE_S if one.grace_s is None else one.grace_s for one in unit.leaves]
    return first + max(graces, default=0) * rounds + READY_S * (rounds - 1)


def timed(waves: Sequence[Wave], request: Request, now_s: int, zone: str) -> Times:
    """The waves one after the other. `zone`: in which moments are told, where no window has one."""
    first_s = max(now_s, request.not_before_s or now_s)
    zone = zone_of(request, zone)
    made: list[Wave] = []
    at: int | None = first_s
    for wave in waves:
        start = end = None
        if at is not None and not wave.after_return:
            start = _start(wave, request, at)
            end = _end(wave, start)
        made.append(replace(wave, start_s=start, end_s=end))
        at = end
    soonest, findings = _soonest(waves, request, first_s, zone)
    return Times(tuple(made), (*findings, *_late(made, soonest, request, zone)))


def _soonest(
    waves: Sequence[Wave], request: Request, at_s: int, zone: str
) -> tuple[int | None, Sequence[Finding]]:
    """When the last wave ends at the soonest, and which waves no window holds.

    At the soonest: nodes are back as soon as they are waited for, and what nobody knows the end of has ended.
    """
    found: list[Finding] = []
    for wave in waves:
        start = _start(wave, request, at_s)
        if start is None:
            return None, (Finding("window", _name(wave), "no window ever opens", wave.nodes),)
        found += _past_its_window(wave, request, start, zone)
        span = _span(wave)
        at_s = max(start + span.seconds, span.over_s or 0)
    return at_s, found


def _span(wave: Wave) -> _Span:
    seconds = [seconds_of(one, 1 if one.waits else wave.rounds) for one in wave.units]
    waited = [one for one in wave.units if one.waits]
    ends = [one.waits_until_s + seconds_of(one) for one in waited if one.waits_until_s is not None]
    over_s = max(ends, default=0) if len(ends) == len(waited) else None
    return _Span(max(seconds, default=0), over_s)


def _start(wave: Wave, request: Request, at_s: int) -> int | None:
    """When a wave begins: at once, or when a window opens in which it also ends; else in the first.

    None: no window ever opens.
    """
    if not request.windows:
        return at_s
    found = _held(wave, request, at_s) or opening(request.windows, at_s)
    return None if found is None else found[0]


def _held(wave: Wave, request: Request, at_s: int) -> tuple[int, int] | None:
    """When the first window opens that holds all of a wave, and closes."""
    seconds, over_s = _span(wave)
    over_s = over_s or 0
    found = opening(request.windows, at_s, seconds, over_s)
    return found or opening(request.windows, max(at_s, over_s), seconds)  # what ends in months


def _end(wave: Wave, start_s: int | None) -> int | None:
    """When a wave has ended: all of its pods are gone, and what is waited for has ended."""
    seconds, over_s = _span(wave)
    return None if start_s is None or over_s is None else max(start_s + seconds, over_s)


def _past_its_window(wave: Wave, request: Request, start_s: int, zone: str) -> Iterable[Finding]:
    """Whether a wave goes on past the end of the window in which it begins, or may."""
    if not request.windows:
        return
    seconds, over_s = _span(wave)
    if _held(wave, request, start_s) is None:
        open_s, close_s = opening(request.windows, start_s) or (start_s, start_s)
        says = (
            f"takes about {duration(seconds)}, longer than any window: "
            f"it would begin {clock(open_s, zone)} and go on past the end, {clock(close_s, zone)}"
        )
        yield Finding("window", _name(wave), says, wave.nodes, cure="a longer --window")
    elif over_s is None:
        says = f"{_unknown(wave)}: it may go on past the end of its window"
        yield Finding("window", _name(wave), says, wave.nodes, blocks=False)


def _late(waves: Sequence[Wave], soonest_s: int | None, request: Request, zone: str) -> Iterable[Finding]:
    """Whether the campaign misses its deadline, by how much, and what would help."""
    deadline_s = request.deadline_s
    if deadline_s is None or not waves or soonest_s is None:
        return
    at, late_s = clock(deadline_s, zone), soonest_s - deadline_s
    open_ended = next((wave for wave in waves if wave.end_s is None), None)
    if late_s > 0:
        even = "" if open_ended is None else f"{_at_best(open_ended)}, "
        says = f"{even}the last wave ends about {duration(late_s)} after {at}"
        yield Finding("deadline", request.asked, says, waves[-1].nodes, cure=_help(waves, request))
    elif open_ended is not None:
        returns = "it begins once nodes are back in service, and nobody knows when that is"
        why = returns if open_ended.after_return else _unknown(open_ended)
        says = f"nobody can say whether it has ended by {at}: {why}"
        yield Finding("deadline", _name(open_ended), says, blocks=False)


def _at_best(wave: Wave) -> str:
    """What is taken for granted where nobody knows when a wave ends."""
    waited = [one.workload for one in wave.units if one.waits and one.waits_until_s is None]
    return f"even if {waited[0]} ended at once" if waited else "even with nodes back at once"


def _unknown(wave: Wave) -> str:
    waited = [one.workload for one in wave.units if one.waits and one.waits_until_s is None]
    return f"nobody knows when {waited[0]} ends" if waited else "an earlier one has no known end"


def _help(waves: Sequence[Wave], request: Request) -> str:
    """What would end the campaign earlier, the most likely first."""
    waits = [one for wave in waves for one in wave.units if one.waits_until_s is not None]
    if waits:
        last = max(waits, key=lambda one: (one.waits_until_s or 0, one.workload))
        return f"a rule with a shorter wait for {last.workload}"
    if request.windows:
        return "a longer --window, or one that opens earlier"
    if any(one.after_return for one in waves):
        return "a larger --max-unavailable"
    if request.by:
        return "without --by"
    return "a later --deadline" if request.not_before_s is None else "an earlier --not-before"


def _name(wave: Wave) -> str:
    return f"wave {wave.number}"
