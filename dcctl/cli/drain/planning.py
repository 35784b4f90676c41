"""`dcctl drain --dry-run`: the plan of a campaign, and who makes it anew while one is carried out."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.errors import DcctlError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.app import Surveyed
    from dcctl.cli.drain.options import How, Open, Which
    from dcctl.cli.session import Session
    from dcctl.drain.campaign import Campaign
    from dcctl.drain.request import Done, Request
    from dcctl.inventory.model import Fleet
    from dcctl.render.report import Report


class Wanted(NamedTuple):
    """What is asked of which fleet."""

    found: Surveyed
    request: Request
    command: str
    """The same again, as it is typed."""


def wanted(session: Session, which: Which, how: How, gates: Open) -> Wanted:
    """Read the words, ask the fleet, and choose the nodes. UsageError, RefusedError: nothing was changed."""
    from shlex import join

    from dcctl.cli.drain.asked import request_of, words_of
    from dcctl.cli.drain.options import typed
    from dcctl.drain.told.shape import PLAN
    from dcctl.drain_specs import drain_of

    words = words_of(session, which, how, drain_of(session.settings.context_in_force))
    named = which if "-" not in (which.targets or ()) else which._replace(targets=list(words.nodes))
    command = f"dcctl drain {join(typed(named, how, gates))}"
    found = session.survey(PLAN)
    with whole_hints(command, dry_run=session.consent.dry_run):
        request = request_of(found.whole, session, words, which, how, gates)
    return Wanted(found, request, command)


@contextmanager
def whole_hints(command: str, *, dry_run: bool = False) -> Iterator[None]:
    """Give an error that names one option more the whole command with it."""
    try:
        yield
    except DcctlError as error:
        found = None if _OWN.match(error.hint) else _OPTION.fullmatch(error.hint)
        if found:
            error.hint = f"{found['other'] or ''}{command} {found['option']}{' --dry-run' if dry_run else ''}"
        raise


_OPTION: Final = re.compile(
    r"(?:dcctl drain .+ |(?P<other>.*, or ))?(?P<option>--[a-z-]+(?: [^- ;,][^ ;,]*)?)"
)
"""An option that opens a gate: alone, at the end of a command, or beside another way out."""
_OWN: Final = re.compile(r"dcctl drain .*--(?:resume|undo|status|rbac|return)\b")
"""Commands that are whole as they are."""


def planned(session: Session, which: Which, how: How, gates: Open) -> Report:
    """Return the plan, which nobody carries out."""
    from dcctl.app import asks_the_fleet
    from dcctl.drain.plan import plan
    from dcctl.drain.request import Done
    from dcctl.drain.told.report import Told, plan_report
    from dcctl.drain.waves import calendar, clocks

    one = wanted(session, which, how, gates)
    if one.request.boards and asks_the_fleet(session.settings):
        from dcctl.cli.drain.live import backend_of

        backend_of(session).rules(one.request.boards, "")  # a cluster that keeps none back refuses
    campaign = plan(one.found.whole, one.request, Done(), now_of(one.found.whole, session.now_s))
    site = calendar.zone_of(one.found.whole)
    return plan_report(
        Told(
            campaign,
            gaps=one.found.fleet.gaps,
            command=f"{one.command} --yes",
            deadline_s=one.request.deadline_s,
            clocks=tuple(clocks.clocks(campaign, one.request, site)),
            zone=clocks.zone_of(one.request, site),
            last={
                work.id: work.checkpointed_at_s
                for work in one.found.whole.workloads
                if work.checkpointed_at_s is not None
            },
            picture=session.format != "table",
            saved=not asks_the_fleet(session.settings),
        )
    )


def now_of(fleet: Fleet, now_s: int) -> int:
    """Return when a fleet was seen: of a saved one the plan begins then."""
    return now_s if fleet.taken_at_s is None else fleet.taken_at_s


class Planner:
    """Plans a campaign for the cluster as it is. The first plan is for the fleet that was asked already."""

    def __init__(self, session: Session, seen: Fleet | None = None) -> None:
        """`seen`: the fleet as it was asked just now; None: nobody asked yet."""
        self._session, self._seen = session, seen

    def __call__(self, request: Request, done: Done) -> Campaign:
        """Survey the cluster, and plan what is left to do. RefusedError: not all of it was told."""
        from dcctl.drain.plan import plan

        now_s = self._session.now_s if self._seen is not None else int(time.time())
        fleet, self._seen = self._seen or self._asked(now_s), None
        demand_told(fleet)
        return plan(fleet, request, done, now_s)

    def _asked(self, now_s: int) -> Fleet:
        from msgspec.structs import replace

        from dcctl.drain.told.shape import PLAN

        return replace(self._session, now_s=now_s).survey(PLAN).whole


def demand_told(fleet: Fleet) -> None:
    """RefusedError where a list of nodes or pods is not whole: what is not seen cannot be moved in order."""
    for gap in fleet.gaps:
        if gap.part in ("nodes", "work") and not gap.node and gap.cause != "limited":
            why = f"not all of it was told ({gap.reason}); what is not seen is not planned for"
            raise RefusedError(f"{gap.source}: {gap.subject}", why, gap.hint or "dcctl inventory sources")
