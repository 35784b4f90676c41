"""One `dcctl drain`, from its plan to its end: checked, asked about, locked, journalled, done."""

from __future__ import annotations

import getpass
import hashlib
import socket
from typing import TYPE_CHECKING, Final

import msgspec

from dcctl import journal
from dcctl.drain.act import recall
from dcctl.drain.act.agreed import load, save
from dcctl.drain.act.going import Going
from dcctl.drain.act.run import Campaigner, unfinished
from dcctl.drain.act.undo import undo
from dcctl.drain.act.workers import Workers
from dcctl.drain.backends import Needs
from dcctl.drain.outcome import Approved, Known, NotDrainedError
from dcctl.drain.request import Done
from dcctl.drain.told.report import question
from dcctl.errors import DcctlError, DeniedError, RefusedError, UsageError
from dcctl.interrupts import Interrupts
from dcctl.inventory.folding import fold
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from dcctl.drain.act.world import World
    from dcctl.drain.backends import Backend, Lock
    from dcctl.drain.campaign import Campaign
    from dcctl.drain.outcome import Outcome
    from dcctl.drain.request import Request
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
    _demand_its_cluster(world.backend, plan)
    agreed = Approved(request, plan)
    data = msgspec.json.encode(agreed)
    digest = hashlib.sha256(data).hexdigest()
    header = _header(world, f"{digest[:8]}-{world.now_s}", digest)
    journal.demand_alone(world.folder, header)
    _demand_rights(world.backend, plan)
    if request.boards:
        world.backend.rules(request.boards, header.run)
    world.backend.demand_unlocked(header.run)
    world.consent(question(plan))
    save(world.folder, header.run, data)
    with journal.create(world.folder, header) as written:
        return _carried_out(world, agreed, written)


def resume(world: World, run: str = "") -> Outcome:
    """The newest run that stopped (or the one of this name) goes on to its end.

    UsageError: there is none. RefusedError: it ran on another cluster, or is being undone.
    """
    record = _record(world.folder, run, "resume", lambda one: not one.outcome)
    with journal.reopen(record.path) as written:
        if any(True for _ in recall.told(written.steps, "give-back")):
            raise RefusedError(f"the run {record.header.run}", "is being undone", record.header.undo)
        _demand_same_cluster(world.backend, record)
        return _carried_out(world, load(world.folder, record.header.run), written)


def take_back(world: World, run: str = "") -> Outcome:
    """Every node of the newest run (or of the one of this name) is as it was before it.

    Evicted pods are told before the question: they do not come back. Nodes that somebody changed since are
    left and told. Errors as `resume`.
    """
    record = _record(world.folder, run, "undo", lambda one: one.outcome not in ("undone", "refused"))
    nodes, pods = recall.touched(record.steps), recall.evicted(record.steps)
    boards = recall.kept(record.steps)
    if world.dry_run:
        planned = recall.outcome(record.header.run, str(record.path), record.steps, "planned")
        return msgspec.structs.replace(planned, nodes=nodes)
    world.consent(_undo_question(nodes, boards, pods))
    with journal.reopen(record.path) as written:
        _demand_same_cluster(world.backend, record)
        outcome = _locked(world, load(world.folder, record.header.run), written, undo)
        written.end("undone")  # nothing is left to do: the lock is given back too
        return outcome


def status(folder: Path) -> tuple[Known, ...]:
    """Every run that has a journal, the newest first. Nothing is contacted."""
    return tuple(
        Known(
            one.header,
            str(one.path),
            recall.outcome(one.header.run, str(one.path), one.steps, _state(one)),
        )
        for one in journal.journals(folder, KIND)
    )


def _state(record: journal.Record) -> recall.State:
    known: dict[str, recall.State] = {"drained": "drained", "undone": "undone", "refused": "refused"}
    if record.outcome in known:
        return known[record.outcome]
    return "under way" if journal.under_way(record.path) else "unfinished"


def _header(world: World, run: str, digest: str) -> journal.Header:
    return journal.Header(
        kind=KIND,
        run=run,
        plan=digest,
        who=f"{getpass.getuser()}@{socket.gethostname()}",
        started_at_s=world.now_s,
        cluster=world.backend.cluster(),
        command=world.command,
        options=world.options,
    )


def _carried_out(world: World, agreed: Approved, written: Journal) -> Outcome:
    outcome = _locked(world, agreed, written, lambda going: _campaign(going, agreed))
    written.end("drained")
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


def _locked(world: World, agreed: Approved, written: Journal, work: Callable[[Going], Outcome]) -> Outcome:
    """The work is done under the lock of the cluster, which is given back however it ends."""
    with Interrupts() as interrupts:
        lock = _lock(world, written)
        going = Going(world, agreed.request, written, lock, interrupts, Workers(world.fanout))
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


def _demand_its_cluster(backend: Backend, plan: Campaign) -> None:
    if plan.clusters and backend.is_cluster(plan.clusters) is False:
        why = "was made for another cluster than the one that is asked"
        raise RefusedError("the plan", why, backend.tells_cluster)


def _demand_same_cluster(backend: Backend, record: journal.Record) -> None:
    if backend.cluster() != record.header.cluster:
        why = "it ran on another cluster than the one that is asked now"
        raise RefusedError(f"the run {record.header.run}", why, record.header.resume)


def _demand_rights(backend: Backend, plan: Campaign) -> None:
    units = [unit for wave in plan.waves for unit in wave.units]
    hooks = [unit.hook for unit in units if unit.hook is not None and not unit.proved]
    needs = Needs(
        deletes=any(leave.how == "delete" for unit in units for leave in unit.leaves),
        execs=any(hook.how in ("signal", "exec") or hook.proof == "file" for hook in hooks),
        requests=any(hook.how == "http" for hook in hooks),
        patches_pods=any(hook.how == "annotation" for hook in hooks),
        devices=bool(plan.boards),
    )
    lacking = backend.lacking(needs)
    if lacking:
        raise DeniedError("drain", f"these rights are missing: {', '.join(lacking)}", _ROLE)


def _undo_question(nodes: Sequence[str], boards: Sequence[str], pods: Sequence[str]) -> list[str]:
    lasting = [f"evicted, and not brought back: {pod}" for pod in pods]
    return [*lasting, f"Give back {fold(boards) if boards else plural(len(nodes), 'node')}?"]


def _record(folder: Path, run: str, verb: str, wanted: Callable[[journal.Record], bool]) -> journal.Record:
    """The newest run, or the one of this name, that can be resumed or undone. UsageError: none."""
    journal.demand_none_damaged(folder, KIND)
    records = journal.journals(folder, KIND)
    found = next((one for one in records if wanted(one) and run in ("", one.header.run)), None)
    if found is None:
        which = f"{run} " if run else ""
        raise UsageError(f"--{verb}", f"no run {which}in {folder} is left to {verb}", "dcctl drain --status")
    return found
