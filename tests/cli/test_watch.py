"""`--watch`: in place on a terminal, one JSON document a line elsewhere; Ctrl-C ends it with 130."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.terminal import plain, start
from tests.conftest import Cli

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_alternate_screen_is_left_as_it_was_entered(
    home: dict[str, str], number: signal.Signals, code: int
) -> None:
    terminal = start(["inventory", "-i", "demo", "--watch", "0.1"], home)
    terminal.read_until("128 nodes", times=3)
    terminal.send(number)
    ended, text = terminal.finish(10)
    assert ended == code
    assert text.count(ENTER) == text.count(LEAVE) == 1
    assert text.index(ENTER) < text.index("128 nodes") < text.index(LEAVE)
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor is shown again"
    assert "Traceback" not in text


def test_an_error_leaves_the_alternate_screen_and_is_seen(home: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("nodes: [gpu1]\n")
    terminal = start(["inventory", "-i", str(path), "--watch", "0.1"], home)
    terminal.read_until("gpu1")
    path.write_text("nodes: {")
    code, text = terminal.finish(10)
    assert code == 2
    assert str(path) in text[text.index(LEAVE) :]


def test_a_pipe_gets_one_document_a_line(home: dict[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "dcctl", "inventory", "-i", "demo", "--watch", "0.05"],
        env=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    documents = [json.loads(process.stdout.readline()) for _ in range(3)]
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert all(document["schema"] == "dcctl/inventory/v1" for document in documents)
    assert all(json.loads(line) for line in rest.splitlines())
    assert "Traceback" not in errors


def test_the_reader_of_a_watch_may_leave(home: dict[str, str]) -> None:
    program = (
        f"{sys.executable} -m dcctl inventory -i demo --watch 0.05 | head -2 | wc -l; echo ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(
        ["bash", "-c", program], env=home, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split() == ["2", "141"]


@pytest.mark.parametrize("pause", ["0", "-1", "nan", "inf", "x"])
def test_a_pause_that_is_none(cli: Cli, pause: str) -> None:
    done = cli("inventory", "-i", "demo", "--watch", pause)
    assert (done.returncode, done.stdout) == (2, "")


def test_standard_input_can_be_watched_for_names_but_not_for_an_inventory(cli: Cli) -> None:
    done = cli("inventory", "-i", "-", "--watch", "1", stdin="nodes: [gpu1]")
    assert done.returncode == 2
    assert "standard input" in done.stderr


@pytest.mark.parametrize("question", ["assess", "assess --map -o wide", "inventory -o json"])
def test_what_does_not_fit_is_cut_at_the_bottom_and_counted(home: dict[str, str], question: str) -> None:
    terminal = start([*question.split(), "-i", "demo", "--watch", "0.1"], home, columns=80, rows=24)
    terminal.read_until("without --watch)", times=3)
    terminal.send(signal.SIGINT)
    _, text = terminal.finish(10)
    first, *others = text.split("\x1b[2J")[1:3]
    assert "\x1b[?7l" in text[: text.index("\x1b[2J")], "a line that is too long takes no second row"
    for screen in map(plain, (first, *others)):
        lines = screen.rstrip("\n").split("\n")
        assert len(lines) == 23, "the headline stays in sight, and a row is left for errors"
        assert "128 nodes" in lines[0] or lines[0] == "{"
        assert lines[-1].startswith("… ")
        assert lines[-1].endswith(" more lines (a taller terminal, or without --watch)")


def test_only_a_slow_first_round_shows_progress(home: dict[str, str], tmp_path: Path) -> None:
    slow = "from dcctl.inventory.sources.local import source\nfrom time import sleep\n"
    slow += "usual = source.LocalSource.collect\n"
    slow += "source.LocalSource.collect = lambda self: (sleep(1.5), usual(self))[1]\n"
    (tmp_path / "sitecustomize.py").write_text(slow)
    env = home | {"PYTHONPATH": f"{tmp_path}:{home['PYTHONPATH']}"}
    terminal = start(["inventory", "--watch", "0.1"], env)
    terminal.read_until("\x1b[2J", times=3)
    terminal.send(signal.SIGINT)
    _, text = terminal.finish(10)
    assert "asking" in text[: text.index(ENTER)]
    assert "asking" not in text[text.index(ENTER) :]
