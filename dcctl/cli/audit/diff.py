"""`dcctl audit diff` and `--since`: what changed between runs. The history is read; nobody is asked."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.audit.record import Record
    from dcctl.cli.session import Session
    from dcctl.render.report import Report

Of = Annotated[
    str,
    typer.Option(
        "--of", metavar="SERIES", help="Runs of these sources: demo; the last that ran if left out."
    ),
]


def diff(
    session: "Session",
    old: Annotated[
        int, typer.Argument(metavar="OLD", help="Number of a run; the one before NEW if left out.")
    ] = 0,
    new: Annotated[
        int, typer.Argument(metavar="NEW", help="Number of a later run; the last if left out.")
    ] = 0,
    of: Of = "",
) -> "Report":
    """What changed between two runs: new, gone, unchanged, and what cannot be compared.

    What the later run was not told, or did not look at, is not comparable, never gone.
    """
    from dcctl.audit.changes import changes, diff_report
    from dcctl.errors import UsageError

    records = _records(session, of, new or old)
    by = {one.seq: one for one in records}
    later = new or records[-1].seq
    earlier = old or max((seq for seq in by if seq < later), default=0)
    for seq in (earlier, later):
        if seq not in by:
            why = "there is one run alone" if not seq else f"there is no such run; known: {_known(records)}"
            raise UsageError(f"run {seq or 'before'}", why, "dcctl audit")
    if earlier >= later:
        raise UsageError(f"run {later}", f"is not later than run {earlier}", "dcctl audit diff --help")
    return diff_report(changes(records, earlier, later), by[earlier], by[later])


def timeline(session: "Session", since: str, models: "Sequence[str]" = ()) -> "Report":
    """What changed in the last runs. UsageError: `since` is no length of time, or there was no run."""
    from dcctl.audit.changes import timeline_report
    from dcctl.cli.audit.setup import series_of
    from dcctl.errors import UsageError
    from dcctl.inventory.lengths import duration

    try:
        seconds = duration(since)
    except ValueError as error:
        raise UsageError("--since", str(error), "dcctl audit --since 24h") from error
    asked = session.settings.inventory or session.settings.context or models
    series = series_of(session, models) if asked else ""
    return timeline_report(_records(session, series), session.now_s - seconds, seconds)


def _known(records: "list[Record]") -> str:
    return ", ".join(str(one.seq) for one in records[-5:])


def _records(session: "Session", series: str, seq: int = 0) -> "list[Record]":
    """All records of a series, else of that which a run belongs to, else of the one that ran last."""
    from dcctl.audit.act.keep import records
    from dcctl.cli.audit.setup import folder_of
    from dcctl.errors import UsageError
    from dcctl.state import reading, there

    folder = folder_of(session)
    if not there(folder):
        raise UsageError(f"the history in {folder}", "there is none yet", "dcctl audit")
    with reading(folder) as history:
        every = records(history)
    if not every:
        raise UsageError(f"the history in {folder}", "there is no run in it", "dcctl audit")
    of_run = next((one.series for one in every if one.seq == seq), every[-1].series)
    found = [one for one in every if one.series == (series or of_run)]
    if not found:
        known = ", ".join(sorted({one.series for one in every}))
        raise UsageError(f"runs of {series}", f"there are none; known: {known}", "dcctl audit")
    return found
