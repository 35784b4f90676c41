"""What waits and whether it would fit now, and how broken up what is free is."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dcctl.packing.problem import LEVELS, WHOLE
from dcctl.packing.questions.defrag import whole
from dcctl.packing.reasons import WORDS
from dcctl.packing.scene import Scene
from dcctl.render.report import Column, Note, Report, Shape, Table
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.inventory.model import Gap
    from dcctl.packing.greedy.place import Placed
    from dcctl.packing.problem import Kind, Problem
    from dcctl.packing.solve import Solution
    from dcctl.render.report import Row

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
    Column("free", "FREE", "count", keep=8),
    Column("whole_nodes", "WHOLE NODES", "count", keep=8),
    Column("on_whole_nodes", "ON THEM", "count", keep=6),
    Column("broken_up", "BROKEN UP", "count", keep=6),
    Column("largest", "LARGEST GANG", keep=7),
)
_SUMMARY = (
    Column("waiting", "workloads that wait", "count"),
    Column("fits", "of those, how many would fit now, all together", "count"),
    Column("free", "free accelerators on nodes that take work", "count"),
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


class Unfinished(NamedTuple):
    """A change that began and did not finish."""

    run: str
    resume: str
    """The command that goes on with it."""


def status_report(
    waiting: Solution, idle: Solution, unfinished: Sequence[Unfinished], gaps: tuple[Gap, ...]
) -> Report:
    """One row per workload that waits. `waiting` has what waits placed, `idle` has not."""
    room = tuple(_room(Scene(idle), idle.problem))
    rows = tuple(_row(one, waiting) for one in waiting.placed)
    fits = sum(not one.missing for one in waiting.placed)
    free, nodes = sum(int(row[1]) for row in room), sum(int(row[2]) for row in room)
    return Report(
        kind=STATUS.kind,
        headline=_headline(len(rows), fits, free, nodes),
        items=Table("items", _ITEMS, rows, fold=False),
        details=(Table("room", _ROOM, room, "WHAT IS FREE", fold=False),),
        summary={
            "waiting": len(rows),
            "fits": fits,
            "free": free,
            "whole_nodes": nodes,
            "unfinished": len(unfinished),
        },
        notes=tuple(_notes(waiting, unfinished)),
        gaps=gaps,
        name_key="job",
        level="warn" if unfinished else "ok",
    )


def _headline(waiting: int, fits: int, free: int, nodes: int) -> str:
    text = f"{plural(waiting, 'workload')} wait" + ("s" if waiting == 1 else "")
    if waiting:
        text += f", {fits:,} would fit now"
    return f"{text}; {plural(free, 'accelerator')} free, {plural(nodes, 'node')} wholly"


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


def _room(scene: Scene, problem: Problem) -> Iterable[tuple[str, int, int, int, int, str]]:
    """By kind of accelerator: what is free, and how much of it on nodes that are wholly free."""
    free: Counter[int] = Counter()
    wholly: dict[int, list[int]] = defaultdict(list)
    is_whole = whole(scene)
    for at, one in enumerate(problem.bins):
        if one.closed:
            continue
        kinds = Counter(device.kind for device in one.devices if device.free_milli == WHOLE)
        free.update(kinds)
        if is_whole[at]:
            for kind in kinds:
                wholly[kind].append(at)
    for kind, count in sorted(free.items(), key=lambda row: -row[1]):
        on_whole = sum(len(problem.bins[at].devices) for at in wholly[kind])
        yield (
            _name(problem.space.kinds[kind], problem.space.kinds),
            count,
            len(wholly[kind]),
            on_whole,
            count - on_whole,
            _largest(scene, wholly[kind]),
        )


def _name(kind: Kind, all_: Sequence[Kind]) -> str:
    """The model; the resource too where several hand out the model."""
    alike = sum(one.model == kind.model for one in all_)
    return kind.resource if not kind.model else kind.model if alike == 1 else f"{kind.model}, {kind.resource}"


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


def _notes(waiting: Solution, unfinished: Sequence[Unfinished]) -> Iterable[Note]:
    yield Note("free", "by kind of accelerator", detail="room")
    stuck = next((one.job.id for one in waiting.placed if one.missing), None)
    if stuck is not None:
        yield Note("why", f"{stuck} does not fit", command=f"dcctl schedule explain {stuck}")
    for one in unfinished:
        yield Note("unfinished", f"the run {one.run} began and did not finish", "warn", one.resume)
