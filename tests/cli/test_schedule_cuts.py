"""`dcctl schedule plan` with slices that nobody has cut yet, on the demo fleet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.cli.schemas import validate
from tests.conftest import ROOT

if TYPE_CHECKING:
    from tests.conftest import Cli

SLICES = str(ROOT / "examples" / "jobs" / "slices.yaml")
PLAN = ("schedule", "plan", SLICES, "-i", "demo", "-w", "gpu[097-126]", "-o", "json")


def document(cli: Cli, *options: str) -> Any:
    return json.loads(cli(*PLAN, *options).stdout)


def test_boards_are_cut_and_the_plan_says_what_first(cli: Cli) -> None:
    found = document(cli)
    validate(found, "schedule-plan")
    assert {row["job"]: row["state"] for row in found["items"]} == dict.fromkeys(
        ("embedders", "finetune", "notebooks", "rankers"), "yes"
    )
    cuts = found["details"]["cuts"]
    assert len(cuts) == 6
    assert {row["node"] for row in cuts} == {"gpu108"}
    assert all(row["must_be_idle"] == [row["device"]] and not row["reset"] for row in cuts)
    assert sum(row["after"].count("nvidia.com/mig-3g.71gb") for row in cuts) == 6
    assert found["notes"][0]["text"].startswith("cut gpu108 boards ")
    assert found["notes"][0]["label"] == "first"


def test_no_cut(cli: Cli) -> None:
    found = document(cli, "--no-cut")
    assert found["details"]["cuts"] == []
    assert {row["job"]: row["state"] for row in found["items"]} == {
        "embedders": "no",
        "finetune": "yes",
        "notebooks": "yes",
        "rankers": "no",
    }
