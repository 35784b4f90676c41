"""What a change would do: to work that runs, to work that waits; and which single failures hurt."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.inventory.folding import fold
from dcctl.render.report import Column, Note, Report, Shape, Table
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.inventory.model import Gap
    from dcctl.packing.greedy.place import Placed
    from dcctl.packing.problem import Problem
    from dcctl.packing.questions.ask import Answer
    from dcctl.packing.scene import Hit, Loss
    from dcctl.render.report import Row

_ITEMS = (
    Column("job", "WORKLOAD", keep=9),
    Column("state", "WHAT HAPPENS", "state", keep=8),
    Column("members", "MEMBERS", "count", keep=6),
    Column("lost", "LOST", "count", wide=True),
    Column("placed", "PLACED", "count", keep=5),
    Column("gpu_milli", "GPUS", "milli", keep=6),
    Column("where", "WHERE", keep=7),
)
_SUMMARY = (
    Column("stopped", "workloads that stop", "count"),
    Column("homeless", "members that stop and find no room elsewhere", "count"),
    Column("gone", "members that belong to their node and go with it", "count"),
    Column("waiting_before", "waiting members that fit before the change", "count"),
    Column("waiting_after", "waiting members that fit after it", "count"),
    Column("nodes_lost", "nodes that are lost", "count"),
    Column("nodes_added", "nodes that are added", "count"),
)
WHATIF = Shape("schedule-whatif", "What a change would do to work that runs and waits.", _ITEMS, (), _SUMMARY)

_PARTS = (
    Column("part", "PART", keep=9),
    Column("level", "KIND", keep=8),
    Column("nodes", "NODES", "count", keep=6),
    Column("stopped", "STOP", "count", keep=6),
    Column("homeless", "MEMBERS WITHOUT ROOM", "count", keep=7),
    Column("gpu_milli", "THEIR GPUS", "milli", keep=7),
    Column("jobs", "WORKLOADS", keep=5),
)
SINGLE = Shape(
    "schedule-single-failures", "Parts of the data centre whose loss leaves work without room.", _PARTS
)


class Part(NamedTuple):
    """One part of the data centre, and what its loss would do."""

    level: str
    name: str
    loss: Loss


def whatif_report(found: Answer, lost: int, gaps: tuple[Gap, ...]) -> Report:
    """One row per job to which the change does something."""
    rows = (*_hits(found.loss, found.problem), *_waiting(found))
    summary = {
        "stopped": len(found.loss.hits),
        "homeless": found.loss.homeless,
        "gone": found.loss.gone,
        "waiting_before": _members(found.before),
        "waiting_after": _members(found.after),
        "nodes_lost": lost,
        "nodes_added": sum(one.name.startswith("new-") for one in found.problem.bins),
    }
    worse = found.loss.homeless or summary["waiting_after"] < summary["waiting_before"]
    return Report(
        kind=WHATIF.kind,
        headline=_headline(found),
        items=Table("items", _ITEMS, rows, fold=False),
        summary={**summary},
        notes=_notes(found),
        gaps=gaps,
        name_key="job",
        level="warn" if worse else "ok",
    )


def _members(placed: Iterable[Placed]) -> int:
    return sum(len(one.stands) for one in placed)


def _headline(found: Answer) -> str:
    loss = found.loss
    words = []
    if loss.bins:
        stop = plural(len(loss.hits), "workload") + (" stops" if len(loss.hits) == 1 else " stop")
        words.append(f"{stop}, {_room(loss)}")
    before, after = _fitting(found.before), _fitting(found.after)
    if found.before:
        words.append(
            f"of {plural(len(found.before), 'waiting workload')} {after:,} fit, {before:,} did before"
        )
    return "; ".join(words) or "nothing changes: no work runs or waits there"


def _room(loss: Loss) -> str:
    if not loss.homeless:
        return "all of it fits elsewhere" if loss.hits else "so nothing is lost"
    return f"{plural(loss.homeless, 'member')} without room elsewhere"


def _fitting(placed: Iterable[Placed]) -> int:
    return sum(not one.missing for one in placed)


def _hits(loss: Loss, problem: Problem) -> Iterable[Row]:
    for hit in sorted(loss.hits, key=lambda hit: (-hit.homeless, hit.job)):
        yield hit.job, _fate(hit), hit.stopped, hit.lost, *_stand(hit.placed, problem)


def _fate(hit: Hit) -> str:
    if not hit.homeless:
        return "stops, fits elsewhere"
    return "stops, no room" if not hit.placed.stands else "stops, part fits elsewhere"


def _stand(placed: Placed, problem: Problem) -> tuple[int, int, str | None]:
    milli = sum(problem.classes[task.of].need.gpu_milli * len(task.members) for task in placed.job.tasks)
    nodes = fold({problem.bins[stand.put.bin].name for stand in placed.stands})
    return len(placed.stands), milli, nodes or None


def _waiting(found: Answer) -> Iterable[Row]:
    for before, after in zip(found.before, found.after, strict=True):
        word = _turn(before, after)
        if word:
            yield before.job.id, word, before.job.size, None, *_stand(after, found.problem)


def _turn(before: Placed, after: Placed) -> str:
    """What changes for a job that waits, or empty."""
    if len(after.stands) == len(before.stands):
        return ""
    if not after.missing:
        return "fits now"
    return (
        "no longer fits" if not before.missing else f"{len(after.stands):,} fit, {len(before.stands):,} did"
    )


def _notes(found: Answer) -> tuple[Note, ...]:
    still = [one.job.id for one in found.after if one.missing]
    if not still:
        return ()
    names = ", ".join(still[:3]) + (f" and {len(still) - 3:,} more" if len(still) > 3 else "")
    return (Note("still waits", names, command="dcctl schedule explain " + still[0]),)


def single_report(parts: Sequence[Part], asked: int, problem: Problem, gaps: tuple[Gap, ...]) -> Report:
    """One row per part whose loss leaves work without room, the worst first. `asked`: parts tried."""
    bad = sorted(
        (one for one in parts if one.loss.homeless),
        key=lambda one: (-_gpus(one, problem), -one.loss.homeless, one.name),
    )
    return Report(
        kind=SINGLE.kind,
        headline=f"{len(bad):,} of {plural(asked, 'part')} cannot be lost without work that finds no room",
        items=Table("items", _PARTS, tuple(_part_row(one, problem) for one in bad), fold=False),
        gaps=gaps,
        name_key="part",
        level="warn" if bad else "ok",
    )


def _gpus(one: Part, problem: Problem) -> int:
    """Accelerators of the members without room."""
    total = 0
    for hit in one.loss.hits:
        tasks = hit.placed.job.tasks
        asked = sum(problem.classes[task.of].need.gpu_milli * len(task.members) for task in tasks)
        total += asked - sum(problem.classes[stand.of].need.gpu_milli for stand in hit.placed.stands)
    return total


def _part_row(one: Part, problem: Problem) -> Row:
    jobs = [hit.job for hit in one.loss.hits if hit.homeless]
    return (
        one.name,
        one.level,
        len(one.loss.bins),
        len(one.loss.hits),
        one.loss.homeless,
        _gpus(one, problem),
        ", ".join(jobs[:3]) + (f" and {len(jobs) - 3:,} more" if len(jobs) > 3 else ""),
    )
