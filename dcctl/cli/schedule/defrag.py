"""`dcctl schedule defrag`: few moves that free whole nodes."""

from typing import TYPE_CHECKING, Annotated

import typer

from dcctl.cli.schedule.work import Files, Pending, PolicyOption, Seed
from dcctl.packing.choices import DEFAULT_POLICY

if TYPE_CHECKING:
    from dcctl.cli.schedule.work import Work
    from dcctl.cli.session import Session
    from dcctl.packing.solve import Options
    from dcctl.render.report import Report


def defrag(
    session: "Session",
    files: Files = None,
    pending: Pending = False,
    job: Annotated[
        str, typer.Option("--for", metavar="JOB", help="Make room for this workload, and no more.")
    ] = "",
    moves: Annotated[int, typer.Option("--moves", metavar="N", min=1, help="Move at most N members.")] = 20,
    policy: PolicyOption = DEFAULT_POLICY,
    seed: Seed = 0,
) -> "Report":
    """A short list of moves after which whole nodes are free, to be reviewed. Changes nothing.

    Members of gangs and of DaemonSets stay, and those of which a disruption budget allows none to be missing.
    Each move has room when its turn comes. With --for, the moves that let a workload of FILE, or one that
    waits, fit.
    """
    from msgspec.structs import replace

    from dcctl.cli.schedule.work import work_of
    from dcctl.packing.questions.defrag import defragment
    from dcctl.packing.scene import Scene
    from dcctl.packing.solve import Options, solved
    from dcctl.schedule.defrag_report import DEFRAG, defrag_report

    work = work_of(session, DEFRAG, files, pending or (bool(job) and not files), idle=True)
    options = Options(policy, seed)
    if job:
        return _room_for(work, job, options)
    scene = Scene(solved(replace(work.problem, jobs=()), options))
    return defrag_report(defragment(scene, moves), work.problem, work.gaps, most=moves)


def _room_for(work: "Work", name: str, options: "Options") -> "Report":
    """The moves of the smallest cure that is made of moves; where there is none, when it fits without."""
    from dcctl.cli.schedule.work import job_named
    from dcctl.packing.planning import decided
    from dcctl.packing.questions.cures import cures
    from dcctl.packing.questions.defrag import Moves
    from dcctl.schedule.defrag_report import defrag_report

    job = job_named(work.problem, name)
    cure = next((one for one in cures(work.problem, job, options) if one.way == "move"), None)
    if cure is not None:
        return defrag_report(Moves(cure.steps), work.problem, work.gaps, job.id)
    plan = decided(work.problem, options).plan
    starts = [one.start_s or work.problem.now_s for one in plan.assignments if one.job == job.id]
    start_s = min(starts) if len(starts) == job.size else None
    return defrag_report(Moves(()), work.problem, work.gaps, job.id, start_s=start_s)
