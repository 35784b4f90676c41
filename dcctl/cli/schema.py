"""`dcctl schema`: the JSON Schema of every document that dcctl prints, and of files that people write."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dcctl.render.report import Shape


def shapes() -> "dict[str, Shape]":
    """The shape of every kind of report, by kind."""
    from dcctl.assess.check.report import CHECK as ACCURACY
    from dcctl.assess.cost.report import COST
    from dcctl.assess.demand.shape import DEMAND
    from dcctl.assess.energy.columns import SHAPES as ENERGY
    from dcctl.assess.fleet.report import SHAPES as ASSESS
    from dcctl.assess.history.shape import SHAPES as HISTORY
    from dcctl.audit.shape import SHAPES as AUDIT
    from dcctl.cli.documents import SHAPES as DOCUMENTS
    from dcctl.cli.settings_report import CHECK, SETTINGS
    from dcctl.drain.told.outcome_report import SHAPES as DRAIN_RUNS
    from dcctl.drain.told.shape import SHAPES as DRAIN
    from dcctl.inventory.views import SHAPES as INVENTORY
    from dcctl.schedule.shapes import SHAPES as SCHEDULE

    assess = (*ASSESS, ACCURACY, COST, DEMAND, *ENERGY, *HISTORY)
    known = (*assess, *SCHEDULE, *AUDIT, *DRAIN, *DRAIN_RUNS, *INVENTORY, SETTINGS, CHECK, *DOCUMENTS)
    return {shape.kind: shape for shape in known}


_OTHERS = ("snapshot", "evidence", "error", "jobs", "energy", "cost")
"""Kinds of documents that are no report."""


def kinds() -> list[str]:
    """Every kind that has a schema, in order."""
    return sorted([*shapes(), *_OTHERS])


def document(kind: str) -> "Mapping[str, object]":
    """The JSON Schema of `kind`. UsageError when there is no such kind."""
    from dcctl.errors import UsageError
    from dcctl.inventory.evidence.document import json_schema as evidence_schema
    from dcctl.inventory.snapshot import json_schema as snapshot_schema
    from dcctl.inventory.sources.energy.schema import json_schema as energy_schema
    from dcctl.inventory.sources.jobs.schema import json_schema as jobs_schema
    from dcctl.inventory.sources.market.schema import json_schema as cost_schema
    from dcctl.render.schema import error_schema, json_schema

    others: dict[str, Callable[[], Mapping[str, object]]] = {
        "snapshot": snapshot_schema,
        "evidence": evidence_schema,
        "error": error_schema,
        "jobs": jobs_schema,
        "cost": cost_schema,
        "energy": energy_schema,
    }
    if kind in others:
        return others[kind]()
    known = shapes()
    if kind not in known:
        raise UsageError(f"schema {kind}", f"known: {', '.join(kinds())}", "dcctl schema")
    return json_schema(known[kind])


def register(app: typer.Typer) -> None:
    """Add `schema` to the command tree."""

    @app.command("schema")
    def schema(
        kind: Annotated[
            str, typer.Argument(metavar="KIND", help="assess, snapshot, jobs, …; without it, all kinds.")
        ] = "",
    ) -> None:
        """The JSON Schema of what dcctl prints, and of files of jobs and costs; without KIND, all kinds."""
        import json

        if not kind:
            typer.echo("\n".join(kinds()))
            return
        typer.echo(json.dumps(document(kind), indent=2, ensure_ascii=False))
