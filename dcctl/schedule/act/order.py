"""One `schedule apply`, from its files to its end: read, compared, tried, asked about, journalled, done."""

from __future__ import annotations

import getpass
import socket
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from dcctl import journal
from dcctl.errors import RefusedError, UsageError
from dcctl.inventory.asked import Asked
from dcctl.inventory.sources.files.documents import documents, read_bytes, text_of
from dcctl.inventory.sources.jobs.cursor import Cursor
from dcctl.inventory.sources.jobs.kubernetes.decode import as_json
from dcctl.inventory.sources.jobs.parse import parse
from dcctl.inventory.sources.kubernetes.failures import Failure
from dcctl.packing.intake.fleet import problem_of
from dcctl.schedule import planfile
from dcctl.schedule.act.apply import begun_with, carry_out, look_up, said, try_on_server
from dcctl.schedule.act.undo import lasting, made, undo
from dcctl.schedule.applied import Step, apply_report, caveats, question, status_report, undo_question
from dcctl.schedule.cuts_report import demand_no_cuts
from dcctl.schedule.drift import drift, told
from dcctl.schedule.kubernetes import intended
from dcctl.schedule.manifests import objects_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcctl.inventory.model import Fleet
    from dcctl.inventory.sources.kubernetes.objects import Objects
    from dcctl.packing.plan import Plan
    from dcctl.render.report import Report
    from dcctl.schedule.act.apply import Ready
    from dcctl.schedule.act.carrier import Progress
    from dcctl.schedule.manifests import Document, Object

KIND = "schedule-apply"
_CHECK_S = 300.0
"""For all that is asked before the question."""


class World(NamedTuple):
    """What one run needs of what lies around it."""

    connect: Callable[[float], Objects]
    """The objects of the cluster, with a deadline in seconds."""
    fleet: Callable[[], Fleet]
    """All that is known of it now."""
    progress: Progress
    consent: Callable[[Sequence[str]], None]
    """Returns when the answer is yes; RefusedError else."""
    folder: Path
    """Where journals are kept."""
    now_s: int
    resume: str
    """The command that goes on with a run."""
    wait_s: float
    """How long pods may take until all of them stand."""
    bind: bool = False
    dry_run: bool = False


class Loaded(NamedTuple):
    """A plan and its manifests, read."""

    plan: Plan
    objects: tuple[Object, ...]
    asked: Asked
    files: dict[str, str]
    """Digests by path; the plan comes first."""


def load(paths: Sequence[str], done: str = "carried out on") -> Loaded:
    """Read a plan file and the manifests that it was made from. UsageError tells what is wrong.

    `done`: what is to become of them, for messages.
    """
    if "-" in paths:
        raise UsageError(
            "standard input", "a run that may have to be resumed needs files", "dcctl schedule apply --help"
        )
    data = {str(Path(path).absolute()): read_bytes(path) for path in paths}
    if len(data) < len(paths):
        raise UsageError(", ".join(paths), "a file is given twice", "dcctl schedule apply --help")
    (plan_path, data_of_plan), *rest = data.items()
    plan = planfile.read(data_of_plan, plan_path)
    texts = [(path, text_of(each, path)) for path, each in rest]
    asked = parse(texts) if texts else None
    bodies = [body for path, text in texts for body in _bodies(path, text, done)]
    return Loaded(
        plan,
        objects_of(bodies, ", ".join(path for path, _ in texts)),
        asked or Asked(),
        {path: planfile.digest(each) for path, each in data.items()},
    )


def _bodies(path: str, text: str, done: str) -> list[Document]:
    """Each manifest as the API server would read it. UsageError for dcctl's own form, which is none."""
    read = (msgspec.json.decode(as_json(Cursor(node, path))) for node, _ in documents(text, path))
    found = [body for body in read if isinstance(body, dict)]
    if any(body.get("kind") == "Jobs" for body in found):
        why = f"jobs in dcctl's own form cannot be {done} kubernetes: give the manifests"
        raise UsageError(path, why, "dcctl schedule render --help")
    return found


def apply(world: World, paths: Sequence[str]) -> Report:
    """The plan is carried out, or (dry run) what that would change is told.

    UsageError: a file is wrong. RefusedError: the cluster changed, the server or the user said no; nothing
    was changed. UnfinishedError: it began; the journal and the command that resumes it are named.
    """
    loaded = load(paths)
    demand_no_cuts(loaded.plan.cuts)
    digest = next(iter(loaded.files.values()))
    run = f"{digest[:8]}-{world.now_s}"
    objects = world.connect(_CHECK_S)
    _demand_its_cluster(objects, loaded.plan)
    ready = look_up(objects, intended(loaded.plan, loaded.objects, world.now_s), run, bind=world.bind)
    _demand_something(ready, paths[0])
    _demand_no_drift(world, loaded, ready)
    steps, notes = try_on_server(objects, ready), caveats(ready)
    if world.dry_run:
        headline = f"{ready.total:,} pods would be placed; nothing was changed"
        return apply_report(headline, steps, ready.left, notes, run, "")
    world.consent(question(steps, ready.left, notes))
    header = journal.Header(
        kind=KIND,
        run=run,
        plan=digest,
        who=f"{getpass.getuser()}@{socket.gethostname()}",
        started_at_s=world.now_s,
        cluster=_cluster(objects),
        resume=world.resume,
        files=loaded.files,
    )
    with journal.create(world.folder, header) as written:
        return _carried_out(world, ready, written)


