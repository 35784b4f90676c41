"""`dcctl audit waive`: bear a finding for a time, in writing."""

import re
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from dcctl.audit.terms import LONGEST_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dcctl.cli.session import Session
    from dcctl.inventory.evidence.own import Waiver
    from dcctl.render.report import Report

_HINT = "dcctl audit waive --help"
_EMPTY = re.compile(r"^waivers:[ \t]*(\[[ \t]*\][ \t]*)?\r?$\n?", re.MULTILINE)
"""The list, where nothing is in it yet."""


class Terms(NamedTuple):
    """Who bears it, why, and for how long."""

    owner: Annotated[str, typer.Option("--owner", metavar="WHO", help="Who bears it.")] = ""
    ticket: Annotated[str, typer.Option("--ticket", metavar="ID", help="Where it is written down.")] = ""
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why it is borne.")] = ""
    days: Annotated[
        int,
        typer.Option(
            "--days", metavar="N", min=1, max=LONGEST_DAYS, help=f"For how long, {LONGEST_DAYS} at most."
        ),
    ] = 90
    finding: Annotated[
        str, typer.Option("--finding", metavar="ID", help="Only the finding of this id, as -o wide has it.")
    ] = ""
    waivers: Annotated[str, typer.Option("--waivers", metavar="FILE", help="The file to write it to.")] = ""
    checks: Annotated[
        str, typer.Option("--checks", metavar="FILE", help="The site's own checks, as YAML.")
    ] = ""


def waive(
    session: "Session",
    check: Annotated[str, typer.Argument(metavar="ID", help="A check: POD-04.")],
    objects: Annotated[
        str,
        typer.Argument(
            metavar="OBJECT",
            help="Its name as findings have it; * is any text, ? one character, gpu[017-024] a set.",
        ),
    ],
    terms: Terms = Terms(),  # noqa: B008  # a constant
) -> "Report":
    """Write a waiver: the finding stays in every answer, and no longer counts for the exit code.

    It needs an owner, a ticket and a reason. When it has expired the finding counts again; SLF-03 says so.
    How many of the findings that are open it covers is told.
    """
    from dcctl.audit.entries import Entry
    from dcctl.audit.listing import text_report
    from dcctl.audit.shape import DONE
    from dcctl.audit.waivers import as_yaml, read
    from dcctl.cli.audit.setup import held_in, setup, waivers_file

    this = setup(session, checks=terms.checks)
    path = waivers_file(session, this.spec, terms.waivers)
    known = {one.id for one in this.checks}
    name = check if check in known else check.upper()
    fields = {"id": name, "object": objects, **_stated(terms, session.now_s)}
    (waiver,) = read([Entry(f"dcctl audit waive {name}", fields, {}, _HINT)], known)
    added = as_yaml(fields)
    held_in(_with(path, added), str(path), known)
    covered = _covered(this.folder, waiver)
    if not session.consent.dry_run:
        session.consent.demand("dcctl audit waive", [*added.splitlines(), covered, f"Write this to {path}?"])
        with _alone(path.parent):  # another may have written meanwhile: it is read again
            text = _with(path, added)
            held_in(text, str(path), known)
            _write(path, text)
    done = f"{'would be ' if session.consent.dry_run else ''}written to {path}"
    return text_report(DONE, f"{done}; {covered}", f"# {done}\n{added}# {covered}\n")


def _covered(folder: "Path", waiver: "Waiver") -> str:
    """How many findings that the history has as open it covers. That it is none is told on stderr too."""
    from dcctl.audit.act.keep import opened
    from dcctl.audit.waivers import covers
    from dcctl.state import DamagedError, reading, there
    from dcctl.streams import tell_aside
    from dcctl.units import plural

    try:
        with reading(folder) if there(folder) else nullcontext() as history:
            found = opened(history) if history and history.last() else None
    except DamagedError:
        found = None
    if found is None:
        return "what it covers is not known: there is no run"
    same = [one for one in found if one.check == waiver.check]
    count = sum(covers(waiver, one) for one in same)
    says = f"it covers {count} of {plural(len(same), 'open finding')} of {waiver.check}"
    if not count:
        tell_aside(f"dcctl: warning: {says}. Try: dcctl audit --select {waiver.check}\n")
    return says


def _stated(terms: Terms, now_s: int) -> dict[str, str]:
    """The terms as the file has them. UsageError: one is missing."""
    import time

    from dcctl.errors import UsageError

    for name in ("owner", "ticket", "reason"):
        if not getattr(terms, name).strip():
            raise UsageError(f"--{name}", "is missing: a waiver is somebody's, for a reason", _HINT)
    begin, end = (time.strftime("%Y-%m-%d", time.gmtime(now_s + day * 86400)) for day in (0, terms.days - 1))
    return {
        "owner": terms.owner,
        "ticket": terms.ticket,
        "reason": terms.reason,
        "created": begin,
        "expires": end,
        "finding": terms.finding,
    }


def _with(path: "Path", added: str) -> str:
    """The text of the file with one waiver more, everything else as it stands."""
    import textwrap

    from dcctl.inventory.sources.files.documents import read_bytes, text_of

    text = text_of(read_bytes(str(path)), str(path)) if path.exists() else ""
    start, end = _waivers_in(text)
    first = next((line for line in text[start:end].splitlines() if line.lstrip().startswith("- ")), "")
    if not first:
        others = text[:start] + _EMPTY.sub("", text[start:end]) + text[end:]
        return f"{others.rstrip()}\nwaivers:\n{added}".lstrip("\n")
    indent = first[: len(first) - len(first.lstrip())]
    more = textwrap.indent(added, indent)
    return f"{text[:end].rstrip()}\n{more}{text[end:]}"


def _waivers_in(text: str) -> tuple[int, int]:
    """Where the list of waivers begins and ends in a file; its end twice where it has none."""
    keys = [
        (match[1], match.start()) for match in re.finditer(r"^(waivers|attestations):", text, re.MULTILINE)
    ]
    start = next((at for name, at in keys if name == "waivers"), len(text))
    return start, next((at for _, at in keys if at > start), len(text))


@contextmanager
def _alone(folder: "Path") -> "Iterator[None]":
    """Inside it no other writes waivers in a folder, which is made. OutputError: it cannot be."""
    import fcntl
    import os

    from dcctl.errors import OutputError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise OutputError(str(folder), error.strerror or str(error), f"ls -ld {folder}") from error
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def _write(path: "Path", text: str) -> None:
    from dcctl.render.atomic import write_atomic

    write_atomic(path, lambda out: out.write(text))
