"""`dcctl audit list` and `explain`: the checks that there are, and why each is one."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dcctl.audit.check import Check
    from dcctl.cli.session import Session
    from dcctl.render.report import Report

Select = Annotated[
    list[str] | None,
    typer.Option("--select", metavar="PATTERN", help="Only these checks: GPU-*. Repeat for more."),
]
ChecksFile = Annotated[str, typer.Option("--checks", metavar="FILE", help="The site's own checks, as YAML.")]


def list_(session: "Session", select: Select = None, checks: ChecksFile = "") -> "Report":
    """The checks that there are: severity, the access that each needs, and the standards that ask for it."""
    from dcctl.audit.listing import list_report
    from dcctl.cli.audit.setup import selected, setup

    return list_report(selected(setup(session, checks=checks).checks, tuple(select or ())))


def explain(
    session: "Session",
    check: Annotated[str, typer.Argument(metavar="ID", help="A check: GPU-14.")],
    checks: ChecksFile = "",
) -> "Report":
    """Why a check is one, what it looks at, how to mend what it finds, and which standards ask for it."""
    from dcctl.audit.listing import WIDTH, explain_report
    from dcctl.cli.audit.setup import setup
    from dcctl.render.table import NARROWEST

    style = session.style()
    width = max(NARROWEST, min(WIDTH, style.width)) if style.terminal else WIDTH
    return explain_report(_named(check, setup(session, checks=checks).checks), width)


def _named(name: str, checks: "tuple[Check, ...]") -> "Check":
    """The check of that id, in whatever case. UsageError names the nearest."""
    import difflib

    from dcctl.errors import UsageError

    by = {one.id: one for one in checks}
    if name.upper() in by or name in by:
        return by.get(name) or by[name.upper()]
    near = difflib.get_close_matches(name.upper(), by, 1)
    raise UsageError(
        f"check {name}", f"did you mean {near[0]}?" if near else "there is none", "dcctl audit list"
    )