def resume(world: World, plan: str = "") -> Report:
    """A run that stopped goes on to its end. RefusedError: its files, or the cluster, are others."""
    record = _record(world.folder, plan, "resume", lambda one: not one.outcome)
    loaded = load(tuple(record.header.files))
    changed = [path for path, digest in record.header.files.items() if loaded.files[path] != digest]
    if changed:
        raise RefusedError(changed[0], "was changed since the run began", f"{_apply(record)} --undo")
    with journal.reopen(record.path) as written:
        if any(step.startswith("delete ") for step in written.steps):
            raise RefusedError(f"the run {record.header.run}", "is being undone", f"{_apply(record)} --undo")
        objects = world.connect(_CHECK_S)
        _demand_same_cluster(objects, record)
        began_s = record.header.started_at_s
        wanted = intended(loaded.plan, loaded.objects, began_s)
        begun = begun_with(written.steps)
        ready = look_up(objects, wanted, record.header.run, bind=world.bind, begun=begun)
        return _carried_out(world, ready, written)


def take_back(world: World, plan: str = "") -> Report:
    """What a run made is deleted; what cannot be undone is told before the question."""
    record = _record(world.folder, plan, "undo", lambda one: one.outcome not in ("undone", "refused"))
    left, titles = lasting(record.steps), [title for title, _ in made(record.steps)]
    if world.dry_run:
        steps = tuple(Step("delete", title) for title in titles)
        return apply_report("nothing was changed", steps, left, (), record.header.run, "")
    world.consent(undo_question(titles, left))
    with journal.reopen(record.path) as written:
        objects = world.connect(world.wait_s)
        _demand_same_cluster(objects, record)
        done = undo(objects, written, world.progress)
    headline = f"{len(done):,} objects of the run {record.header.run} are deleted"
    return apply_report(headline, done, left, (), record.header.run, str(record.path))


def status(folder: Path) -> Report:
    """Every run that has a journal. Nothing is contacted."""
    told = [(one, _state(one)) for one in journal.journals(folder, KIND)]
    return status_report(told, [error for _, error in journal.damaged(folder, KIND)])


def _state(record: journal.Record) -> str:
    return record.outcome or ("under way" if journal.under_way(record.path) else "unfinished")


def _carried_out(world: World, ready: Ready, written: journal.Journal) -> Report:
    done = carry_out(world.connect(world.wait_s), ready, written, world.progress)
    stand = sum(step.stands for step in done.steps)
    headline = f"{stand:,} of {ready.total:,} pods stand where the plan says"
    return apply_report(headline, done.steps, done.left, caveats(ready), ready.run, str(written.path))


def _demand_something(ready: Ready, plan: str) -> None:
    if not ready.total:
        first = ready.left[0] if ready.left else None
        why = f"nothing of it can be carried out: {first.what}: {first.why}" if first else "it places nothing"
        raise UsageError(plan, why, first.hint if first else "dcctl schedule plan")


def _demand_no_drift(world: World, loaded: Loaded, ready: Ready) -> None:
    """RefusedError when an assignment does not hold on the cluster as it is now."""
    fleet = world.fleet()
    there = [found.place for found in (*ready.gated, *ready.free)]
    places = [*(place for work in ready.works for place in work.places), *there]
    problem = problem_of(fleet, fleet.nodes, loaded.asked, pending=bool(there), now_s=world.now_s)
    found = drift(places, problem)
    if not found:
        return
    if all(one.node not in {node.name for node in fleet.nodes} for one in places):
        raise RefusedError(
            "the plan",
            "none of its nodes is in this cluster: it was made for another",
            "kubectl config current-context",
        )
    what = f"{len(found):,} of {len(places):,} assignments do not hold any more"
    raise RefusedError(what, told(found), "dcctl schedule plan")


def _record(folder: Path, plan: str, verb: str, wanted: Callable[[journal.Record], bool]) -> journal.Record:
    """The newest run (of a plan, if one is given) that can be resumed or undone. UsageError: none."""
    records = journal.journals(folder, KIND)
    journal.demand_none_damaged(folder, KIND)
    if plan:
        digest = planfile.digest(read_bytes(plan))
        records = [one for one in records if one.header.plan == digest]
    found = next((one for one in records if wanted(one)), None)
    if found is None:
        which = f"of {plan} " if plan else ""
        raise UsageError(
            f"--{verb}", f"no run {which}in {folder} is left to {verb}", "dcctl schedule apply --status"
        )
    return found


def _demand_its_cluster(objects: Objects, plan: Plan) -> None:
    try:
        same = objects.is_cluster(plan.clusters) if plan.clusters else None
    except Failure as failure:
        raise said(failure, "the API server") from failure
    if same is False:
        why = "was made for another cluster than the one that is asked"
        raise RefusedError("the plan", why, "kubectl config current-context")


def _demand_same_cluster(objects: Objects, record: journal.Record) -> None:
    if _cluster(objects) != record.header.cluster:
        why = "it ran on another cluster than the one that is asked now"
        raise RefusedError(f"the run {record.header.run}", why, record.header.resume)


def _cluster(objects: Objects) -> str:
    try:
        return objects.cluster()
    except Failure as failure:
        raise said(failure, "the API server") from failure


def _apply(record: journal.Record) -> str:
    """The command of a run without what follows its options."""
    return record.header.resume.partition(" --resume")[0]
