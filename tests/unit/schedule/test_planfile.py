"""The plan file: what is written is read again, and each wrong file is told in a sentence of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest

from dcctl.errors import RefusedError, UsageError
from dcctl.packing.plan import Assignment, Cut
from dcctl.schedule.act import order
from dcctl.schedule.planfile import read
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli

ROW = {
    "job": "ml/train",
    "member": "train-0",
    "node": "gpu001",
    "devices": ["0", "1"],
    "share_milli": None,
    "start_s": None,
    "end_s": None,
}


def document(**changed: Any) -> bytes:
    """A plan file, with other fields or tables."""
    details = {
        "assignments": [ROW],
        "refusals": [{"job": "ml/big", "members": 4, "reason": "not ready", "nodes": 2}],
    }
    details |= {key: changed.pop(key) for key in ("assignments", "cuts", "refusals") if key in changed}
    whole: dict[str, Any] = {
        "schema": "dcctl/schedule-plan/v1",
        "items": [],
        "details": details,
        "summary": {"snapshot": "abc", "policy": "best-fit", "seed": 7, "placed": 1, "bound_gpu_milli": 2000},
        "later": {"field": 1},
    }
    return json.dumps({**whole, **changed}).encode()


def test_a_plan_is_read() -> None:
    plan = read(document(), "plan.json")
    assert plan.assignments == (Assignment("ml/train", "train-0", "gpu001", (0, 1)),)
    assert [(one.job, one.members) for one in plan.unplaced] == [("ml/big", 4)]
    assert (plan.snapshot, plan.policy, plan.seed, plan.placed) == ("abc", "best-fit", 7, 1)
    assert plan.bound_gpu_milli == 2000


def test_what_plan_prints_is_read(cli: Cli, tmp_path: Path) -> None:
    """The plan of the examples is the one that the program makes of its manifests."""
    example, fleet = ROOT / "examples" / "apply", ROOT / "examples" / "sites" / "fleet.json"
    made = tmp_path / "plan.json"
    cli("schedule", "plan", str(example / "work.yaml"), "-i", str(fleet), "-o", f"json={made}")
    assert made.read_bytes() == (example / "plan.json").read_bytes()
    assert [one.node for one in read(made.read_bytes(), "p").assignments] == ["gpu005", "gpu006", "gpu007"]


def test_no_second_form_is_read() -> None:
    other = json.dumps({"schema": "dcctl/schedule-plan/v1", "assignments": [ROW]}).encode()
    with pytest.raises(UsageError, match=r"has no field `details\.assignments`"):
        read(other, "plan.json")
    with pytest.raises(UsageError, match="devices"):
        read(document(assignments=[{**ROW, "devices": [0]}]), "plan.json")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (document()[:-9], "cut off"),
        (b"{not json", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b"[1, 2]", "is not a plan of dcctl: it has no field `schema`"),
        (b"{}", "is not a plan of dcctl: it has no field `schema`"),
        (document(schema="v1"), "is not a plan of dcctl: its schema is"),
        (document(schema="dcctl/snapshot/v1"), "is a snapshot of a fleet, not a plan"),
        (document(schema="dcctl/assess/v1"), "is a dcctl assess report, not a plan"),
        (document(schema="dcctl/error/v1"), "is the error of a dcctl that made no plan"),
        (document(schema="dcctl/schedule-plan/v2"), "was written by a newer dcctl"),
        (document(assignments=None), "has no field `details.assignments`"),
        (document(assignments=[{**ROW, "node": 4}]), r"\$.details.assignments\[0\].node: expected `str`"),
        (document(assignments=[{**ROW, "share_milli": 1000}]), r"\$.details.assignments\[0\].share_milli"),
        (document(assignments=[{**ROW, "devices": [-1]}]), r"\$.details.assignments\[0\].devices"),
        (document(assignments=[ROW, ROW]), "is placed twice"),
        (document(assignments=[{**ROW, "job": ""}]), "names no job"),
        (document(assignments=[{**ROW, "start_s": 9, "end_s": 8}]), "ends before it starts"),
        (document(assignments=[{**ROW, "node": ""}]), r"assignments\[0\].node"),
        (b'{"schema":"dcctl/schedule-plan/v1","a":' + b"[" * 100_000, "nested too deeply|cut off"),
    ],
)
def test_a_wrong_file_is_told(data: bytes, why: str) -> None:
    with pytest.raises(UsageError, match=why) as told:
        read(data, "plan.json")
    assert str(told.value).startswith("plan.json")
    assert "\n" not in str(told.value)


CUT = {"node": "gpu001", "device": "3", "model": "NVIDIA H200", "id": "GPU-1", "reset": False, "before": []}
"""A row of the table `cuts`, but for what the board is cut into."""


def test_cuts_are_read() -> None:
    after = ["nvidia.com/mig-3g.71gb"]
    plan = read(document(cuts=[{**CUT, "after": after}]), "plan.json")
    assert plan.cuts == (Cut("gpu001", 3, "NVIDIA H200", "GPU-1", (), tuple(after)),)
    assert read(document(), "plan.json").cuts == ()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ([], ["nvidia.com/mig-3g.71gb"] * 2, "cut gpu001 board 3 into 2 x 3g.71gb"),
        (["nvidia.com/mig-7g.141gb"], [], "make gpu001 board 3 whole again"),
    ],
)
def test_a_plan_whose_boards_are_not_cut_is_not_carried_out(
    tmp_path: Path, before: list[str], after: list[str], words: str
) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(document(cuts=[{**CUT, "before": before, "after": after}]))
    nowhere = cast("order.World", None)  # refused before anything is asked
    with pytest.raises(RefusedError) as error:
        order.apply(nowhere, [str(path)])
    assert "1 board being cut first" in str(error.value)
    assert words in str(error.value)


APPLY = ROOT / "examples" / "apply"
NOT_MANIFESTS = "jobs in dcctl's own form cannot be made on kubernetes: give the manifests"


@pytest.mark.parametrize("verb", ["render", "apply"])
def test_jobs_in_our_own_form_are_no_manifests(cli: Cli, verb: str) -> None:
    jobs = str(ROOT / "examples" / "jobs" / "evening.yaml")
    told = cli("schedule", verb, str(APPLY / "plan.json"), jobs)
    assert (told.returncode, NOT_MANIFESTS in told.stderr) == (2, True), told.stderr


@pytest.mark.parametrize(
    ("name", "why"), [("nowhere.json", "no such file"), (str(APPLY / "work.yaml"), "is not JSON")]
)
def test_what_is_wrong_with_the_plan_is_told_before_the_cluster_is_asked_for(
    cli: Cli, name: str, why: str
) -> None:
    told = cli("schedule", "apply", name, "-i", "demo")
    assert (told.returncode, why in told.stderr) == (2, True), told.stderr
