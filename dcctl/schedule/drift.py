"""What of a plan does not hold any more: every assignment is put in order into the problem as it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.packing.choices import DEFAULT_POLICY
from dcctl.packing.reasons import WORDS, first
from dcctl.packing.solve import engine_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.packing.plan import Assignment
    from dcctl.packing.problem import Problem


class Drift(NamedTuple):
    """One assignment that does not hold, and why."""

    job: str
    member: str
    node: str
    why: str


def drift(places: Sequence[Assignment], problem: Problem) -> tuple[Drift, ...]:
    """The assignments that do not hold, in order; `problem` asks for their work on the nodes as they are now.

    Feasibility is that of the packing core, so what a new plan would refuse is refused here.
    """
    engine = engine_of(problem, DEFAULT_POLICY)
    bins = {one.name: at for at, one in enumerate(problem.bins)}
    classes = {
        (job.id, member): task.of for job in problem.jobs for task in job.tasks for member in task.members
    }
    found = []
    for one in places:
        of, at = classes.get((one.job, one.member)), bins.get(one.node)
        if at is None:
            found.append(Drift(one.job, one.member, one.node, "the node is not there any more"))
        elif of is None:
            found.append(Drift(one.job, one.member, one.node, "is not waiting any more"))
        else:
            bits = engine.refusals_at(of, at)
            if bits:
                found.append(Drift(one.job, one.member, one.node, WORDS[first(bits)]))
            else:
                engine.put_in(of, at)
    return tuple(found)


def told(found: Sequence[Drift], most: int = 3) -> str:
    """Return the drift in one sentence: by node, those with most members first, and how many more."""
    nodes: dict[tuple[str, str], list[Drift]] = {}
    for one in found:
        nodes.setdefault((one.node, one.why), []).append(one)
    rows = sorted(nodes.items(), key=lambda row: (-len(row[1]), row[0]))
    parts = [f"{node}: {why} ({_pods(rows_of)})" for (node, why), rows_of in rows[:most]]
    more = f"; {len(rows) - most:,} more" if len(rows) > most else ""
    return "; ".join(parts) + more


def _pods(rows: Sequence[Drift]) -> str:
    first = f"{rows[0].job} {rows[0].member}"
    return first if len(rows) == 1 else f"{first} and {len(rows) - 1:,} more"
