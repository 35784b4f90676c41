"""Names in the commands that reports suggest are quoted and no options: they come from files and clusters."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from dcctl.packing.problem import ItemClass, Problem
from dcctl.packing.solve import solved
from dcctl.schedule.commands import naming
from dcctl.schedule.plan_report import Planned, plan_report
from tests.unit.packing.problems import SPACE, a_bin, job, need

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.conftest import Cli


def test_a_name_is_never_a_command_of_the_shell() -> None:
    problem = Problem(SPACE, (a_bin("n0"),), (ItemClass(need(99_000_000)),), (job("a;$(touch x)", 0),))
    report = plan_report(Planned(problem, solved(problem).plan))
    commands = [note.command for note in report.notes if "explain" in note.command]
    assert commands == ["dcctl schedule explain 'a;$(touch x)'"]


def test_a_name_is_never_an_option_of_dcctl() -> None:
    assert naming("explain", "-x", "a.yaml --pending '--window=n 1'") == (
        "dcctl schedule explain --pending '--window=n 1' -- -x a.yaml"
    )
    assert naming("explain", "-x") == "dcctl schedule explain -- -x"
    assert naming("explain", "x", "-") == "dcctl schedule explain x -"


ANSWERED = {0, 1, 3}
"""The demo fleet has nodes that do not answer; a command that cannot be read is 2."""
JOBS = """kind: Jobs
jobs:
- {name: -i, members: 3, each: {cpu: 2000}}
- {name: --pending, members: 70, each: {gpu: 8}}
"""


def commands(text: str) -> list[str]:
    document = json.loads(text)
    tables = (document.get("items", ()), *document.get("details", {}).values())
    rows = [row.get("command") for table in tables for row in table]
    found = [note.get("command") for note in document.get("notes", ())] + rows
    return [one for one in dict.fromkeys(found) if one and one.startswith("dcctl ")]


def test_every_command_that_is_suggested_for_such_names_can_be_typed(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = "-jobs.yaml"
    (tmp_path / file).write_text(JOBS)
    told = cli("schedule", "plan", "-i", "demo", "-o", "json", "--", file)
    assert told.returncode in ANSWERED, told.stderr
    suggested = commands(told.stdout)
    assert any(" -- -i" in one for one in suggested)
    assert any(" -- --pending" in one for one in suggested)
    for command in suggested:
        words = shlex.split(command)[1:]
        more = cli(words[0], words[1], "-o", "json", *words[2:])
        assert more.returncode in ANSWERED, (command, more.stderr)
        for deeper in commands(more.stdout):
            again = cli(*shlex.split(deeper)[1:])
            assert again.returncode in ANSWERED, (deeper, again.stderr)
