"""The demo fleet: exact counts, a world that is possible, and an answer that does not change by accident."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from dcctl.assess.energy.balance import groups, steps, summed
from dcctl.assess.fleet.report import Options, report
from dcctl.inventory.model import Fleet, Resources, Taint
from dcctl.inventory.nodeset import expand, groups_of
from dcctl.inventory.occupancy.demand import requested
from dcctl.inventory.placement import key_of
from dcctl.inventory.sources.base import run
from dcctl.inventory.sources.demo import DemoSource

if TYPE_CHECKING:
    from dcctl.inventory.placement import Toleration

NOW_S = 1_760_000_000
_ANSWER = Path(__file__).parents[2] / "data" / "demo" / "assess.json"


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return DemoSource(NOW_S).collect()


def test_the_counts_are_exact(fleet: Fleet) -> None:
    boards = Counter(a.vendor for n in fleet.nodes for a in n.accelerators or () if a.kind != "mig")
    assert boards == {"nvidia": 1024, "huawei": 16}
    assert len(fleet.nodes) == len({node.name for node in fleet.nodes}) == 128
    assert Counter(node.site for node in fleet.nodes) == {"dc1": 64, "dc2": 64}
    assert set(Counter(node.rack for node in fleet.nodes).values()) == {8}
    assert {site.name for site in fleet.sites} == {"dc1", "dc2"}
    assert {rack.name for rack in fleet.racks} == {node.rack for node in fleet.nodes}


def test_it_is_the_same_on_every_run_and_survives_a_snapshot(fleet: Fleet) -> None:
    assert DemoSource(NOW_S).collect() == fleet
    assert msgspec.json.decode(msgspec.json.encode(fleet), type=Fleet) == fleet


def test_later_means_only_older_work(fleet: Fleet) -> None:
    later = DemoSource(NOW_S + 3600).collect()
    assert later.nodes == fleet.nodes
    assert {w.id: w.started_at_s for w in later.workloads} == {
        w.id: (w.started_at_s or 0) + 3600 for w in fleet.workloads
    }


def test_no_node_is_promised_twice(fleet: Fleet) -> None:
    demands = requested(fleet.workloads)
    for node in fleet.nodes:
        offered, total = node.allocatable, demands[node.name]
        assert isinstance(offered, Resources)
        assert total.cpu_milli <= (offered.cpu_milli or 0), node.name
        assert total.memory_bytes <= (offered.memory_bytes or 0), node.name
        assert total.pods <= (offered.pods or 0), node.name
        for resource, count in demands[node.name].devices.items():
            assert count <= offered.devices[resource], node.name


def test_whoever_stands_somewhere_may_stand_there(fleet: Fleet) -> None:
    nodes = {node.name: node for node in fleet.nodes}
    standing = [m for w in fleet.workloads for m in w.members if m.node]
    named = {m.template for w in fleet.workloads for m in w.members}
    assert named == set(fleet.templates)
    for member in standing:
        node, template = nodes[member.node or ""], fleet.templates[member.template or ""]
        assert template.node_selector.items() <= node.labels.items(), member.name
        taints = [t for t in node.taints if "kubernetes.io" not in t.key]
        assert all(any(_tolerates(one, taint) for one in template.tolerations) for taint in taints)
        assert member.ready is node.ready
    for template in fleet.templates.values():
        for near in template.neighbours:
            if near.apart:
                own = [m.node for m in standing if fleet.templates[m.template or ""] == template]
                assert len(own) == len(set(own))


def _tolerates(one: Toleration, taint: Taint) -> bool:
    return (one.key in ("", taint.key) and one.operator == "Exists") or one.value == taint.value


def test_no_work_has_outlived_its_limit(fleet: Fleet) -> None:
    limited = [w for w in fleet.workloads if w.duration_s is not None]
    assert len(limited) == 13
    for work in limited:
        if any(member.node for member in work.members):
            assert NOW_S - (work.started_at_s or 0) < (work.duration_s or 0), work.id


def test_no_reading_contradicts_its_board(fleet: Fleet) -> None:
    for board in (a for node in fleet.nodes for a in node.accelerators or ()):
        assert (board.memory_used_bytes or 0) <= (board.memory_bytes or 0), board.id
        assert (board.power_mw or 0) <= (board.power_cap_mw or 10**9), board.id
        assert 0 <= (board.busy_milli or 0) <= 1000, board.id


def test_no_device_is_held_twice_and_every_one_that_is_held_exists(fleet: Fleet) -> None:
    kinds = {a.id: a.kind for node in fleet.nodes for a in node.accelerators or () if a.id}
    held = Counter(device for w in fleet.workloads for m in w.members for device in m.devices)
    unread = {device for device in held if device.startswith(("GPU-demo-gpu077", "GPU-demo-gpu066-7"))}
    assert set(held) - set(kinds) == unread
    assert all(count == 1 or kinds[device] == "shared" for device, count in held.items())


def test_cables_end_at_ports_that_exist(fleet: Fleet) -> None:
    ports = {(node.name, nic.name) for node in fleet.nodes for nic in node.nics or ()}
    names = {node.name for node in fleet.nodes}
    assert {(link.a_node, link.a_port) for link in fleet.links if link.a_node in names} <= ports
    ends = Counter((link.b_node, link.b_port) for link in fleet.links)
    assert max(ends.values()) == 1
    assert [(link.a_node, link.a_port) for link in fleet.links if link.up is False] == [("gpu055", "mlx5_3")]


def test_the_meters_agree(fleet: Fleet) -> None:
    for site in ("dc1", "dc2"):
        at = {
            kind: sum(m.power_mw or 0 for m in fleet.meters if (m.site, m.kind) == (site, kind))
            for kind in ("pdu", "ups", "facility")
        }
        assert at["pdu"] < at["ups"] < at["facility"]


def test_the_power_of_the_meters_is_in_balance(fleet: Fleet) -> None:
    found = {(one.upper.site, one.upper.level): one for one in summed(steps(groups(fleet)))}
    assert {one.state for one in found.values()} == {"closed", "loss"}
    assert found["dc2", "pdu"].read == 48  # a node in two of its racks gave no answer


def test_every_trouble_is_in_it(fleet: Fleet) -> None:
    answer = report(fleet, Options(), NOW_S)
    tables = {table.name: table.rows for table in answer.details}
    assert {row[1]: row[2] for row in tables["faults"]} == {
        "counts of boards disagree": ("gpu066",),
        "uncorrectable memory errors": ("gpu063",),
        "row remapping pending: reset the board": ("gpu040",),
        "NVLink down": ("gpu070",),
        "PCIe link narrower than the board's": ("gpu035",),
        "slowed down: cooling": ("gpu021",),
        "fabric port down": ("gpu055",),
    }
    assert [row[:2] for row in tables["unavailable"]] == [(("gpu092",), 8), (("gpu091",), 8)]
    assert sum(int(str(row[3])) for row in tables["idle"]) == 61
    assert len(tables["idle"]) == 9
    assert [row[1] for row in tables["stranded"]] == [16]
    assert [(gap.subject, gap.node) for gap in answer.gaps] == [("gpu077", "gpu077")]


def test_the_source_says_that_it_is_a_demo_with_a_gap() -> None:
    told = run(DemoSource(NOW_S))
    assert (told.sources[0].kind, told.sources[0].ok, told.sources[0].items) == ("demo", False, 128)
    assert told.name == "demo"


def test_a_workload_and_its_template_say_the_same_priority(fleet: Fleet) -> None:
    said = {
        (one.id, one.priority or 0, fleet.templates[member.template or ""].priority or 0)
        for one in fleet.workloads
        for member in one.members
        if member.phase == "pending"
    }
    assert [row for row in said if row[1] != row[2]] == []
    assert ("moe/moe-pilot", 90, 90) in said


def test_every_member_tells_what_an_eviction_does_to_it(fleet: Fleet) -> None:
    members = [member for work in fleet.workloads for member in work.members]
    assert {member.disruption for member in members} == fleet.disruptions.keys()
    assert all(key == key_of(one) for key, one in fleet.disruptions.items())
    assert all(one.controller and one.grace_s for one in fleet.disruptions.values())
    on_disk = {
        f"{work.id}: {member.name}"
        for work in fleet.workloads
        for member in work.members
        if fleet.disruptions[member.disruption or ""].scratch == "disk"
    }
    assert on_disk == {"nlp/notebook-7: notebook-7-0", "edu/notebooks: notebooks-17"}


def test_the_great_trainings_say_how_to_save_them_and_when_they_were(fleet: Fleet) -> None:
    told = {
        work.id: (fleet.disruptions[work.members[0].disruption or ""].checkpoint, work.checkpointed_at_s)
        for work in fleet.workloads
    }
    assert told["pretrain/llama-70b"] == ("signal USR1", NOW_S - 14 * 60)
    assert told["pretrain/moe-8x22b"] == ("signal USR1", NOW_S - 25 * 60)
    assert told["vision/vlm-stage2"] == ("", None)


def test_work_that_is_waited_for_ends_while_it_is(fleet: Fleet) -> None:
    waited = {}
    for work in fleet.workloads:
        how, *rest = fleet.disruptions[work.members[0].disruption or ""].when_drained.split() or ("",)
        if how == "wait":
            left_s = (work.started_at_s or 0) + (work.duration_s or 0) - NOW_S
            waited[work.id] = (left_s // 3600, int(rest[0].removesuffix("h")))
    assert waited["vision/eval-sweep"] == (3, 4)
    assert [name for name, (left, most) in waited.items() if not 0 < left <= most] == []


def test_the_figures_of_every_budget_agree(fleet: Fleet) -> None:
    for work in fleet.workloads:
        for one in work.budgets:
            told = fleet.disruptions[work.members[0].disruption or ""]
            assert told.budgets == (one.name,)
            assert one.expected == one.current_healthy == len(work.members)
            assert one.allowed == (one.current_healthy or 0) - (one.desired_healthy or 0)


@pytest.mark.parametrize(("short", "padded", "first"), [("rack2", "rack02", 9), ("rack14", "rack14", 105)])
def test_a_rack_of_it_is_found_without_its_zero_and_by_its_feeds(
    fleet: Fleet, short: str, padded: str, first: int
) -> None:
    groups = groups_of(fleet)
    nodes = tuple(f"gpu{number:03d}" for number in range(first, first + 8))
    assert expand(f"@{short}", groups) == expand(f"@feed:{padded}-pdu-a", groups) == nodes


def test_the_answer_about_it_is_the_recorded_one(fleet: Fleet) -> None:
    """Set DCCTL_RECORD=1 to record it anew, and read the difference."""
    answers = {by: _data(fleet, by) for by in ("pool", "workload")}
    if os.environ.get("DCCTL_RECORD"):
        _ANSWER.write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert answers == json.loads(_ANSWER.read_text(encoding="utf-8"))


def _data(fleet: Fleet, by: str) -> dict[str, object]:
    answer = report(fleet, Options(by=by), NOW_S)  # type: ignore[arg-type]  # one of By
    tables = (answer.items, *answer.details)
    return {
        "headline": answer.headline,
        "tables": {
            table.name: [
                {c.key: _short(cell) for c, cell in zip(table.columns, row, strict=True) if cell is not None}
                for row in table.rows[:30]
            ]
            for table in tables
        },
        "notes": [[note.label, note.severity, note.text, note.command] for note in answer.notes],
        "summary": answer.summary,
        "map": [[title, count] for title, count in answer.maps[0].groups],
        "samples": len(answer.samples),
    }


def _short(cell: object) -> object:
    """Long lists of nodes by their ends."""
    if isinstance(cell, tuple):
        return list(cell) if len(cell) < 4 else [cell[0], "…", cell[-1], len(cell)]
    return cell
