"""What became of a run, as an answer: what is left as it is after an `--undo` is an alarm."""

from __future__ import annotations

from dcctl.drain.outcome import Held, Outcome
from dcctl.drain.told.outcome_report import run_report
from dcctl.render.alarms import alarm_lines
from dcctl.render.style import Style

LEFT = Held("left", "gpu2", "gpu2", "ops@a took charge of it")


def test_nodes_that_an_undo_leaves_are_told_each_with_its_reason() -> None:
    report = run_report(Outcome("r1", "/j", "undone", ("gpu1",), held=(LEFT,)))
    assert report.headline == "1 node given back; 1 left as it is (run r1)"
    assert report.level == "crit"
    assert alarm_lines(report, Style(output="table")) == [
        report.headline,
        "left: gpu2: ops@a took charge of it",
    ]


def test_an_undo_that_leaves_nothing_says_nothing_aside() -> None:
    assert alarm_lines(run_report(Outcome("r1", "/j", "undone", ("gpu1",))), Style(output="table")) == []
