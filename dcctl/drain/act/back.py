"""Nodes go back into service: each is in the journal before it is touched."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl import journal, runs
from dcctl.drain.act import recall
from dcctl.errors import DcctlError, OutputError, RefusedError, UnfinishedError
from dcctl.interrupts import Interrupts
from dcctl.inventory.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from dcctl.drain.backends import Backend, Lock, Mark
    from dcctl.drain.told.returning import Back

KIND: Final = "return"
DRAINS: Final = "drain"
"""What makes the journals of the runs that took nodes out of service."""


class Given(NamedTuple):
    """What became of it."""

    run: str
    journal: str
    left: dict[str, str]
    """Why nodes were not given back, by name: they are gone, or somebody changed them since."""


def give_back(backend: Backend, folder: Path, command: str, going: Sequence[Back], now_s: int) -> Given:
    """Each node is as it was before its run, if it is still as that run left it.

    RefusedError: a run is under way that has not drained one of them yet. UnfinishedError: the cluster does
    not answer any more, or the disk is full; typed again, the command goes on.
    """
    names = "\n".join(one.node for one in going)
    digest = hashlib.sha256(names.encode()).hexdigest()
    header = runs.begun(KIND, f"{digest}-{now_s}", backend, now_s, command)
    left: dict[str, str] = {}
    with _alone(backend, header, going) as turn, _created(folder, header) as written:
        try:
            for one in going:
                with turn.interrupts.step():
                    turn.demand()
                    left[one.node] = _given(backend, written, one, f"{command} {one.words}")
            written.end("returned")
        except OutputError as error:
            raise UnfinishedError(error.what, error.why, _again(command, going)) from error
        return Given(header.run, str(written.path), left)


class _Turn(NamedTuple):
    """What keeps drains away meanwhile, where that is needed."""

    interrupts: Interrupts
    lock: Lock | None

    def demand(self) -> None:
        """Return while no drain can begin or go on with these nodes."""
        if self.lock is not None:
            self.lock.demand()


@contextmanager
def _alone(backend: Backend, header: journal.Header, going: Sequence[Back]) -> Iterator[_Turn]:
    """No drain is under way, unless it is at its end with all of these: it may wait for them."""
    marks = {
        name: node.mark for name, node in backend.nodes([one.node for one in going if not one.kept]).items()
    }
    ours = [one for one in going if not _is_drained(marks.get(one.node), one.run)]
    with Interrupts() as interrupts:
        lock = backend.lock(header.run, header.who) if ours else None
        try:
            yield _Turn(interrupts, lock)
        finally:
            if lock is not None:
                lock.release()


def _is_drained(mark: Mark | None, run: str) -> bool:
    return mark is not None and mark.run == run and mark.drained


def _created(folder: Path, header: journal.Header) -> journal.Journal:
    """A new journal. RefusedError: the disk is full, say; nothing was changed."""
    try:
        return journal.create(folder, header)
    except OutputError as error:
        raise RefusedError(error.what, f"{error.why}; nothing was changed", error.hint) from error


def _again(command: str, going: Sequence[Back]) -> str:
    return f"{command} {going[0].words if len(going) == 1 else fold(one.node for one in going)}"


def strangers(folder: Path, backs: Iterable[Back]) -> tuple[Back, ...]:
    """Those whose run no journal of this machine knows to have touched them: another machine's, or forged."""
    known = {
        (one.header.run, name)
        for one in journal.journals(folder, DRAINS)
        for name in (*recall.touched(one.steps), *recall.kept(one.steps))
    }
    return tuple(one for one in backs if (one.run, one.node) not in known)


def returned(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return what was given back on this machine, by the run that had taken it out of service."""
    found: dict[str, list[str]] = {}
    for one in journal.journals(folder, KIND):
        for name, entry in recall.told(one.steps, "return"):
            if entry.state == "done":
                found.setdefault(entry.data.get("run", ""), []).append(name)
    return {run: tuple(names) for run, names in found.items()}


def _given(backend: Backend, written: journal.Journal, one: Back, again: str) -> str:
    step = f"return {one.node}"
    written.begin(step, run=one.run)
    try:
        for device in one.kept:
            backend.give_out(device)
        why = "" if one.kept else backend.give_back(one.node, one.run)
    except DcctlError as error:
        raise UnfinishedError(one.node, f"{error.what}: {error.why}", again) from error
    if why:
        written.failed(step, why)
    else:
        written.done(step)
    return why
