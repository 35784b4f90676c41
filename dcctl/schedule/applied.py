"""What `schedule apply` tells: the writes that it would send, and in the end where everything stands."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from dcctl.inventory.model import Gap
from dcctl.inventory.nodeset import fold
from dcctl.render.report import Column, Note, Report, Shape, Table
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dcctl.errors import UsageError
    from dcctl.journal import Record
    from dcctl.packing.plan import Assignment
    from dcctl.render.report import Severity
    from dcctl.schedule.backends import Left, Step

_ITEMS = (
    Column("step", "STEP", keep=9),
    Column("what", "OBJECT", keep=9),
    Column("pods", "PODS", "count", keep=8),
    Column("placed", "PLACED", "count", keep=8),
    Column("elsewhere", "ELSEWHERE", "count", keep=6),
    Column("nodes", "NODES", keep=7),
)
_SUMMARY = (
    Column("run", "The name of the run: the label dcctl.io/run of all that it makes or places."),
    Column("pods", "Pods that the plan places here.", "count"),
    Column("placed", "Pods that are bound to the node that the plan says.", "count"),
    Column("elsewhere", "Pods that are bound to another node.", "count"),
    Column("journal", "The journal of the run; empty for --dry-run."),
)
APPLY = Shape("schedule-apply", "What carrying out a plan changes, or has changed.", _ITEMS, summary=_SUMMARY)
_RUNS = (
    Column("run", "RUN", keep=9),
    Column("state", "STATE", "state", keep=9),
    Column("started_at_s", "STARTED", "time_s", keep=7),
    Column("who", "WHO", keep=6),
    Column("created", "CREATED", "count", keep=8),
    Column("placed", "PLACED", "count", keep=8),
    Column("failed", "FAILED", "count", keep=7),
    Column("plan", "PLAN", keep=5, wide=True),
    Column("journal", "JOURNAL", keep=4, wide=True),
)
STATUS = Shape("schedule-apply-status", "The runs of `dcctl schedule apply`, the newest first.", _RUNS)
SHAPES = (APPLY, STATUS)
_MOST_LINES = 20


def apply_report(
    headline: str, steps: Sequence[Step], left: Sequence[Left], notes: Sequence[Note], run: str, journal: str
) -> Report:
    """One row per object; what is not carried out is a gap, which makes the answer partial."""
    rows = tuple(
        (one.verb, one.what, len(one.places), one.stands, one.elsewhere, folded(one.places)) for one in steps
    )
    elsewhere = sum(one.elsewhere for one in steps)
    return Report(
        kind=APPLY.kind,
        headline=headline,
        items=Table("items", _ITEMS, rows, fold=False),
        summary={
            "run": run,
            "pods": sum(len(one.places) for one in steps),
            "placed": sum(one.stands for one in steps),
            "elsewhere": elsewhere,
            "journal": journal,
        },
        notes=tuple(notes),
        gaps=_gaps(left),
        name_key="what",
        level="crit" if elsewhere else _level(left),
    )


def folded(places: Iterable[Assignment]) -> str:
    """The nodes of some places as one node set."""
    return fold({one.node for one in places})


class Runs(NamedTuple):
    """All runs that have a journal."""

    known: tuple[tuple[Record, str], ...] = ()
    """The newest first, each with the word for how it is."""
    damaged: tuple[UsageError, ...] = ()
    """Why the other journals cannot be read."""

    @property
    def unfinished(self) -> tuple[Record, ...]:
        """Those that began, did not finish, and are not under way."""
        return tuple(record for record, state in self.known if state == "unfinished")

    @property
    def level(self) -> Severity:
        """How bad that is."""
        return "crit" if self.damaged else "warn" if self.unfinished else "ok"

    def notes(self) -> Iterator[Note]:
        """What is left to do about them."""
        for one in self.unfinished:
            text = f"the run {one.header.run} began and did not finish"
            yield Note("unfinished", text, "warn", one.header.resume)
        for each in self.damaged:
            yield Note("damaged", f"{each.what}: {each.why}", "crit", each.hint)


def status_report(runs: Runs) -> Report:
    """One row per run, with the word for how it is; journals that nobody can read are named."""
    rows = tuple(_run_row(record, state) for record, state in runs.known)
    text = f"{plural(len(rows), 'run')}, {len(runs.unfinished):,} unfinished"
    return Report(
        kind=STATUS.kind,
        headline=f"{text}, {len(runs.damaged):,} damaged" if runs.damaged else text,
        items=Table("items", _RUNS, rows, fold=False),
        notes=tuple(runs.notes()),
        name_key="run",
        level=runs.level,
    )


def _run_row(record: Record, state: str) -> tuple[str | int, ...]:
    header, done = record.header, Counter[str]()
    for step, entry in record.steps.items():
        done["failed" if entry.state == "failed" else step.partition(" ")[0]] += entry.state != "intent"
    plan = next(iter(header.files), "")
    return (
        header.run,
        state,
        header.started_at_s,
        header.who,
        done["create"],
        done["place"] + done["bind"],
        done["failed"],
        plan,
        str(record.path),
    )


def question(steps: Sequence[Step], left: Sequence[Left], notes: Sequence[Note]) -> tuple[str, ...]:
    """What is told before the question of `schedule apply`, line by line."""
    shown = [_line(one) for one in steps[:_MOST_LINES]]
    more = [f"… and {len(steps) - _MOST_LINES:,} more"] if len(steps) > _MOST_LINES else []
    out = [f"left out: {one.what}: {one.why}" for one in left[:_MOST_LINES]]
    out += [f"left out: {len(left) - _MOST_LINES:,} more"] if len(left) > _MOST_LINES else []
    pods = sum(len(one.places) for one in steps)
    return (*shown, *more, *out, *(f"{one.label}: {one.text}" for one in notes), f"Place {pods:,} pods?")


def undo_question(titles: Sequence[str], left: Sequence[Left]) -> tuple[str, ...]:
    """What is told before the question of `schedule apply --undo`, line by line."""
    kept = [f"cannot be undone: {one.what} {one.why}" for one in left]
    return (*(f"delete {title}" for title in titles), *kept, f"Delete {len(titles):,} objects?")


def _line(one: Step) -> str:
    where = f"  {len(one.places):,} on {folded(one.places)}" if one.places else ""
    return f"{one.verb} {one.what}{where}"


def rendered_report(kind: str, text: str, left: Sequence[Left]) -> Report:
    """The manifests as a document; what they do not tell is a gap."""
    return Report(
        kind=kind,
        headline="",
        items=Table("items", (), ()),
        gaps=_gaps(left),
        level=_level(left),
        documents=(text,),
        document_format="yaml",
    )


def _gaps(left: Sequence[Left]) -> tuple[Gap, ...]:
    """What is left out; nothing is missing from the answer where the plan itself says so."""
    return tuple(
        Gap("plan", one.what, one.why, "limited" if one.by_plan else "unsupported", one.hint) for one in left
    )


def _level(left: Sequence[Left]) -> Severity:
    """Work without a place is a finding, as it is of the plan."""
    return "crit" if any(one.by_plan for one in left) else "ok"
