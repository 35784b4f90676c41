"""`dcctl inventory`: what exists, as each source tells it; snapshots of it, differences and exports."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dcctl.cli.command import with_common
from dcctl.cli.groups import default_verb

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.cli.session import Session
    from dcctl.render.report import Report

Target = Literal["ansible", "json", "csv"]


def show(session: "Session") -> "Report":
    """The nodes that exist, with their accelerators, state and sources."""
    from dcctl.inventory.views import NODES, nodes_report

    return nodes_report(session.survey(NODES).fleet)


def snapshot(session: "Session") -> "Report":
    """Everything that is known now, as one JSON document that `-i FILE` reads back."""
    from dcctl.cli.documents import SNAPSHOT
    from dcctl.inventory.snapshot import encode
    from dcctl.inventory.views import document_report

    fleet = session.survey(SNAPSHOT).fleet
    return document_report(SNAPSHOT.kind, fleet, encode(fleet).decode(), SNAPSHOT.document_format)


def diff(
    session: "Session",
    old: Annotated[str, typer.Argument(metavar="OLD", help="A snapshot file, demo or live.")],
    new: Annotated[
        str, typer.Argument(metavar="NEW", help="What it is compared with; what -i names when left out.")
    ] = "",
) -> "Report":
    """What changed between two snapshots, or since one was taken. Exit code 1 when anything did."""
    from dcctl.inventory.diff import diff as compare
    from dcctl.inventory.views import DIFF, diff_report

    before, after = session.survey(DIFF, old).fleet, session.survey(DIFF, new).fleet
    return diff_report(compare(before, after), before, after)


def export(
    session: "Session",
    target: Annotated[Target, typer.Argument(metavar="FORMAT", help="ansible, json or csv.")],
) -> "Report":
    """The nodes for another tool: an Ansible inventory, plain JSON or CSV."""
    from msgspec.structs import replace

    from dcctl.cli.documents import EXPORTS
    from dcctl.inventory.export import FORMATS, left_out
    from dcctl.inventory.views import document_report

    shape = EXPORTS[target]
    fleet = session.survey(shape).fleet
    told = replace(fleet, gaps=fleet.gaps + left_out(fleet, target))
    return document_report(shape.kind, told, FORMATS[target](fleet), shape.document_format)


def sources(
    session: "Session",
    rbac: Annotated[
        bool, typer.Option("--rbac", help="Print the smallest ClusterRole that the kubernetes source needs.")
    ] = False,
) -> "Report":
    """How each source fared: what it told about, how long it took, what it could not say."""
    from dcctl.inventory.views import SOURCES, document_report, sources_report

    if rbac:
        from dcctl.cli.documents import RBAC
        from dcctl.inventory.model import Fleet
        from dcctl.inventory.sources.kubernetes.source import rbac_yaml

        return document_report(RBAC.kind, Fleet(), rbac_yaml(), RBAC.document_format)
    return sources_report(session.survey(SOURCES).fleet)


def register(app: typer.Typer) -> None:
    """Add `inventory` and its verbs to the command tree."""
    group = typer.Typer(
        cls=default_verb("show"),
        help="What exists, as every source tells it: snapshots of it, differences and exports.",
        rich_markup_mode=None,
    )
    verbs: tuple[Callable[..., Report], ...] = (show, snapshot, diff, export, sources)
    for verb in verbs:
        group.command(verb.__name__)(with_common(verb))
    app.add_typer(group, name="inventory")
