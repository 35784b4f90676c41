"""`dcctl drain` where it acts: what a run needs of what lies around it, and how it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.cli.drain.planning import Planner, wanted
from dcctl.errors import RefusedError
from dcctl.streams import tell_aside

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dcctl.cli.drain.options import How, Open, Which
    from dcctl.cli.session import Session
    from dcctl.drain.act.order import World
    from dcctl.drain.backends import Backend
    from dcctl.inventory.model import Fleet
    from dcctl.inventory.sources.kubernetes.objects import Objects
    from dcctl.render.report import Report

_COMMAND: Final = "dcctl drain"


def carried_out(session: Session, which: Which, how: How, gates: Open) -> Report:
    """The campaign is planned, agreed to and carried out. Errors: see `act.order.drain`."""
    from dcctl.drain.act.order import drain
    from dcctl.drain.outcome_report import RUN, run_report
    from dcctl.render.dispatch import check_shape

    check_shape(RUN, session.style())
    one = wanted(session, which, how, gates)
    demand_live(session, f"{one.command} --dry-run")
    with session.progress() as progress:
        world = _world(session, progress, one.command, one.found.whole)
        return run_report(drain(world, one.request))


def resume(session: Session, run: str) -> Report:
    """A run that stopped goes on to its end."""
    from dcctl.drain.act import order
    from dcctl.drain.outcome_report import run_report

    demand_live(session, f"{_COMMAND} --status")
    with session.progress() as progress:
        return run_report(order.resume(_world(session, progress, f"{_COMMAND} --resume"), run))


def undo(session: Session, run: str) -> Report:
    """The nodes of a run are as they were before it."""
    from dcctl.drain.act import order
    from dcctl.drain.outcome_report import run_report

    demand_live(session, f"{_COMMAND} --status")
    with session.progress() as progress:
        return run_report(order.take_back(_world(session, progress, f"{_COMMAND} --undo"), run))


def status(session: Session) -> Report:
    """Every run that has a journal. Nothing is contacted."""
    from dcctl.drain.act import order
    from dcctl.drain.outcome_report import STATUS, status_report
    from dcctl.render.dispatch import check_shape

    check_shape(STATUS, session.style())
    return status_report(order.status(journals(session)))


def demand_live(session: Session, hint: str) -> None:
    """RefusedError for a saved fleet or the demo: there is nobody to tell."""
    from dcctl.app import asks_the_fleet

    if not asks_the_fleet(session.settings):
        what = " ".join(f"-i {one}" for one in session.settings.inventory)
        raise RefusedError(what, "a saved fleet can be planned for, not acted on", hint)


def journals(session: Session) -> Path:
    """Where journals are kept."""
    from dcctl.config import state_dir

    return state_dir(session.environ) / "journals"


def backend_of(session: Session) -> Backend:
    """The cluster of this run; nothing is contacted yet."""
    from functools import cache
    from typing import TYPE_CHECKING

    from dcctl.app import cluster_of
    from dcctl.drain.act.kubernetes.backend import Kubernetes

    if TYPE_CHECKING:
        from collections.abc import Callable

    @cache
    def cluster() -> Callable[[float], Objects]:
        return cluster_of(session.settings, f"{_COMMAND} NODES -i kubernetes:CONTEXT")

    def connect(deadline_s: float) -> Objects:
        return cluster()(deadline_s)

    return Kubernetes(connect)


def _world(session: Session, progress: object, command: str, seen: Fleet | None = None) -> World:
    from dcctl.cli.again import in_full
    from dcctl.drain.act.order import World

    def consent(lines: Sequence[str]) -> None:
        session.consent.demand(in_full(command, session), lines)

    def tell(line: str) -> None:
        if not session.settings.quiet:
            tell_aside(f"dcctl: {line}\n")

    return World(
        backend=backend_of(session),
        hooks=_hooks(session),
        plan=Planner(session, seen),
        progress=progress,
        tell=tell,
        consent=consent,
        folder=journals(session),
        now_s=session.now_s,
        command=in_full(_COMMAND, session),
        dry_run=session.consent.dry_run,
    )
