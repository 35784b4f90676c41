"""OSCAL 1.1 assessment results (NIST): an observation for each finding, a finding for each control."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final, TextIO

from dcctl import __version__
from dcctl.render.plain import encode
from dcctl.render.sarif import stamp

if TYPE_CHECKING:
    from dcctl.render.plain import Json
    from dcctl.render.report import Report, Result, Rule

_SPACE: Final = uuid.UUID("5f3c9a52-1f0b-5d35-9b0e-6a1d0c4f7e21")
_NS: Final = "https://dcctl.io/ns/oscal"


def as_oscal(report: Report, out: TextIO) -> None:
    """Write one document. The same run gives the same UUIDs."""
    found = report.findings
    assert found is not None  # noqa: S101  # dispatch sees to it
    when = stamp(found.at_s)
    name = f"{found.target}/{found.run}/{found.at_s}"
    seen = (*found.results, *found.unknown)
    by: dict[str, list[Result]] = {}
    for one in seen:
        by.setdefault(one.rule, []).append(one)
    result: dict[str, Json] = {
        "uuid": _uuid(name, "result"),
        "title": report.headline,
        "description": f"dcctl audit of {found.target or 'the fleet'}",
        "start": when,
        "end": when,
        "reviewed-controls": {"control-selections": [{"include-all": {}}]},
        "observations": [_observation(one, name, when) for one in seen],
        "findings": [_finding(rule, by.get(rule.id, []), name) for rule in found.rules],
    }
    if not seen:
        del result["observations"]
    document: Json = {
        "assessment-results": {
            "uuid": _uuid(name, "document"),
            "metadata": {
                "title": "dcctl audit",
                "last-modified": when,
                "version": __version__,
                "oscal-version": "1.1.2",
            },
            "import-ap": {"href": "https://dcctl.io/audit"},
            "results": [result],
        }
    }
    out.write(encode(document, unicode=True) + "\n")


def _uuid(*words: str) -> str:
    return str(uuid.uuid5(_SPACE, "\0".join(words)))


def _key(one: Result) -> str:
    return one.id or f"{one.rule} {one.object} {one.says}"


def _observation(one: Result, name: str, when: str) -> Json:
    told = {"severity": one.severity, "status": one.status, "object": one.object or "all", "id": one.id}
    properties: list[Json] = [
        {"name": key, "ns": _NS, "value": value} for key, value in told.items() if value
    ]
    made: dict[str, Json] = {
        "uuid": _uuid(name, "observation", _key(one)),
        "title": f"{one.rule} {one.object}".strip(),
        "description": one.says,
        "props": properties,
        "methods": ["TEST"],
        "collected": when,
    }
    if one.waived:
        made["remarks"] = f"borne by {one.waived.owner}: {one.waived.reason} ({one.waived.ticket})"
    return made


def _finding(rule: Rule, those: list[Result], name: str) -> Json:
    state = "not-satisfied" if rule.state not in ("pass", "na") else "satisfied"
    reason = {"fail": "fail", "pass": "pass"}.get(rule.state, "other")
    related: list[Json] = [{"observation-uuid": _uuid(name, "observation", _key(one))} for one in those]
    made: dict[str, Json] = {
        "uuid": _uuid(name, "finding", rule.id),
        "title": rule.title,
        "description": rule.why,
        "props": [{"name": "state", "ns": _NS, "value": rule.state}],
        "target": {
            "type": "objective-id",
            "target-id": rule.id,
            "status": {"state": state, "reason": reason},
        },
    }
    if related:
        made["related-observations"] = related
    return made
