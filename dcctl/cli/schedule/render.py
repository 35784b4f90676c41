"""`dcctl schedule render`: a plan in the form of a scheduler, to be kept in git."""

from typing import TYPE_CHECKING, Annotated

import typer

from dcctl.cli.schedule.to import KUBERNETES, To

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.report import Report


def render(
    session: "Session",
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="The plan file.")],
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="The manifests that the plan was made from.")
    ],
    to: To = KUBERNETES,
) -> "Report":
    """The manifests of a plan, with every pod kept to the nodes that the plan says. Nothing is contacted.

    Work whose pods stand on several nodes, or of which some have no place, also waits behind the scheduling
    gate dcctl.io/plan, until `dcctl schedule plan --pending` and `dcctl schedule apply` give each pod its
    node.
    """
    from dcctl.cli.documents import RENDERED
    from dcctl.cli.schedule.to import backend_of
    from dcctl.schedule.act.order import load
    from dcctl.schedule.applied import rendered_report

    backend = backend_of(to, session.settings)
    text, left = backend.intended(load((plan, *files)), session.now_s).render()
    return rendered_report(RENDERED.kind, text, left)
