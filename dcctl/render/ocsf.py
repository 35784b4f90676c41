"""OCSF 1.3: one Compliance Finding (class 2003) a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TextIO

from dcctl import __version__
from dcctl.render.interchange import line

if TYPE_CHECKING:
    from dcctl.render.plain import Json
    from dcctl.render.report import Findings, Grade, Report, Result, Rule, Verdict

_CLASS: Final = 2003
_ACTIVITY: Final = {
    "new": (1, "Create"),
    "known": (2, "Update"),
    "unsure": (2, "Update"),
    "gone": (3, "Close"),
}
_JUDGED: Final[dict[Verdict, tuple[int, str]]] = {
    "pass": (1, "Pass"),
    "fail": (3, "Fail"),
    "unknown": (0, "Unknown"),
    "error": (99, "Error"),
    "manual": (99, "Manual"),
    "na": (99, "Not applicable"),
}
_SEVERITY: Final[dict[Grade, tuple[int, str]]] = {
    "info": (1, "Informational"),
    "low": (2, "Low"),
    "medium": (3, "Medium"),
    "high": (4, "High"),
    "critical": (5, "Critical"),
}


def as_ocsf(report: Report, out: TextIO) -> None:
    """Write what is new, known, waived, gone and unknown. What passed is told by counts in other formats."""
    found = report.findings
    assert found is not None  # noqa: S101  # dispatch sees to it
    rules = {rule.id: rule for rule in found.rules}
    for one in (*found.results, *found.gone, *found.unknown):
        out.write(line(_event(one, rules.get(one.rule), found)))


def _event(one: Result, rule: Rule | None, found: Findings) -> dict[str, Json]:
    activity, activity_name = _ACTIVITY[one.status]
    severity, severity_name = _SEVERITY[one.severity]
    resources: list[Json] = [{"uid": one.object or "all", "name": one.object or "all", "type": "resource"}]
    resources += [{"uid": node, "name": node, "type": "node"} for node in one.nodes if node != one.object]
    status, status_name = _status(one)
    return {
        "activity_id": activity,
        "activity_name": activity_name,
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": _CLASS,
        "class_name": "Compliance Finding",
        "type_uid": _CLASS * 100 + activity,
        "type_name": f"Compliance Finding: {activity_name}",
        "time": found.at_s * 1000,
        "severity_id": severity,
        "severity": severity_name,
        "status_id": status,
        "status": status_name,
        "message": one.says,
        "comment": f"{one.waived.reason} ({one.waived.owner}, {one.waived.ticket})" if one.waived else "",
        "metadata": {
            "version": "1.3.0",
            "product": {"name": "dcctl", "vendor_name": "dcctl", "version": __version__},
            "uid": f"{found.run}/{one.id or one.rule}",
        },
        "finding_info": {
            "uid": one.id or f"{one.rule}/{one.object}",
            "title": rule.title if rule else one.rule,
            "desc": one.says,
            "first_seen_time": (one.since_s or found.at_s) * 1000,
            "last_seen_time": found.at_s * 1000,
        },
        "compliance": _compliance(one, rule),
        "remediation": {"desc": rule.fix if rule else ""},
        "resources": resources,
    }


def _compliance(one: Result, rule: Rule | None) -> Json:
    refs = rule.refs if rule else ()
    standards: list[Json] = list(dict.fromkeys(ref.partition(":")[0] for ref in refs)) or ["dcctl"]
    requirements: list[Json] = list(refs)
    code, word = (1, "Pass") if one.status == "gone" else _JUDGED[one.state]
    return {
        "control": one.rule,
        "standards": standards,
        "requirements": requirements,
        "status_id": code,
        "status": word,
        "status_detail": one.where or one.says,
    }


def _status(one: Result) -> tuple[int, str]:
    """Return the state of the finding itself: new, suppressed by a waiver, or resolved."""
    if one.status == "gone":
        return 4, "Resolved"
    if one.waived:
        return 3, "Suppressed"
    return (1, "New") if one.status == "new" else (2, "In Progress")
