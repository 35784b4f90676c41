"""A plan knows the clusters that it was made for, and a plan file that was changed by hand is refused."""

from __future__ import annotations

import json

import pytest

from dcctl.errors import UsageError
from dcctl.schedule.planfile import read
from tests.conftest import ROOT

PLAN = ROOT / "examples" / "apply" / "plan.json"


def test_rows_that_were_taken_out_are_missed() -> None:
    document = json.loads(PLAN.read_bytes())
    assert read(json.dumps(document).encode(), "p").assignments
    document["details"]["assignments"].pop()
    with pytest.raises(UsageError, match="changed by hand"):
        read(json.dumps(document).encode(), "p")


def test_its_clusters_are_read() -> None:
    document = json.loads(PLAN.read_bytes())
    document["summary"]["clusters"] = ["uid-1"]
    assert read(json.dumps(document).encode(), "p").clusters == ("uid-1",)
