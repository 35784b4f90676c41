"""Nights of `dcctl audit --cron`, as typed: in most of them nothing happens."""

import re
import subprocess
import sys
from pathlib import Path

from msgspec.structs import replace

from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.document import encode
from tests.unit.audit.nights import DAY_S, NOW_S, of_nodes, restless, seen

NIGHTS = 30
# The program as it is started, but that its clock is moved on by a day a night, and the file is that night's.
SCRIPT = """
import os, sys, time
from dcctl.cli.guard import guarded
folder, begin, nights, *words = sys.argv[1:]
for night in range(int(nights)):
    time.time = lambda: int(begin) + 86400 * night + 5
    os.replace(f"{folder}/{night}.json", f"{folder}/seen.json")
    print(f"night {night}", file=sys.stderr, flush=True)
    code = guarded(["audit", "-i", f"{folder}/seen.json", "--cron", *words])
    print(f"exit {code}", file=sys.stderr, flush=True)
"""


def nightly(home: dict[str, str], folder: Path, evidence: list[Evidence], *words: str) -> list[str]:
    """What each night said, on both streams."""
    for night, one in enumerate(evidence):
        (folder / f"{night}.json").write_bytes(encode(one))
    arguments = [str(folder), str(NOW_S), str(len(evidence)), *words]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=home, check=True, timeout=300,
    )  # fmt: skip
    return [part.partition("\n")[2].partition("exit ")[0] for part in done.stdout.split("night ")[1:]]


def test_thirty_nights_of_an_unchanged_state_print_nothing(home: dict[str, str], tmp_path: Path) -> None:
    """Ages stay what they are, since backups, tests and scans go on: the calendar brings nothing by right."""
    fleets = [restless(of_nodes(seen(NOW_S + DAY_S * night), 12), night) for night in range(NIGHTS)]
    said = nightly(home, tmp_path, fleets)
    assert "new" in said[0]
    assert said[1:] == [""] * (NIGHTS - 1)


def test_one_fault_in_a_quiet_month_is_told_once(home: dict[str, str], tmp_path: Path) -> None:
    fleets = [restless(of_nodes(seen(NOW_S + DAY_S * night), 12), night) for night in range(5)]
    broken = fleets[2:]
    for at, one in enumerate(broken):
        boards = tuple(
            replace(board, remap_failed=True) if board.node == "gpu003" and board.index == 0 else board
            for board in one.boards or ()
        )
        broken[at] = replace(one, boards=boards)
    said = nightly(home, tmp_path, [*fleets[:2], *broken])
    assert (said[1], said[3], said[4]) == ("", "", "")
    told = re.findall(r"^(?:CRITICAL|HIGH|MEDIUM|LOW|INFO) +(\S+) +(\S+?)/", said[2], re.MULTILINE)
    assert told == [("GPU-05", "gpu003")]
