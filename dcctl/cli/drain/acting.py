"""`dcctl drain` where it acts: what a run needs of what lies around it, and how it is told."""

from __future__ import annotations

from functools import cached_property
from threading import Event
from typing import TYPE_CHECKING, Final

from dcctl.cli.drain.planning import Planner, wanted
from dcctl.errors import RefusedError
from dcctl.streams import tell_aside

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dcctl.app import Cluster
    from dcctl.cli.drain.options import How, Open, Which
    from dcctl.cli.session import Session
    from dcctl.drain.act.world import World
    from dcctl.drain.backends import Backend, Hooks
    from dcctl.drain.campaign import Unit
    from dcctl.inventory.model import Fleet
    from dcctl.progress import Progress
    from dcctl.render.report import Report

_COMMAND: Final = "dcctl drain"


def carried_out(session: Session, which: Which, how: How, gates: Open) -> Report:
    """The campaign is planned, agreed to and carried out. Errors: see `act.order.drain`."""
    from dcctl.drain.act.order import drain
    from dcctl.drain.told.outcome_report import RUN, run_report
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
    from dcctl.drain.told.outcome_report import run_report

    demand_live(session, f"{_COMMAND} --status")
    with session.progress() as progress:
        return run_report(order.resume(_world(session, progress, f"{_COMMAND} --resume"), run))


def undo(session: Session, run: str) -> Report:
    """The nodes of a run are as they were before it."""
    from dcctl.drain.act import order
    from dcctl.drain.told.outcome_report import run_report

    demand_live(session, f"{_COMMAND} --status")
    with session.progress() as progress:
        return run_report(order.take_back(_world(session, progress, f"{_COMMAND} --undo"), run))


def status(session: Session) -> Report:
    """Every run that has a journal. Nothing is contacted."""
    from dcctl.drain.act import order
    from dcctl.drain.told.outcome_report import STATUS, status_report
    from dcctl.render.dispatch import check_shape

    check_shape(STATUS, session.style())
    folder = journals(session)
    return status_report(order.status(folder), order.damaged(folder))


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


class Asked:
    """The cluster of this run, as what acts sees it, and what asks its work for checkpoints."""

    def __init__(self, session: Session) -> None:
        """Nothing is contacted yet, and no source is looked for: what is wrong with words is told first."""
        self._settings, self._stop = session.settings, Event()

    @cached_property
    def cluster(self) -> Cluster:
        """The one that the sources name. UsageError: they name none, or several."""
        from dcctl.app import cluster_of

        return cluster_of(self._settings, f"{_COMMAND} NODES -i kubernetes:CONTEXT")

    def backend(self) -> Backend:
        """Return the cluster as what acts sees it."""
        from dcctl.drain.act.kubernetes.backend import Kubernetes

        return Kubernetes(self.cluster)

    def checkpoint(self, unit: Unit) -> str:
        """See `Hooks`."""
        return self._hooks.checkpoint(unit)

    def stop(self) -> None:
        """See `Hooks`."""
        self._stop.set()

    @cached_property
    def _hooks(self) -> Hooks:
        from dcctl.drain.act.hooks.kubernetes import KubernetesHooks

        return KubernetesHooks(self.cluster.connected(), self._stop)


def backend_of(session: Session) -> Backend:
    """Return the cluster of this run; nothing is contacted yet."""
    return Asked(session).backend()


def _world(session: Session, progress: Progress, command: str, seen: Fleet | None = None) -> World:
    from dcctl.cli.again import in_full
    from dcctl.drain.act.world import World

    def consent(lines: Sequence[str]) -> None:
        session.consent.demand(in_full(command, session), lines)

    def tell(line: str) -> None:
        if not session.settings.quiet:
            tell_aside(f"dcctl: {line}\n")

    asked = Asked(session)
    return World(
        backend=asked.backend(),
        hooks=asked,
        plan=Planner(session, seen),
        progress=progress,
        tell=tell,
        consent=consent,
        folder=journals(session),
        now_s=session.now_s,
        command=in_full(_COMMAND, session),
        dry_run=session.consent.dry_run,
    )
