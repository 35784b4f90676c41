"""The probe's ctypes against the real pynvml: the same fake library must give both the same document."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec.structs import replace

from dcctl.inventory.probes.bundle import node_probe
from dcctl.inventory.sources.machine.deadline import Outcome
from dcctl.inventory.sources.machine.parse import parse_facts, parse_gaps
from dcctl.inventory.sources.nvml.lines import document_of
from dcctl.inventory.sources.ssh.reply import read_reply
from dcctl.inventory.sources.ssh.run import Reply
from tests.components import need

if TYPE_CHECKING:
    from dcctl.inventory.sources.nvml.facts import NvmlDocument

ROOT = Path(__file__).parents[3]
READINGS = ROOT / "tests" / "data" / "nvml"
ANSWERING = sorted(path.stem for path in READINGS.glob("*.tsv") if "hang" not in path.stem)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built library."""
    folder = tmp_path_factory.mktemp("nvml")
    source = ROOT / "tests" / "live" / "nvml" / "fake_nvml.c"
    flags = ["-std=gnu11", "-O1", "-fPIC", "-shared"]
    subprocess.run([need("cc", "gcc"), *flags, "-o", folder / "libnvidia-ml.so.1", source], check=True)
    return folder


def _environment(library: Path, case: str) -> dict[str, str]:
    return {
        **os.environ,
        "LD_LIBRARY_PATH": str(library),
        "FAKE_NVML_READINGS": str(READINGS / f"{case}.tsv"),
    }


def _reply(environment: dict[str, str], program: bytes) -> Reply:
    done = subprocess.run(
        ["python3", "-IBS", "-"], input=program, capture_output=True, env=environment, check=True
    )
    return Reply(done.stdout, done.stderr.decode(), done.returncode)


def _comparable(document: NvmlDocument | None) -> object:
    """Without the words of an error and the reader's own process, in which the two differ."""
    assert document is not None
    plain = msgspec.to_builtins(document)
    for gpu in plain.get("gpus", ()):
        codes = sorted({error["code"] for error in gpu.pop("errors", ())})
        gpu["codes"] = codes
        for process in gpu.get("processes") or ():
            process.pop("name", None)
            process.pop("cgroup", None)
            if "user" in process:
                process["pid"] = 0  # one that lives: the readings name the parent of the reader
    for error in plain.get("errors", ()):
        error.pop("text", None)
    return plain


@pytest.mark.parametrize("case", ANSWERING)
def test_both_readers_say_the_same(case: str, library: Path) -> None:
    environment = _environment(library, case)
    facts, _ = read_reply(_reply(environment, node_probe()))
    command = [sys.executable, "-m", "dcctl.inventory.sources.nvml.child", "60"]
    done = subprocess.run(command, capture_output=True, env=environment, cwd=ROOT, check=False)
    assert _comparable(facts.nvml) == _comparable(
        document_of(Outcome(done.stdout, done.stderr, done.returncode, False))
    )


@pytest.mark.parametrize(("case", "boards"), [("gpu_hangs", 1), ("init_hangs", None)])
def test_a_board_that_hangs_is_a_gap_and_the_rest_is_told(
    case: str, boards: int | None, library: Path
) -> None:
    program = node_probe().replace(b"NVML_DEADLINE_S = 15.0", b"NVML_DEADLINE_S = 0.7")
    facts, _ = read_reply(_reply(_environment(library, case), program))
    assert facts.nvml is not None
    assert facts.nvml.timed_out
    assert (len(facts.nvml.gpus) >= 1) == (boards is not None)
    node, gaps = parse_facts(replace(facts, hostname="gpu1"), "ssh"), parse_gaps(facts, "ssh")
    assert "timeout" in {gap.cause for gap in gaps}
    assert node.system is not None
    assert node.mounts is not None
