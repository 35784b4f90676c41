"""`dcctl schedule render`: a plan in the form of a scheduler, to be kept in git."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.report import Report


def render(
    session: "Session",
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="The plan file.")],
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="The manifests that the plan was made from.")
    ],
    to: Annotated[str, typer.Option("--to", metavar="SCHEDULER", help="kubernetes.")] = "kubernetes",
) -> "Report":
    """The manifests of a plan, with every pod kept to the nodes that the plan says. Nothing is contacted.

    Work whose pods stand on several nodes also waits behind the scheduling gate dcctl.io/plan, until
    `dcctl schedule plan --pending` and `dcctl schedule apply` give each pod its node.
    """
    from dcctl.cli.documents import RENDERED
    from dcctl.schedule.act.order import load
    from dcctl.schedule.applied import rendered_report
    from dcctl.schedule.backends import backend

    chosen = backend(to)
    loaded = load((plan, *files), "rendered for")
    text, left = chosen.render(loaded.plan, loaded.objects, session.now_s)
    return rendered_report(RENDERED.kind, text, left)
