"""The probe that reads NVML by ctypes on a remote node says what pynvml says here, reading for reading."""

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from dcctl.inventory.sources.machine.deadline import Outcome
from dcctl.inventory.sources.nvml.facts import NvmlDocument, NvmlError
from dcctl.inventory.sources.nvml.lines import document_of
from dcctl.inventory.sources.nvml.parse import parse
from tests.live.nvml.conftest import OLD, READINGS, Source

ROOT = Path(__file__).parents[3]
CASES = [
    "h100x8",
    "h100_mig",
    "a100_ecc",
    "t4_few",
    "vgpu_host",
    "nvl72",
    "h200_audit",
    "gpu_lost",
    "denied",
    "version_mismatch",
]


def _by_ctypes(library: Path, case: str) -> NvmlDocument:
    code = (
        "import json\n"
        "from dcctl.inventory.probes.nvml_boards import nvml_lines\n"
        "for line in nvml_lines():\n"
        "    print(json.dumps(line))"
    )
    settings = {
        "FAKE_NVML_READINGS": str(READINGS / f"{case}.tsv"),
        "PYTHONPATH": str(ROOT),
        "LD_LIBRARY_PATH": str(library),
    }
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, check=True)
    return document_of(Outcome(done.stdout, done.stderr, status=0))


@pytest.mark.parametrize("case", CASES)
def test_both_readers_agree(library: Path, old_library: Path, source: Source, case: str) -> None:
    ours, theirs = source(case).read(), _by_ctypes(old_library if case in OLD else library, case)
    assert _plain(theirs) == _plain(ours)
    causes = [
        [(gap.subject, gap.cause) for gap in parse(document, "s", "n").gaps] for document in (ours, theirs)
    ]
    assert causes[0] == causes[1]


def _plain(document: NvmlDocument) -> object:
    """As JSON, without the words and the order of errors."""
    gpus = tuple(replace(gpu, errors=_wordless(gpu.errors)) for gpu in document.gpus)
    plain = replace(document, gpus=gpus, errors=_wordless(document.errors))
    return json.loads(msgspec.json.encode(plain))


def _wordless(errors: tuple[NvmlError, ...]) -> tuple[NvmlError, ...]:
    return tuple(replace(error, text="", call="") for error in sorted(errors, key=lambda error: error.code))
