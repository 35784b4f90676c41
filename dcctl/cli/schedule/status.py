"""`dcctl schedule status`: what waits, and what is free for it."""

from typing import TYPE_CHECKING

from dcctl.cli.schedule.work import PolicyOption, Seed
from dcctl.packing.choices import DEFAULT_POLICY

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.report import Report


def status(session: "Session", policy: PolicyOption = DEFAULT_POLICY, seed: Seed = 0) -> "Report":
    """What waits and would fit now, how broken up what is free is, and which changes are unfinished.

    Reads the fleet and the journals of `schedule apply`; changes nothing.
    """
    from msgspec.structs import replace

    from dcctl.cli.schedule.work import work_of
    from dcctl.config import state_dir
    from dcctl.packing.solve import Options, solved
    from dcctl.schedule.act.order import every_run
    from dcctl.schedule.status_report import STATUS, status_report

    work, options = work_of(session, STATUS, None, pending=True), Options(policy, seed)
    idle = solved(replace(work.problem, jobs=()), options)
    known = every_run(state_dir(session.environ) / "journals")
    return status_report(solved(work.problem, options), idle, known, work.gaps)
