"""`dcctl schedule apply`: a plan carried out on a Kubernetes cluster."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from dcctl.cli.schedule.to import KUBERNETES, To

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.report import Report
    from dcctl.schedule.backends import Backend

_COMMAND = "dcctl schedule apply"
_WAIT_S = 600.0

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
    wait: Wait = _WAIT_S,
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
    from dcctl.render.dispatch import check_shape
    from dcctl.schedule.applied import APPLY, STATUS

    check_shape(STATUS if status else APPLY, session.style())
    paths = [*filter(None, (plan,)), *(files or ())]
    verbs = [verb for verb, typed in (("resume", resume), ("undo", undo), ("status", status)) if typed]
    _check(session, paths, verbs)
    return _answer(session, paths, verbs[0] if verbs else "", _how(session, to, wait, bind))


def _check(session: "Session", paths: list[str], verbs: list[str]) -> None:
    """UsageError for words that make no sense together."""
    from dcctl.errors import UsageError

    if len(verbs) > 1:
        raise UsageError("--resume, --undo, --status", "exclude each other", f"{_COMMAND} --help")
    if not (paths or verbs):
        raise UsageError("PLAN", "no plan file is named", f"{_COMMAND} --help")
    if len(paths) > 1 and verbs and verbs != ["status"]:
        raise UsageError(paths[1], "the journal knows the manifests", _typed(session, verbs[0], paths[:1]))
    if session.settings.nodes or session.settings.exclude:
        raise UsageError("--nodes and --exclude", "the plan says which nodes", "dcctl schedule plan")


class _How(NamedTuple):
    """What acts, and how it was told to: as `World` has it."""

    backend: "Backend"
    command: str
    options: str


def _how(session: "Session", to: str, wait: float, bind: bool) -> _How:
    from dcctl.cli.again import in_full
    from dcctl.cli.schedule.to import backend_of

    backend = backend_of(to, session.settings, wait, bind=bind)
    command = _COMMAND if to == KUBERNETES else f"{_COMMAND} --to {to}"
    options = [*(["--bind"] if bind else []), *([f"--wait {wait:.12g}"] if wait != _WAIT_S else [])]
    return _How(backend, in_full(command, session), " ".join(options))


def _typed(session: "Session", verb: str, paths: list[str]) -> str:
    """The command with what it was asked to do, but not how."""
    from shlex import join

    from dcctl.cli.again import in_full
    from dcctl.schedule.commands import files

    words = (in_full(_COMMAND, session), f"--{verb}" if verb else "", join(files(paths)))
    return " ".join(filter(None, words))


def _answer(session: "Session", paths: list[str], verb: str, how: _How) -> "Report":
    from dcctl.config import state_dir
    from dcctl.schedule.act import order
    from dcctl.schedule.applied import APPLY

    folder = state_dir(session.environ) / "journals"
    if verb == "status":
        return order.status(folder)
    with session.progress() as progress:
        world = order.World(
            backend=how.backend,
            fleet=lambda: session.survey(APPLY).whole,
            progress=progress,
            consent=lambda lines: session.consent.demand(_typed(session, verb, paths), lines),
            folder=folder,
            now_s=session.now_s,
            command=how.command,
            options=how.options,
            dry_run=session.consent.dry_run,
        )
        if not verb:
            return order.apply(world, paths)
        return order.take_back(world, *paths) if verb == "undo" else order.resume(world, *paths)
