"""How a campaign reads: the sentences of its headline, its cells and the question before it begins."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from dcctl.inventory.folding import fold
from dcctl.units import cores, duration, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dcctl.drain.campaign import Campaign, Finding, Unit, Wave

NOTHING: Final = "–"
"""Of a cell: there is nothing, which is known."""
_PER_CELL: Final = 2
"""Pieces of work that one cell names."""


def headline(campaign: Campaign) -> str:
    """Return the answer in one line: whether it is possible, what restarts, whether a budget is broken."""
    if not campaign.waves:
        return "nothing is left to do"
    about = f"{fold(campaign.boards)}: " if campaign.boards else ""
    return about + "; ".join(filter(None, (_answer(campaign), _again(campaign), _budgets(campaign))))


def _answer(campaign: Campaign) -> str:
    decisions = len(groups(campaign.blocked))
    blocked = f"blocked: {plural(decisions, 'decision')}" if decisions else ""
    if campaign.verdict == "does not fit":
        return "; ".join(filter(None, (f"does not fit: {_homeless(campaign)}", blocked)))
    if decisions:
        return f"{blocked}; then {_length(campaign)}"
    if campaign.verdict == "unknown":
        return f"nobody can tell whether it fits; as far as is known {_length(campaign)}"
    order = ", in this order" if campaign.verdict == "fits after reordering" else ""
    return f"possible in {_length(campaign)}{order}"


def _length(campaign: Campaign) -> str:
    waves = plural(len(campaign.waves), "wave")
    if campaign.end_s is None:
        return f"{waves}, nobody knows for how long"
    return f"{waves}, {duration(campaign.end_s - campaign.made_at_s)}"


def _homeless(campaign: Campaign) -> str:
    """Which work finds no room, and how much of it."""
    units = [one for one in units_of(campaign) if one.verdict == "does not fit"]
    gpus = sum(one.gpu_milli for one in units)
    size = f" ({cores(gpus)} GPUs)" if gpus else ""
    names = list(dict.fromkeys(one.workload for one in units))
    if not names:
        return "work finds no room"
    return (
        f"{names[0]}{size} finds no room"
        if len(names) == 1
        else f"{len(names):,} workloads{size} find no room"
    )


def _again(campaign: Campaign) -> str:
    """How often how many gangs start again, and how much other work does."""
    gangs = restarts(campaign, gangs=True)
    every = restarts(campaign)
    others = sum(count > 0 for name, count in every.items() if name not in gangs)
    if not gangs:
        return (
            f"{plural(others, 'workload')} {'restarts' if others == 1 else 'restart'} once" if others else ""
        )
    beside = f", {plural(others, 'other workload')} once" if others else ""
    return _gangs_again(gangs) + beside


def _gangs_again(gangs: Mapping[str, int]) -> str:
    by_times = Counter(gangs.values())
    never = by_times.pop(0, 0)
    if not by_times:
        return "no gang restarts"
    if len(gangs) == 1:
        return f"its gang restarts {_times(next(iter(by_times)))}"
    told = ", ".join(f"{count:,} {_times(number)}" for number, count in sorted(by_times.items()))
    return f"{never:,} of {len(gangs):,} gangs restart never, {told}" if never else f"gangs restart: {told}"


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number:,} times")


def _budgets(campaign: Campaign) -> str:
    broken = broken_budgets(campaign)
    return f"broken as allowed: PDB {', '.join(broken)}" if broken else "no PDB is broken"


def restarts(campaign: Campaign, *, gangs: bool = False) -> dict[str, int]:
    """Return how often each workload starts again, by id; of `gangs` alone if that is asked."""
    found: Counter[str] = Counter()
    for unit in units_of(campaign):
        if unit.gang or not gangs:
            found[unit.workload] += unit.restarts
    return found


def units_of(campaign: Campaign) -> list[Unit]:
    """Return all work that is moved, in order."""
    return [unit for wave in campaign.waves for unit in wave.units]


def broken_budgets(campaign: Campaign) -> tuple[str, ...]:
    """Return the budgets of pods that are deleted past them."""
    leaves = (leave for unit in units_of(campaign) for leave in unit.leaves if leave.how == "delete")
    return tuple(sorted({name for leave in leaves for name in leave.budgets}))


def before_of(wave: Wave, now_s: int, last: Mapping[str, int]) -> str:
    """Return what happens before anything of a wave is evicted.

    `last`: when each workload wrote its last checkpoint (Unix time), where that is known.
    """
    parts = ["nodes of earlier waves are back"] if wave.after_return else []
    parts += _folded([_wait(unit, now_s) for unit in wave.units if unit.waits])
    parts += _folded([_checkpoint(unit, now_s, last) for unit in wave.units if _is_asked(unit)])
    return "; ".join(parts) or NOTHING


def _folded(parts: list[str]) -> list[str]:
    more = len(parts) - _PER_CELL
    return [", ".join(parts[:_PER_CELL]) + (f" and {more:,} more" if more > 0 else "")] if parts else []


def asks_of(unit: Unit, now_s: int, last: Mapping[str, int]) -> str:
    """Return what happens before one piece of work is evicted."""
    parts = [_wait(unit, now_s)] if unit.waits else []
    return "; ".join([*parts, *([_checkpoint(unit, now_s, last)] if _is_asked(unit) else [])]) or NOTHING


def _is_asked(unit: Unit) -> bool:
    """Whether it has yet to write a checkpoint for this."""
    return unit.hook is not None and not unit.proved and not unit.ends_by_itself


def _checkpoint(unit: Unit, now_s: int, last: Mapping[str, int]) -> str:
    at_s = last.get(unit.workload)
    told = "" if at_s is None else f" (last {duration(max(now_s - at_s, 0))} ago)"
    return f"checkpoint {_name(unit)}{told}"


def _name(unit: Unit) -> str:
    """Its name without the namespace: the tables of work have both."""
    return unit.workload.rpartition("/")[2]


def _wait(unit: Unit, now_s: int) -> str:
    if unit.waits_until_s is None:
        return f"wait for {_name(unit)}, nobody knows how long"
    left = duration(max(unit.waits_until_s - now_s, 0))
    if unit.paced:
        return f"the next checkpoint of {_name(unit)}, in about {left}"
    if unit.after_wait == "evict":
        return f"wait for {_name(unit)}, at most {left}"
    return f"wait for {_name(unit)}, {left} more"


def to_of(wave: Wave) -> str:
    """Return where the work of a wave goes, as a node set, and what of it finds no place."""
    moved = [unit for unit in wave.units if unit.paced or not unit.waits]
    nodes = {leave.to for unit in moved for leave in unit.leaves if leave.to}
    gangs = [unit for unit in moved if unit.gang and all(leave.to for leave in unit.leaves)]
    homeless = sum(not leave.to for unit in moved for leave in unit.leaves if unit.verdict != "fits")
    parts = [fold(nodes)] if nodes else []
    parts += (
        [plural(len(gangs), "gang") + " whole" if len(gangs) > 1 else "gang whole"] if gangs and nodes else []
    )
    parts += [f"{plural(homeless, 'pod')} without room"] if homeless else []
    return ", ".join(parts) or NOTHING


def groups(findings: Iterable[Finding]) -> list[tuple[Finding, tuple[str, ...]]]:
    """Return findings that say the same once, on all of their nodes, each with all that it is about."""
    found: dict[tuple[object, ...], list[Finding]] = {}
    for one in findings:
        found.setdefault((one.blocks, one.why, one.says, one.cure), []).append(one)
    return [
        (
            replace(same[0], nodes=tuple(dict.fromkeys(name for one in same for name in one.nodes))),
            tuple(dict.fromkeys(one.subject for one in same)),
        )
        for same in found.values()
    ]
