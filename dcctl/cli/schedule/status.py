"""`dcctl schedule status`: what waits, and what is free for it."""

from typing import TYPE_CHECKING

from dcctl.cli.schedule.work import PolicyOption, Seed
from dcctl.packing.choices import DEFAULT_POLICY

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.report import Report
    from dcctl.schedule.status_report import Unfinished


def status(session: "Session", policy: PolicyOption = DEFAULT_POLICY, seed: Seed = 0) -> "Report":
    """What waits and would fit now, how broken up what is free is, and which changes are unfinished.

    Reads the fleet and the journals of `schedule apply`; changes nothing.
    """
    from msgspec.structs import replace

    from dcctl.cli.schedule.work import work_of
    from dcctl.packing.solve import Options, solved
    from dcctl.schedule.status_report import STATUS, status_report

    work, options = work_of(session, STATUS, None, pending=True), Options(policy, seed)
    idle = solved(replace(work.problem, jobs=()), options)
    return status_report(solved(work.problem, options), idle, _unfinished(session), work.gaps)


def _unfinished(session: "Session") -> "list[Unfinished]":
    """Runs that began here and did not finish."""
    from dcctl.config import state_dir
    from dcctl.journal import journals, under_way
    from dcctl.schedule.status_report import Unfinished

    return [
        Unfinished(one.header.run, one.header.resume)
        for one in journals(state_dir(session.environ) / "journals", "schedule-apply")
        if not one.outcome and not under_way(one.path)
    ]
