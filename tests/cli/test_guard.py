"""The command line as a contract: streams and exit codes, as a shell sees them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dcctl.render.text import HOSTILE
from tests.conftest import Cli


def test_version_and_help_succeed(cli: Cli) -> None:
    assert cli("--version").stdout.startswith("dcctl ")
    assert cli("-V").returncode == 0
    assert "assess" in cli("--help").stdout
    assert "dcctl assess -i demo" in cli().stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nosuch",), "No such command 'nosuch'"),
        (("asess",), "Did you mean 'assess'? Try: dcctl --help"),
        (("assess", "--nosuch"), "No such option: --nosuch"),
        (("assess", "--by", "galaxy"), "'galaxy' is not one of"),
        (("assess", "-o", "jsn"), "no output format 'jsn'"),
        (("assess", "--fanout", "0"), "fanout must be a positive whole number"),
        (("assess", "--watch", "0"), "--watch"),
        (("assess", "--context", "x"), "context 'x'"),
        (("assess", "--config", "/nowhere.toml"), "there is no such file"),
        (("assess", "-i", "/nowhere.json"), "/nowhere.json"),
        (("schema", "nosuch"), "known: "),
        (("man", "nosuch"), "known: "),
    ],
)
def test_usage_errors_are_one_line_and_code_2(cli: Cli, words: tuple[str, ...], said: str) -> None:
    done = cli(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.startswith("dcctl: ")
    assert done.stderr.count("\n") == 1


def test_a_fatal_error_is_json_where_json_was_asked_for(cli: Cli) -> None:
    for words in (("-o", "json"), ("--output=json",), ("-ojson",), ("-o", "json=x.json")):
        done = cli("assess", *words, "--context", "none")
        document = json.loads(done.stderr)
        assert document["schema"] == "dcctl/error/v1"
        assert document["error"]["exit_code"] == done.returncode == 2


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_a_fatal_error_moves_no_cursor_and_shows_no_password(cli: Cli, locale: str) -> None:
    name = "http://root:hunter2@host/no\x1b\x7f\x9b\u202e"
    done = cli("assess", "-i", name, "-o", "json", env={"LC_ALL": locale})
    assert json.loads(done.stderr)["error"]["exit_code"] == done.returncode == 2
    assert "host/no" in done.stderr
    text = cli("assess", "-i", name, env={"LC_ALL": locale})
    for said in (done.stderr, text.stderr):
        assert "hunter2" not in said
        assert not HOSTILE.search(said.removesuffix("\n"))


@pytest.mark.parametrize(
    ("variable", "words", "is_json"),
    [
        ("json", (), True),
        ("jsonl", (), True),
        ("json=x.json", (), True),
        ("table", (), False),
        ("table", ("-o", "json"), True),
        ("json", ("-o", "table"), False),
        ("json", ("--output", "table"), False),
        ("json", ("--output=wide",), False),
        ("json", ("-otable",), False),
    ],
)
def test_errors_follow_the_variable_unless_the_command_line_says_otherwise(
    cli: Cli, variable: str, words: tuple[str, ...], is_json: bool
) -> None:
    done = cli("assess", *words, "--context", "none", env={"DCCTL_OUTPUT": variable})
    assert done.returncode == 2
    assert done.stderr.startswith('{"schema": "dcctl/error/v1"' if is_json else "dcctl: "), done.stderr


def test_the_reader_of_stdout_may_leave(home: dict[str, str]) -> None:
    for words in ("assess -i demo -o name", "--help", "--version", "completion bash"):
        program = f"{sys.executable} -m dcctl {words} | true; echo ${{PIPESTATUS[0]}}"
        for _ in range(5):
            done = subprocess.run(
                ["bash", "-c", f"sleep 0; {program}"], env=home, capture_output=True, text=True, check=False
            )
            assert done.stderr == ""
            assert done.stdout.strip() in {"141", "0"}


def test_head_gets_its_line_and_dcctl_ends_with_141(home: dict[str, str], tmp_path: Path) -> None:
    """With more names than a pipe holds: what fits into one is written before anybody leaves."""
    (tmp_path / "many.yaml").write_text("nodes: ['gpu[00001-20000]']\n")
    dcctl = f"{sys.executable} -m dcctl inventory -i {tmp_path}/many.yaml -o name"
    program = f"{dcctl} | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", program], env=home, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["gpu00001", "141"]
    assert done.stderr == ""


def test_a_full_disk_is_an_error_not_a_success(home: dict[str, str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "dcctl", "config"],
            env=home,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 70
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_a_watch_with_their_code(home: dict[str, str], number: int, code: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "dcctl", "assess", "--watch", "30", "-o", "json"],
        env=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["schema"] == "dcctl/assess/v1"
    time.sleep(0.2)
    os.kill(process.pid, number)
    assert process.wait(60) == code
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()


def test_a_defect_is_one_line_and_a_private_traceback(home: dict[str, str], tmp_path: Path) -> None:
    program = (
        "import sys; from dcctl.cli import program, guard\n"
        "def broken(arguments): raise ZeroDivisionError('x' * 10)\n"
        "program.execute = broken\nsys.exit(guard.guarded(['assess']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 70
    assert done.stderr.startswith("dcctl: this is a defect of dcctl: ZeroDivisionError")
    assert done.stderr.count("\n") == 1
    (trace,) = tmp_path.glob("state/dcctl/traceback-*")
    assert "ZeroDivisionError" in trace.read_text()
    assert trace.stat().st_mode & 0o077 == 0
