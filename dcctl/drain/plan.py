"""The plan of a campaign: the only way in. The same fleet, request and time give the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.drain.campaign import WORST, Campaign, Target, Wave
from dcctl.drain.fit.rooms import Fitted, fitted
from dcctl.drain.matched import idle
from dcctl.drain.policy.rules import selects
from dcctl.drain.request import Done
from dcctl.drain.waves.calendar import zone_of
from dcctl.drain.waves.estimate import seconds_of, timed
from dcctl.drain.waves.loss import loses, lost_gpu_ms, pasts_of
from dcctl.drain.waves.pace import paced
from dcctl.drain.waves.partition import Limits, partition, shared_out
from dcctl.drain.waves.parts import parts_of
from dcctl.drain.waves.serial import Stop, never, refused, serial
from dcctl.drain.waves.split import splits
from dcctl.drain.work.classify import Classified, classify
from dcctl.drain.work.devices import without
from dcctl.drain.work.findings import ordered
from dcctl.drain.work.units import rounds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dcctl.drain.campaign import Finding, Relief, Serial, Unit
    from dcctl.drain.request import Request
    from dcctl.drain.waves.loss import Past
    from dcctl.inventory.model import Fleet, Node


class Asked(NamedTuple):
    """What a plan is made of."""

    fleet: Fleet
    request: Request
    """Of the nodes that are left."""
    done: Done
    now_s: int
    seen: Classified
    pasts: Mapping[str, tuple[tuple[int, Past], ...]]
    """What is known of the checkpoints of each unit, by workload."""


def plan(fleet: Fleet, request: Request, done: Done, now_s: int) -> Campaign:
    """What is moved, when, where it fits, and what stands in the way.

    `done`: what the campaign has done already; its nodes are not planned again. `now_s`: Unix time.
    """
    asked = _asked(fleet, request, done, now_s)
    nodes, seen = asked.request.nodes, asked.seen
    limits = Limits(request.max_unavailable, parts_of(fleet, nodes, request.by))
    begun = [one for one in nodes if limits.most is not None and one in done.out]
    left = [one for one in nodes if one not in begun]
    first, lots = (partition(part, seen.units, limits, seconds_of) for part in (begun, left))
    found = _ordered(asked, first, lots)
    times = timed(found.waves, request, now_s, zone_of(fleet))
    waves = [_with_losses(wave, asked.pasts, seen.units) for wave in times.waves]
    apart = splits(fleet, found.waves, found.places)
    told = () if done.begun else idle(fleet, request)
    return _campaign(asked, waves, found.reliefs, (*found.findings, *times.findings, *apart, *told))


def _asked(fleet: Fleet, request: Request, done: Done, now_s: int) -> Asked:
    gone = frozenset(done.nodes)
    request = replace(request, nodes=tuple(one for one in dict.fromkeys(request.nodes) if one not in gone))
    seen = classify(fleet, request, done, now_s)
    works = {work.id: work for work in fleet.workloads}
    pasts = {}
    for unit in seen.units:
        work = works[unit.workload]
        every = next((rule.checkpoint_every_s for rule in request.rules if selects(rule, work)), None)
        pasts[unit.workload] = pasts_of(unit, work, every)
    units = tuple(paced(one, pasts[one.workload], request, now_s) for one in seen.units)
    return Asked(fleet, request, done, now_s, seen._replace(units=units), pasts)


def stops_of(fleet: Fleet, request: Request, now_s: int) -> tuple[Stop, ...]:
    """What kubectl would meet on the same nodes."""
    return _stops(_asked(fleet, request, Done(), now_s))


def _stops(asked: Asked) -> tuple[Stop, ...]:
    return tuple(Stop(one, asked.pasts[one.workload]) for one in asked.seen.units)


def _serial(asked: Asked) -> Serial:
    """What kubectl's way would cost."""
    fleet, request = asked.fleet, asked.request
    refuses, stay = refused(fleet, request), never(fleet, request)
    return serial(request.nodes, _stops(asked), refuses, asked.now_s, never=stay)


