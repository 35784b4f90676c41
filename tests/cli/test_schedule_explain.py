"""`dcctl schedule explain` and `whatif` say what `plan` says, and what they print can be typed."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.schemas import validate
from tests.conftest import ROOT, Cli

if TYPE_CHECKING:
    from pathlib import Path

SITES = ROOT / "examples" / "sites"
JOBS = str(ROOT / "examples" / "jobs" / "two-sites.yaml")
EVENING = str(ROOT / "examples" / "jobs" / "evening.yaml")
FLEET = ("-i", str(SITES / "fleet.json"))
LINKS = (f"--links={SITES / 'links.yaml'}",)
SLICES = str(ROOT / "examples" / "jobs" / "slices.yaml")
DEMO = ("-i", "demo")
SHORT, OTHER = re.compile(r"too little \S+/\S+"), "too little of another resource"
MINE = """kind: Jobs
jobs:
- {name: late, members: 2, each: {cpu: 8, gpu: 8}, duration: 1h, deadline: 2020-01-01T00:00Z}
- {name: soon, members: 28, gang: false, each: {cpu: 8, gpu: 8}, duration: 2h, priority: 9}
- {name: next, members: 2, each: {cpu: 8, gpu: 8}, duration: 2h}
- {name: odd, each: {cpu: 8, gpu: 16}, models: [H300]}
"""
POD = """apiVersion: v1
kind: Pod
metadata: {name: p, namespace: n}
spec: {containers: [{name: c, image: i, resources: {limits: {foo.com/bar: 1}}}]}
"""


def run(cli: Cli, *words: str, stdin: str | None = None) -> dict[str, Any]:
    done = cli(*words, "-o", "json", stdin=stdin)
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    validate(found)
    return found


def told(found: dict[str, Any]) -> list[str]:
    return [f"{note['label']}: {note['text']}" for note in found["notes"]]


@pytest.mark.parametrize(
    "asked",
    [
        (JOBS, *FLEET),
        (JOBS, *FLEET, *LINKS),
        (EVENING, *DEMO, "--effort=normal"),
        (EVENING, *DEMO, "--policy=first-fit", "--seed=3"),
        (EVENING, "--pending", *DEMO, "--preempt"),
        (SLICES, *DEMO, "--no-cut"),
    ],
)
def test_the_command_that_plan_prints_says_what_plan_says(cli: Cli, asked: tuple[str, ...]) -> None:
    plan = run(cli, "schedule", "plan", *asked)
    commands = [note["command"] for note in plan["notes"] if "explain" in note["command"]]
    assert commands
    refusals = plan["details"]["refusals"]
    for command in commands:
        found = run(cli, *shlex.split(command)[1:])
        name = found["summary"]["job"]
        counts = {row["reason"]: row["nodes"] for row in refusals if row["job"] == name}
        assert {SHORT.sub(OTHER, row["reason"]): row["nodes"] for row in found["items"]} == counts
        words = shlex.split(command)
        assert words.index(asked[0]) > 0
        assert all(option in words for option in asked if option.startswith("--"))
        assert not found["summary"]["fits"]


def test_work_that_is_pushed_out_is_explained(cli: Cli, tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.json"
    fleet.write_text(cli("inventory", "snapshot", *DEMO).stdout)
    asked = (EVENING, "--pending", "-i", str(fleet), "--preempt")
    plan = run(cli, "schedule", "plan", *asked)
    rows = {row["job"]: row for row in plan["items"]}
    victim = plan["details"]["victims"][0]
    by, name = victim["by"], victim["job"]
    found = run(cli, "schedule", "explain", name, *asked)
    assert found["summary"]["start_s"] == rows[name]["start_s"]
    assert f"pushed out: for {by}" in told(found)
    pushes = run(cli, "schedule", "explain", by, *asked)
    assert next(text for text in told(pushes) if text.startswith("pushes out: "))


def test_a_plan_without_the_options_says_something_else(cli: Cli) -> None:
    """So what is said with them is due to them."""
    for job, asked, option in (
        ("moe-16x22b", (EVENING, *DEMO), "--preempt"),
        ("embedders", (SLICES, *DEMO), "--no-cut"),
    ):
        fits = [
            run(cli, "schedule", "explain", job, *asked, *more)["summary"]["fits"] for more in ((), (option,))
        ]
        assert sorted(fits) == [False, True]


def test_single_failures_are_those_of_what_the_change_leaves(cli: Cli) -> None:
    def parts(*change: str) -> dict[str, dict[str, Any]]:
        found = run(cli, "schedule", "whatif", *FLEET, "--every-single", *change)
        return {row["part"]: row for row in found["items"]}

    lost = parts("--remove", "gpu[001-003]")
    assert lost != parts()
    assert "gpu001" not in lost
    assert lost["dc1"]["nodes"] == 13
    done = cli("schedule", "whatif", JOBS, *FLEET, "--every-single")
    assert done.returncode == 2
    assert "asks about work that runs" in done.stderr


def test_whatif_tells_who_is_no_longer_pushed_out(cli: Cli) -> None:
    found = run(cli, "schedule", "whatif", EVENING, *DEMO, "--preempt", "--add", "16xgpu065")
    states = {row["job"]: row["state"] for row in found["items"]}
    summary = found["summary"]
    assert summary["pushed_after"] < summary["pushed_before"]
    assert "no longer pushed out" in states.values()
    found = run(cli, "schedule", "whatif", EVENING, *DEMO, "--add", "16xgpu065")
    assert found["summary"]["pushed_before"] == 0


def test_what_if_boards_stay_as_they_are(cli: Cli) -> None:
    found = [
        run(cli, "schedule", "whatif", SLICES, *DEMO, "--remove", "gpu001", *more)["summary"]["waiting_after"]
        for more in ((), ("--no-cut",))
    ]
    assert found[0] > found[1]


def test_times_are_those_of_the_plan(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(MINE)
    rows = {row["job"]: row for row in run(cli, "schedule", "plan", str(file), *FLEET)["items"]}
    late = run(cli, "schedule", "explain", "late", str(file), *FLEET)
    assert late["summary"]["earliest_end_s"] == rows["late"]["earliest_end_s"] is not None
    after = run(cli, "schedule", "explain", "next", str(file), *FLEET)
    assert after["summary"]["start_s"] == rows["next"]["start_s"]
    assert after["headline"] == "next fits in 2 h on gpu[005-006]: 2 members placed"
    placed = next(row for row in after["items"] if row["reason"] == "placed here")
    assert placed["which"] == rows["next"]["where"]
    assert sum(row["nodes"] for row in after["items"]) == 28


def test_what_no_node_has_is_named(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(MINE)
    (tmp_path / "pod.yaml").write_text(POD)
    odd = told(run(cli, "schedule", "explain", "odd", str(tmp_path / "mine.yaml"), *FLEET))
    assert "never: no node has the model H300; there are NVIDIA-H100-80GB-HBM3" in odd
    assert "never: nvidia.com/gpu: a member asks for 16, the largest node has 8 (gpu001)" in odd
    pod = run(cli, "schedule", "explain", "p", str(tmp_path / "pod.yaml"), "-i", "demo")
    assert "never: foo.com/bar: no node has any" in told(pod)
    assert "too little foo.com/bar" in [row["reason"] for row in pod["items"]]


def test_a_gate_is_told(cli: Cli) -> None:
    found = run(cli, "schedule", "explain", "chat/draft-model", "-i", "demo")
    assert found["headline"].endswith("held by a gate")
    assert any(text.startswith("held by a gate: chat.example.com/budget-approved") for text in told(found))


@pytest.mark.parametrize("options", [(), ("--effort=normal", "--no-cut")])
def test_every_cure_that_is_printed_cures(cli: Cli, options: tuple[str, ...]) -> None:
    found = run(cli, "schedule", "explain", "moe-16x22b", EVENING, *DEMO, *options)
    commands = [row["command"] for row in found["details"]["cures"] if row["way"] in ("evict", "add")]
    assert len(commands) == 2
    for command in commands:
        assert all(option in command for option in options)
        answer = run(cli, *shlex.split(command)[1:])
        assert {"moe-16x22b": "fits now"}.items() <= {
            row["job"]: row["state"] for row in answer["items"]
        }.items()


def test_work_of_standard_input_is_not_asked_for_again(cli: Cli) -> None:
    found = run(
        cli, "schedule", "explain", "moe-16x22b", "-", "-i", "demo", stdin=(ROOT / EVENING).read_text()
    )
    assert [row["command"] for row in found["details"]["cures"]] == [""] * len(found["details"]["cures"])


def test_whatif_names_the_files_again(cli: Cli) -> None:
    found = run(cli, "schedule", "whatif", JOBS, *FLEET, *LINKS, "--add", "1xgpu001")
    (command,) = [note["command"] for note in found["notes"] if note["label"] == "still waits"]
    assert JOBS in command
    assert LINKS[0] in command


def test_a_gang_over_two_sites_goes_on_over_two_sites(cli: Cli) -> None:
    found = run(cli, "schedule", "whatif", "-i", "demo", "--fail", "gpu058")
    states = {row["job"]: row["state"] for row in found["items"]}
    assert states["vision/vlm-stage2"] == "stops, fits elsewhere"


def test_displaced_gangs_come_before_many_small_members(cli: Cli) -> None:
    found = run(cli, "schedule", "whatif", "-i", "demo", "--fail", "rack:rack11")
    states = {row["job"]: row["state"] for row in found["items"]}
    assert states["rl/ppo-lab"] == "stops, fits elsewhere"


def test_a_deadline_that_has_passed_and_a_gang_larger_than_the_fleet_are_told(cli: Cli) -> None:
    jobs = MINE + "- {name: vast, members: 4000, each: {cpu: 8, gpu: 8}}\n"
    found = told(run(cli, "schedule", "plan", "-", *FLEET, stdin=jobs))
    assert "never: 32,000 accelerators asked for at once; all nodes together have 224" in found
    (late,) = [text for text in found if "late: " in text]
    assert re.search(r"; its deadline was [\d,]+ \w+ ago", late)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("nosuch", JOBS), "known: finetune, model-200, talkative, within-one-site\n"),
        (("nlp/pretrain", JOBS), "job nlp/pretrain: runs already, on gpu[001-004]. Try: dcctl assess"),
        ((JOBS, "finetune"), "is a file; the workload comes first. Try: dcctl schedule explain"),
    ],
)
def test_a_name_that_does_not_wait_says_what_it_is(cli: Cli, words: tuple[str, ...], text: str) -> None:
    done = cli("schedule", "explain", *words, *FLEET)
    assert done.returncode == 2
    assert text in done.stderr


def test_names_that_are_not_told_are_counted(cli: Cli) -> None:
    jobs = "kind: Jobs\njobs:\n" + "".join(f"- {{name: j{at}, each: {{cpu: 1}}}}\n" for at in range(7))
    done = cli("schedule", "explain", "nosuch", "-", *FLEET, stdin=jobs)
    assert "known: j0, j1, j2, j3, j4 and 2 more" in done.stderr
