"""docs/drain-and-kubectl.md shows what really happens: its commands are run on a real control plane.

`DCCTL_RECORD=1` writes what they print into the document.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from tests.conftest import ROOT
from tests.controlplane import drained
from tests.controlplane.plane import ControlPlane
from tests.docs.blocks import Block, blocks, run

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "drain-and-kubectl.md"
CODES = {0, 1, 6}
_HELD = re.compile(r" waits: The disruption budget |will retry after")
"""How often one has to wait for the other depends on how fast they are made anew."""
_VARIES = (
    (re.compile(r"\b[0-9a-f]{8}-\d{10}\b"), "RUN"),
    (re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?Z?"), "DATE"),
    (re.compile(r"\b(\d+ min )?\d+m?(\d+| )s\b|\b\d+ min\b|\b\d+s\b"), "TIME"),
    (re.compile(r"\bgpu\[?\d{4}[\d,\]-]*"), "NODES"),
    (re.compile(r"\b\d[\d.,]*\b"), "N"),
    (re.compile(r"other workloads? "), "other work "),
    (re.compile(r" {2,}"), "  "),
)
"""What differs from run to run: durations, dates, names of runs, which nodes the scheduler takes."""


def masked(lines: list[str]) -> list[str]:
    """The lines without what varies, in no order: kubectl asks for all pods of a node at once."""
    found = []
    for line in lines:
        text = "" if _HELD.search(line) else line.rstrip()
        for pattern, stand_in in _VARIES:
            text = pattern.sub(stand_in, text)
        found.append(text.strip())
    return sorted(set(found) - {""})


def shown_by(block: Block, binaries: Path, folder: Path) -> list[str]:
    """The block as it reads when its commands are run on a plane that is filled for it."""
    with ControlPlane(binaries) as plane:
        drained.fill(plane)
        folder.mkdir()
        (folder / ".kube").mkdir()
        (folder / ".kube" / "config").write_bytes(plane.kubeconfig().read_bytes())
        programs = folder / ".bin"
        results = run(block, folder, before=lambda: (programs / "kubectl").symlink_to(binaries / "kubectl"))
    lines = []
    for step, result in zip(block.steps(), results, strict=True):
        assert result.code in CODES, (step.command, result)
        lines += [f"$ {step.command}", *(line.rstrip() for line in result.lines)]
    return lines


def test_the_page_shows_what_happens(binaries: Path, tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    for number, block in enumerate(blocks(PAGE)):
        real = shown_by(block, binaries, tmp_path / str(number))
        if os.environ.get("DCCTL_RECORD"):
            text = text.replace("\n".join(block.text), "\n".join(real))
        else:
            assert masked(list(block.text)) == masked(real), "\n".join(real)
    if os.environ.get("DCCTL_RECORD"):
        PAGE.write_text(text, encoding="utf-8")
