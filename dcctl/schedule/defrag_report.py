"""A list of moves to review: what each frees, in an order in which every one can be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.folding import fold
from dcctl.render.report import Column, Note, Report, Shape, Table
from dcctl.schedule.commands import naming
from dcctl.schedule.samples import with_samples
from dcctl.units import duration, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.inventory.model import Gap
    from dcctl.packing.problem import Problem
    from dcctl.packing.questions.defrag import Moves, Step
    from dcctl.render.report import Row

_ITEMS = (
    Column("step", "STEP", "count", keep=7),
    Column("job", "WORKLOAD", keep=9),
    Column("member", "MEMBER", keep=6),
    Column("gpu_milli", "GPUS", "milli", keep=6),
    Column("from", "FROM", keep=8),
    Column("to", "TO", keep=8),
    Column("devices", "DEVICES", wide=True),
    Column("frees", "FREES", keep=7),
)
_SUMMARY = (
    Column("moves", "members that move", "count"),
    Column(
        "free_before",
        "nodes of which every accelerator was free; null: room was made for a workload",
        "count",
    ),
    Column("free_after", "nodes of which every accelerator is free afterwards", "count"),
    Column("stuck", "nodes in use on which somebody may not move", "count"),
    Column(
        "more_moves", "moves that would free more nodes; null: no more of them are known to help", "count"
    ),
    Column("more_free", "nodes that they would free beyond those", "count"),
    Column("nodes_per_move", "nodes freed for each member moved, in thousandths", "milli"),
)
DEFRAG = Shape("schedule-defrag", "Moves after which whole nodes are free.", _ITEMS, (), _SUMMARY)


def defrag_report(
    found: Moves,
    problem: Problem,
    gaps: tuple[Gap, ...],
    wanted: str = "",
    most: int = 0,
    start_s: int | None = None,
) -> Report:
    """One row per move, in the order in which they are done. `wanted`: the job for which they make room.

    `most`: how many were allowed; `start_s`: when that job starts without moves, None: it has no place.
    """
    left_s = None if start_s is None else start_s - problem.now_s
    count = len(found.steps)
    answer = Report(
        kind=DEFRAG.kind,
        headline=_made_room(found, wanted, left_s) if wanted else _headline(found, problem),
        items=Table("items", _ITEMS, _rows(found.steps, problem), fold=False),
        summary={
            "moves": count,
            "free_before": None if wanted else found.free_before,
            "free_after": None if wanted else found.free_after,
            "stuck": None if wanted else found.stuck,
            "more_moves": found.more_moves or None,
            "more_free": found.more_free,
            "nodes_per_move": found.gain * 1000 // count if count else None,
        },
        notes=tuple(_notes(found, wanted if start_s is None else "", most)),
        gaps=gaps,
        name_key="member",
        level="warn" if wanted and start_s is None and not found.steps else "ok",
    )
    return with_samples(answer)


def _headline(found: Moves, problem: Problem) -> str:
    if not found.steps and found.more_moves:
        return f"so few moves free no node; {plural(found.free_before, 'node')} wholly free"
    if not found.steps:
        return f"nothing to gain: no move frees a node; {plural(found.free_before, 'node')} wholly free"
    freed = fold(problem.bins[step.frees].name for step in found.steps if step.frees is not None)
    moves = plural(len(found.steps), "move")
    rate = found.gain / len(found.steps)
    free = "frees" if len(found.steps) == 1 else "free"
    return f"{moves} {free} {plural(found.gain, 'node')}: {freed}; {rate:.2f} nodes for each member moved"


def _made_room(found: Moves, wanted: str, left_s: int | None) -> str:
    """`left_s`: how long from now the job starts without moves."""
    if not found.steps and left_s is not None:
        when = f"no moves let it start sooner than in {duration(left_s)}" if left_s else "no move is needed"
        return f"{wanted} fits: {when}"
    if not found.steps:
        return f"no moves let {wanted} fit"
    let = "lets" if len(found.steps) == 1 else "let"
    return f"{plural(len(found.steps), 'move')} {let} {wanted} fit"


def _rows(steps: Sequence[Step], problem: Problem) -> tuple[Row, ...]:
    rows: list[Row] = []
    for number, step in enumerate(steps, 1):
        home = problem.bins[step.to]
        rows.append(
            (
                number,
                step.member.job,
                step.member.member,
                problem.classes[step.member.of].need.gpu_milli,
                problem.bins[step.member.bin].name,
                home.name,
                tuple(str(home.devices[at].index) for at in step.devices),
                None if step.frees is None else problem.bins[step.frees].name,
            )
        )
    return tuple(rows)


def _notes(found: Moves, wanted: str, most: int) -> list[Note]:
    notes = []
    if wanted and not found.steps:
        notes.append(Note("what else would", "see the cures", command=naming("explain", wanted)))
    if found.steps:
        text = (
            "one member at a time, in this order: each has room when its turn comes, and no budget is broken"
        )
        notes.append(Note("moves", text))
    if found.more_moves:
        more = plural(found.more_free, "more node", "more nodes")
        text = f"at most {most:,}: {found.more_moves:,} would free {more}"
        command = f"dcctl schedule defrag --moves {found.more_moves}"
        notes.append(Note("moves", text, "info", command))
    if found.stuck:
        text = (
            f"{plural(found.stuck, 'node')} in use: a gang, a budget that allows none or a DaemonSet holds it"
        )
        notes.append(Note("not moved", text))
    return notes