def _ordered(
    asked: Asked, begun: Sequence[Sequence[tuple[str, ...]]], lots: Sequence[Sequence[tuple[str, ...]]]
) -> Fitted:
    """The waves in this order, or in another in which more of them fit, and less is moved twice.

    Those of `begun` go first.
    """
    first = _fitted(asked, [*begun, *lots])
    met = (*first.failing, *first.again)
    if not met or len(lots) < 2:
        return first
    bad = [lot for lot in lots if any(nodes in met for nodes in lot)]
    good = [lot for lot in lots if lot not in bad]
    others = [other for other in ((*bad, *good), (*good, *bad)) if other != tuple(lots)]
    found = [_fitted(asked, [*begun, *other]).after_reordering(first.failing) for other in others]
    return min((first, *found), key=lambda one: (len(one.failing), len(one.again)))


def _fitted(asked: Asked, lots: Iterable[Iterable[tuple[str, ...]]]) -> Fitted:
    waves, request = _formed(asked, [nodes for lot in lots for nodes in lot]), asked.request
    if request.boards:  # what else their node has may be given to those who leave
        fleet = without(asked.fleet, request.boards)
        return fitted(fleet, waves, replace(request, nodes=()), asked.done, asked.now_s)
    return fitted(asked.fleet, waves, request, asked.done, asked.now_s)


def _formed(asked: Asked, order: Sequence[Sequence[str]]) -> list[Wave]:
    """The waves with their units, without times and losses."""
    most, out = asked.request.max_unavailable, set(asked.done.out)
    found: list[Wave] = []
    for nodes, units in zip(order, shared_out(order, asked.seen.units), strict=True):
        after_return = most is not None and len(out.union(nodes)) > most
        out = set(nodes) if after_return else out.union(nodes)
        leaves = [leaf for unit in units for leaf in unit.leaves]
        found.append(
            Wave(
                number=asked.done.waves + len(found) + 1,
                nodes=tuple(nodes),
                units=tuple(units),
                rounds=rounds(leaves, asked.seen.budgets),
                after_return=after_return,
            )
        )
    return found


def _with_losses(wave: Wave, pasts: Mapping[str, Sequence[tuple[int, Past]]], whole: Iterable[Unit]) -> Wave:
    """The wave with what each unit loses, if it stops when the wave begins.

    Of what stops twice nobody knows it: when the later wave begins is not told.
    """
    of = {one.workload: one for one in whole}
    units = []
    for unit in wave.units:
        told = pasts[unit.workload]
        if not unit.gang:
            here = {leaf.pod for leaf in unit.leaves}
            pairs = zip(of[unit.workload].leaves, told, strict=True)
            told = tuple(past for leaf, past in pairs if leaf.pod in here)
        lost = lost_gpu_ms(unit, told, _stops_s(unit, wave))
        units.append(replace(unit, lost_gpu_ms=None if unit.restarts > 1 and loses(unit) else lost))
    return replace(wave, units=tuple(units))


def _stops_s(unit: Unit, wave: Wave) -> int | None:
    """When a unit stops: as its wave begins, or when it is no longer waited for."""
    if wave.start_s is None or not unit.waits:
        return wave.start_s
    return None if unit.waits_until_s is None else max(wave.start_s, unit.waits_until_s)


def _campaign(
    asked: Asked, waves: Sequence[Wave], reliefs: tuple[Relief, ...], findings: Iterable[Finding]
) -> Campaign:
    request, fleet, seen = asked.request, asked.fleet, asked.seen
    known = {node.name: node for node in fleet.nodes}
    return Campaign(
        asked=request.asked,
        reason=request.reason,
        targets=tuple(_target(name, wave, known) for wave in waves for name in wave.nodes),
        waves=tuple(waves),
        verdict=min((wave.verdict for wave in waves), key=WORST.index, default="fits"),
        stays=seen.stays,
        findings=ordered((*seen.findings, *findings)),
        reliefs=reliefs,
        made_at_s=asked.now_s,
        start_s=waves[0].start_s if waves else None,
        end_s=waves[-1].end_s if waves else None,
        max_unavailable=request.max_unavailable,
        serial=None if request.boards else _serial(asked),
        boards=tuple(one.title for one in request.boards),
        clusters=tuple(sorted({run.cluster for run in fleet.sources if run.cluster})),
    )


def _target(name: str, wave: Wave, known: Mapping[str, Node]) -> Target:
    node = known.get(name)
    if node is None:
        return Target(name, wave.number)
    ours = node.cordon is not None and node.cordon.by == "dcctl"
    before = node.cordon.was_schedulable if ours and node.cordon is not None else node.schedulable
    return Target(name, wave.number, before)
