"""`-o FORMAT=FILE`: the old file or the whole new one, whatever happens."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dcctl.render.dispatch import FORMATS
from tests.components import missing
from tests.conftest import Cli

DEMO = ("-i", "demo")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        missing("mount -t tmpfs", made.stderr.strip())
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("output", ["json", "csv", "prom", "html", "name", "table", "yaml", "jsonl"])
def test_a_file_holds_what_stdout_would(cli: Cli, tmp_path: Path, output: str) -> None:
    expected = cli("inventory", *DEMO, "-o", output)
    done = cli("inventory", *DEMO, "-o", f"{output}={tmp_path}/made")
    assert (done.stdout, done.returncode) == ("", expected.returncode)
    assert (tmp_path / "made").read_text() == expected.stdout
    assert sorted(path.name for path in tmp_path.glob(".made*")) == []


TOLD = [(words, name) for words in ("inventory", "schedule plan --pending") for name in FORMATS]
TOLD = [(words, name) for words, name in TOLD if not FORMATS[name].findings]
TOLD += [("audit --no-record --select GPU-14", name) for name in FORMATS]


@pytest.mark.parametrize(("words", "output"), TOLD)
def test_the_gaps_of_a_file_are_told_on_stderr(cli: Cli, tmp_path: Path, words: str, output: str) -> None:
    """Also where the file has them: whoever sees exit code 3 is told why."""
    done = cli(*words.split(), *DEMO, "-o", f"{output}={tmp_path}/x")
    assert done.returncode == 3
    assert "dcctl: gap: gpu077" in done.stderr


@pytest.mark.parametrize("output", ["name", "json=x.json"])
def test_what_is_left_out_on_request_does_not_break_a_promised_silence(
    cli: Cli, tmp_path: Path, output: str
) -> None:
    fleet = json.loads(cli("inventory", "snapshot", *DEMO, "-w", "gpu[001-002]").stdout)
    gap = {"source": "kubernetes", "subject": "pods", "reason": "not asked for", "cause": "limited"}
    (tmp_path / "fleet.json").write_text(json.dumps({**fleet, "gaps": [gap]}))
    words = ("inventory", "-i", "fleet.json", "-o", output)
    done, quiet = cli(*words), cli(*words, "-q")
    assert (done.returncode, done.stderr.count("not asked for")) == (0, 1)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


def test_a_place_that_cannot_be_written_is_an_error_of_the_command_line(cli: Cli, tmp_path: Path) -> None:
    for place in (tmp_path / "no" / "such" / "folder", tmp_path):
        done = cli("inventory", *DEMO, "-o", f"json={place}")
        assert (done.returncode, done.stdout) == (2, "")
        assert json.loads(done.stderr)["error"]["what"] == f"cannot write {place}"


def test_a_full_disk_keeps_the_old_file(cli: Cli, small_disk: Path) -> None:
    target = small_disk / "fleet.json"
    target.write_text("old")
    done = cli("inventory", "snapshot", *DEMO, "-o", f"table={target}")
    assert done.returncode == 70
    assert "No space left on device; the old file is untouched" in done.stderr
    assert done.stderr.count("\n") == 1
    assert target.read_text() == "old"
    assert [path.name for path in small_disk.iterdir()] == ["fleet.json"]


def test_a_wrong_column_keeps_the_old_file(cli: Cli, tmp_path: Path) -> None:
    target = tmp_path / "x.csv"
    target.write_text("old")
    assert cli("inventory", *DEMO, "-o", f"csv={target}", "--columns", "nosuch").returncode == 2
    assert target.read_text() == "old"


def test_a_reader_never_sees_half_a_file(cli: Cli, tmp_path: Path) -> None:
    target = tmp_path / "dcctl.prom"
    assert cli("assess", *DEMO, "-o", f"prom={target}").returncode in {1, 3}
    whole, done, torn = target.read_text().count("\n"), threading.Event(), []

    def read() -> None:
        while not done.is_set():
            text = target.read_text()
            if not text.endswith("\n") or abs(text.count("\n") - whole) > 2:
                torn.append(text)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(3):
            cli("assess", *DEMO, "-o", f"prom={target}")
    finally:
        done.set()
        reader.join()
    assert torn == []
