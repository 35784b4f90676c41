"""The formats of those who collect findings: what each says of new, known, waived, gone and unknown ones."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import uuid
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest

from dcctl.errors import UsageError
from dcctl.inventory.model import Gap
from dcctl.render.dispatch import FORMATS, check_shape, render
from dcctl.render.report import Column, Findings, Report, Result, Rule, Sample, Shape, Table, Waived
from dcctl.render.style import Style

if TYPE_CHECKING:
    from collections.abc import Mapping

HOSTILE = 'a "b" <c> & \x1b[31m | é\n]]>'
RULES = (
    Rule(
        "GPU-14",
        "Fabric manager is down",
        "critical",
        "All GPUs look healthy.",
        "Restart it.",
        ("mlps:8.1",),
        "fail",
        {"fail": 4},
    ),
    Rule(
        "POD-04",
        "Uses the network of the host",
        "low",
        "No policy holds it.",
        "Do not.",
        ("cis-1.12:5.2.5",),
        "na",
        {"na": 1},
    ),
    Rule(
        "RBAC-02",
        "May read Secrets",
        "high",
        "Secrets open doors.",
        "Narrow it.",
        (),
        "unknown",
        {"unknown": 1},
    ),
)
WAIVED = Waived("wu", "T-1", "migration", 1_767_225_600)


def one(key: str, **changed: Any) -> Result:
    usual = {"rule": "GPU-14", "id": f"{key:0<16}", "object": key, "says": "is wrong", "severity": "critical"}
    return Result(**{**usual, "since_s": 1, **changed})


FOUND = Findings(
    at_s=1_750_000_000,
    rules=RULES,
    results=(
        one("gpu1", nodes=("gpu1",), where="nvidia-fabricmanager"),
        one("gpu2", status="known"),
        one("gpu3", status="unsure"),
        one(HOSTILE, id="e" * 16, says=HOSTILE, waived=WAIVED),
    ),
    gone=(one("gpu4", status="gone"),),
    unknown=(Result("RBAC-02", "", "", "403: may not list roles", "unknown", "high"),),
    coverage_milli=667,
    target="demo",
    run=7,
    complete=False,
)
REPORT = Report(
    "audit",
    "1 new: 1 critical | 2 known",
    Table("items", (Column("check", "CHECK"),), (("GPU-14",),)),
    summary={"new": 1, "severities": {"critical": 1}, "coverage_milli": 667, "before_s": None},
    samples=(Sample("dcctl_audit_findings", 1.0, (("severity", "critical"),), "Findings."),),
    level="crit",
    findings=FOUND,
)


def text(output: str, report: Report = REPORT) -> str:
    out = io.StringIO()
    render(report, Style(output=output), out)
    return out.getvalue()


def shaped(value: Any, form: Any, at: str = "$") -> None:
    """Hold a JSON value against a form: a type, a pattern, a list of one form, an object of keys."""
    if isinstance(form, dict):
        assert isinstance(value, dict), at
        assert set(form) <= set(value), (at, set(form) - set(value))
        for key, inner in form.items():
            shaped(value[key], inner, f"{at}.{key}")
    elif isinstance(form, list):
        assert isinstance(value, list), at
        for number, each in enumerate(value):
            shaped(each, form[0], f"{at}[{number}]")
    elif isinstance(form, str):
        assert re.fullmatch(form, str(value)), (at, value)
    else:
        assert isinstance(value, form), (at, value)


TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
SARIF: Mapping[str, Any] = {
    "$schema": r"https://.*sarif-schema-2\.1\.0\.json",
    "version": r"2\.1\.0",
    "runs": [
        {
            "tool": {
                "driver": {
                    "name": "dcctl",
                    "rules": [
                        {
                            "id": r"[A-Z]+-\d+",
                            "shortDescription": {"text": str},
                            "help": {"text": str},
                            "defaultConfiguration": {"level": "error|warning|note"},
                        }
                    ],
                }
            },
            "invocations": [
                {
                    "executionSuccessful": bool,
                    "startTimeUtc": TIME,
                    "toolExecutionNotifications": [{"level": "error|warning", "message": {"text": str}}],
                }
            ],
            "results": [
                {
                    "ruleId": str,
                    "ruleIndex": int,
                    "level": "error|warning|note",
                    "message": {"text": str},
                    "baselineState": "new|unchanged|absent",
                    "partialFingerprints": {"dcctl/v1": "[0-9a-z]{16}"},
                    "locations": [{"logicalLocations": [{"fullyQualifiedName": str}]}],
                }
            ],
        }
    ],
}
OCSF: Mapping[str, Any] = {
    "activity_id": "[123]",
    "category_uid": "2",
    "class_uid": "2003",
    "type_uid": "20030[123]",
    "time": r"\d{13}",
    "severity_id": "[1-5]",
    "severity": str,
    "metadata": {"version": r"1\.3\.0", "product": {"name": "dcctl"}},
    "finding_info": {"uid": ".+", "title": ".+"},
    "compliance": {"standards": [str], "status_id": "[013]"},
    "resources": [{"uid": str}],
}
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
OSCAL: Mapping[str, Any] = {
    "assessment-results": {
        "uuid": UUID,
        "metadata": {"title": str, "last-modified": TIME, "version": str, "oscal-version": r"1\.\d+\.\d+"},
        "import-ap": {"href": str},
        "results": [
            {
                "uuid": UUID,
                "title": str,
                "description": str,
                "start": TIME,
                "reviewed-controls": {"control-selections": [dict]},
                "observations": [{"uuid": UUID, "description": str, "methods": ["TEST"], "collected": TIME}],
                "findings": [
                    {
                        "uuid": UUID,
                        "title": str,
                        "description": str,
                        "target": {
                            "type": "objective-id",
                            "target-id": str,
                            "status": {"state": "(not-)?satisfied"},
                        },
                    }
                ],
            }
        ],
    }
}


def test_sarif_declares_all_rules_and_tells_each_result_apart() -> None:
    log = json.loads(text("sarif"))
    shaped(log, SARIF)
    run = log["runs"][0]
    assert [each["id"] for each in run["tool"]["driver"]["rules"]] == ["GPU-14", "POD-04", "RBAC-02"]
    states = [each["baselineState"] for each in run["results"]]
    assert states == ["new", "unchanged", "unchanged", "new", "absent"]
    (waived,) = (each for each in run["results"] if "suppressions" in each)
    assert waived["suppressions"][0]["properties"] == {"expires": "2026-01-01T00:00:00Z"}
    assert run["invocations"][0]["executionSuccessful"] is False


def test_junit_fails_for_what_is_new_alone() -> None:
    root = ET.fromstring(text("junit"))
    keys = ("tests", "failures", "errors", "skipped")
    counts = {key: sum(int(suite.attrib[key]) for suite in root) for key in keys}
    assert counts == {"tests": 6, "failures": 1, "errors": 1, "skipped": 4}
    for key in keys[:3]:
        assert int(root.attrib[key]) == counts[key]
    tags = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    for key, tag in tags.items():
        assert len(root.findall(f".//{tag}")) == counts[key]
    assert [suite.attrib["name"] for suite in root] == ["GPU", "POD", "RBAC"]


def test_ocsf_is_one_compliance_finding_a_line() -> None:
    events = [json.loads(line) for line in text("ocsf").splitlines()]
    for event in events:
        shaped(event, OCSF)
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    assert [event["status"] for event in events] == [
        "New",
        "In Progress",
        "In Progress",
        "Suppressed",
        "Resolved",
        "New",
    ]
    assert [event["compliance"]["status"] for event in events] == ["Fail"] * 4 + ["Pass", "Unknown"]


def test_oscal_has_a_finding_for_each_rule_with_its_observations() -> None:
    document = json.loads(text("oscal"))
    shaped(document, OSCAL)
    result = document["assessment-results"]["results"][0]
    seen = {each["uuid"] for each in result["observations"]}
    named = {
        each["observation-uuid"] for one in result["findings"] for each in one.get("related-observations", ())
    }
    assert seen == named
    states = [each["target"]["status"]["state"] for each in result["findings"]]
    assert states == ["not-satisfied", "satisfied", "not-satisfied"]
    assert all(uuid.UUID(each) for each in seen)
    assert text("oscal") == text("oscal"), "the same run gives the same bytes"


@pytest.mark.parametrize(
    ("report", "word"),
    [
        (REPORT, "CRITICAL"),
        (Report("audit", "h", REPORT.items, level="warn"), "WARNING"),
        (Report("audit", "h", REPORT.items, level="info"), "OK"),
        (Report("audit", "h", REPORT.items, level="crit", gaps=(Gap("ssh", "gpu1", "x"),)), "UNKNOWN"),
        (Report("audit", "h", REPORT.items, gaps=(Gap("ssh", "gpu1", "x", "limited"),)), "OK"),
    ],
)
def test_nagios_begins_with_its_word(report: Report, word: str) -> None:
    assert text("nagios", report).startswith(f"DCCTL AUDIT {word}: ")


def test_nagios_has_one_bar_before_its_numbers() -> None:
    (line,) = text("nagios").splitlines()
    assert line.endswith(" | new=1 severities_critical=1 coverage_milli=667")
    assert line.count("|") == 1


@pytest.mark.parametrize("output", [name for name, each in FORMATS.items() if each.findings])
def test_nothing_of_a_finding_moves_a_cursor(output: str) -> None:
    assert "\x1b" not in text(output)


@pytest.mark.parametrize("output", [name for name, each in FORMATS.items() if each.findings])
def test_an_answer_without_findings_is_refused_before_anything_is_asked(output: str) -> None:
    with pytest.raises(UsageError, match="has no findings"):
        check_shape(Shape("assess", "", ()), Style(output=output))
    check_shape(Shape("audit", "", (), findings=True), Style(output=output))


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_promtool_reads_the_samples() -> None:
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text("prom"), text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
