"""What waits and whether it would fit now, and how broken up what is free is."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from dcctl.packing.intake.supply import Unit, on_offer, supply_of
from dcctl.packing.problem import LEVELS, WHOLE
from dcctl.packing.questions.defrag import whole
from dcctl.packing.reasons import WORDS
from dcctl.packing.scene import Scene
from dcctl.render.report import Column, Note, Report, Shape, Table
from dcctl.schedule.commands import naming
from dcctl.schedule.samples import with_samples
from dcctl.units import cores, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from dcctl.inventory.model import Gap
    from dcctl.packing.greedy.place import Placed
    from dcctl.packing.plan import Supply
    from dcctl.packing.problem import Problem
    from dcctl.packing.solve import Solution
    from dcctl.render.report import Cell, Row
    from dcctl.schedule.applied import Runs

_ITEMS = (
    Column("job", "WORKLOAD", keep=9),
    Column("state", "NOW", "state", keep=8),
    Column("members", "WAITING", "count", keep=6),
    Column("gpu_milli", "GPUS", "milli", keep=7),
    Column("priority", "PRIORITY", "count", keep=4),
    Column("owner", "OWNER", keep=4),
    Column("why", "MOST NODES", keep=6),
)
_ROOM = (
    Column("kind", "ACCELERATOR", keep=9),
    Column("resource", "ASK FOR", keep=8),
    Column("free", "FREE", "count", keep=8),
    Column("free_gpu_milli", "IN BOARDS", "milli", keep=7),
    Column("whole_nodes", "WHOLE NODES", "count", keep=8),
    Column("on_whole_nodes", "ON THEM", "count", keep=6),
    Column("broken_up", "BROKEN UP", "count", keep=6),
    Column("largest", "LARGEST GANG", keep=7),
)
_SUMMARY = (
    Column("waiting", "workloads that wait", "count"),
    Column("fits", "of those, how many would fit now, all together", "count"),
    Column("free", "accelerators that are free as a whole, on nodes that take work", "count"),
    Column("free_gpu_milli", "free boards in thousandths, with free shares and slices as parts", "milli"),
    Column("held_gpu_milli", "boards that somebody holds", "milli"),
    Column("out_gpu_milli", "boards neither held nor to be had", "milli"),
    Column("total_gpu_milli", "boards there are: free, held and out of service", "milli"),
    Column("whole_nodes", "nodes of which every accelerator is free", "count"),
    Column("unfinished", "changes that began and did not finish", "count"),
)
STATUS = Shape(
    "schedule-status",
    "What waits, whether it would fit now, and how broken up the free accelerators are.",
    _ITEMS,
    (("room", _ROOM),),
    _SUMMARY,
)


def status_report(waiting: Solution, idle: Solution, runs: Runs, gaps: tuple[Gap, ...]) -> Report:
    """One row per workload that waits. `waiting` has what waits placed, `idle` has not."""
    room, supply = _room(Scene(idle), idle.problem), supply_of(idle.problem)
    nodes = int(whole(Scene(idle)).sum())
    rows = tuple(_row(one, waiting) for one in waiting.placed)
    fits = sum(not one.missing for one in waiting.placed)
    answer = Report(
        kind=STATUS.kind,
        headline=_headline(len(rows), fits, supply, nodes),
        items=Table("items", _ITEMS, rows, fold=False),
        details=(Table("room", _ROOM, room, "WHAT IS FREE", fold=False),),
        summary={
            "waiting": len(rows),
            "fits": fits,
            "free": sum(free.units for unit, free in on_offer(idle.problem).items() if unit.is_board),
            "free_gpu_milli": supply.free_milli,
            "held_gpu_milli": supply.held_milli,
            "out_gpu_milli": supply.out_milli,
            "total_gpu_milli": supply.total_milli,
            "whole_nodes": nodes,
            "unfinished": len(runs.unfinished),
        },
        notes=(*_notes(waiting, bool(room)), *runs.notes()),
        gaps=gaps,
        name_key="job",
        level=runs.level,
    )
    return with_samples(answer)


def _headline(waiting: int, fits: int, supply: Supply, nodes: int) -> str:
    text = f"{plural(waiting, 'workload')} wait" + ("s" if waiting == 1 else "")
    if waiting:
        text += f", {fits:,} would fit now"
    total = plural(supply.total_milli // WHOLE, "accelerator")
    free = f"{cores(supply.free_milli)} of {total} free" if supply.free_milli else f"none of {total} free"
    return f"{text}; {free}, {plural(nodes, 'node')} wholly"


def _row(found: Placed, solution: Solution) -> Row:
    job, problem = found.job, solution.problem
    gated = any(problem.classes[task.of].template.gates for task in job.tasks)
    fit = "fits" if not found.missing else "part fits" if found.stands else "does not fit"
    milli = sum(problem.classes[task.of].need.gpu_milli * len(task.members) for task in job.tasks)
    why, one_fits = solution.placer.why(found) if found.missing else ({}, 0)
    most = max(why, key=lambda reason: (why[reason], -reason), default=None)
    word = "" if most is None else f"{why[most]:,} {WORDS[most]}"
    if one_fits:
        word += f", {one_fits:,} fit one member"
    return (
        job.id,
        f"{fit}, held by a gate" if gated else fit,
        job.size,
        milli,
        job.priority,
        job.owner or None,
        word,
    )


def _room(scene: Scene, problem: Problem) -> tuple[Row, ...]:
    """By what can be asked for: what is free, and how much of it on nodes that are wholly free."""
    is_whole = whole(scene)
    rows: list[Row] = []
    for unit, free in on_offer(problem).items():
        name, nodes = unit.model or unit.resource, _on_whole(unit, problem, is_whole)
        on_whole = sum(nodes.values())
        told: tuple[Cell, ...] = (None, None, None, None)
        if not unit.slice:
            told = (len(nodes), on_whole, free.units - on_whole, _largest(scene, list(nodes)))
        rows.append((name, unit.resource, free.units, free.milli, *told))
    return tuple(rows)


def _on_whole(unit: Unit, problem: Problem, is_whole: NDArray[np.bool_]) -> Counter[int]:
    """How many of a unit there are on each node that is wholly free."""
    kinds, found = problem.space.kinds, Counter[int]()
    for at in np.flatnonzero(is_whole).tolist():
        for device in problem.bins[at].devices:
            if Unit(*kinds[device.kind]) == unit:
                found[at] += 1
    return found


def _largest(scene: Scene, bins: Sequence[int]) -> str:
    """The most wholly free nodes in one part of the data centre: `8 nodes in one rack`."""
    if not bins:
        return "none"
    words = []
    for level in LEVELS:
        rows = scene.placer.parts.rows[level][list(bins)]
        inside = rows[rows >= 0]
        if len(inside):
            most = int(np.bincount(inside).max())
            words.append(f"{plural(most, 'node')} in one {level}")
            if most == len(bins):
                break
    return ", ".join(words) or plural(len(bins), "node")


def _notes(waiting: Solution, any_free: bool) -> Iterable[Note]:
    if any_free:
        yield Note("free", "by what can be asked for", detail="room")
    stuck = next((one.job.id for one in waiting.placed if one.missing), None)
    if stuck is not None:
        yield Note("why", f"{stuck} does not fit", command=naming("explain", stuck))
