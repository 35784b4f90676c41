"""What a plan says of boards that are to be cut first, or made whole again."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dcctl.errors import RefusedError
from dcctl.inventory.folding import fold
from dcctl.packing.mig import PREFIX, WHOLE_BOARD, geometry
from dcctl.render.report import Column, Note
from dcctl.schedule.commands import Typed
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dcctl.packing.plan import Cut, Plan
    from dcctl.packing.problem import Problem
    from dcctl.render.report import Row

CUTS = (
    Column("node", "NODE", "nodes"),
    Column("device", "BOARD"),
    Column("model", "MODEL"),
    Column("before", "IS"),
    Column("after", "CUT INTO"),
    Column("must_be_idle", "MUST BE IDLE"),
    Column("others_held", "OTHERS HELD", "count"),
    Column("reset", "RESET"),
    Column("id", "ID", wide=True),
)
_NAMED = 6
"""Kinds of change that are told one by one."""
_NODES = 3
"""Nodes of one kind of change whose boards are told by number."""


def cut_row(one: Cut) -> Row:
    """A row of the table `cuts`; slices are named by the resources that pods ask for."""
    idle = tuple(map(str, one.must_be_idle))
    return (
        one.node,
        str(one.device),
        one.model,
        one.before,
        one.after,
        idle,
        one.others_held,
        one.reset,
        one.id,
    )


def cut_notes(cuts: Sequence[Cut], asked: Typed = Typed()) -> Iterator[Note]:  # noqa: B008  # a constant
    """What to do first, and what that disturbs. `asked`: what was planned."""
    alike: dict[str, dict[str, list[Cut]]] = {}
    for one in cuts:
        alike.setdefault(_words(one), {}).setdefault(one.node, []).append(one)
    for text, nodes in list(alike.items())[:_NAMED]:
        yield Note("first", text.format(where=_where(nodes)))
    if len(alike) > _NAMED:
        command = asked.asking("plan", "-o json")
        yield Note("first", plural(len(alike) - _NAMED, "more change"), command=command)
    if cuts:
        yield Note("meanwhile", _disturbs(cuts))


def uncut_notes(problem: Problem, plan: Plan) -> Iterator[Note]:
    """Models of boards that cannot be cut as far as is known, where work without a place wants slices."""
    dimensions, missing = problem.space.dimensions, {one.job for one in plan.unplaced}
    wanted = any(
        amount and name.startswith(PREFIX)
        for job in problem.jobs
        if job.id in missing
        for task in job.tasks
        for name, amount in zip(dimensions, problem.classes[task.of].need.amounts, strict=True)
    )
    boards = {(one.kind, one.memory_bytes) for home in problem.bins for one in home.devices} if wanted else ()
    kinds = [(problem.space.kinds[kind], memory) for kind, memory in boards]
    models = {
        kind.model or "boards of an unknown model"
        for kind, memory in kinds
        if kind.resource == WHOLE_BOARD and geometry(kind.model, memory) is None
    }
    if models:
        yield Note("never cut", f"{', '.join(sorted(models))}: no MIG layouts of it are known")


def _words(one: Cut) -> str:
    if not one.after:
        return f"make {{where}} whole again ({slices(one.before)} now)"
    again = f" instead of {slices(one.before)}" if one.before else ""
    return f"cut {{where}} into {slices(one.after)}{again}"


def _where(nodes: Mapping[str, Sequence[Cut]]) -> str:
    """`gpu121 board 3`; a count where there are many, or nobody told which board has which number."""
    boards = [one for mine in nodes.values() for one in mine]
    if len(nodes) > _NODES or any(one.id is None for one in boards):
        return f"{plural(len(boards), 'idle board')} of {fold(nodes)}"
    return ", ".join(
        f"{node} board{'s' if len(mine) > 1 else ''} {', '.join(str(one.device) for one in mine)}"
        for node, mine in nodes.items()
    )


def slices(resources: Iterable[str]) -> str:
    """`7 x 1g.10gb`, largest first."""
    counts = Counter(name.removeprefix(PREFIX) for name in resources)
    return " + ".join(f"{count} x {name}" for name, count in sorted(counts.items(), reverse=True))


def _disturbs(cuts: Sequence[Cut]) -> str:
    """What else on these nodes notices (NVIDIA GPU Operator, "GPU Operator with MIG"; MIG User Guide)."""
    reset = sum(one.reset for one in cuts)
    words = [
        "nothing may run on these boards"
        + (f", {reset:,} of them to be reset" if reset else ", no reset is needed")
    ]
    busy = {one.node for one in cuts if one.others_held}
    words.append(
        "mig-manager pauses the device plugin and the monitoring of the whole node, not work on other boards"
    )
    if busy:
        words.append(f"where it restarts nodes (WITH_REBOOT), all work on {fold(busy)} stops: drain first")
    return "; ".join(words)


def demand_no_cuts(cuts: Sequence[Cut], work: str = "FILE") -> None:
    """RefusedError for a plan that counts on boards as they are not yet.

    `work`: the files that it was made from; empty: what waits.
    """
    if cuts:
        first = next(iter(cut_notes(cuts))).text
        boards = plural(len(cuts), "board")
        why = f"it counts on {boards} being cut first ({first}), which the nodes do not have yet"
        hint = f"dcctl schedule plan {work or '--pending'} --no-cut"
        raise RefusedError("the plan", f"{why}: plan again once that is done, or without cuts", hint)
