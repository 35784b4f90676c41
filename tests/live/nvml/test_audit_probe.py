"""From the real probe over a fake library to findings: what an administrator would be told of sick boards."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import evaluate
from dcctl.audit.scene import Scene
from dcctl.inventory.probes.bundle import audit_probe
from dcctl.inventory.sources.ssh.audit.boards import board_evidence
from dcctl.inventory.sources.ssh.audit.gather import read_answer
from dcctl.inventory.sources.ssh.run import Answer, Reply, Target
from tests.live.nvml.conftest import READINGS

if TYPE_CHECKING:
    from pathlib import Path

    from dcctl.inventory.evidence.collected import Evidence
    from tests.conftest import Cli

NOW_S = 1_763_800_000
BOARD = "GPU-0000000{0}-1111-2222-3333-44444444440{0}"


def _evidence(library: Path, case: str) -> Evidence:
    settings = {"LD_LIBRARY_PATH": str(library), "FAKE_NVML_READINGS": str(READINGS / f"{case}.tsv")}
    program = audit_probe().replace(b"NVML_DEADLINE_S = 15.0", b"NVML_DEADLINE_S = 2.0")
    command = ["python3", "-IBS", "-"]
    done = subprocess.run(
        command, input=program, capture_output=True, env={**os.environ, **settings}, check=True
    )
    return board_evidence(read_answer(Answer(Target("g1"), Reply(done.stdout, done.stderr.decode(), 0))))


def _findings(evidence: Evidence, *checks: str) -> set[tuple[str, str, str]]:
    tallies = evaluate(Scene(evidence, NOW_S), [CATALOGUE[name] for name in checks])
    return {
        (one.check.id, one.subject, one.where) for t in tallies for one in t.outcomes if one.state == "fail"
    }


@pytest.fixture(scope="module")
def sick(library: Path) -> Evidence:
    return _evidence(library, "h200_audit")


def test_each_trouble_of_each_board_is_a_finding_of_its_own(sick: Evidence) -> None:
    worn, linked = f"g1/{BOARD.format(1)}", f"g1/{BOARD.format(2)}"
    checks = (
        "GPU-02",
        "GPU-04",
        "GPU-05",
        "GPU-08",
        "GPU-10",
        "GPU-12",
        "GPU-15",
        "GPU-16",
        "GPU-17",
        "GPU-18",
    )
    assert _findings(sick, *checks) == {
        ("GPU-02", worn, ""),
        ("GPU-04", worn, "pending"),
        ("GPU-05", worn, "pending"),
        ("GPU-05", worn, "many"),
        ("GPU-05", worn, "spare"),
        ("GPU-12", linked, "link 3"),
        ("GPU-12", linked, "link 5"),
        ("GPU-17", worn, "clock"),
        ("GPU-17", worn, "compute mode"),
        ("GPU-17", worn, "mig pending"),
        ("GPU-18", worn, "inforom"),
        ("GPU-18", worn, "pending"),
        ("GPU-18", worn, "recovery"),
    }


def test_a_call_that_was_denied_makes_its_check_unknown_and_no_other(sick: Evidence) -> None:
    modes, bus = evaluate(Scene(sick, NOW_S), [CATALOGUE["GPU-17"], CATALOGUE["GPU-10"]])
    assert (modes.counts, bus.counts) == ({"pass": 2, "fail": 1, "unknown": 1}, {"pass": 4})
    (board,) = [one for one in sick.boards or () if one.uuid == BOARD.format(3)]
    assert board.silent["compute_mode"].cause == "denied"


def test_a_board_that_hangs_is_a_critical_finding_and_the_others_are_judged(library: Path) -> None:
    evidence = _evidence(library, "gpu_hangs")
    assert ("GPU-01", "g1", "index 2") in _findings(evidence, "GPU-01")
    (tally,) = evaluate(Scene(evidence, NOW_S), [CATALOGUE["GPU-02"]])
    assert tally.counts["unknown"] >= 2, "the one that hangs, and the one behind it"


def test_boards_of_this_machine_are_audited_without_any_configuration(library: Path, cli: Cli) -> None:
    readings = {"LD_LIBRARY_PATH": str(library), "FAKE_NVML_READINGS": str(READINGS / "h200_audit.tsv")}
    done = cli("audit", "--select", "GPU-*", "--no-record", "-o", "json", env=readings, timeout_s=120)
    told = {(item["check"], item["object"]) for item in json.loads(done.stdout)["items"]}
    name = os.uname().nodename
    assert {("GPU-05", f"{name}/{BOARD.format(1)}"), ("GPU-12", f"{name}/{BOARD.format(2)}")} <= told, (
        done.stderr
    )
    assert len([board for check, board in told if check == "GPU-12"]) == 1, "each board is told once"
