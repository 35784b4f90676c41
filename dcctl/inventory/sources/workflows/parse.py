"""A file of `kind: Dag` to a workflow. Every mistake is told with file, line and what may be meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.errors import UsageError
from dcctl.inventory.sources.files.documents import documents
from dcctl.inventory.sources.jobs import cursor
from dcctl.inventory.sources.jobs.cursor import Cursor
from dcctl.inventory.sources.jobs.graph import cycle
from dcctl.inventory.sources.workflows.steps import Read, step
from dcctl.inventory.sources.workflows.workers import Team, meant, team
from dcctl.inventory.workflow import Workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dcctl.inventory.workflow import Crew

KIND = "Dag"
HINT = "dcctl man schedule"
_KEYS = ("kind", "name", "workers", "speed", "links", "tasks")
_MAX_CELLS = 1_000_000
"""Tasks times workers."""


def parse(text: str, where: str, crew: Callable[[str], Crew]) -> Workflow:
    """Return the workflow that a text asks for; `where` is the name of its file.

    `crew("node")` or `crew("pool")` is called when the workers are those of the inventory. UsageError: with
    file, line and reason; see `crew` for others.
    """
    try:
        return _workflow(_document(text, where), crew)
    except UsageError as error:
        if error.hint in ("", cursor.HINT):
            error.hint = HINT
        raise


def _document(text: str, where: str) -> Cursor:
    """Return the one document of a text."""
    found = documents(text, where)
    if len(found) != 1:
        raise UsageError(
            where,
            f"holds {len(found)} documents; a workflow is one, with `kind: {KIND}`" if found else "is empty",
        )
    return Cursor(found[0][0], where)


def _workflow(document: Cursor, crew: Callable[[str], Crew]) -> Workflow:
    kind = document.keys().get("kind")
    if kind is None or kind.text() != KIND:
        said = f"kind {kind.text()} is" if kind is not None else "this is"
        raise document.error(f"{said} not a workflow, which begins with `kind: {KIND}`")
    keys = document.fields(_KEYS, required=("workers", "tasks"))
    workers = team(keys, crew)
    tasks = keys["tasks"].entries()
    if not tasks:
        raise keys["tasks"].error("there is no task")
    if len(tasks) * len(workers.names) > _MAX_CELLS:
        size = f"{len(tasks):,} tasks on {len(workers.names):,} workers"
        raise keys["tasks"].error(f"{size}: their product may be at most {_MAX_CELLS:,}")
    steps = [step(given, name, workers) for name, given in tasks.items()]
    _check_order(steps)
    rates = workers.rates(keys.get("links"))
    _check_rates(steps, rates, workers)
    named = keys["name"].text() if "name" in keys else ""
    return Workflow(named, workers.names, rates, tuple(read.step for read in steps))


def _check_order(steps: Iterable[Read]) -> None:
    """UsageError for a task that waits for one that is not there, or for itself by way of others."""
    rows = {read.step.name: read for read in steps}
    for read in rows.values():
        for name, at in read.after.items():
            if name not in rows:
                raise at.error(f"no task is called {name}{meant(name, list(rows))}")
    circle = cycle({name: tuple(read.after) for name, read in rows.items()})[::-1]
    if circle:
        first = circle.index(next(name for name in rows if name in circle))
        way = " -> ".join([*circle[first:], *circle[: first + 1]])
        raise rows[circle[first]].at.error(f"none of these tasks can start, each is before the next: {way}")


def _check_rates(steps: Iterable[Read], rates: tuple[tuple[int | None, ...], ...], workers: Team) -> None:
    """UsageError for bytes that are to cross a link whose rate is not told."""
    unknown = workers.without_rate(rates)
    if unknown is None:
        return
    for read in steps:
        for wait in read.step.after:
            if wait.size_bytes is not None:
                why = f"bytes are to be sent, and `links` tells no rate between {' and '.join(unknown)}"
                raise read.after[wait.task].error(why)
