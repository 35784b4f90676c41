"""Why a job does not fit: every node under one reason, and the smallest changes that would cure it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.folding import fold
from dcctl.packing.reasons import WORDS, Reason
from dcctl.render.report import Column, Note, Report, Shape, Table
from dcctl.units import duration, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.inventory.model import Gap
    from dcctl.packing.greedy.place import Placed
    from dcctl.packing.problem import Problem
    from dcctl.packing.questions.cures import Cure
    from dcctl.packing.solve import Solution
    from dcctl.render.report import Row

_ITEMS = (
    Column("reason", "REASON", keep=9),
    Column("nodes", "NODES", "count", keep=8),
    Column("which", "WHICH", keep=7),
)
_CURES = (
    Column("cure", "CURE", keep=9),
    Column("way", "WAY", "state", keep=5),
    Column("amount", "AMOUNT", "count", wide=True),
    Column("at_s", "WHEN", "time_s", keep=6),
    Column("command", "TRY", keep=4),
)
_MOVES = (
    Column("job", "WORKLOAD", keep=9),
    Column("member", "MEMBER", keep=8),
    Column("from", "FROM", keep=8),
    Column("to", "TO", keep=7),
)
_SUMMARY = (
    Column("job", "the workload"),
    Column("fits", "whether every member has a place", "count"),
    Column("members", "its members", "count"),
    Column("placed", "members that have a place in the plan", "count"),
    Column("nodes", "nodes that were looked at: the sum of all counts", "count"),
    Column("cure", "the smallest change that lets it fit"),
)
EXPLAIN = Shape(
    "schedule-explain",
    "Why a workload fits or does not: each node under the first reason that rules it out.",
    _ITEMS,
    (("cures", _CURES), ("moves", _MOVES)),
    _SUMMARY,
)
_FITS = "fits"


def explain_report(
    solution: Solution, found: Placed, cures: Sequence[Cure], work: str, gaps: tuple[Gap, ...]
) -> Report:
    """One row per reason, the commonest first. `work`: the files and options that name the work, as typed."""
    problem = solution.problem
    rows = tuple(_rows(solution, found))
    told = [(_words(one, problem), one, _command(one, found.job.id, work)) for one in cures]
    return Report(
        kind=EXPLAIN.kind,
        headline=_headline(found, told[0][0] if told else ""),
        items=Table("items", _ITEMS, rows, fold=False),
        details=(
            Table(
                "cures",
                _CURES,
                tuple((text, one.way, one.amount, one.at_s, command) for text, one, command in told),
                "WHAT WOULD CURE IT, PROVED BY PLANNING AGAIN" if told else "",
                fold=False,
            ),
            Table("moves", _MOVES, tuple(_moves(cures, problem)), fold=False),
        ),
        summary={
            "job": found.job.id,
            "fits": not found.missing,
            "members": found.job.size,
            "placed": len(found.stands),
            "nodes": len(problem.bins),
            "cure": told[0][0] if told else None,
        },
        notes=_notes(found, told),
        gaps=gaps,
        name_key="reason",
        level="warn" if found.missing else "ok",
    )


def _headline(found: Placed, cure: str) -> str:
    job = found.job
    if not found.missing:
        return f"{job.id} fits: {plural(job.size, 'member')} placed"
    text = f"{job.id} does not fit: {found.missing:,} of {plural(job.size, 'member')} without a place"
    if found.quota:
        text += f": {'; '.join(map(str, found.quota))}"
    return f"{text}; smallest cure: {cure}" if cure else text


def _rows(solution: Solution, found: Placed) -> list[Row]:
    """Reasons with their nodes; the counts add up to all nodes."""
    bins = solution.problem.bins
    of = found.job.tasks[0].of if found.refused_for is None else found.refused_for
    taken = {stand.put.bin for stand in found.stands}
    groups: dict[str, list[str]] = {}
    for at, bits in enumerate(solution.placer.engine.refusals(of).tolist()):
        word = "placed here" if at in taken else WORDS[Reason(bits & -bits)] if bits else _free(found)
        groups.setdefault(word, []).append(bins[at].name)
    order = sorted(groups, key=lambda word: (-len(groups[word]), word))
    return [(word, len(groups[word]), fold(groups[word])) for word in order]


def _free(found: Placed) -> str:
    if found.quota:
        return WORDS[Reason.QUOTA]
    return "fits one member, not all of it" if found.missing else _FITS


def _notes(found: Placed, told: Sequence[tuple[str, Cure, str]]) -> tuple[Note, ...]:
    if found.missing and not told:
        return (Note("cure", "no single change that was tried lets it fit", "warn"),)
    labels = ("cure", *("or" for _ in told[1:]))
    return tuple(
        Note(label, text, command=command) for label, (text, _, command) in zip(labels, told, strict=False)
    )


def _words(one: Cure, problem: Problem) -> str:
    who = _who(one, problem)
    return {
        "quota": f"raise the {one.what}",
        "move": f"move {who}",
        "evict": f"evict {who}",
        "relax": f"drop the condition: {one.what}",
        "open": f"uncordon {plural(one.amount, 'node')}",
        "wait": f"wait {_left(one, problem)}until {one.what} has ended",
        "fewer": f"ask for {plural(one.amount, 'member')}",
        "add": f"add {plural(one.amount, 'node')} like {one.what}",
    }[one.way]


def _left(one: Cure, problem: Problem) -> str:
    """`2 h 10 min, `: how long from now; nothing where its time is up already."""
    left_s = 0 if one.at_s is None else one.at_s - problem.now_s
    return f"{duration(left_s)}, " if left_s > 0 else ""


def _who(one: Cure, problem: Problem) -> str:
    """`nlp/notebook-7 off gpu014`; several jobs are counted."""
    jobs = list(dict.fromkeys(each.job for each in one.members))
    nodes = fold(problem.bins[each.bin].name for each in one.members)
    if len(jobs) <= 2:
        return f"{' and '.join(jobs)} off {nodes}"
    return f"{plural(len(one.members), 'member')} of {plural(len(jobs), 'workload')} off {nodes}"


def _command(one: Cure, job: str, work: str) -> str:
    """How to try it, or nothing."""
    jobs = " ".join(f"--evict {job}" for job in dict.fromkeys(each.job for each in one.members))
    if one.way == "evict":
        return f"dcctl schedule whatif {work or '--pending'} {jobs}"
    if one.way == "move":
        return f"dcctl schedule defrag {work} --for {job}".replace("  ", " ")
    if one.way == "add":
        return f"dcctl schedule whatif {work or '--pending'} --add {one.amount}x{one.what}"
    return ""


def _moves(cures: Sequence[Cure], problem: Problem) -> list[Row]:
    """Who moves or is evicted in the smallest cure that does such a thing."""
    one = next((cure for cure in cures if cure.members), None)
    if one is None:
        return []
    homes: list[str | None] = [problem.bins[at].name for at in one.homes]
    homes = homes or [None] * len(one.members)
    return [
        (each.job, each.member, problem.bins[each.bin].name, to)
        for each, to in zip(one.members, homes, strict=True)
    ]
