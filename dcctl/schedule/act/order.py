"""One `schedule apply`, from its files to its end: read, compared, tried, asked about, journalled, done."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dcctl import journal, runs
from dcctl.errors import RefusedError, UsageError
from dcctl.inventory.asked import Asked
from dcctl.inventory.sources.files.documents import read_bytes, text_of
from dcctl.inventory.sources.jobs.parse import parse
from dcctl.packing.intake.fleet import problem_of
from dcctl.schedule import planfile
from dcctl.schedule.act.run import carry_out
from dcctl.schedule.act.undo import made, undo
from dcctl.schedule.applied import Runs, apply_report, question, status_report, undo_question
from dcctl.schedule.backends import Loaded, Step
from dcctl.schedule.cuts_report import demand_no_cuts
from dcctl.schedule.drift import drift, told

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcctl.inventory.model import Fleet
    from dcctl.progress import Progress
    from dcctl.render.report import Report
    from dcctl.schedule.backends import Backend, Ready

KIND = "schedule-apply"


class World(NamedTuple):
    """What one run needs of what lies around it."""

    backend: Backend
    """The scheduler that is asked, and told."""
    fleet: Callable[[], Fleet]
    """All that is known of it now."""
    progress: Progress
    consent: Callable[[Sequence[str]], None]
    """Returns when the answer is yes; RefusedError else."""
    folder: Path
    """Where journals are kept."""
    now_s: int
    command: str
    """The command, with all that says whom it acts on."""
    options: str = ""
    """How it acts, to be said again when a run goes on."""
    dry_run: bool = False


def load(paths: Sequence[str]) -> Loaded:
    """Read a plan file and the work that it was made from. UsageError tells what is wrong.

    RefusedError: boards are to be cut before anything of the plan can stand.
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
    texts = tuple((path, text_of(each, path)) for path, each in rest)
    asked = parse(texts) if texts else Asked()
    demand_no_cuts(plan.cuts, shlex.join(path for path, _ in texts))
    return Loaded(plan, asked, texts, {path: planfile.digest(each) for path, each in data.items()})


def apply(world: World, paths: Sequence[str]) -> Report:
    """The plan is carried out, or (dry run) what that would change is told.

    UsageError: a file is wrong. RefusedError: another run is under way, the cluster changed, the server or
    the user said no; nothing was changed. UnfinishedError: it began; the journal and the command that resumes
    it are named.
    """
    loaded = load(paths)
    wanted = world.backend.intended(loaded, world.now_s)
    runs.demand_its_cluster(world.backend, loaded.plan.clusters)
    header = _header(world, loaded)
    journal.demand_alone(world.folder, header)
    ready = wanted.look_up(header.run, {})
    _demand_something(ready, paths[0])
    _demand_no_drift(world, loaded, ready)
    steps, notes = ready.try_on_server(), ready.caveats()
    if world.dry_run:
        headline = f"{_total(ready):,} pods would be placed; nothing was changed"
        return apply_report(headline, steps, ready.left, notes, header.run, "")
    world.consent(question(steps, ready.left, notes))
    with journal.create(world.folder, header) as written:
        return _carried_out(world, ready, written)


def _header(world: World, loaded: Loaded) -> journal.Header:
    plan, files = next(iter(loaded.digests.values())), loaded.digests
    return runs.begun(KIND, plan, world.backend, world.now_s, world.command, world.options, files)


def resume(world: World, plan: str = "") -> Report:
    """A run that stopped goes on to its end. RefusedError: its files, or the cluster, are others."""
    record = _record(world.folder, plan, "resume", lambda one: not one.outcome)
    loaded = load(tuple(record.header.files))
    changed = [path for path, digest in record.header.files.items() if loaded.digests[path] != digest]
    if changed:
        raise RefusedError(changed[0], "was changed since the run began", record.header.undo)
    with runs.reopen(record, world.backend) as written:
        if any(step.startswith("delete ") for step in written.steps):
            raise runs.being_undone(record.header)
        wanted = world.backend.intended(loaded, record.header.started_at_s)
        return _carried_out(world, wanted.look_up(record.header.run, written.steps), written)


def take_back(world: World, plan: str = "") -> Report:
    """What a run made is deleted; what cannot be undone is told before the question."""
    record = _record(world.folder, plan, "undo", lambda one: one.outcome not in ("undone", "refused"))
    left, titles = world.backend.lasting(record.steps), [title for title, _ in made(record.steps)]
    if world.dry_run:
        steps = tuple(Step("delete", title) for title in titles)
        return apply_report("nothing was changed", steps, left, (), record.header.run, "")
    world.consent(undo_question(titles, left))
    with runs.reopen(record, world.backend) as written:
        done = undo(world.backend, written, world.progress)
    headline = f"{len(done):,} objects of the run {record.header.run} are deleted"
    return apply_report(headline, done, left, (), record.header.run, str(record.path))


def status(folder: Path) -> Report:
    """Every run that has a journal. Nothing is contacted."""
    return status_report(every_run(folder))


def every_run(folder: Path) -> Runs:
    """Every run that has a journal, and how it is."""
    known = tuple((one, runs.state(one)) for one in journal.journals(folder, KIND))
    return Runs(known, tuple(error for _, error in journal.damaged(folder, KIND)))


def _carried_out(world: World, ready: Ready, written: journal.Journal) -> Report:
    done = carry_out(ready, written, world.progress)
    stand = sum(step.stands for step in done.steps)
    headline = f"{stand:,} of {_total(ready):,} pods stand where the plan says"
    run, path = written.header.run, str(written.path)
    return apply_report(headline, done.steps, done.left, ready.caveats(), run, path)


def _total(ready: Ready) -> int:
    """Pods that will stand."""
    return len(ready.new) + len(ready.there)


def _demand_something(ready: Ready, plan: str) -> None:
    if not _total(ready):
        first = ready.left[0] if ready.left else None
        why = f"nothing of it can be carried out: {first.what}: {first.why}" if first else "it places nothing"
        raise UsageError(plan, why, first.hint if first else "dcctl schedule plan")


def _demand_no_drift(world: World, loaded: Loaded, ready: Ready) -> None:
    """RefusedError when an assignment does not hold on the cluster as it is now."""
    fleet = world.fleet()
    places = (*ready.new, *ready.there)
    problem = problem_of(fleet, fleet.nodes, loaded.asked, pending=bool(ready.there), now_s=world.now_s)
    found = drift(places, problem)
    if not found:
        return
    if all(one.node not in {node.name for node in fleet.nodes} for one in places):
        raise RefusedError(
            "the plan",
            "none of its nodes is in this cluster: it was made for another",
            world.backend.tells_cluster,
        )
    what = f"{len(found):,} of {len(places):,} assignments do not hold any more"
    raise RefusedError(what, told(found), "dcctl schedule plan")


def _record(folder: Path, plan: str, verb: str, wanted: Callable[[journal.Record], bool]) -> journal.Record:
    """The newest run (of a plan, if one is given) that can be resumed or undone. UsageError: none."""
    records = runs.known(folder, KIND)
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
