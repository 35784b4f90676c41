"""Plan files for tests: what `dcctl schedule plan -o json` prints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from dcctl.inventory.asked import Asked
from dcctl.packing.intake.fleet import problem_of
from dcctl.packing.solve import solve

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dcctl.inventory.model import Fleet
    from dcctl.packing.choices import PolicyName
    from dcctl.packing.plan import Assignment, Plan


def write(path: Path, plan: Plan) -> Path:
    """The plan as a report of dcctl."""
    body: Any = msgspec.to_builtins(plan)
    rows = [_row(one) for one in plan.assignments]
    refusals = [{"job": one.job, "members": one.members} for one in plan.unplaced]
    summary = {key: body.get(key) for key in ("snapshot", "policy", "seed", "placed", "bound_gpu_milli")}
    document = {
        "schema": "dcctl/schedule-plan/v1",
        "items": [],
        "details": {"assignments": rows, "refusals": refusals},
    }
    path.write_text(json.dumps({**document, "summary": summary}))
    return path


def _row(one: Assignment) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(one)
    return {**row, "devices": [str(at) for at in one.devices], "share_milli": one.share_milli or None}


def of_files(fleet: Fleet, files: Sequence[Path], policy: PolicyName = "best-fit") -> Plan:
    """A plan for manifests on a fleet."""
    from dcctl.inventory.sources.jobs.source import read
    from dcctl.packing.solve import Options

    asked = read([str(path) for path in files])
    problem = problem_of(fleet, fleet.nodes, asked)
    return solve(problem, Options(policy))


def of_pending(fleet: Fleet) -> Plan:
    """A plan for what waits."""
    return solve(problem_of(fleet, fleet.nodes, Asked(), pending=True))
