"""When each wave begins and ends, as far as can be told, and whether windows and the deadline are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from dcctl.drain.campaign import Finding
from dcctl.drain.waves.calendar import clock, opening
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


def seconds_of(unit: Unit, rounds: int = 1) -> int:
    """From the first step of a unit to its last pod gone, when it is not waited for: an estimate."""
    hook = unit.hook
    first = CHECKPOINT_S[hook.how] if hook is not None and not unit.proved else 0
    going = [one for one in unit.leaves if one.how != "wait"]
    graces = [GRACE_S if one.grace_s is None else one.grace_s for one in going]
    return first + max(graces, default=0) * rounds + READY_S * (rounds - 1)


def timed(waves: Sequence[Wave], request: Request, now_s: int, zone: str) -> Times:
    """The waves one after the other. `zone`: in which moments are told, where no window has one."""
    at: int | None = max(now_s, request.not_before_s or now_s)
    zone = request.windows[0].zone if request.windows else zone
    found: list[Finding] = []
    made: list[Wave] = []
    for wave in waves:
        start = end = None
        if at is not None and not wave.after_return:
            span_s = max((seconds_of(one, wave.rounds) for one in wave.units), default=0)
            start, late = _start(wave, request, at, span_s, zone)
            found.extend(late)
            end = _end(wave, start, span_s) if start is not None else None
        made.append(replace(wave, start_s=start, end_s=end))
        at = end
    return Times(tuple(made), (*found, *_late(made, request, zone)))


def _start(
    wave: Wave, request: Request, at_s: int, span_s: int, zone: str
) -> tuple[int | None, Iterable[Finding]]:
    """When a wave begins: at once, or when a window opens that is long enough for it."""
    if not request.windows:
        return at_s, ()
    found = opening(request.windows, at_s, span_s)
    if found is not None:
        return found[0], ()
    first = opening(request.windows, at_s)
    if first is None:
        return None, (Finding("window", _name(wave), "no window ever opens", wave.nodes),)
    says = (
        f"takes about {duration(span_s)}, longer than any window: "
        f"it would begin {clock(first[0], zone)} and go on past the end, {clock(first[1], zone)}"
    )
    return first[0], (Finding("window", _name(wave), says, wave.nodes, cure="a longer --window"),)


def _end(wave: Wave, start_s: int, span_s: int) -> int | None:
    """When a wave has ended: all of its pods are gone, and what is waited for has ended."""
    end_s = start_s + span_s
    for unit in wave.units:
        if unit.waits:
            if unit.waits_until_s is None:
                return None
            rest = _grace(unit) if unit.after_wait == "evict" else 0
            end_s = max(end_s, unit.waits_until_s + rest)
    return end_s


def _grace(unit: Unit) -> int:
    return max((GRACE_S if one.grace_s is None else one.grace_s for one in unit.leaves), default=0)


def _late(waves: Sequence[Wave], request: Request, zone: str) -> Iterable[Finding]:
    """Whether the campaign misses its deadline, by how much, and what would help."""
    deadline_s = request.deadline_s
    if deadline_s is None or not waves:
        return
    at = clock(deadline_s, zone)
    for wave in waves:
        if wave.end_s is None:
            why = "it begins once nodes are back in service" if wave.after_return else _unknown(wave)
            yield Finding(
                "deadline", _name(wave), f"nobody can say whether it has ended by {at}: {why}", blocks=False
            )
            return
    late_s = (waves[-1].end_s or 0) - deadline_s
    if late_s > 0:
        says = f"the last wave ends about {duration(late_s)} after {at}"
        yield Finding("deadline", request.asked, says, waves[-1].nodes, cure=_help(waves, request))


def _unknown(wave: Wave) -> str:
    waited = [one.workload for one in wave.units if one.waits_until_s is None]
    return f"nobody knows when {waited[0]} ends" if waited else "an earlier one has no known end"


def _help(waves: Sequence[Wave], request: Request) -> str:
    """What would end the campaign earlier, the most likely first."""
    waits = [one for wave in waves for one in wave.units if one.waits_until_s is not None]
    if waits:
        last = max(waits, key=lambda one: (one.waits_until_s or 0, one.workload))
        return f"a rule with a shorter wait for {last.workload}"
    if request.windows:
        return "a longer --window, or one that opens earlier"
    if request.by:
        return "without --by"
    return "a later --deadline" if request.not_before_s is None else "an earlier --not-before"


def _name(wave: Wave) -> str:
    return f"wave {wave.number}"
