"""What a gap of a cluster says in its fields: decisions are made on these, never on its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcctl.assess.fleet.idle import Rule
from dcctl.assess.fleet.judge import judge_fleet
from tests.kubeapi import ApiServer, objects
from tests.kubeapi.faults import Reply, match
from tests.live.kubeapi.source import gaps, source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """Two nodes of 8 GPUs; in a namespace called `jobs` pods with a quantity that is none."""
    with ApiServer(kubelet=False) as running:
        running.load([objects.node(f"gpu{index}", 8) for index in range(2)])
        odd = objects.pod("odd", "jobs", node="gpu0", requests={"nvidia.com/gpu": "eight"})
        queued = objects.pod("queued", "jobs", requests={"nvidia.com/gpu": "eight"})
        running.load([odd, queued])
        yield running


def test_an_unreadable_pod_is_a_gap_of_its_node_alone(server: ApiServer, tmp_path: Path) -> None:
    fleet = source(server, tmp_path).collect()
    found = {name: (gap.cause, gap.node, gap.part) for name, gap in gaps(fleet).items()}
    assert found == {"jobs/odd": ("invalid", "gpu0", "work"), "jobs/queued": ("invalid", "", "")}
    assert {member.requests for work in fleet.workloads for member in work.members} == {None}
    states = {one.node.name: one.tally.by_state for one in judge_fleet(fleet, Rule(), 0)}
    assert states == {"gpu0": {"unknown": 8}, "gpu1": {"free": 8}}


def test_pods_that_could_not_be_listed_leave_no_board_free(server: ApiServer, tmp_path: Path) -> None:
    server.faults.add(match("GET", "^/api/v1/pods"), Reply(403))
    fleet = source(server, tmp_path).collect()
    assert {(gap.subject, gap.node, gap.part) for gap in fleet.gaps} == {("pods", "", "work")}
    assert [one.tally.by_state for one in judge_fleet(fleet, Rule(), 0)] == [{"unknown": 8}] * 2


def test_a_list_that_hides_no_work_hides_no_board(server: ApiServer, tmp_path: Path) -> None:
    server.deny("admin", "list", "jobs.batch")
    fleet = source(server, tmp_path).collect()
    assert gaps(fleet)["jobs.batch"].part == ""
    assert judge_fleet(fleet, Rule(), 0)[1].tally.by_state == {"free": 8}
