"""One `dcctl drain`, from its plan to its end: checked, asked about, locked, journalled, done."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from dcctl import journal, runs
from dcctl.drain.act import recall
from dcctl.drain.act.agreed import load, reason_of, save
from dcctl.drain.act.back import returned
from dcctl.drain.act.going import Going
from dcctl.drain.act.run import Campaigner, unfinished
from dcctl.drain.act.undo import undo
from dcctl.drain.act.workers import Workers
from dcctl.drain.backends import Needs
from dcctl.drain.outcome import Approved, Known, NotDrainedError
from dcctl.drain.request import Done, Request, WrittenFile
from dcctl.drain.told.report import question
from dcctl.drain.waves.clocks import local
from dcctl.errors import DcctlError, DeniedError, OutputError, RefusedError, UsageError
from dcctl.interrupts import Interrupts
from dcctl.inventory.folding import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from dcctl.drain.act.world import World
    from dcctl.drain.backends import Backend, Lock
    from dcctl.drain.campaign import Campaign
    from dcctl.drain.outcome import Outcome
    from dcctl.journal import Journal

KIND: Final = "drain"
_ROLE: Final = "dcctl drain --rbac | kubectl apply -f -"


def drain(world: World, request: Request) -> Outcome:
    """The campaign is planned, agreed to and carried out: every target is drained and out of service.

    RefusedError: a finding of the plan blocks it, another run is under way, or the answer was no; nothing was
    changed. DeniedError: a right is missing. NotDrainedError: it began; `--resume` goes on.
    """
    plan = world.plan(request, Done())
    _demand_open(plan, world.command)
    runs.demand_its_cluster(world.backend, plan.clusters)
    agreed = Approved(request, plan)
    data = msgspec.json.encode(agreed)
    digest = hashlib.sha256(data).hexdigest()
    header = runs.begun(KIND, digest, world.backend, world.now_s, world.command, world.options)
    journal.demand_alone(world.folder, header)
    _demand_rights(world.backend, plan)
    if request.boards:
        world.backend.rules(request.boards, header.run)
    world.backend.demand_unlocked(header.run)
    world.consent(question(plan))
    with _created(world, header, data) as written:
        return _carried_out(world, agreed, written)


def resume(world: World, run: str = "") -> Outcome:
    """The newest run that stopped (or the one of this name) goes on to its end.

    UsageError: there is none. RefusedError: it ran on another cluster, is being undone, or its plan is not
    the one that was agreed to.
    """
    record = runs.unfinished(_records(world.folder, run))
    if record is None:
        raise _none_left(world.folder, run, "resume")
    with runs.reopen(record, world.backend) as written:
        if any(True for _ in recall.told(written.steps, "give-back")):
            raise runs.being_undone(record.header)
        return _carried_out(world, load(world.folder, record.header), written)


def take_back(world: World, run: str = "") -> Outcome:
    """Every node of a run is as it was before it: of the one of this name, or of the last.

    That is the newest that did not finish, or the newest of all; never an older one that ended. Evicted pods
    are told before the question: they do not come back. Nodes that somebody changed since are left and told.
    UsageError: there is none. RefusedError: it ran on another cluster, or is under way.
    """
    record = _to_undo(_records(world.folder, run), named=bool(run))
    if record is None:
        raise _none_left(world.folder, run, "undo")
    nodes = recall.touched(record.steps)
    if world.dry_run:
        planned = recall.outcome(record.header.run, str(record.path), record.steps, "planned")
        return msgspec.structs.replace(planned, nodes=nodes)
    request = _request_of(world.folder, record)
    world.consent(_undo_question(record, request.reason))
    with runs.reopen(record, world.backend) as written:
        return _ended(world, request, written, undo, "undone")


def typed(folder: Path, verb: Literal["resume", "undo"], run: str = "") -> str:
    """Return the command that resumes or takes back the run that is meant, with its cluster, as it was begun.

    Without such a run: the one that lists all.
    """
    records = _records(folder, run)
    record = runs.unfinished(records) if verb == "resume" else _to_undo(records, named=bool(run))
    if record is None:
        return "dcctl drain --status"
    command = record.header.resume if verb == "resume" else record.header.undo
    return f"{command} --run {run}" if run else command


def status(folder: Path) -> tuple[Known, ...]:
    """Every run that has a journal, the newest first. Nothing is contacted."""
    back = returned(folder)
    return tuple(_known(one, folder, back.get(one.header.run, ())) for one in journal.journals(folder, KIND))


def _known(one: journal.Record, folder: Path, back: tuple[str, ...]) -> Known:
    return Known(
        one.header,
        str(one.path),
        recall.outcome(one.header.run, str(one.path), one.steps, _state(one)),
        recall.touched(one.steps),
        back,
        reason_of(folder, one.header.run),
    )


def damaged(folder: Path) -> tuple[tuple[str, str], ...]:
    """Each journal that cannot be read, and why: nobody can tell what its run did."""
    found = journal.damaged(folder, KIND)
    return tuple((str(path), f"{error.what}: {error.why}") for path, error in found)


def _state(record: journal.Record) -> recall.State:
    found = runs.state(record)
    return next((one for one in recall.STATES if one == found), "unfinished")


def _carried_out(world: World, agreed: Approved, written: Journal) -> Outcome:
    return _ended(world, agreed.request, written, lambda going: _campaign(going, agreed), "drained")


def _ended(
    world: World, request: Request, written: Journal, work: Callable[[Going], Outcome], end: recall.State
) -> Outcome:
    """The work is done, and its journal says so.

    The journal cannot be written any more: NotDrainedError, or RefusedError while nothing is changed.
    """
    try:
        outcome = _locked(world, request, written, work)
        written.end(end)
    except OutputError as error:
        header, steps = written.header, written.steps
        again = header.undo if end == "undone" else header.resume
        if not recall.touched(steps) and not recall.kept(steps):
            raise RefusedError(error.what, f"{error.why}; nothing was changed", again) from error
        known = recall.outcome(header.run, str(written.path), steps, "unfinished")
        raise NotDrainedError(error.what, error.why, again, known) from error
    return outcome


def _campaign(going: Going, agreed: Approved) -> Outcome:
    """NotDrainedError for whatever ends it before its end."""
    campaigner = Campaigner(going, agreed.campaign)
    try:
        return campaigner.carry_out()
    except NotDrainedError:
        raise
    except KeyboardInterrupt:
        raise unfinished(going, campaigner.outcome(), "interrupted") from None
    except DcctlError as error:
        raise unfinished(going, campaigner.outcome(), str(error)) from error


def _locked(world: World, request: Request, written: Journal, work: Callable[[Going], Outcome]) -> Outcome:
    """The work is done under the lock of the cluster, which is given back however it ends."""
    with Interrupts() as interrupts:
        lock = _lock(world, written)
        going = Going(world, request, written, lock, interrupts, Workers(world.fanout))
        try:
            return work(going)
        finally:
            lock.release()
            going.end()


def _lock(world: World, written: Journal) -> Lock:
    header = written.header
    written.begin("lease")
    try:
        lock = world.backend.lock(header.run, header.who)
    except (DcctlError, KeyboardInterrupt) as error:
        written.failed("lease", str(error) or "interrupted")
        if all(entry.state == "failed" for entry in written.steps.values()):
            written.end("refused")
        raise
    written.done("lease")
    return lock


def _demand_open(plan: Campaign, command: str) -> None:
    """RefusedError where a finding has to be decided first, or nothing is to be done."""
    if plan.blocked:
        first, more = plan.blocked[0], len(plan.blocked) - 1
        why = f"{first.says}{f'; and {more} more' if more else ''}"
        raise RefusedError(f"{plan.asked or 'the drain'}: {first.subject}", why, first.cure or command)


def _demand_rights(backend: Backend, plan: Campaign) -> None:
    units = [unit for wave in plan.waves for unit in wave.units]
    hooks = [unit.hook for unit in units if unit.hook is not None and not unit.proved]
    needs = Needs(
        deletes=any(leave.how == "delete" for unit in units for leave in unit.leaves),
        execs=any(
            hook.ask.how in ("signal", "exec") or isinstance(hook.proof, WrittenFile) for hook in hooks
        ),
        requests=any(hook.ask.how == "http" for hook in hooks),
        patches_pods=any(hook.ask.how == "annotation" for hook in hooks),
        devices=bool(plan.boards),
    )
    lacking = backend.lacking(needs)
    if lacking:
        raise DeniedError("drain", f"these rights are missing: {', '.join(lacking)}", _ROLE)


def _undo_question(record: journal.Record, reason: str) -> list[str]:
    """What does not come back, and whose nodes do: of which run, since when, and why."""
    header, boards = record.header, recall.kept(record.steps)
    lasting = [f"evicted, and not brought back: {pod}" for pod in recall.evicted(record.steps)]
    since = local(header.started_at_s, "UTC")
    run = f"run {header.run} of {header.who}, begun {since} UTC{f': {reason}' if reason else ''}"
    names = boards or recall.touched(record.steps)
    return [*lasting, run, f"Give back {fold(names) if names else 'nothing, and end the run'}?"]


def _created(world: World, header: journal.Header, data: bytes) -> Journal:
    """The plan and the journal are on the disk. RefusedError: they cannot be; nothing was changed."""
    try:
        save(world.folder, header.run, data)
        return journal.create(world.folder, header)
    except OutputError as error:
        raise RefusedError(error.what, f"{error.why}; nothing was begun", error.hint) from error


def _request_of(folder: Path, record: journal.Record) -> Request:
    """What was asked for, as far as that is known: to give nodes back takes the journal alone."""
    with suppress(RefusedError):
        return load(folder, record.header).request
    return Request(recall.touched(record.steps))


def _records(folder: Path, run: str) -> list[journal.Record]:
    """Every run that did something, or the one of this name; the newest first."""
    records = [one for one in runs.known(folder, KIND) if one.outcome != "refused"]
    return [one for one in records if run in ("", one.header.run)]


def _to_undo(records: Sequence[journal.Record], *, named: bool) -> journal.Record | None:
    """The one that did not finish, or the newest of all, unless it is undone already."""
    last = records[0] if records and records[0].outcome != "undone" else None
    return last if named else runs.unfinished(records) or last


def _none_left(folder: Path, run: str, verb: str) -> UsageError:
    which = f"{run} " if run else ""
    why = f"no run {which}in {folder} is left to {verb}"
    if verb == "undo" and not run and any(one.outcome == "drained" for one in _records(folder, "")):
        why = "the last run is undone already; --run RUN names an older one"
    return UsageError(f"--{verb}", why, "dcctl drain --status")
