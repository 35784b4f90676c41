"""A plan as an answer: its headline, its rows, its notes, its picture, its question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest
from msgspec.structs import replace

from dcctl.drain.campaign import (
    Campaign,
    Finding,
    Leave,
    Relief,
    Serial,
    Stay,
    Target,
    Unit,
    Wave,
)
from dcctl.drain.request import Exec, Request, Window
from dcctl.drain.told.report import Told, level_of, plan_report, question
from dcctl.drain.told.timeline import timeline
from dcctl.drain.told.words import headline
from dcctl.drain.waves.clocks import clocks, local
from dcctl.inventory.model import Gap
from dcctl.render.plain import envelope
from tests.asked import hook_of

if TYPE_CHECKING:
    from dcctl.render.report import Report

NOW = 1_800_000_000
BUDGET = Finding(
    "budget", "db/pg-0", "PDB db/pg allows 0 of 1", ("gpu1",), True, "--allow-pdb-violation db/pg"
)


def unit(name: str = "train/llama", **more: Any) -> Unit:
    leaf = Leave(f"{name}-0", "gpu1", "u", gpu_milli=8000, to="gpu9", budgets=("train/b",))
    return Unit(name, "Job", (leaf,), **{"gang": True, "gpu_milli": 64_000, "verdict": "fits", **more})


def wave(*units: Unit, number: int = 1, **more: Any) -> Wave:
    return Wave(number, (f"gpu{number}",), units, **{"start_s": NOW, "end_s": NOW + 600, **more})


def campaign(*waves: Wave, **more: Any) -> Campaign:
    targets = tuple(Target(name, one.number, True) for one in waves for name in one.nodes)
    ends = waves[-1].end_s if waves else None
    told = {"verdict": "fits", "made_at_s": NOW, "start_s": NOW, "end_s": ends, **more}
    return Campaign("@rack1", "PDU swap", targets, waves, **told)


def note(report: Report, label: str) -> str:
    return next(f"{one.text}|{one.command}" for one in report.notes if one.label == label)


HEADLINES = {
    "nothing is left": (campaign(), "nothing is left to do"),
    "nothing stands there": (campaign(wave()), "possible in 1 wave, 10 min; no PDB is broken"),
    "one gang": (
        campaign(wave(unit(restarts=1))),
        "possible in 1 wave, 10 min; its gang restarts once; no PDB is broken",
    ),
    "no gang restarts": (
        campaign(wave(unit())),
        "possible in 1 wave, 10 min; no gang restarts; no PDB is broken",
    ),
    "gangs": (
        campaign(wave(unit("a/1"), unit("a/2", restarts=1), unit("a/3", restarts=2), unit("a/4"))),
        "possible in 1 wave, 10 min; 2 of 4 gangs restart never, 1 once, 1 twice; no PDB is broken",
    ),
    "all gangs": (
        campaign(wave(unit("a/1", restarts=1)), wave(unit("a/2", restarts=1), number=2)),
        "possible in 2 waves, 10 min; gangs restart: 2 once; no PDB is broken",
    ),
    "beside a gang": (
        campaign(wave(unit(), unit("a/x", gang=False, restarts=1))),
        "possible in 1 wave, 10 min; no gang restarts, 1 other workload once; no PDB is broken",
    ),
    "a budget is broken": (
        campaign(wave(Unit("d/p", "Pod", (Leave("d/p", "gpu1", how="delete", budgets=("d/b",)),)))),
        "possible in 1 wave, 10 min; broken as allowed: PDB d/b",
    ),
    "in this order": (
        campaign(wave(), verdict="fits after reordering"),
        "possible in 1 wave, 10 min, in this order; no PDB is broken",
    ),
    "no room and decisions": (
        campaign(wave(unit(verdict="does not fit", restarts=1)), verdict="does not fit", findings=(BUDGET,)),
        (
            "does not fit: train/llama (64 GPUs) finds no room; blocked: 1 decision; "
            "its gang restarts once; no PDB is broken"
        ),
    ),
    "no end": (
        campaign(wave(end_s=None)),
        "possible in 1 wave, nobody knows for how long; no PDB is broken",
    ),
    "unknown": (
        campaign(wave(), verdict="unknown"),
        "nobody can tell whether it fits; as far as is known 1 wave, 10 min; no PDB is broken",
    ),
    "no room": (
        campaign(wave(unit(verdict="does not fit")), verdict="does not fit"),
        "does not fit: train/llama (64 GPUs) finds no room; no gang restarts; no PDB is broken",
    ),
    "blocked": (
        campaign(wave(), findings=(BUDGET, replace(BUDGET, subject="db/pg-1"))),
        "blocked: 1 decision; then 1 wave, 10 min; no PDB is broken",
    ),
}


@pytest.mark.parametrize("name", HEADLINES)
def test_headlines(name: str) -> None:
    plan, says = HEADLINES[name]
    assert headline(plan) == says


def test_levels() -> None:
    assert level_of(campaign(wave())) == "ok"
    assert level_of(campaign(wave(), verdict="unknown")) == "warn"
    assert level_of(campaign(wave(), verdict="does not fit")) == "crit"
    assert level_of(campaign(wave(), findings=(BUDGET,))) == "crit"
    assert level_of(campaign(wave(), findings=(replace(BUDGET, blocks=False),))) == "ok"


def test_what_happens_before_a_wave_and_where_work_goes() -> None:
    asked = unit(hook=hook_of("signal USR1"))
    wait = Leave("v/eval-0", "gpu2", how="wait")
    waited = Unit("v/eval", "Job", (wait,), waits_until_s=NOW + 7800, after_wait="stop", verdict="fits")
    report = plan_report(
        Told(
            campaign(wave(asked), wave(waited, number=2, after_return=True)),
            last={"train/llama": NOW - 840},
        )
    )
    first, second = report.items.rows
    assert first[2:4] == ("checkpoint llama (last 14 min ago)", "gpu9, gang whole")
    assert second[2] == "nodes of earlier waves are back; wait for eval, 2 h 10 min more"
    assert second[3] == "–"


def test_equal_findings_are_told_once_with_all_that_they_are_about() -> None:
    several = tuple(
        replace(BUDGET, subject=f"db/pg-{number}", nodes=(f"gpu{number % 2 + 1}",)) for number in range(5)
    )
    report = plan_report(Told(campaign(wave(), findings=several)))
    assert len(report.details[1].rows) == 5
    assert note(report, "blocked until you decide") == (
        "db/pg-[0-4] on gpu[1-2]: PDB db/pg allows 0 of 1; --allow-pdb-violation db/pg|"
    )


def test_a_cure_that_is_a_command_can_be_copied() -> None:
    finding = replace(BUDGET, cure="dcctl drain @rack1 --foreign-cordons")
    report = plan_report(Told(campaign(wave(), findings=(finding,))))
    assert note(report, "blocked until you decide").endswith("|dcctl drain @rack1 --foreign-cordons")


def test_the_way_of_kubectl_and_reliefs() -> None:
    plan = campaign(
        wave(unit(restarts=1, lost_gpu_ms=3_600_000)),
        serial=Serial(8, 36_000_000, ("gpu1", "gpu2"), ("gpu0",)),
        reliefs=(Relief("train/llama", "stop nlp/x (8 GPUs)"),),
    )
    report = plan_report(Told(plan))
    assert note(report, "node by node, as kubectl drain does") == (
        "8 restarts and 10 GPU h lost, in place of 1 and 1 GPU h; "
        "gpu0 would never be empty: PDBs keep pods there; "
        "gpu[1-2] would stay cordoned with nothing moved|"
    )
    assert note(report, "relief") == "train/llama: stop nlp/x (8 GPUs)|"


def test_nodes_that_told_nothing_may_make_the_plan_better() -> None:
    gaps = (Gap("k8s", "gpu7", "timed out", "timeout", node="gpu7"), Gap("k8s", "gpu1", "x", node="gpu1"))
    report = plan_report(Told(campaign(wave()), gaps=gaps))
    assert note(report, "not wholly known").startswith("gpu7 did not tell all: work may find more room")
    only = plan_report(Told(campaign(wave()), gaps=gaps[1:]))
    assert "not wholly known" not in [one.label for one in only.notes]


def test_the_last_line_says_how_to_do_it_or_why_not() -> None:
    command = "dcctl drain @rack1 --yes"
    told = Told(campaign(wave()), command=command)
    assert note(plan_report(told), "dry run") == f"nothing was changed. To do it|{command}"
    assert "not acted on" in note(plan_report(told._replace(saved=True)), "dry run")
    saved = plan_report(told._replace(saved=True))
    assert note(saved, "dry run").endswith(f"On the live cluster|{command} -i live")
    blocked = told._replace(campaign=campaign(wave(), findings=(BUDGET,)))
    assert "before what blocks is decided" in note(plan_report(blocked), "dry run")


def test_json_has_the_plan_itself() -> None:
    plan = campaign(wave(unit()), stays=(Stay("k/p", "gpu1", "daemonset"),))
    told = envelope(plan_report(Told(plan, picture=True)))
    assert msgspec.convert(told["campaign"], Campaign) == plan


def test_what_is_unknown_is_not_zero() -> None:
    report = plan_report(Told(campaign(wave(unit(lost_gpu_ms=None), start_s=None, end_s=None))))
    assert report.items.rows[0][4:7] == (None, None, None)
    assert report.summary["lost_gpu_ms"] is None


def test_the_picture_has_waves_and_what_they_wait_for() -> None:
    wait = Leave("v/eval-0", "gpu1", how="wait")
    waited = Unit("v/eval", "Job", (wait,), waits_until_s=NOW + 7800)
    (chart,) = timeline(campaign(wave(waited), wave(number=2, start_s=None, end_s=None)))
    assert [name for name, _ in chart.rows] == ["wave 1", "wait: v/eval"]
    assert timeline(campaign(wave(start_s=None, end_s=None))) == ()
    assert timeline(campaign(wave()), "Asia/Tokyo")[0].zone == "Asia/Tokyo"


def test_times_are_told_by_the_clocks_of_the_zone() -> None:
    window = Window((5,), 79200, 14400, "Europe/Berlin", "Sat 22:00-04:00 Europe/Berlin")
    request = Request(("gpu1",), windows=(window,), deadline_s=NOW + 3600)
    assert local(NOW, "Europe/Berlin") == "Fri 15 Jan 09:00"
    assert list(clocks(campaign(wave()), request)) == [
        "Sat 22:00-04:00 Europe/Berlin: wave 1 Fri 15 Jan 09:00, ends Fri 15 Jan 09:10",
        "to be over by Fri 15 Jan 10:00 (Europe/Berlin)",
    ]


def test_the_question_tells_waves_restarts_and_what_lasts() -> None:
    lines = question(campaign(wave(unit(restarts=1)), findings=(replace(BUDGET, blocks=False),)))
    assert lines[1] == "wave 1: gpu1; work goes to gpu9, gang whole"
    assert "starts again: train/llama" in lines
    assert "cannot be undone: 1 pod that leaves its node does not come back to it" in lines
    assert lines[-1] == "Take 1 node out of service?"


@pytest.mark.parametrize(
    ("words", "proof"),
    [
        ("annotation save-token=hunter2", "file /c"),
        ("http POST :80/save?token=hunter2", ""),
        ("exec save", "file /ckpt/token=hunter2"),
    ],
)
def test_no_hook_is_printed_with_its_secrets(words: str, proof: str) -> None:
    plan = campaign(wave(unit(hook=hook_of(words, proof))))
    text = msgspec.json.encode(envelope(plan_report(Told(plan)))).decode()
    assert "hunter" not in text
    assert "…" in text


def test_a_hook_is_printed_without_its_secrets_and_carried_out_with_them() -> None:
    hook = hook_of("exec save --dir /ckpt --token=hunter2")
    plan = campaign(wave(unit(hook=hook), unit("train/other")))
    printed = plan_report(Told(plan)).data
    assert printed is not None
    shown = cast("Campaign", printed[1]).waves[0].units
    assert shown[0].hook == replace(hook, ask=Exec("save --dir /ckpt --token=…"))
    assert shown[1] == plan.waves[0].units[1]
    assert plan.waves[0].units[0].hook == hook
    assert "hunter" not in str(msgspec.json.encode(envelope(plan_report(Told(plan)))))
