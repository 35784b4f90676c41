"""`dcctl schedule dag`: examples, formats, files that are wrong, workers of the inventory."""

from __future__ import annotations

import json
import random
import signal
from typing import TYPE_CHECKING

import pytest

from tests.cli.computing import ended_by
from tests.cli.fleets import write
from tests.cli.schemas import validate
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli

TOPCUOGLU = str(ROOT / "examples" / "dag" / "topcuoglu.yaml")
PIPELINE = str(ROOT / "examples" / "dag" / "pipeline.yaml")
ONE = "kind: Dag\nworkers: [p1]\ntasks:\n  a: {time: 1}\n"
DAG = ("schedule", "dag")


def test_topcuoglu(cli: Cli) -> None:
    done = cli(*DAG, TOPCUOGLU, "-o", "json")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    validate(document, "schedule-dag")
    assert document["headline"].startswith("done after 73 s on 3 workers; HEFT 80 s, ")
    assert document["summary"]["makespan_ms"] == 73_000
    assert document["details"]["tried"][0] == {"algorithm": "HEFT", "makespan_ms": 80_000}
    assert [row["name"] for row in document["gantts"]["workers"]["rows"]] == ["p1", "p2", "p3"]
    assert cli(*DAG, TOPCUOGLU, "-o", "json").stdout == done.stdout


def test_topcuoglu_proved(cli: Cli) -> None:
    pytest.importorskip("ortools")
    summary = json.loads(cli(*DAG, TOPCUOGLU, "--prove", "-o", "json").stdout)["summary"]
    assert (summary["bound_ms"], summary["gap_milli"], summary["bound_by"]) == (73_000, 0, "CP-SAT")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_while_it_proves(
    home: dict[str, str], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """CP-SAT, in C, would take a quarter of a minute of CPU and hear nothing."""
    pytest.importorskip("ortools")
    words = [*DAG, write(tmp_path, "hard.yaml", hard(60)), "--prove", "--steps", "1"]
    ended = ended_by(number, words, home)
    assert (ended.code, ended.out, ended.errors) == (code, b"", b"")
    assert ended.gone_at_s - ended.sent_at_s < 5


def hard(tasks: int) -> str:
    """Work that each of three workers does in another time, each task after two others."""
    chance = random.Random(3)
    lines = ["kind: Dag", "workers: [p1, p2, p3]", "tasks:"]
    for at in range(tasks):
        takes = {f"p{worker}": chance.randint(5, 60) for worker in (1, 2, 3)}
        after = {f"t{one}": f"{chance.randint(1, 20)}s" for one in chance.sample(range(at), min(at, 2))}
        lines.append(f"  t{at}: {json.dumps({'time': takes} | ({'after': after} if after else {}))}")
    return "\n".join(lines)


def test_prove_without_ortools(cli: Cli, tmp_path: Path) -> None:
    """A folder that stands before the installed one and finds no ortools."""
    write(tmp_path, "sitecustomize.py", "import sys\nsys.modules['ortools'] = None\n")
    path = f"{tmp_path}:{ROOT}"
    done = cli(*DAG, TOPCUOGLU, "--prove", env={"PYTHONPATH": path})
    assert (done.returncode, done.stdout) == (2, "")
    assert "dcctl[exact]" in done.stderr


def test_every_format(cli: Cli, tmp_path: Path) -> None:
    file = write(tmp_path, "one.yaml", ONE)
    for output in ("table", "wide", "json", "jsonl", "yaml", "csv", "name", "prom", "html"):
        done = cli(*DAG, file, "-o", output)
        assert (done.returncode, done.stderr) == (0, ""), output
        assert done.stdout.endswith("\n"), output
    assert cli(*DAG, file, "-o", "name").stdout == "a\n"
    assert cli(*DAG, "-", "-o", "name", stdin=ONE).stdout == "a\n"


def test_names_come_in_the_order_of_their_start(cli: Cli) -> None:
    names = cli(*DAG, PIPELINE, "--steps", "0", "-o", "name").stdout.split()
    assert len(names) == len(set(names)) == 16
    assert names.index("train") < names.index("tune") < names.index("report")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("kind: Dag\nworkers: [p1\n", "f.yaml:"),
        (ONE + "  b: {time: 0}\n", "f.yaml:5: task b.time: a task takes more than no time"),
        (ONE + "  b: {time: 1, after: [c]}\n", "f.yaml:5: task b.after[0]: no task is called c"),
        (ONE + "  b: {time: {gpu: 1}}\n", "f.yaml:5: task b.time.gpu: no worker is called gpu"),
        (
            ONE + "  b: {time: 1, after: [c]}\n  c: {time: 1, after: [b]}\n",
            "f.yaml:5: task b: none of these tasks",
        ),
    ],
)
def test_a_wrong_file(cli: Cli, tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, "f.yaml", text)
    done = cli(*DAG, "f.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    error = json.loads(cli(*DAG, "f.yaml", "-o", "json").stderr)["error"]
    assert error["exit_code"] == 2


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("nosuch.yaml",),
        (TOPCUOGLU, "--steps", "-1"),
        (TOPCUOGLU, "--columns", "nosuch"),
        ("-", "-i", "-"),
        ("-", "--watch", "1"),
    ],
)
def test_wrong_usage(cli: Cli, words: tuple[str, ...]) -> None:
    done = cli(*DAG, *words, stdin=ONE)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


def test_workers_of_the_inventory(cli: Cli, tmp_path: Path) -> None:
    text = "kind: Dag\nworkers: each node\ntasks:\n  a: {time: 1}\n  b: {time: 1, on: ['@pool:mig']}\n"
    file = write(tmp_path, "f.yaml", text)
    done = cli(*DAG, file, "-i", "demo", "-x", "gpu077", "-o", "json")
    assert done.returncode == 0, done.stderr
    workers = {row["task"]: row["worker"] for row in json.loads(done.stdout)["items"]}
    assert workers["b"] in {f"gpu{number}" for number in range(121, 127)}
    silent = cli(*DAG, file, "-i", "demo")
    assert silent.returncode == 3
    assert "gpu077" in silent.stderr


def test_the_bare_command_shows_what_there_is(cli: Cli) -> None:
    done = cli("schedule")
    assert (done.returncode, done.stderr) == (0, "")
    assert "dag" in done.stdout
