"""The plan file: what is written is read again, and each wrong file is told in a sentence of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dcctl.errors import UsageError
from dcctl.packing.plan import Assignment
from dcctl.schedule.planfile import read

ROW = {
    "job": "ml/train",
    "member": "train-0",
    "node": "gpu001",
    "devices": [0, 1],
    "share_milli": 0,
    "start_s": None,
    "end_s": None,
}


def document(**changed: Any) -> bytes:
    whole: dict[str, Any] = {
        "schema": "dcctl/schedule-plan/v1",
        "items": [],
        "assignments": [ROW],
        "unplaced": [{"job": "ml/big", "members": 4, "why": "no node has 16 GPUs"}],
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


def test_tables_of_a_report_stand_under_details() -> None:
    rows = [{**ROW, "devices": ["3"], "share_milli": None}]
    refusals = [
        {"job": "ml/big", "members": 4, "reason": why, "nodes": 2} for why in ("cordoned", "not ready")
    ]
    details = {"assignments": rows, "refusals": refusals}
    plan = read(document(assignments=None, unplaced=[], details=details), "plan.json")
    assert (plan.assignments[0].devices, plan.assignments[0].share_milli) == ((3,), 0)
    assert [(one.job, one.members) for one in plan.unplaced] == [("ml/big", 4)]


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
        (document(assignments=None), "has no field `assignments`"),
        (document(assignments=[{**ROW, "node": 4}]), r"\$.assignments\[0\].node: expected `str`"),
        (document(assignments=[{**ROW, "share_milli": 1000}]), r"\$.assignments\[0\].share_milli"),
        (document(assignments=[{**ROW, "devices": [-1]}]), r"\$.assignments\[0\].devices"),
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
