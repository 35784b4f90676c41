"""Why a job does not fit: every node under one reason, and the smallest changes that would cure it."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, NamedTuple

from dcctl.inventory.folding import fold
from dcctl.packing.reasons import WORDS, Reason, first
from dcctl.render.report import Column, Note, Report, Shape, Table
from dcctl.schedule.explain_notes import cure_notes, gates_of, why_notes
from dcctl.units import duration, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.inventory.model import Gap
    from dcctl.packing.problem import Problem
    from dcctl.packing.questions.cures import Cure
    from dcctl.packing.questions.why import Verdict
    from dcctl.render.report import Cell, Row
    from dcctl.schedule.commands import Typed

_ITEMS = (
    Column("reason", "REASON", keep=9),
    Column("nodes", "NODES", "count", keep=8),
    Column("which", "WHICH", keep=7),
)
_CURES = (
    Column("cure", "CURE", keep=9),
    Column("way", "WAY", "state", keep=5),
    Column("what", "WHAT", wide=True),
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
    Column("fits", "whether every member has a place"),
    Column("members", "its members", "count"),
    Column("placed", "members that have a place in the plan", "count"),
    Column("start_s", "when the first of them starts; null: at once, or never", "time_s"),
    Column("earliest_end_s", "when it could have ended, where that is after its deadline", "time_s"),
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


class _Told(NamedTuple):
    """A cure as it is told."""

    text: str
    cure: Cure
    command: str


def explain_report(found: Verdict, cures: Sequence[Cure], asked: Typed, gaps: tuple[Gap, ...]) -> Report:
    """One row per reason, the commonest first. `asked`: the work and the options, as typed."""
    told = [_Told(_words(one, found.problem), one, _command(one, found.job.id, asked)) for one in cures]
    rows = tuple(
        (text, one.way, one.what or None, one.amount, one.at_s, command) for text, one, command in told
    )
    title = "WHAT WOULD CURE IT, PROVED BY PLANNING AGAIN" if told else ""
    return Report(
        kind=EXPLAIN.kind,
        headline=_headline(found, told[0].text if told else ""),
        items=Table("items", _ITEMS, tuple(_rows(found)), fold=False),
        details=(
            Table("cures", _CURES, rows, title, fold=False),
            Table("moves", _MOVES, tuple(_moves(cures, found.problem)), fold=False),
        ),
        summary={**_summary(found), "cure": told[0].text if told else None},
        notes=(
            *_pushed(found),
            *why_notes(found, asked),
            *_notes(found, told),
            *cure_notes(cures, found.problem),
        ),
        gaps=gaps,
        name_key="reason",
        level="warn" if found.missing else "ok",
    )


def _summary(found: Verdict) -> dict[str, Cell]:
    return {
        "job": found.job.id,
        "fits": not found.missing,
        "members": found.job.size,
        "placed": len(found.stands),
        "start_s": _start_s(found),
        "earliest_end_s": None if found.unplaced is None else found.unplaced.earliest_end_s,
        "nodes": len(found.problem.bins),
    }


def _pushed(found: Verdict) -> Iterable[Note]:
    """Whom it pushes out, or who pushes it out."""
    for one in found.victims:
        jobs = list(dict.fromkeys(member.job for member in one.members))
        if one.by == found.job.id:
            more = f" and {len(jobs) - 3:,} more" if len(jobs) > 3 else ""
            yield Note("pushes out", ", ".join(jobs[:3]) + more)
        elif found.job.id in jobs:
            yield Note("pushed out", f"for {one.by}", "warn")


def _start_s(found: Verdict) -> int | None:
    return min((one.start_s for one in found.stands if one.start_s is not None), default=None)


def _headline(found: Verdict, cure: str) -> str:
    job = found.job
    if not found.missing:
        gated = ", held by a gate" if gates_of(found) else ""
        return f"{job.id} fits{_from(found)}: {plural(job.size, 'member')} placed{gated}"
    text = f"{job.id} does not fit: {found.missing:,} of {plural(job.size, 'member')} without a place"
    return f"{text}; smallest cure: {cure}" if cure else text


def _from(found: Verdict) -> str:
    """` in 5 h on gpu[050-051]`; nothing where no work has a time."""
    start_s = _start_s(found)
    if start_s is None:
        return ""
    left_s = start_s - found.problem.now_s
    return f" {f'in {duration(left_s)}' if left_s else 'now'} on {fold({one.node for one in found.stands})}"


def _rows(found: Verdict) -> list[Row]:
    """Reasons with their nodes; the counts add up to all nodes."""
    bins, taken = found.problem.bins, {one.node for one in found.stands}
    groups: dict[str, list[str]] = {}
    for one, bits, short in zip(bins, found.bits, found.short, strict=True):
        word = "placed here" if one.name in taken else _reason(bits, short, found)
        groups.setdefault(word, []).append(one.name)
    order = sorted(groups, key=lambda word: (-len(groups[word]), word))
    return [(word, len(groups[word]), fold(groups[word])) for word in order]


def _reason(bits: int, short: Sequence[str], found: Verdict) -> str:
    if not bits:
        return "fits one member, not all of it" if found.missing else _FITS
    reason = first(bits)
    return f"too little {', '.join(short)}" if reason is Reason.RESOURCE and short else WORDS[reason]


def _notes(found: Verdict, told: Sequence[_Told]) -> tuple[Note, ...]:
    if found.missing and not told:
        return (Note("cure", "no single change that was tried lets it fit", "warn"),)
    labels = ("cure", *("or" for _ in told[1:]))
    return tuple(Note(label, one.text, command=one.command) for label, one in zip(labels, told, strict=False))


def _words(one: Cure, problem: Problem) -> str:
    who = _who(one, problem)
    text = {
        "quota": f"raise the {one.what}",
        "move": f"move {who}",
        "evict": f"evict {who}",
        "relax": f"drop the condition: {one.what}",
        "tolerate": f"tolerate the {_taints(one.what)} of {plural(one.amount, 'node')}",
        "open": f"uncordon {plural(one.amount, 'node')}",
        "wait": f"wait {_left(one, problem)}until {one.what} has ended",
        "fewer": f"ask for {plural(one.amount, 'member')}",
        "add": f"add {plural(one.amount, 'node')} like {one.what}",
    }[one.way]
    if one.instead_of:
        more = f" and {len(one.instead_of) - 3:,} more" if len(one.instead_of) > 3 else ""
        text = f"{text}, in the place of {', '.join(one.instead_of[:3])}{more}"
    return f"{text}, if nothing else that waits takes the room" if one.alone else text


def _taints(told: str) -> str:
    return f"taints {told}" if ", " in told else f"taint {told}"


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


def _command(one: Cure, job: str, asked: Typed) -> str:
    """How to try it, or nothing: `defrag` has not all options of a plan."""
    if one.way == "move":
        words = ("dcctl schedule defrag", asked.work, asked.choice, "--for", quote(job))
        return "" if asked.other else " ".join(filter(None, words))
    if one.way == "evict":
        change = " ".join(
            f"--evict {quote(name)}" for name in dict.fromkeys(each.job for each in one.members)
        )
    elif one.way == "add":
        change = f"--add {one.amount}x{quote(one.what)}"
    else:
        return ""
    return asked.asking("whatif", f"--for {quote(job)}" if one.alone else "", change)


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
