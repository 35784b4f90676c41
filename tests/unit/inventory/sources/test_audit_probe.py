"""The audit's probe on this machine: commands that hang, flood or are not there, and what is streamed."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dcctl.inventory.probes import audit
from dcctl.inventory.probes.audit import Command, Part, audit_document, file_text, run_commands
from dcctl.inventory.probes.audit_parts import AUDIT_PARTS
from dcctl.inventory.probes.bundle import audit_probe
from tests.components import without_lists

if TYPE_CHECKING:
    from collections.abc import Mapping


def run(script: str, deadline_s: float = 20, *, where: str = "") -> Mapping[str, object]:
    command = Command("x", ("/bin/sh", "-c", script), False, deadline_s, where, "")
    return run_commands([command]).get("x", {})


def test_a_command_tells_what_it_printed_and_how_it_ended() -> None:
    assert run("echo out; echo err >&2; exit 3") == {"out": "out\nerr\n", "status": 3}


def test_it_has_no_input_and_an_environment_of_its_own() -> None:
    told = str(run("cat; pwd; env")["out"])
    assert told.startswith("/\n")
    assert {line.split("=")[0] for line in told.splitlines()[1:]} <= {
        "HOME",
        "LC_ALL",
        "PATH",
        "PWD",
        "SYSTEMD_PAGER",
        "_",
        "OLDPWD",
        "SHLVL",
    }


def test_escapes_are_taken_out() -> None:
    assert run(r"printf 'a\033[31mb\000c\302\205d\377'")["out"] == "a[31mbcd\ufffd"


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ("sleep 600", "timeout"),
        ("exec >&- 2>&-; sleep 600", "timeout"),
        ("while :; do echo drip; sleep 0.05; done", "timeout"),
        ("sleep 600 & echo quick", "timeout"),
        ("cat /dev/zero", "truncated"),
        ("head -c 1000000000 /dev/zero", "truncated"),
    ],
)
def test_what_hangs_or_floods_is_cut_and_named(script: str, cause: str) -> None:
    told = run(f": dcctl-test-{os.getpid()}; {script}", 1)
    assert (told.get("cause"), "out" in told) == (cause, False)
    mark, end = f"dcctl-test-{os.getpid()}", time.monotonic() + 60
    while (left := _command_lines(mark)) and time.monotonic() < end:
        time.sleep(0.05)
    assert left == []


def _command_lines(mark: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [text for text in [path.read_text(errors="replace")] if mark in text]
        except OSError:
            continue
    return found


def test_one_that_hangs_does_not_hold_up_the_others() -> None:
    slow = [Command(f"s{at}", ("/bin/sleep", "600"), False, 1, "", "") for at in range(3)]
    quick = [Command(f"q{at}", ("/bin/echo", "x"), False, 20, "", "") for at in range(20)]
    told = run_commands([*slow, *quick])
    assert Counter(str(one.get("cause", "told")) for one in told.values()) == {"timeout": 3, "told": 20}


def test_what_is_not_there_is_missing_and_what_is_not_meant_is_not_run() -> None:
    absent = Command("a", ("/usr/bin/no-such-program", "-x"), False, 5, "", "")
    nothing = Command("b", ("/etc/passwd",), False, 5, "", "")
    elsewhere = Command("c", ("/bin/echo",), False, 5, "/no/such/device", "")
    told = run_commands([absent, nothing, elsewhere])
    assert told["a"] == {"why": "there is no /usr/bin/no-such-program", "cause": "missing"}
    assert told["b"]["cause"] == "denied"
    assert "c" not in told


def test_nothing_begins_when_the_node_has_had_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PROBE_S", -1)
    assert run("echo x")["cause"] == "timeout"


def test_all_commands_together_have_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PROBE_S", 1)
    told = run_commands([Command(str(at), ("/bin/sleep", "600"), False, 400, "", "") for at in range(20)])
    assert {one["cause"] for one in told.values()} == {"timeout"}
    assert len(told) == 20


def test_files_that_are_none_too_long_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"x" * (audit.FILE_BYTES + 1))
    (tmp_path / "whole").write_bytes(b"x" * audit.FILE_BYTES)
    os.mkfifo(tmp_path / "fifo")
    causes = {
        name: file_text(f"{tmp_path}/{name}").get("cause") for name in ("long", "whole", "fifo", "none", ".")
    }
    assert causes == {"long": "truncated", "whole": None, "fifo": None, "none": "missing", ".": "missing"}


def _breaks() -> dict[str, object]:
    raise OSError("broken")


def _hangs() -> dict[str, object]:
    time.sleep(600)
    return {}


def test_a_part_that_breaks_or_hangs_costs_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PROBE_S", 1)
    monkeypatch.setattr(audit, "PATIENCE_S", 1)
    parts = [Part("a", (), _breaks), Part("b", (), _hangs), Part("c", (), lambda: {"told": 1})]
    found = audit_document(parts)
    assert found["a"] == {"why": "ended with status 1", "cause": "failed"}
    assert found["b"] == {"why": "no answer within 1 s", "cause": "timeout"}
    assert found["c"] == {"told": 1}


def test_every_command_is_fixed_and_named_once() -> None:
    commands = [command for part in AUDIT_PARTS for command in part.commands]
    assert len({one.name for one in commands}) == len(commands)
    for one in commands:
        assert one.argv[0].startswith("/usr/"), one
        assert 0 < one.deadline_s <= audit.PROBE_S
        assert one.why


def test_the_stream_is_python_3_6_and_defines_each_name_once() -> None:
    """All parts are one program on a node: a second `text` would take the place of the first."""
    source = audit_probe().decode()
    tree = ast.parse(source, feature_version=(3, 6))
    names = [one.name for one in tree.body if isinstance(one, ast.FunctionDef | ast.ClassDef)]
    names += [
        target.id
        for one in tree.body
        if isinstance(one, ast.Assign)
        for target in one.targets
        if isinstance(target, ast.Name)
    ]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert "dcctl.inventory" not in "".join(line for line in source.splitlines() if "import" in line)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_without_root_and_sudo_rules_each_field_says_why() -> None:
    command = [
        *without_lists(),
        "setpriv",
        "--reuid",
        "65534",
        "--regid",
        "65534",
        "--clear-groups",
        "/usr/bin/python3",
        "-IBS",
        "-",
    ]
    done = subprocess.run(command, input=audit_probe(), capture_output=True, check=True)
    told = json.loads(done.stdout.split(b"\n")[1])["audit"]
    rooted = [command.name for part in AUDIT_PARTS for command in part.commands if command.root]
    tried = [told["commands"][name] for name in rooted if name in told["commands"]]
    assert told["uid"] == 65534
    assert {one.get("cause") for one in tried} <= {"denied", "missing"}
    assert any(one.get("cause") == "denied" for one in tried)
    assert told["host"]["files"]["/etc/passwd"]["out"]


NICE = """
import os
from dcctl.inventory.probes import audit_parts
audit_parts.audit_document = lambda _parts: {"nice": os.nice(0)}
audit_parts.audit_main()
"""


def test_the_work_of_a_node_comes_before_its_audit() -> None:
    told = subprocess.run([sys.executable, "-c", NICE], capture_output=True, text=True, check=True).stdout
    assert json.loads(told.splitlines()[1])["audit"] == {"nice": 19}
