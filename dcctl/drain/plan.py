"""The plan of a campaign: the only way in. The same fleet, request and time give the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.drain.calendar import zone_of
from dcctl.drain.campaign import WORST, Campaign, Target, Wave
from dcctl.drain.estimate import rounds_of, seconds_of, timed
from dcctl.drain.loss import lost_gpu_ms, pasts_of
from dcctl.drain.parts import parts_of
from dcctl.drain.request import Done
from dcctl.drain.serial import Stop, serial
from dcctl.drain.standin import Sorted, classify
from dcctl.drain.waves import Limits, partition, shared_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.drain.campaign import Finding, Serial, Unit
    from dcctl.drain.loss import Past
    from dcctl.drain.request import Request
    from dcctl.inventory.model import Fleet


def plan(fleet: Fleet, request: Request, done: Done | None = None, now_s: int = 0) -> Campaign:
    """What is moved, when, where it fits, and what stands in the way.

    `done`: what the campaign has done already: its nodes are not planned again.
    """
    done = done or Done()
    seen = classify(fleet, request, done, now_s)
    nodes = [name for name in dict.fromkeys(request.nodes) if name not in set(done.nodes)]
    limits = Limits(request.max_unavailable, parts_of(fleet, nodes, request.by))
    order = partition(nodes, seen.units, limits, seconds_of)
    waves = _waves(order, seen, request, done)
    times = timed(waves, request, now_s, zone_of(fleet))
    told = tuple(_with_losses(wave, seen) for wave in times.waves)
    findings = (*seen.findings, *times.findings)
    return Campaign(
        asked=request.asked,
        reason=request.reason,
        targets=_targets(fleet, told),
        waves=told,
        verdict=min((wave.verdict for wave in told), key=WORST.index, default="fits"),
        stays=seen.stays,
        findings=_ordered(findings),
        made_at_s=now_s,
        start_s=told[0].start_s if told else None,
        end_s=told[-1].end_s if told else None,
        max_unavailable=request.max_unavailable,
        serial=_serial(nodes, seen, now_s),
        clusters=tuple(sorted({run.cluster for run in fleet.sources if run.cluster})),
    )


def _waves(order: Sequence[Sequence[str]], seen: Sorted, request: Request, done: Done) -> list[Wave]:
    """The waves with their units, without times and losses."""
    allowed = {one.name: one.allowed for work in seen.works.values() for one in work.budgets}
    out = len(done.out)
    found: list[Wave] = []
    for nodes, units in zip(order, shared_out(order, seen.units), strict=True):
        most = request.max_unavailable
        after_return = most is not None and out + len(nodes) > most
        out = len(nodes) if after_return else out + len(nodes)
        wave = Wave(
            number=done.waves + len(found) + 1,
            nodes=tuple(nodes),
            units=tuple(units),
            rounds=rounds_of(units, allowed),
            after_return=after_return,
        )
        found.append(wave)
    return found


def _with_losses(wave: Wave, seen: Sorted) -> Wave:
    """The wave with what each unit loses, if it stops when the wave begins."""
    return replace(
        wave,
        units=tuple(
            replace(one, lost_gpu_ms=lost_gpu_ms(one, _pasts(one, seen), wave.start_s)) for one in wave.units
        ),
    )


def _pasts(unit: Unit, seen: Sorted) -> tuple[tuple[int, Past], ...]:
    return pasts_of(unit, seen.works[unit.workload], seen.every.get(unit.workload))


def _serial(nodes: Sequence[str], seen: Sorted, now_s: int) -> Serial:
    return serial(nodes, (Stop(one, _pasts(one, seen)) for one in seen.units), (), now_s)


def _targets(fleet: Fleet, waves: Iterable[Wave]) -> tuple[Target, ...]:
    known = {node.name: node for node in fleet.nodes}
    return tuple(
        Target(name, wave.number, known[name].schedulable if name in known else None)
        for wave in waves
        for name in wave.nodes
    )


def _ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those that block first, else as they were found."""
    return tuple(sorted(findings, key=lambda one: not one.blocks))
