"""OSCAL 1.1 assessment results (NIST): an observation for each answer, a finding for each control.

Where no standard is asked for, the controls are the checks themselves.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Final, TextIO

from dcctl import __version__
from dcctl.render.interchange import line, stamp
from dcctl.render.text import printable

if TYPE_CHECKING:
    from dcctl.render.plain import Json
    from dcctl.render.report import Control, Findings, Report, Result, Rule, Verdict

_SPACE: Final = uuid.UUID("5f3c9a52-1f0b-5d35-9b0e-6a1d0c4f7e21")
_NS: Final = "https://dcctl.io/ns/oscal"
_NO_TOKEN: Final = re.compile(r"[^A-Za-z0-9._-]+")


def as_oscal(report: Report, out: TextIO) -> None:
    """Write one document. The same run gives the same UUIDs."""
    found = report.findings
    assert found is not None  # noqa: S101  # dispatch sees to it
    when = stamp(found.at_s)
    name = f"{found.target}/{found.run}/{found.at_s}"
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
            "results": [_assessed(report.headline, found, name, when)],
        }
    }
    out.write(line(document))


def _assessed(headline: str, found: Findings, name: str, when: str) -> Json:
    seen = {_uuid(name, "observation", *_key(one)): one for one in (*found.results, *found.unknown)}
    by: dict[str, list[str]] = {}
    for key, one in seen.items():
        by.setdefault(one.rule, []).append(key)
    controls = [_of_control(one, found.standard, by, name) for one in found.controls]
    findings = controls or [_of_rule(one, by.get(one.id, []), name) for one in found.rules]
    asked: list[Json] = [{"control-id": control_id(found.standard, one.id)} for one in found.controls]
    result: dict[str, Json] = {
        "uuid": _uuid(name, "result"),
        "title": _text(headline) or "dcctl audit",
        "description": f"dcctl audit of {_text(found.target) or 'the fleet'}",
        "start": when,
        "end": when,
        "reviewed-controls": {
            "control-selections": [{"include-controls": asked} if asked else {"include-all": {}}]
        },
    }
    observations: list[Json] = [_observation(key, one, when) for key, one in seen.items()]
    if observations:
        result["observations"] = observations
    if findings:
        result["findings"] = findings
    return result


def _uuid(*words: str) -> str:
    return str(uuid.uuid5(_SPACE, "\0".join(printable(word, unicode=True) for word in words)))


def _key(one: Result) -> tuple[str, ...]:
    return (one.id,) if one.id else (one.rule, one.object, one.says)


def _text(text: str) -> str:
    """Return a text on one line without blanks at its ends, as properties have to be."""
    return printable(text, unicode=True).strip()


def control_id(standard: str, name: str) -> str:
    """Return the id of a control as NIST writes it: AC-6(2) is `ac-6.2`; no id begins with a digit."""
    token = _NO_TOKEN.sub("", name.replace("(", ".")).lower()
    return token if token[:1].isalpha() else f"{standard}_{token}"


def _properties(told: dict[str, str]) -> list[Json]:
    return [{"name": key, "ns": _NS, "value": _text(value)} for key, value in told.items() if _text(value)]


def _observation(key: str, one: Result, when: str) -> Json:
    told = {"severity": one.severity, "state": one.state, "object": _text(one.object) or "all", "id": one.id}
    made: dict[str, Json] = {
        "uuid": key,
        "title": _text(f"{one.rule} {one.object}"),
        "description": _text(one.says) or one.state,
        "props": _properties(told | ({"status": one.status} if one.id else {})),
        "methods": ["TEST"],
        "collected": when,
    }
    if one.waived:
        made["remarks"] = _text(f"borne by {one.waived.owner}: {one.waived.reason} ({one.waived.ticket})")
    return made


def _of_rule(rule: Rule, observations: list[str], name: str) -> Json:
    made = _finding(_uuid(name, "finding", rule.id), rule.id, rule.state, observations)
    texts = {"title": _text(rule.title) or rule.id, "description": _text(rule.why) or rule.id}
    return {**made, **texts, "props": _properties({"state": rule.state})}


def _of_control(one: Control, standard: str, by: dict[str, list[str]], name: str) -> Json:
    observations = [key for check in one.checks for key in by.get(check, [])]
    target = control_id(standard, one.id)
    made = _finding(_uuid(name, "control", one.id), target, one.state, observations)
    return {
        **made,
        "title": _text(f"{one.id} {one.title}"),
        "description": _text("; ".join(one.evidence)) or one.state,
        "props": _properties({"state": one.state, "checks": " ".join(one.checks)}),
    }


def _finding(key: str, target: str, state: Verdict, observations: list[str]) -> dict[str, Json]:
    held = "satisfied" if state in ("pass", "na") else "not-satisfied"
    reason = state if state in ("pass", "fail") else "other"
    made: dict[str, Json] = {
        "uuid": key,
        "target": {
            "type": "objective-id",
            "target-id": target,
            "status": {"state": held, "reason": reason},
        },
    }
    if observations:
        made["related-observations"] = [{"observation-uuid": each} for each in observations]
    return made
