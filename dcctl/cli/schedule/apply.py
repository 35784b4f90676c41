"""`dcctl schedule apply`: a plan carried out on a Kubernetes cluster."""

from typing import TYPE_CHECKING, Annotated

import typer

from dcctl.cli.schedule.to import KUBERNETES, To

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.progress import Progress
    from dcctl.render.report import Report
    from dcctl.schedule.act.order import World
    from dcctl.schedule.backends import Backend

_COMMAND = "dcctl schedule apply"

Plan = Annotated[
    str, typer.Argument(metavar="PLAN", help="The plan file; left out: the newest run that has a journal.")
]
Manifests = Annotated[
    list[str] | None,
    typer.Argument(metavar="FILE", help="The manifests that the plan was made from, if it was."),
]
Wait = Annotated[
    float,
    typer.Option("--wait", metavar="SECONDS", min=1, help="How long pods may take until they all stand."),
]
Bind = Annotated[
    bool, typer.Option("--bind", help="Bind pods that have no gate past their scheduler: it checks nothing.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a run that did not finish.")]
Undo = Annotated[bool, typer.Option("--undo", help="Delete what a run made.")]
Status = Annotated[bool, typer.Option("--status", help="The runs so far, from their journals.")]


def apply(
    session: "Session",
    plan: Plan = "",
    files: Manifests = None,
    to: To = KUBERNETES,
    wait: Wait = 600.0,
    bind: Bind = False,
    resume: Resume = False,
    undo: Undo = False,
    status: Status = False,
) -> "Report":
    """Carry out a plan: make its work, and see every pod onto the node that the plan says.

    Work is made behind the scheduling gate dcctl.io/plan; each pod gets its node by a required node affinity,
    its gate is lifted, and the cluster's own scheduler binds it. Before anything is changed the plan is held
    against the cluster as it is now, and the API server is asked whether it would take every write. A run
    that stopped is resumed from its journal.
    """
    from dcctl.cli.schedule.to import backend_of
    from dcctl.errors import UsageError
    from dcctl.render.dispatch import check_shape
    from dcctl.schedule.applied import APPLY, STATUS

    check_shape(STATUS if status else APPLY, session.style())
    paths = [*filter(None, (plan,)), *(files or ())]
    verbs = [verb for verb, typed in (("resume", resume), ("undo", undo), ("status", status)) if typed]
    if len(verbs) > 1:
        raise UsageError("--resume, --undo, --status", "exclude each other", f"{_COMMAND} --help")
    if not (paths or verbs):
        raise UsageError("PLAN", "no plan file is named", f"{_COMMAND} --help")
    if len(paths) > 1 and (resume or undo):
        raise UsageError(paths[1], "the journal knows the manifests", f"{_COMMAND} --resume")
    if session.settings.nodes or session.settings.exclude:
        raise UsageError("--nodes and --exclude", "the plan says which nodes", "dcctl schedule plan")
    backend = backend_of(to, session.settings, wait, bind=bind)
    again = f"{_COMMAND} --resume{' --bind' if bind else ''}{'' if to == KUBERNETES else f' --to {to}'}"
    return _answer(session, paths, verbs[0] if verbs else "apply", backend, again)


def _answer(session: "Session", paths: list[str], verb: str, backend: "Backend", again: str) -> "Report":
    from dcctl.config import state_dir
    from dcctl.schedule.act import order

    if verb == "status":
        return order.status(state_dir(session.environ) / "journals")
    with session.progress() as progress:
        world = _world(session, progress, backend, again)
        if verb == "apply":
            return order.apply(world, paths)
        return order.take_back(world, *paths) if verb == "undo" else order.resume(world, *paths)


def _world(session: "Session", progress: "Progress", backend: "Backend", again: str) -> "World":
    from dcctl.cli.again import in_full
    from dcctl.config import state_dir
    from dcctl.schedule.act.order import World
    from dcctl.schedule.applied import APPLY

    return World(
        backend=backend,
        fleet=lambda: session.survey(APPLY).whole,
        progress=progress,
        consent=lambda lines: session.consent.demand(_COMMAND, lines),
        folder=state_dir(session.environ) / "journals",
        now_s=session.now_s,
        resume=in_full(again, session),
        dry_run=session.consent.dry_run,
    )
