"""`dcctl drain`: planned as a whole, then carried out in waves."""

from typing import TYPE_CHECKING

from dcctl.cli.drain.options import Else, How, Open, Which, verb_of

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.report import Report


def drain(
    session: "Session",
    which: Which = Which(),  # noqa: B008  # a constant
    how: How = How(),  # noqa: B008  # the same
    gates: Open = Open(),  # noqa: B008  # the same
    rest: Else = Else(),  # noqa: B008  # the same
) -> "Report":
    """Take nodes out of service without breaking a training run.

    The whole campaign is planned before the first node is touched: which work is moved, in which waves, where
    it finds room, what it loses since its last checkpoint, which disruption budget or volume stands in the
    way. --dry-run prints that plan; without it the plan is shown, asked about, and carried out: nodes are
    cordoned, work writes its checkpoint, pods are evicted, budgets hold. What blocks is named before the
    start, and each danger has an option of its own, which --yes never opens. A run that stopped goes on with
    --resume; --undo puts its nodes back as they were; --return does so after maintenance, once they are
    healthy. `--compat kubectl` takes the flags of kubectl drain and decides as it does.

    Exit code 1 of --dry-run: it does not fit, or something has to be decided first; of --return: a node stays
    out of service.
    """
    verb = verb_of(which, how, gates, rest)
    if verb in ("rbac", "status"):
        return _known(session, verb)
    _check(session)
    if verb == "drain":
        return _drained(session, which, how, gates)
    if verb == "return":
        from dcctl.cli.drain.back import back

        return back(session, which, checks=not rest.without_checks)
    from dcctl.cli.drain.acting import resume, undo

    return (resume if verb == "resume" else undo)(session, rest.run)


def _known(session: "Session", verb: str) -> "Report":
    """What is known without asking anybody."""
    if verb == "rbac":
        from dcctl.cli.drain.rights import rights

        return rights()
    from dcctl.cli.drain.acting import status

    return status(session)


def _drained(session: "Session", which: Which, how: How, gates: Open) -> "Report":
    if session.consent.dry_run:
        from dcctl.cli.drain.planning import planned

        return planned(session, which, how, gates)
    from dcctl.cli.drain.acting import carried_out

    return carried_out(session, which, how, gates)


def _check(session: "Session") -> None:
    """UsageError for -w: what is drained stands behind the command."""
    from dcctl.errors import UsageError

    if session.settings.nodes:
        what = session.settings.origins["nodes"]
        raise UsageError(
            f"{what} {session.settings.nodes}", "NODES says which; -x leaves some out", "dcctl drain --help"
        )
