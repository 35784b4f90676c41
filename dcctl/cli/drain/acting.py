"""`dcctl drain` where it acts: what a run needs of what lies around it, and how it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.cli.drain.live import Live, demand_live, journals
from dcctl.cli.drain.planning import Planner, wanted, whole_hints
from dcctl.streams import tell_aside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.cli.drain.options import How, Open, Which
    from dcctl.cli.session import Session
    from dcctl.drain.act.world import World
    from dcctl.inventory.model import Fleet
    from dcctl.progress import Progress
    from dcctl.render.report import Report

_COMMAND: Final = "dcctl drain"


def carried_out(session: Session, which: Which, how: How, gates: Open) -> Report:
    """The campaign is planned, agreed to and carried out. Errors: see `act.order.drain`."""
    from dcctl.cli.again import in_full
    from dcctl.drain.act.order import drain
    from dcctl.drain.told.outcome_report import RUN, run_report
    from dcctl.render.dispatch import check_shape

    check_shape(RUN, session.style())
    one = wanted(session, which, how, gates)
    demand_live(session, f"{one.command} --dry-run")
    with session.progress() as progress, whole_hints(in_full(one.command, session)):
        world = _world(session, progress, one.command, one.found.whole)
        return run_report(drain(world, one.request))


def resume(session: Session, run: str) -> Report:
    """A run that stopped goes on to its end."""
    from dcctl.drain.act import order
    from dcctl.drain.told.outcome_report import run_report

    hint = order.typed(journals(session), "resume", run)
    demand_live(session, hint)
    with session.progress() as progress:
        world = _world(session, progress, f"{_COMMAND} --resume", hint=hint)
        return run_report(order.resume(world, run))


def undo(session: Session, run: str) -> Report:
    """The nodes of a run are as they were before it."""
    from dcctl.drain.act import order
    from dcctl.drain.told.outcome_report import run_report

    hint = order.typed(journals(session), "undo", run)
    demand_live(session, hint)
    with session.progress() as progress:
        world = _world(session, progress, f"{_COMMAND} --undo", hint=hint)
        return run_report(order.take_back(world, run))


def status(session: Session) -> Report:
    """Every run that has a journal. Nothing is contacted."""
    from dcctl.drain.act import order
    from dcctl.drain.told.outcome_report import STATUS, status_report
    from dcctl.render.dispatch import check_shape

    check_shape(STATUS, session.style())
    folder = journals(session)
    return status_report(order.status(folder), order.damaged(folder))


def _world(
    session: Session,
    progress: Progress,
    command: str,
    seen: Fleet | None = None,
    hint: str = f"{_COMMAND} NODES -i kubernetes:CONTEXT",
) -> World:
    from dcctl.cli.again import in_full
    from dcctl.drain.act.world import World

    def consent(lines: Sequence[str]) -> None:
        session.consent.demand(in_full(command, session), lines)

    def tell(line: str) -> None:
        if not session.settings.quiet:
            tell_aside(f"dcctl: {line}\n")

    live = Live(session, hint)
    return World(
        backend=live.backend(),
        hooks=live,
        plan=Planner(session, seen),
        progress=progress,
        tell=tell,
        consent=consent,
        folder=journals(session),
        now_s=session.now_s,
        command=in_full(_COMMAND, session),
        dry_run=session.consent.dry_run,
    )
