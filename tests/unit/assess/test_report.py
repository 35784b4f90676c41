"""The whole answer, for each kind of fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.assess.report import SHAPES, Options, report
from dcctl.inventory.model import (
    Accelerator,
    Conflict,
    Fleet,
    Gap,
    Mount,
    Nic,
    Node,
    NodeUse,
    Process,
    Resources,
)
from tests.unit.assess.build import GIB, NOW_S, asks, boards, node, work

if TYPE_CHECKING:
    from dcctl.render.report import Cell, Report


def _only(answer: Report) -> dict[str, Cell]:
    (row,) = answer.items.rows
    return dict(zip((column.key for column in answer.items.columns), row, strict=True))


def _note(answer: Report, label: str) -> str:
    return next((note.text for note in answer.notes if note.label == label), "")


_LAPTOP = Node(
    "lap",
    sources=("local",),
    capacity=Resources(8000, 16 * GIB),
    use=NodeUse(1200, 9 * GIB, 800, 0, 0, 230),
    accelerators=(),
    mounts=(Mount("/", "/dev/a", "ext4", 1000, 40), Mount("/home", "nas:/h", "nfs4", 9000, 1)),
    nics=(Nic("eth0", up=True, speed_bps=10**9), Nic("eth1", up=False, speed_bps=10**10)),
)


def test_a_machine_without_accelerators_speaks_of_cpu_memory_disk_and_pressure() -> None:
    answer = report(Fleet("lap", nodes=(_LAPTOP,)), Options(), NOW_S)
    assert answer.headline == (
        "lap  1 node  8 CPUs  16 GiB memory  no accelerators  15 % of CPU in use, 56 % of memory in use"
    )
    row = _only(answer)
    assert (row["cpu_free_milli"], row["memory_free_bytes"], row["first_limit"]) == (6800, 7 * GIB, "disk")
    assert (row["disk_capacity_bytes"], row["disk_free_bytes"], row["network_bps"]) == (1000, 40, 10**9)
    assert (row["io_pressure_milli"], row["accelerators"], row["more_jobs"]) == (230, 0, None)
    shown = {column.key for column in answer.items.columns if not column.wide}
    assert {"cpu_used_milli", "memory_free_bytes"} <= shown
    assert not {"accelerators", "idle", "stranded"} & shown
    assert _note(answer, "disk") == "1 file system nearly full: / on lap 96 %"
    assert _note(answer, "pressure") == "work waited for I/O up to 23 % of the last minute on lap"
    assert answer.maps == ()


def test_a_workstation_without_scheduler_is_counted_by_processes() -> None:
    used = Accelerator(0, "b0", model="H100", busy_milli=900, processes=(Process(7, "python3", "bob"),))
    free = Accelerator(1, "b1", model="H100", busy_milli=0, processes=())
    bare = Node("ws", sources=("local",), accelerators=(used, free))
    answer = report(Fleet("ws", nodes=(bare,)), Options(job_size=1), NOW_S)
    row = _only(answer)
    assert (row["accelerators"], row["allocated"], row["free"], row["busy_milli"]) == (2, 1, 1, 450)
    assert row["more_jobs"] == 1
    assert _note(answer, "allocated") == "no scheduler: counted by processes"


def test_a_cluster_without_readings_says_how_to_get_them() -> None:
    answer = report(Fleet("k", nodes=(node(),), workloads=(work("a", asks(gpus=2)),)), Options(), NOW_S)
    row = _only(answer)
    assert (row["allocated"], row["allocated_share_milli"], row["busy_milli"], row["idle"]) == (
        2,
        250,
        None,
        None,
    )
    assert "25 % allocated, busy unknown" in answer.headline
    assert _note(answer, "busy").startswith("unknown: no source read the accelerators")


def test_nothing_is_made_up_where_pods_could_not_be_listed() -> None:
    gap = Gap("kubernetes:t", "pods", "403 Forbidden", "denied", part="work")
    answer = report(Fleet("k", nodes=(node(),), gaps=(gap,)), Options(), NOW_S)
    row = _only(answer)
    keys = (
        "allocated",
        "free",
        "stranded",
        "unavailable",
        "idle",
        "more_jobs",
        "cpu_requested_milli",
        "cpu_free_milli",
    )
    assert {row[key] for key in keys} == {None}
    assert (row["accelerators"], row["cpu_capacity_milli"]) == (8, 80_000)
    assert answer.gaps == (gap,)
    assert {dict(sample.labels).get("state") for sample in answer.samples if sample.value == 8} == {"unknown"}


def test_a_node_that_nobody_looked_at_has_no_count() -> None:
    answer = report(Fleet("f", nodes=(Node("x"),)), Options(), NOW_S)
    assert _only(answer)["accelerators"] is None
    assert answer.summary["accelerators"] is None
    assert "no accelerators" not in answer.headline
    assert _note(answer, "accelerators") == "unknown on 1 node: nobody looked there"
    assert not [sample for sample in answer.samples if sample.name == "dcctl_accelerators"]


def test_an_empty_fleet_is_an_answer() -> None:
    answer = report(Fleet("nothing"), Options(), NOW_S)
    assert (answer.headline, answer.items.rows) == ("nothing  0 nodes", ())


def test_conflicts_are_shown_once() -> None:
    wrong = node(accelerator_counts={"pci": 8, "nvml": 7})
    conflicts = (
        Conflict("n1", "accelerators", (("nvml", "7"), ("pci", "8"))),
        Conflict("n1", "rack", (("a", "1"), ("b", "2"))),
    )
    answer = report(Fleet("c", nodes=(wrong,), conflicts=conflicts), Options(), NOW_S)
    tables = {table.name: table.rows for table in answer.details}
    assert tables["conflicts"] == (("n1", "rack", ("a: 1", "b: 2")),)
    assert [row[1] for row in tables["faults"]] == ["counts of boards disagree"]
    assert answer.level == "crit"


def test_the_level_follows_the_worst_finding() -> None:
    assert report(Fleet(nodes=(node(),)), Options(), NOW_S).level == "ok"
    slow = node(accelerators=(Accelerator(0, throttle=("hw_thermal_slowdown",)),))
    assert report(Fleet(nodes=(slow,)), Options(), NOW_S).level == "warn"


def test_what_waits_is_told() -> None:
    queued = work("q", asks(gpus=8), where=None, count=2)
    answer = report(Fleet(nodes=(node(),), workloads=(queued,)), Options(), NOW_S)
    assert answer.summary["waiting_accelerators"] == 16
    assert _note(answer, "waiting") == "1 workload for 16 accelerators"


def test_rows_by_workload() -> None:
    read = node(accelerators=boards(8, busy=700, power_mw=500_000))
    both = (work("a", asks(gpus=8), owner="lin"), work("p", asks(gpus=0)))
    answer = report(Fleet(nodes=(read,), workloads=both), Options(by="workload"), NOW_S)
    rows = [dict(zip((c.key for c in answer.items.columns), row, strict=True)) for row in answer.items.rows]
    assert [(row["workload"], row["accelerators"], row["idle"]) for row in rows] == [
        ("t/a", 8, 0),
        ("t/p", 0, 0),
    ]
    assert (rows[0]["busy_milli"], rows[0]["power_mw"], rows[0]["held_s"]) == (700, 4_000_000, 7200)
    assert (answer.kind, answer.name_key) == ("assess-workloads", "workload")


def test_every_table_has_the_columns_of_its_shape() -> None:
    mixed = Fleet(nodes=(node(), _LAPTOP), workloads=(work("a", asks(gpus=2)),))
    for fleet in (mixed, Fleet(nodes=(_LAPTOP,)), Fleet()):
        for by in ("pool", "node", "workload"):
            answer = report(fleet, Options(by=by), NOW_S)
            shape = next(shape for shape in SHAPES if shape.kind == answer.kind)
            assert {(c.key, c.unit) for c in answer.items.columns} == {(c.key, c.unit) for c in shape.items}
            assert set(answer.summary) == {column.key for column in shape.summary}
            known = dict(shape.details)
            assert all(table.columns == known[table.name] for table in answer.details)
            assert all(len(row) == len(answer.items.columns) for row in answer.items.rows)
