"""`dcctl schedule status` on the demo fleet: what is free, by what can be asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dcctl import journal
from tests.cli.schemas import validate
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli


def status(cli: Cli, *words: str) -> Any:
    found = json.loads(cli("schedule", "status", "-i", "demo", *words, "-o", "json").stdout)
    validate(found, "schedule-status")
    return found


@pytest.mark.parametrize("words", [(), ("-w", "gpu[121-126]"), ("-w", "gpu[091-120]")])
def test_free_held_and_out_of_service_are_all_there_is(cli: Cli, words: tuple[str, ...]) -> None:
    found = status(cli, *words)
    summary, room = found["summary"], found["details"]["room"]
    parts = [summary[f"{word}_gpu_milli"] for word in ("free", "held", "out")]
    assert sum(parts) == summary["total_gpu_milli"]
    assert abs(sum(row["free_gpu_milli"] for row in room) - summary["free_gpu_milli"]) <= len(room)


def test_free_slices_and_shares_are_listed_by_the_name_that_asks_for_them(cli: Cli) -> None:
    found = status(cli, "-w", "gpu[121-126]")
    assert "25.9 of 48 accelerators free" in found["headline"]
    free = {row["resource"]: row["free"] for row in found["details"]["room"]}
    assert free == {"nvidia.com/mig-1g.10gb": 101, "nvidia.com/mig-3g.40gb": 23}
    assert {row["resource"] for row in status(cli)["details"]["room"]} >= {"nvidia.com/gpu.shared", *free}


def test_where_nothing_is_free_no_empty_list_is_announced(cli: Cli) -> None:
    found = status(cli, "-w", "gpu001")
    assert "none of 8 accelerators free" in found["headline"]
    assert "free" not in {note["label"] for note in found["notes"]}


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (
            ("status",),
            ("dcctl_schedule_workloads_waiting 3", 'dcctl_schedule_accelerators{state="held"} 882.071'),
        ),
        (
            ("plan", str(ROOT / "examples" / "jobs" / "evening.yaml")),
            ("dcctl_plan_workloads 4", 'dcctl_schedule_accelerators{state="free"} 141.929'),
        ),
        (("whatif", "--remove", "gpu001"), ("dcctl_whatif_nodes_lost 1",)),
        (("defrag",), ("dcctl_defrag_moves 3",)),
    ],
)
def test_numbers_for_prometheus(cli: Cli, words: tuple[str, ...], lines: tuple[str, ...]) -> None:
    found = cli("schedule", *words, "-i", "demo", "-o", "prom").stdout.splitlines()
    for line in lines:
        assert line in found


def test_more_moves_than_were_allowed_would_free_more(cli: Cli) -> None:
    words = ("schedule", "defrag", "-i", "demo", "-o", "json")
    few, some, many = (json.loads(cli(*words, "--moves", count).stdout) for count in ("2", "20", "23"))
    assert few["headline"].startswith("so few moves free no node")
    said = [note for note in some["notes"] if note["command"].endswith("--moves 23")]
    assert [note["text"] for note in said] == ["at most 20: 23 would free 1 more node"]
    gains = [one["summary"]["free_after"] - one["summary"]["free_before"] for one in (few, some, many)]
    assert gains == [0, 1, 2]
    assert many["summary"]["more_moves"] is None


def test_runs_that_did_not_finish_and_damaged_journals_are_told(cli: Cli, tmp_path: Path) -> None:
    header = journal.Header(
        kind="schedule-apply",
        run="r1",
        plan="p",
        who="me",
        started_at_s=1,
        cluster="c",
        command="dcctl schedule apply",
    )
    folder = tmp_path / "state" / "dcctl" / "journals"
    journal.create(folder, header).close()
    (folder / "schedule-apply-r2.jsonl").write_text("garbage\n")
    env = {"XDG_STATE_HOME": str(tmp_path / "state")}
    listed = {}
    for words in (("schedule", "status", "-i", "demo", "-w", "gpu001"), ("schedule", "apply", "--status")):
        done = cli(*words, "-o", "json", env=env)
        assert done.returncode == 1, done.stderr
        notes = json.loads(done.stdout)["notes"]
        listed[words] = [each for each in notes if each["label"] in ("unfinished", "damaged")]
    (here, there) = listed.values()
    assert here == there
    assert [each["label"] for each in here] == ["unfinished", "damaged"]
    assert here[0]["command"] == "dcctl schedule apply --resume"
    assert "schedule-apply-r2.jsonl:1: is not a journal" in here[1]["text"]
