"""`dcctl schedule plan` in time: the command as it is typed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.schemas import validate
from tests.conftest import ROOT, Cli

if TYPE_CHECKING:
    from pathlib import Path

SITES = ROOT / "examples" / "sites"
JOBS = str(ROOT / "examples" / "jobs" / "two-sites.yaml")
FLEET = ("-i", str(SITES / "fleet.json"))
LINKS = ("--links", str(SITES / "links.yaml"))
PRICE = ("--price", str(SITES / "price.csv"))
NOW = 1_795_420_800
"""2026-11-23 08:00 UTC, when the fleet of the example was saved."""
HOUR = 3600
ONE = "kind: Jobs\njobs:\n- name: a\n  each: {cpu: 1, gpu: 8}\n  "


def answer(cli: Cli, *words: str, code: int = 0, stdin: str | None = None) -> dict[str, Any]:
    done = cli("schedule", "plan", *words, *FLEET, "-o", "json", stdin=stdin)
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    validate(found, "schedule-plan")
    return found


def rows(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["job"]: row for row in found["items"]}


def test_two_sites(cli: Cli) -> None:
    """The 200-GPU model is split where the link carries it, once its data is there and a job has ended."""
    found = answer(cli, JOBS, *LINKS, *PRICE, code=1)
    model = rows(found)["model-200"]
    assert (model["state"], model["where"], model["start_s"]) == (
        "yes",
        "gpu[001-016,101-109]",
        NOW + 2 * HOUR,
    )
    assert model["why"] == "2 sites, whole nodes"
    tune = rows(found)["finetune"]
    assert tune["why"].endswith("cheapest hours, ends before its deadline by 28 h")
    assert tune["cost_milli"] == 7372, "4 x 8 kW x 1.2 x 4 h at 48 a MWh"
    assert {name for name, row in rows(found).items() if row["state"] == "no"} == {
        "talkative",
        "within-one-site",
    }
    assert found == answer(cli, JOBS, *LINKS, *PRICE, code=1)


def test_effort_has_no_effect_in_time_and_the_plan_says_so(cli: Cli) -> None:
    note = "has no effect on a plan in time: one pass is made"
    for effort, told in (("fast", False), ("best", True)):
        notes = answer(cli, JOBS, "--effort", effort, code=1)["notes"]
        assert any(one["text"] == note for one in notes) is told
    assert answer(cli, JOBS, "--effort", "best", code=1)["items"] == answer(cli, JOBS, code=1)["items"]


def test_without_links_no_gang_is_split_and_no_data_is_brought(cli: Cli) -> None:
    found = answer(cli, JOBS, code=1)
    assert rows(found)["model-200"]["state"] == "no"
    assert rows(found)["finetune"]["where"] == "gpu[101-104]"


def test_without_times_nothing_has_a_start(cli: Cli) -> None:
    found = answer(cli, "-", stdin=ONE)
    assert rows(found)["a"]["start_s"] is None
    done = cli("schedule", "plan", "-", *FLEET, stdin=ONE)
    assert "START" not in done.stdout


def test_a_table_tells_starts_as_people_do(cli: Cli) -> None:
    text = ONE + "duration: 90m\n- {name: b, each: {cpu: 1}, earliest: 2026-11-24T08:00Z, duration: 8d}"
    done = cli("schedule", "plan", "-", *FLEET, "-o", "html", stdin=text)
    for word in (">now<", ">09:30<", ">Tue 08:00<", ">2026-12-02 08:00<"):
        assert word in done.stdout, word


def test_a_window_is_kept_free(cli: Cli) -> None:
    window = "gpu[005-016],gpu[101-112]=2026-11-23T09:00Z/2026-11-23T12:00Z"
    found = answer(cli, "-", "--window", window, stdin=ONE + "duration: 2h")
    assert rows(found)["a"]["start_s"] == NOW + 2 * HOUR, "beside the job that ends at 10:00"
    assert rows(found)["a"]["where"] == "gpu001"


def test_a_chart(cli: Cli) -> None:
    found = answer(cli, JOBS, *LINKS, "--gantt", code=1)
    chart = found["gantts"]["workloads"]
    assert (chart["unit"], chart["now"]) == ("time_s", NOW)
    assert [row["name"] for row in chart["rows"]] == ["model-200", "finetune"]


def test_urgent_work_pushes_out_what_is_preemptible(cli: Cli) -> None:
    text = ONE.replace("each", "members: 28\n  gang: false\n  priority: 50\n  each")
    found = answer(cli, "-", "--preempt", code=1, stdin=text)
    [victim] = found["details"]["victims"] if "details" in found else found["victims"]
    assert (victim["job"], victim["by"], victim["members"]) == ("nlp/pretrain", "a", 4)
    assert "pushes out 1 workload for a" in found["headline"]
    assert found["summary"]["pushed_out"] == 4


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--window", "gpu001"), "must read NODESET=FROM/TO"),
        (("--window", "gpu001=2026-11-23T09:00/2026-11-23T12:00Z"), "does not say in which time zone"),
        (("--window", "gpu001=2026-11-23T12:00Z/2026-11-23T09:00Z"), "ends before it begins"),
        (("--window", "gpu999=2026-11-23T09:00Z/2026-11-23T12:00Z"), "there is no node gpu999"),
        (("--price", "nowhere.csv"), "no such file"),
        (("--carbon", "nowhere.csv"), "no such file"),
        (("--links", "nowhere.yaml"), "no such file"),
        (("--wait-at-most", "soon"), "is no length of time"),
    ],
)
def test_what_is_refused(cli: Cli, words: tuple[str, ...], why: str) -> None:
    done = cli("schedule", "plan", JOBS, *FLEET, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_price_with_a_mistake_has_its_line(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_text("time,value\n2026-11-23T00:00Z,1\n2026-11-23T01:00Z,x\n")
    done = cli("schedule", "plan", JOBS, *FLEET, "--price", "p.csv")
    assert (done.returncode, "p.csv:3: 'x' is no number" in done.stderr) == (2, True), done.stderr


EVENING = (str(ROOT / "examples" / "jobs" / "evening.yaml"), "-i", "demo", "-o", "json")


def test_those_who_are_pushed_out_are_neither_asked_for_nor_still_held(cli: Cli) -> None:
    found = json.loads(cli("schedule", "plan", *EVENING, "--preempt").stdout)
    assert found["headline"].startswith("fits: 4 of 4 workloads, 4 of them now; pushes out 4 workloads")
    summary = found["summary"]
    assert (summary["jobs"], summary["fits"], summary["members"], summary["placed"]) == (4, 4, 40, 40)
    assert (summary["pushed_out"], summary["placed_again"]) == (12, 12)
    assert {row["state"] for job, row in rows(found).items() if "/" in job} == {"starts again"}
    parts = (summary[f"{word}_gpu_milli"] for word in ("held", "free", "out"))
    assert sum(parts) == summary["total_gpu_milli"] == 1_040_000


def test_who_is_pushed_out_may_start_again(cli: Cli) -> None:
    text = ONE.replace("each", "members: 28\n  gang: false\n  priority: 50\n  each") + "duration: 2h\n"
    found = answer(cli, "-", "--preempt", stdin=text)
    victim = rows(found)["nlp/pretrain"]
    assert (victim["state"], victim["start_s"]) == ("starts again", NOW + 2 * HOUR)
    assert found["headline"].startswith("fits: 1 of 1 workload")


def test_a_row_that_does_not_fit_says_why(cli: Cli) -> None:
    found = answer(cli, "-", code=1, stdin=ONE.replace("each", "members: 40\n  each"))
    assert rows(found)["a"]["why"] == "4 too few free accelerators"


def test_work_of_an_unknown_kind_is_named(cli: Cli) -> None:
    found = answer(cli, "-", code=3, stdin="apiVersion: x.io/v1\nkind: Frob\nmetadata: {name: b}\n")
    assert found["headline"] == "nothing to place: Frob default/b passed over"


def test_data_that_cannot_be_brought_is_told(cli: Cli) -> None:
    text = ONE + "duration: 2h\n  data: [{name: c4, size: unknown, sites: [dc2]}]\n"
    [note] = [one for one in answer(cli, "-", *LINKS, stdin=text)["notes"] if one["label"] == "data"]
    assert note["text"] == "c4 of a: size unknown: at dc2 only, from now on"
    text = text.replace("unknown", "1TB")
    [note] = [one for one in answer(cli, "-", stdin=text)["notes"] if one["label"] == "data"]
    assert note["text"] == "c4 of a: no link to dc1: at dc2 only, from now on"
    assert not [one for one in answer(cli, "-", *LINKS, stdin=text)["notes"] if one["label"] == "data"]


def test_models_that_share_are_no_work_to_place(cli: Cli) -> None:
    models = str(ROOT / "examples" / "jobs" / "article-models.yaml")
    done = cli("schedule", "plan", models, "-i", "demo")
    assert done.returncode == 2
    assert done.stderr.endswith(f"Try: dcctl schedule share -i demo {models}\n")


def test_what_is_there_to_share_is_not_planned_on_and_that_is_said(cli: Cli) -> None:
    jobs = "kind: Jobs\nsupply: {total: {gpu: 1}}\njobs:\n- {name: a, each: {cpu: 1}}\n"
    done = cli("schedule", "plan", "-", "-i", "demo", "-o", "json", stdin=jobs)
    assert "`supply:` of the files" in done.stdout


def test_rows_have_no_chart_and_that_is_said(cli: Cli) -> None:
    asked = ("schedule", "plan", JOBS, "-i", str(SITES / "fleet.json"), "--gantt")
    assert "dcctl: --gantt: rows alone have no chart" in cli(*asked).stderr
    assert cli(*asked, "-o", "json").stderr == cli(*asked, "--quiet").stderr == ""


def test_what_it_costs_to_bring_data_is_told(cli: Cli) -> None:
    """360 TB of one site are read at both; 20 TB of the other are read elsewhere."""
    asked = ("-i", str(SITES / "fleet.json"), "--links", str(SITES / "links.yaml"), "-o", "json")
    found = json.loads(cli("schedule", "plan", JOBS, *asked).stdout)
    costs = {row["job"]: row["data_cost_milli"] for row in found["items"]}
    assert (costs["model-200"], costs["finetune"], costs["talkative"]) == (720_000, 40_000, None)
    assert found["summary"]["data_cost_milli"] == 760_000
