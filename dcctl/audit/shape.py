"""The form of what `dcctl audit` answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.audit.check import SEVERITIES
from dcctl.render.report import Column, Shape

if TYPE_CHECKING:
    from dcctl.audit.check import State

FINDINGS: Final = (
    Column("status", "STATUS", "state", keep=9, spare=True),
    Column("severity", "SEVERITY", "state", keep=8, order=SEVERITIES),
    Column("check", "CHECK", keep=9),
    Column("object", "OBJECT", "nodes", keep=9),
    Column("says", "WHAT IS WRONG", keep=7),
    Column("where", "WHERE", wide=True),
    Column("title", "TITLE", wide=True),
    Column("nodes", "NODES", "nodes", wide=True),
    Column("since_s", "SINCE", "time_s", wide=True),
    Column("waiver", "WAIVER", wide=True),
    Column("id", "ID", wide=True),
)
OBJECTS: Final = (
    Column("object", "OBJECT", "nodes", keep=9),
    Column("severity", "WORST", "state", keep=9, order=SEVERITIES),
    Column("findings", "FINDINGS", "count", keep=8),
    Column("new", "NEW", "count", keep=8),
    Column("waived", "WAIVED", "count", keep=5, spare=True),
    Column("checks", "CHECKS", keep=7),
    Column("nodes", "NODES", "nodes", wide=True),
)
UNKNOWN: Final = (
    Column("check", "CHECK"),
    Column("state", "STATE", "state"),
    Column("object", "OBJECT", "nodes"),
    Column("says", "WHY"),
)
UNTOLD: Final = (
    Column("of", "OF", "nodes", keep=9),
    Column("says", "WHY", keep=9),
    Column("checks", "CHECKS", keep=8),
)
NOT_APPLICABLE: Final = (
    Column("check", "CHECK", keep=9),
    Column("says", "WHY", keep=9),
)
COUNTED: Final[tuple[State, ...]] = ("pass", "fail", "unknown", "error", "manual", "na")
CHECKS: Final = (
    Column("check", "CHECK", keep=9),
    Column("state", "STATE", "state", keep=9),
    Column("title", "TITLE", keep=8),
    *(Column(name, name.upper(), "count") for name in COUNTED),
)
GONE: Final = (
    Column("check", "CHECK"),
    Column("severity", "SEVERITY", "state", order=SEVERITIES),
    Column("object", "OBJECT", "nodes"),
    Column("says", "WHAT WAS WRONG"),
    Column("id", "ID", wide=True),
)
_COUNTS: Final = (
    Column("new", "findings that were not there before", "count"),
    Column("known", "findings that were there before", "count"),
    Column("waived", "findings that somebody bears for a time", "count"),
    Column("gone", "findings that are there no more", "count"),
    Column("unsure", "findings that were there, and of which this run was told nothing", "count"),
)
SUMMARY: Final = (
    *_COUNTS,
    Column("severities", "the same as new_severities"),
    Column("new_severities", "new findings that nobody waived, by severity"),
    Column("open_severities", "new, known and unsure findings that nobody waived, by severity"),
    Column("open", "new, known and unsure findings that nobody waived", "count"),
    Column("checks", "checks by state"),
    Column("subjects", "subjects by state, over all checks"),
    Column("coverage_milli", "how much of what was asked was told", "percent_milli"),
    Column("run", "number of this run in the history", "count"),
    Column("before_s", "when the run before it was", "time_s"),
)
AUDIT: Final = Shape(
    "audit",
    "Findings of an audit: what is insecure, unhealthy or drifting, and what is new",
    FINDINGS,
    (("untold", UNTOLD), ("unknown", UNKNOWN), ("gone", GONE), ("checks", CHECKS), ("na", NOT_APPLICABLE)),
    SUMMARY,
    findings=True,
)
BY_OBJECT: Final = Shape(
    "audit-objects",
    "Findings of an audit, by object",
    OBJECTS,
    AUDIT.details,
    SUMMARY,
    findings=True,
)
CONTROLS: Final = Shape(
    "audit-controls",
    "The controls of a standard, each with its state and the evidence for it",
    (
        Column("control", "CONTROL", keep=9),
        Column("state", "STATE", "state", keep=9),
        Column("title", "TITLE", keep=8),
        Column("checks", "CHECKS", keep=6),
        Column("evidence", "EVIDENCE", keep=7),
    ),
    AUDIT.details,
    SUMMARY,
    findings=True,
)
LIST: Final = Shape(
    "audit-list",
    "The checks that there are",
    (
        Column("check", "CHECK", keep=9),
        Column("severity", "SEVERITY", "state", keep=8, order=SEVERITIES),
        Column("title", "TITLE", keep=9),
        Column("tier", "NEEDS", keep=7),
        Column("about", "ABOUT", keep=4),
        Column("refs", "STANDARDS", keep=5),
        Column("why", "WHY", wide=True),
        Column("fix", "FIX", wide=True),
    ),
)
EXPLAIN: Final = Shape("audit-explain", "One check, as text in `documents`.", (), document_format="table")
DIFF: Final = Shape(
    "audit-diff",
    "What changed between two runs",
    (
        Column("change", "CHANGE", "state", keep=9, spare=True),
        Column("severity", "SEVERITY", "state", keep=8, order=SEVERITIES),
        Column("check", "CHECK", keep=9),
        Column("object", "OBJECT", "nodes", keep=9),
        Column("says", "WHAT IS WRONG", keep=7),
        Column("nodes", "NODES", "nodes", wide=True),
        Column("id", "ID", wide=True),
    ),
    summary=(
        Column("old", "number of the earlier run", "count"),
        Column("new_run", "number of the later run", "count"),
        Column("new", "findings that came", "count"),
        Column("gone", "findings that went", "count"),
        Column("unchanged", "findings in both", "count"),
        Column("not_comparable", "findings of which the later run was told nothing", "count"),
    ),
)
TIMELINE: Final = Shape(
    "audit-timeline",
    "What changed, run by run",
    (
        Column("at_s", "WHEN", "time_s", keep=9),
        Column("change", "CHANGE", "state", keep=9, spare=True),
        Column("severity", "SEVERITY", "state", keep=5, order=SEVERITIES),
        Column("check", "CHECK", keep=6),
        Column("object", "OBJECT", "nodes", keep=8),
        Column("says", "WHAT", keep=7),
        Column("nodes", "NODES", "nodes", wide=True),
        Column("run", "RUN", "count", wide=True),
    ),
    summary=(Column("runs", "runs in that time", "count"), Column("changes", "what changed", "count")),
)
VERIFY: Final = Shape(
    "audit-verify",
    "Whether the history of audits is whole",
    (Column("run", "RUN", "count", keep=9), Column("flaw", "FLAW", keep=9)),
    summary=(
        Column("runs", "runs in the history", "count"),
        Column("head", "number and hash of the last run: keep it on another host"),
        Column("public_key", "what the signatures are verified with"),
    ),
)
DONE: Final = Shape("audit-done", "What was written, as text in `documents`.", (), document_format="table")
SHAPES: Final = (AUDIT, BY_OBJECT, CONTROLS, LIST, EXPLAIN, DIFF, TIMELINE, VERIFY, DONE)
