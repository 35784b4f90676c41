"""SARIF 2.1.0 (OASIS): rules, results with a baseline state and suppressions, and what could not be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TextIO

from dcctl import __version__
from dcctl.render.interchange import line, stamp

if TYPE_CHECKING:
    from dcctl.render.plain import Json
    from dcctl.render.report import Findings, Grade, Report, Result, Rule

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVEL: Final[dict[Grade, str]] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "note",
    "info": "note",
}
_SCORE: Final[dict[Grade, str]] = {
    "critical": "9.5",
    "high": "8.0",
    "medium": "5.5",
    "low": "3.0",
    "info": "0.0",
}
"""`security-severity`, as code hosts sort by it."""
_BASELINE: Final = {"new": "new", "known": "unchanged", "unsure": "unchanged", "gone": "absent"}


def as_sarif(report: Report, out: TextIO) -> None:
    """Write one log with one run. Findings of the run before that are gone are there as `absent`."""
    found = report.findings
    assert found is not None  # noqa: S101  # dispatch sees to it
    index = {rule.id: at for at, rule in enumerate(found.rules)}
    results: list[Json] = [_result(one, index) for one in (*found.results, *found.gone)]
    tool: Json = {
        "driver": {
            "name": "dcctl",
            "version": __version__,
            "semanticVersion": __version__,
            "rules": [_rule(rule) for rule in found.rules],
        }
    }
    run: dict[str, Json] = {
        "tool": tool,
        "automationDetails": {"id": f"dcctl audit/{found.target}/{found.run}"},
        "invocations": [_invocation(found)],
        "results": results,
        "properties": {"coverageMilli": found.coverage_milli},
    }
    out.write(line({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}))


def _invocation(found: Findings) -> Json:
    notes: list[Json] = [
        {
            "level": "error" if one.state == "error" else "warning",
            "message": {"text": f"{one.rule} {one.object}: {one.state}: {one.says}"},
            "associatedRule": {"id": one.rule},
        }
        for one in found.unknown
    ]
    return {
        "executionSuccessful": found.complete,
        "startTimeUtc": stamp(found.at_s),
        "toolExecutionNotifications": notes,
    }


def _rule(rule: Rule) -> Json:
    tags: list[Json] = list(rule.refs)
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.id.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.fix},
        "defaultConfiguration": {"level": _LEVEL[rule.severity]},
        "properties": {"tags": tags, "security-severity": _SCORE[rule.severity], "severity": rule.severity},
    }


def _result(one: Result, index: dict[str, int]) -> Json:
    name = f"{one.object}/{one.where}" if one.where else one.object
    location: Json = {
        "logicalLocations": [{"fullyQualifiedName": name, "name": one.object, "kind": "resource"}]
    }
    made: dict[str, Json] = {
        "ruleId": one.rule,
        "level": _LEVEL[one.severity],
        "message": {"text": f"{one.object}: {one.says}"},
        "locations": [location],
        "partialFingerprints": {"dcctl/v1": one.id},
        "baselineState": _BASELINE[one.status],
        "properties": {"severity": one.severity, "status": one.status, "nodes": list(one.nodes)},
    }
    if one.rule in index:
        made["ruleIndex"] = index[one.rule]
    if one.waived:
        why = f"{one.waived.reason} ({one.waived.owner}, {one.waived.ticket})"
        until: Json = {"expires": stamp(one.waived.expires_at_s)}
        made["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": why, "properties": until}
        ]
    return made
