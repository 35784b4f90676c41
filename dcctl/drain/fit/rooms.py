"""Waves with where their work goes: the packing core is asked in the order of the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from dcctl.drain.campaign import WORST, Finding
from dcctl.drain.fit.room import Room
from dcctl.units import cores, plural

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from dcctl.drain.campaign import Leave, Relief, Unit, Verdict, Wave
    from dcctl.drain.fit.placing import Homeless
    from dcctl.drain.fit.room import Judged
    from dcctl.drain.request import Done, Request
    from dcctl.inventory.model import Fleet


_REASONS: Final = 2
"""So many reasons are in the sentence about work that finds no room."""
_NAMED: Final = 3
"""So much work that is stopped for it is named there."""


class Fitted(NamedTuple):
    """Waves that were judged in their order."""

    waves: tuple[Wave, ...]
    reliefs: tuple[Relief, ...]
    findings: tuple[Finding, ...]
    places: Mapping[tuple[str, str], str]
    """(workload, member) -> node, of all that is moved, once all waves are over."""

    @property
    def failing(self) -> tuple[tuple[str, ...], ...]:
        """Nodes of the waves whose work does not fit, as far as could be found out."""
        return tuple(
            wave.nodes
            for wave in self.waves
            if any(unit.verdict in WORST[:2] and not unit.changed for unit in wave.units)
        )

    @property
    def again(self) -> tuple[tuple[str, ...], ...]:
        """Nodes of the waves of which work finds room on nodes of later ones alone: it restarts twice."""
        return tuple(wave.nodes for wave in self.waves if any(unit.restarts > 1 for unit in wave.units))

    def after_reordering(self, before: Collection[tuple[str, ...]]) -> Fitted:
        """The same, where waves with these nodes did not fit in another order."""
        return self._replace(
            waves=tuple(
                replace(wave, verdict=min(wave.verdict, "fits after reordering", key=WORST.index))
                if wave.nodes in before
                else wave
                for wave in self.waves
            )
        )


def fitted(fleet: Fleet, waves: Sequence[Wave], request: Request, done: Done, now_s: int) -> Fitted:
    """Ask about each wave, those before it being carried out. `request`: of the nodes that are left."""
    room = Room(fleet, (*request.nodes, *done.nodes), now_s)
    found: list[Wave] = []
    reliefs: dict[Relief, None] = {}
    findings: list[Finding] = []
    places: dict[tuple[str, str], str] = {}
    for wave, (hard, soft) in zip(waves, _closed(waves, request, done), strict=True):
        judged = _judged(room, wave, hard, soft)
        found.append(_told(wave, judged, soft))
        findings += _again(found[-1], soft, request)
        if judged.homeless:
            reliefs |= dict.fromkeys(room.reliefs(judged))
            findings += _homeless(wave, judged, request)
        room.carry(judged)
        places |= judged.places
    return Fitted(tuple(found), tuple(reliefs), tuple(findings), places)


def _closed(
    waves: Sequence[Wave], request: Request, done: Done
) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
    """By wave: (nodes that take no work, nodes that had better take none: those of later waves).

    Where any number may be out of service, all targets are closed from the start. Else nodes are closed wave
    by wave, and open again once they are back.
    """
    every = frozenset((*request.nodes, *done.out))
    out, left = set(done.out), set(request.nodes)
    for wave in waves:
        if wave.after_return:
            out.clear()
        out |= set(wave.nodes)
        left -= set(wave.nodes)
        yield (every, frozenset()) if request.max_unavailable is None else (frozenset(out), frozenset(left))


def _judged(room: Room, wave: Wave, hard: Collection[str], soft: Collection[str]) -> Judged:
    """What becomes of a wave: away from later targets if that is possible."""
    members: dict[str, tuple[str, ...]] = {}
    waits = []
    for unit in wave.units:
        if unit.ends_by_itself:
            waits.append(unit.workload)
        else:
            members[unit.workload] = tuple(_member(leaf) for leaf in unit.leaves)
    judged = room.judge({*hard, *soft}, members, waits)
    return room.judge(hard, members, waits) if soft and judged.verdict in WORST[:2] else judged


def _member(leaf: Leave) -> str:
    return leaf.pod.rpartition("/")[2]


def _told(wave: Wave, judged: Judged, later: Collection[str]) -> Wave:
    """The wave with its verdicts, and where everything goes."""
    units = [_again_with(_placed(unit, judged.places, judged.verdicts), later) for unit in wave.units]
    if judged.verdict != "fits":
        turn = {workload: at for at, workload in enumerate(judged.order)}
        units.sort(key=lambda unit: turn.get(unit.workload, len(turn)))
    worst = min((unit.verdict for unit in units), key=WORST.index, default=judged.verdict)
    return replace(wave, units=tuple(units), verdict=worst)


def _placed(unit: Unit, places: Mapping[tuple[str, str], str], verdicts: Mapping[str, Verdict]) -> Unit:
    """The unit with where it goes; whether what is made anew otherwise than it was fits is not known."""
    leaves = tuple(replace(leaf, to=places.get((unit.workload, _member(leaf)), "")) for leaf in unit.leaves)
    verdict: Verdict = "unknown" if unit.changed else verdicts.get(unit.workload, "fits")
    return replace(unit, leaves=leaves, verdict=verdict)


def _again_with(unit: Unit, later: Collection[str]) -> Unit:
    """The unit; what goes to nodes of later waves restarts again with these."""
    twice = unit.restarts and any(leaf.to in later for leaf in unit.leaves)
    return replace(unit, restarts=unit.restarts + 1) if twice else unit


def _again(wave: Wave, later: Collection[str], request: Request) -> Iterator[Finding]:
    """What is moved again with later waves, or may be: nothing keeps it off their nodes for certain.

    A gang that restarts twice is what a campaign is to avoid: it blocks.
    """
    opened = request.gates.without_fit
    for unit in wave.units:
        nodes = tuple(sorted({leaf.to for leaf in unit.leaves if leaf.to in later}))
        if nodes:
            says = "finds room on nodes of later waves alone: it is moved again with them"
            blocks = unit.gang and not opened
            cure = "--without-fit" if blocks else ""
            yield Finding("no-room", unit.workload, says, nodes, blocks, cure)
        elif later and unit.gang and unit.verdict == "fits after reordering":
            says = (
                "has room off the nodes of later waves, though not for certain: "
                "a taint PreferNoSchedule is all that keeps it off these, and it may be moved again with them"
            )
            yield Finding("no-room", unit.workload, says, wave.nodes, blocks=False)


def _homeless(wave: Wave, judged: Judged, request: Request) -> Iterator[Finding]:
    """What finds no room, and why."""
    nodes = {unit.workload: tuple(dict.fromkeys(leaf.node for leaf in unit.leaves)) for unit in wave.units}
    opened = request.gates.without_fit
    for one in judged.homeless:
        yield Finding(
            "no-room",
            one.workload,
            _says(one, judged),
            nodes.get(one.workload, ()),
            blocks=not opened,
            cure="" if opened else "--without-fit",
            more=_counts(one),
        )


def _says(one: Homeless, judged: Judged) -> str:
    """`3 members with 24 GPUs find no room (79 nodes: 71 too few free accelerators · 8 cordoned)`."""
    size = f" with {cores(one.gpu_milli)} GPUs" if one.gpu_milli else ""
    proved = judged.verdicts.get(one.workload) == "does not fit"
    find = ("finds" if one.members == 1 else "find") if proved else "may find"
    why = one.says or _commonest(one)
    says = f"{plural(one.members, 'member')}{size} {find} no room" + (f" ({why})" if why else "")
    return says + _pushes(judged.preempts.get(one.workload, ()))


def _pushes(works: Sequence[str]) -> str:
    """What its scheduler stops for it: it does not wait, as what finds no room does otherwise."""
    if not works:
        return ""
    named, more = ", ".join(works[:_NAMED]), len(works) - _NAMED
    others = f" and {more:,} more" if more > 0 else ""
    return f"; once evicted, its scheduler stops {named}{others} for it, unasked, by priority"


def _commonest(one: Homeless) -> str:
    """What most nodes refuse it for, and how many others there are: `92 nodes: 58 not ready · 34 more`."""
    told, others = _counted(one)[:_REASONS], _counted(one)[_REASONS:]
    words = [f"{count:,} {reason}" for count, reason in told]
    words += [f"{sum(count for count, _ in others):,} more"] if others else []
    return f"{plural(sum(one.why.values()), 'node')}: {' · '.join(words)}" if words else ""


def _counts(one: Homeless) -> str:
    """Every reason with its nodes, as `dcctl schedule explain` has them."""
    return " · ".join(f"{count:,} {reason}" for count, reason in _counted(one))


def _counted(one: Homeless) -> list[tuple[int, str]]:
    """The commonest first."""
    return sorted(((count, reason) for reason, count in one.why.items()), key=lambda row: (-row[0], row[1]))
