"""What a change would do: to work that runs, to work that waits; and which single failures hurt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.folding import fold
from dcctl.render.report import Column, Note, Report, Shape, Table
from dcctl.schedule.broken_budgets import budget_notes
from dcctl.schedule.commands import Typed
from dcctl.schedule.samples import with_samples
from dcctl.units import duration, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.inventory.model import Gap
    from dcctl.packing.greedy.place import Placed
    from dcctl.packing.problem import Held, Job, Problem
    from dcctl.packing.questions.ask import Answer, Waiting
    from dcctl.packing.questions.single import Single
    from dcctl.packing.scene import Hit, Loss
    from dcctl.render.report import Row

_ITEMS = (
    Column("job", "WORKLOAD", keep=9),
    Column("state", "WHAT HAPPENS", "state", keep=8),
    Column("members", "MEMBERS", "count", keep=6),
    Column("lost", "LOST", "count", wide=True),
    Column("stopped", "STOPPED", "count", wide=True),
    Column("placed", "PLACED", "count", keep=5),
    Column("homeless", "WITHOUT ROOM", "count", wide=True),
    Column("gpu_milli", "GPUS", "milli", keep=6),
    Column("where", "WHERE", keep=7),
)
_SUMMARY = (
    Column("stopped", "workloads that stop", "count"),
    Column("homeless", "members that stop and find no room elsewhere", "count"),
    Column("gone", "members that belong to their node and go with it", "count"),
    Column("waiting_before", "waiting members that fit before the change", "count"),
    Column("waiting_after", "waiting members that fit after it", "count"),
    Column("pushed_before", "members that waiting work pushes out before the change", "count"),
    Column("pushed_after", "members that it pushes out after the change", "count"),
    Column("nodes_lost", "nodes that are lost", "count"),
    Column("nodes_added", "nodes that are added", "count"),
)
WHATIF = Shape(
    "schedule-whatif",
    "What a change would do to work that runs and waits. `lost`: members that stood on nodes that are lost; "
    "`stopped`: they, and with a gang all of it; `placed`: of `members`, which are those that stop or wait, "
    "those that have a place afterwards; `homeless`: of those that stop, the others.",
    _ITEMS,
    (),
    _SUMMARY,
)

_PARTS = (
    Column("part", "PART", "nodes", keep=9),
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


def whatif_report(
    found: Answer,
    lost: int,
    gaps: tuple[Gap, ...],
    asked: Typed = Typed(),  # noqa: B008  # a constant
) -> Report:
    """One row per job to which the change does something. `asked`: the work and the options, as typed."""
    rows = (*_hits(found.loss, found.problem), *_pushed(found), *_waiting(found))
    summary = _summary(found, lost)
    worse = found.loss.homeless or summary["waiting_after"] < summary["waiting_before"]
    answer = Report(
        kind=WHATIF.kind,
        headline=_headline(found),
        items=Table("items", _ITEMS, rows, fold=False),
        summary={**summary},
        notes=(*budget_notes("evict", found.broken), *_apart(found.loss), *_notes(found, asked)),
        gaps=gaps,
        name_key="job",
        level="warn" if worse else "ok",
    )
    return with_samples(answer)


def _summary(found: Answer, lost: int) -> dict[str, int]:
    return {
        "stopped": len(found.loss.hits),
        "homeless": found.loss.homeless,
        "gone": found.loss.gone,
        "waiting_before": _members(found.before),
        "waiting_after": _members(found.after),
        "pushed_before": len(found.pushed_before),
        "pushed_after": len(found.pushed_after),
        "nodes_lost": lost,
        "nodes_added": sum(one.name.startswith("new-") for one in found.problem.bins),
    }


def _members(waiting: Iterable[Waiting]) -> int:
    return sum(one.placed for one in waiting)


def _headline(found: Answer) -> str:
    loss = found.loss
    words = []
    if loss.bins:
        words.append(f"{_stop(loss)}, {_room(loss)}")
    before, after = _fitting(found.before), _fitting(found.after)
    if found.before:
        words.append(
            f"of {plural(len(found.before), 'waiting workload')} {after:,} fit, {before:,} did before"
        )
    if found.pushed_before or found.pushed_after:
        out = f"{plural(len(found.pushed_after), 'member')} pushed out, {len(found.pushed_before):,} before"
        words.append(out)
    if not words and found.evicted:
        return f"{plural(len(found.evicted), 'member')} evicted; nothing else changes"
    return "; ".join(words) or "nothing changes: no work runs or waits there"


def _stop(loss: Loss) -> str:
    return plural(len(loss.hits), "workload") + (" stops" if len(loss.hits) == 1 else " stop")


def _room(loss: Loss) -> str:
    if not loss.homeless:
        return "all of it fits elsewhere" if loss.hits else "so nothing is lost"
    return f"{plural(loss.homeless, 'member')} without room elsewhere"


def _fitting(waiting: Iterable[Waiting]) -> int:
    return sum(not one.missing for one in waiting)


def _hits(loss: Loss, problem: Problem) -> Iterable[Row]:
    for hit in sorted(loss.hits, key=lambda hit: (-hit.homeless, hit.job)):
        placed, milli, where = _stand(hit.placed, problem)
        counts = hit.stopped, hit.lost, hit.stopped, placed, hit.homeless
        yield hit.job, _fate(hit), *counts, milli, where


def _pushed(found: Answer) -> Iterable[Row]:
    """Running work of which more or less is pushed out than without the change."""
    before, after = _by_job(found.pushed_before), _by_job(found.pushed_after)
    for name in sorted({*before, *after}):
        old, new = before.get(name, []), after.get(name, [])
        if len(old) != len(new):
            word = (
                "pushed out" if len(new) > len(old) else "pushed out less" if new else "no longer pushed out"
            )
            members = new or old
            milli = sum(found.problem.classes[one.of].need.gpu_milli for one in members)
            where = fold({found.problem.bins[one.bin].name for one in members})
            yield name, word, len(members), None, None, None, None, milli, where


def _by_job(members: Iterable[Held]) -> dict[str, list[Held]]:
    found: dict[str, list[Held]] = {}
    for one in members:
        found.setdefault(one.job, []).append(one)
    return found


def _fate(hit: Hit) -> str:
    if not hit.homeless:
        return "stops, fits elsewhere"
    return "stops, no room" if not hit.placed.stands else "stops, part fits elsewhere"


def _stand(placed: Placed, problem: Problem) -> tuple[int, int, str | None]:
    nodes = fold({problem.bins[stand.put.bin].name for stand in placed.stands})
    return len(placed.stands), _milli(placed.job, problem), nodes or None


def _milli(job: Job, problem: Problem) -> int:
    return sum(problem.classes[task.of].need.gpu_milli * len(task.members) for task in job.tasks)


def _waiting(found: Answer) -> Iterable[Row]:
    for before, after in zip(found.before, found.after, strict=True):
        word = _turn(before, after, found.problem.now_s)
        if word:
            milli = _milli(after.job, found.problem)
            counts = after.job.size, None, None, after.placed, None
            yield after.job.id, word, *counts, milli, fold(after.nodes) or None


def _turn(before: Waiting, after: Waiting, now_s: int) -> str:
    """What changes for a job that waits, or empty."""
    if after.placed == before.placed:
        sooner_s = (before.start_s or now_s) - (after.start_s or now_s)
        word = "sooner" if sooner_s > 0 else "later"
        return f"starts {duration(abs(sooner_s))} {word}" if sooner_s else ""
    if not after.missing:
        left_s = (after.start_s or now_s) - now_s
        return f"fits in {duration(left_s)}" if left_s else "fits now"
    return "no longer fits" if not before.missing else f"{after.placed:,} fit, {before.placed:,} did"


def _apart(loss: Loss) -> Iterable[Note]:
    """Who would fit elsewhere if it might be split over two sites."""
    for hit in loss.hits:
        if hit.says:
            yield Note("no room", f"{hit.job}: {hit.says}", "warn")


def _notes(found: Answer, asked: Typed) -> tuple[Note, ...]:
    still = [one.job.id for one in found.after if one.missing]
    if not still:
        return ()
    names = ", ".join(still[:3]) + (f" and {len(still) - 3:,} more" if len(still) > 3 else "")
    return (Note("still waits", names, command=asked.naming("explain", still[0])),)


def single_report(found: Sequence[Single], gaps: tuple[Gap, ...], first: Loss | None = None) -> Report:
    """One row per part whose loss leaves work without room, the worst first.

    `first`: what was lost before any of them.
    """
    bad = sorted(
        (one for one in found if one.homeless),
        key=lambda one: (-_gpus(one), -_homeless(one), one.part.name),
    )
    asked = plural(len(found), "part")
    return Report(
        kind=SINGLE.kind,
        headline=f"{len(bad):,} of {asked} cannot be lost without work that finds no room",
        items=Table("items", _PARTS, tuple(map(_part_row, bad))),
        notes=(Note("before", f"{_stop(first)}, {_room(first)}", "warn"),)
        if first is not None and first.homeless
        else (),
        gaps=gaps,
        name_key="part",
        level="warn" if bad else "ok",
    )


def _gpus(one: Single) -> int:
    """Accelerators of the members without room."""
    return sum(each.gpu_milli for each in one.homeless)


def _homeless(one: Single) -> int:
    return sum(each.members for each in one.homeless)


def _part_row(one: Single) -> Row:
    jobs = [each.job for each in one.homeless]
    return (
        one.part.name,
        one.part.level,
        len(one.part.bins),
        one.stopped,
        _homeless(one),
        _gpus(one),
        ", ".join(jobs[:3]) + (f" and {len(jobs) - 3:,} more" if len(jobs) > 3 else ""),
    )
