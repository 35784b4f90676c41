"""Every example of the documents is run, and what it shows is what dcctl says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.components import need
from tests.conftest import ROOT
from tests.docs.blocks import ANSWERS, Block, Result, Step, blocks, differences, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli

DOCUMENTS = (
    ROOT / "README.md",
    ROOT / "README.zh-CN.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "examples" / "README.md",
    ROOT / "deploy" / "systemd" / "README.md",
)
BLOCKS = [block for path in DOCUMENTS for block in blocks(path)]
COMMANDS = [block for block in BLOCKS if block.mark != "not run" and block.language != "toml"]
TABLES = [block for block in BLOCKS if block.mark != "not run" and block.language == "toml"]
NOT_RUN = {
    "README.md": 1,
    "README.zh-CN.md": 1,
    "CONTRIBUTING.md": 1,
    "docs/assess-history.md": 2,
    "docs/drain.md": 1,
    "docs/drain-and-kubectl.md": 3,
    "docs/schedule.md": 1,
    "deploy/systemd/README.md": 1,
}
"""Blocks that say why they cannot be run here; one more is a decision, not an accident."""


@pytest.fixture(scope="module")
def answers() -> dict[tuple[str, ...], list[Result]]:
    """What came of commands that were run: both READMEs have the same."""
    return {}


@pytest.mark.parametrize("block", COMMANDS, ids=lambda block: block.id)
def test_commands_do_what_the_document_shows(
    block: Block, tmp_path: Path, answers: dict[tuple[str, ...], list[Result]]
) -> None:
    if any("jq" in step.command.split() for step in block.steps()):
        need("jq", "jq")
    steps = block.steps()
    commands = tuple(step.command for step in steps)
    results = answers.get(commands) or run(block, tmp_path)
    answers[commands] = results
    assert len(results) == len(steps)
    for step, result in zip(steps, results, strict=True):
        said = "\n".join(result.lines)
        assert result.code in ANSWERS, f"$ {step.command}\nexit code {result.code}\n{said}"
        if step.shown:
            wrong = differences(step.shown, result.lines, machine=block.mark == "machine")
            assert not wrong, f"{block.id}: $ {step.command}\n{wrong}"


@pytest.mark.parametrize("block", TABLES, ids=lambda block: block.id)
def test_configurations_are_right(block: Block, cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("\n".join(block.text), encoding="utf-8")
    done = cli("config", "check", "--config", str(file))
    assert done.returncode == 0, done.stderr


def test_blocks_that_are_not_run_are_few_and_known() -> None:
    assert Counter(block.document for block in BLOCKS if block.mark == "not run") == NOT_RUN


def test_both_readmes_show_the_same() -> None:
    english, chinese = (
        [(b.language, [s.command for s in b.steps()]) for b in BLOCKS if b.document == name]
        for name in ("README.md", "README.zh-CN.md")
    )
    assert english == chinese


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 180


def test_every_example_file_is_used() -> None:
    text = "".join(path.read_text() for path in DOCUMENTS)
    files = [path.name for path in (ROOT / "examples").iterdir() if path.name != "README.md"]
    assert not [name for name in files if f"examples/{name}" not in text]


def test_links_lead_to_files() -> None:
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
            if "://" not in target:
                assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_paths_of_the_tree_exist() -> None:
    text = "".join(path.read_text() for path in (*DOCUMENTS, *(ROOT / "docs" / "adr").glob("*.md")))
    named = set(re.findall(r"`((?:dcctl|tests|docs|deploy|examples)/[\w./-]+)`", text))
    assert named
    assert not [name for name in sorted(named) if not (ROOT / name).exists()]


def test_a_line_that_differs_is_found() -> None:
    shown = ("1 source, 1 gap, 0.1 s", "…", "gpu001  8")
    assert not differences(shown, ["1 source, 1 gap, 7.3 s", "x", "y", "gpu001  8"])
    assert not differences(shown, ["1 source, 1 gap, 7.3 s", "gpu001  8", ""])
    assert differences(shown, ["1 source, 1 gap, 7.3 s", "gpu001  7"])
    assert differences(shown, ["2 sources, 1 gap, 7.3 s", "gpu001  8"])
    assert differences(("1 node  2 CPUs  x",), ["2 nodes  2 CPUs"], machine=True)


def test_a_command_that_fails_is_found(tmp_path: Path) -> None:
    block = Block("x.md", 1, "console", ("$ dcctl assess -i nowhere.json", "$ echo $?", "2"))
    first, second = run(block, tmp_path)
    assert first.code == 2
    assert second.lines == ["2"]
    assert block.steps()[1] == Step("echo $?", ("2",))


def test_the_version_that_starts_is_this_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dcctl", "--version"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    (result,) = run(Block("x.md", 1, "console", ("$ dcctl --version",)), tmp_path)
    assert result.lines == done.stdout.splitlines()
