"""What each severity is to --fail-on, and so to the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcctl.audit.check import SEVERITIES
from dcctl.audit.coverage import coverage
from dcctl.audit.judge import Verdict
from dcctl.audit.record import compare
from dcctl.audit.report import View, report
from dcctl.cli.exits import of_report
from tests.unit.audit.runs import finding

if TYPE_CHECKING:
    from dcctl.audit.check import Severity
    from dcctl.render.report import Report

FAILS = {
    "critical": {"crit", "warn", "info"},
    "high": {"crit", "warn", "info"},
    "medium": {"warn", "info"},
    "low": {"info"},
    "info": {"info"},
}
"""With which --fail-on a new finding of each severity is exit 1."""


def answer(*severities: Severity) -> Report:
    found = tuple(finding("RBAC-03", one, one) for one in severities)
    verdict = Verdict((), found, {}, coverage(()), frozenset())
    return report(verdict, compare({}, found, lambda _one: True), View(at_s=1, target="demo"))


@pytest.mark.parametrize("fail_on", ["crit", "warn", "info", "never"])
@pytest.mark.parametrize("severity", SEVERITIES)
def test_fail_on_every_level_with_every_severity(severity: Severity, fail_on: str) -> None:
    assert of_report(answer(severity), fail_on) == int(fail_on in FAILS[severity])


def test_the_gravest_decides() -> None:
    assert [answer(*those).level for those in (("low", "medium", "info"), ("medium", "high", "low"), ())] == [
        "warn",
        "crit",
        "ok",
    ]
