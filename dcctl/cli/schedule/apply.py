"""`dcctl schedule apply`: a plan carried out on a Kubernetes cluster."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.cli.session import Session
    from dcctl.inventory.sources.kubernetes.objects import Objects
    from dcctl.render.progress import Progress
    from dcctl.render.report import Report
    from dcctl.schedule.act.order import World

_COMMAND = "dcctl schedule apply"


def apply(
    session: "Session",
    plan: Annotated[
        str,
        typer.Argument(metavar="PLAN", help="The plan file; left out: the newest run that has a journal."),
    ] = "",
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE", help="The manifests that the plan was made from, if it was."),
    ] = None,
    wait: Annotated[
        float,
        typer.Option("--wait", metavar="SECONDS", min=1, help="How long pods may take until they all stand."),
    ] = 600.0,
    bind: Annotated[
        bool,
        typer.Option("--bind", help="Bind pods that have no gate past their scheduler: it checks nothing."),
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that did not finish.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Delete what a run made.")] = False,
    status: Annotated[bool, typer.Option("--status", help="The runs so far, from their journals.")] = False,
) -> "Report":
    """Carry out a plan: make its work, and see every pod onto the node that the plan says.

    Work is made behind the scheduling gate dcctl.io/plan; each pod gets its node by a required node affinity,
    its gate is lifted, and the cluster's own scheduler binds it. Before anything is changed the plan is held
    against the cluster as it is now, and the API server is asked whether it would take every write. A run
    that stopped is resumed from its journal.
    """
    from dcctl.errors import UsageError
    from dcctl.render.dispatch import check_shape
    from dcctl.schedule.applied import APPLY, STATUS

    check_shape(STATUS if status else APPLY, session.style())
    paths = [*filter(None, (plan,)), *(files or ())]
    if resume + undo + status > 1:
        raise UsageError("--resume, --undo, --status", "exclude each other", f"{_COMMAND} --help")
    if not (paths or resume or undo or status):
        raise UsageError("PLAN", "no plan file is named", f"{_COMMAND} --help")
    if len(paths) > 1 and (resume or undo):
        raise UsageError(paths[1], "the journal knows the manifests", f"{_COMMAND} --resume")
    if session.settings.nodes or session.settings.exclude:
        raise UsageError("--nodes and --exclude", "the plan says which nodes", "dcctl schedule plan")
    return _answer(
        session, paths, "status" if status else "undo" if undo else "resume" if resume else "", wait, bind
    )


def _answer(session: "Session", paths: list[str], verb: str, wait: float, bind: bool) -> "Report":
    from dcctl.config import state_dir
    from dcctl.schedule.act import order

    if verb == "status":
        return order.status(state_dir(session.environ) / "journals")
    with session.progress() as progress:
        world = _world(session, progress, wait, bind)
        if verb == "undo":
            return order.take_back(world, *paths)
        return order.resume(world, *paths) if verb else order.apply(world, paths)


def _world(session: "Session", progress: "Progress", wait: float, bind: bool) -> "World":
    from functools import cache

    from dcctl.app import cluster_of
    from dcctl.cli.again import in_full
    from dcctl.config import state_dir
    from dcctl.schedule.act.order import World
    from dcctl.schedule.applied import APPLY

    @cache
    def cluster() -> "Callable[[float], Objects]":  # looked for late: what is wrong with files is told first
        return cluster_of(session.settings)

    def connect(deadline_s: float) -> "Objects":
        return cluster()(deadline_s)

    return World(
        connect=connect,
        fleet=lambda: session.survey(APPLY).whole,
        progress=progress,
        consent=lambda lines: session.consent.demand(_COMMAND, lines),
        folder=state_dir(session.environ) / "journals",
        now_s=session.now_s,
        resume=in_full(f"{_COMMAND} --resume{' --bind' if bind else ''}", session),
        wait_s=wait,
        bind=bind,
        dry_run=session.consent.dry_run,
    )
