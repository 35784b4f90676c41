"""The whole answer, for each kind of fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.assess.fleet.report import SHAPES, Options, report
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
from tests.unit.assess.fleet.build import GIB, NOW_S, asks, boards, node, work

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


def test_that_sources_disagree_is_a_warning() -> None:
    said = Conflict("n1", "rack", (("a", "r1"), ("b", "r2")))
    assert report(Fleet(nodes=(node(),), conflicts=(said,)), Options(), NOW_S).level == "warn"
    assert report(Fleet(nodes=(node(),)), Options(), NOW_S).level == "ok"


def test_the_power_of_a_board_that_two_share_is_neithers_alone() -> None:
    read = boards(8, power_mw=100_000)
    one, other = work("a", asks(gpus=2)), work("b", asks(gpus=1))
    one = replace(one, members=(replace(one.members[0], devices=("b0", "b1")),))
    other = replace(other, members=(replace(other.members[0], devices=("b1",)),))
    fleet = Fleet(nodes=(node(accelerators=read),), workloads=(one, other))
    answer = report(fleet, Options(by="workload"), NOW_S)
    power = {row[0]: row[11] for row in answer.items.rows}
    assert power == {"t/a": 100_000, "t/b": None}


def test_work_of_two_clusters_that_is_called_the_same_is_told_apart() -> None:
    nodes = tuple(node(name, sources=(f"kubernetes:{name}",)) for name in ("n1", "n2"))
    works = tuple(work("train", asks(gpus=8), one.name, source=one.sources[0]) for one in nodes)
    fleet = Fleet(nodes=nodes, workloads=works)
    assert report(fleet, Options(), NOW_S).summary["free"] == 0
    rows = report(fleet, Options(by="workload"), NOW_S).items.rows
    assert {(row[0], row[3], row[5]) for row in rows} == {
        ("kubernetes:n1/t/train", ("n1",), 8),
        ("kubernetes:n2/t/train", ("n2",), 8),
    }


def test_shares_are_of_the_nodes_that_tell_both() -> None:
    """One node of 100 CPUs that uses 10 of them, and one of 300 that nobody read."""
    read = Node("n1", accelerators=(), capacity=Resources(100_000), use=NodeUse(10_000))
    fleet = Fleet(nodes=(read, Node("n2", accelerators=(), capacity=Resources(300_000))))
    assert "10 % of CPU in use on 1 of 2 nodes" in report(fleet, Options(), NOW_S).headline


def test_readiness_is_unknown_where_nobody_asked() -> None:
    def ready(*values: bool | None) -> object:
        nodes = tuple(Node(f"n{at}", accelerators=(), ready=value) for at, value in enumerate(values))
        return _only(report(Fleet(nodes=nodes), Options(), NOW_S))["ready_nodes"]

    assert (ready(None, None), ready(None, True), ready(False, True)) == (None, 1, 1)


def test_data_sets_of_one_zfs_pool_share_what_is_free() -> None:
    sets = tuple(Mount(f"/t/{at}", f"tank/{at}", "zfs", 9_100, 9_000) for at in range(12))
    fleet = Fleet(
        nodes=(Node("n1", accelerators=(), mounts=(*sets, Mount("/", "/dev/sda1", "ext4", 50, 20))),)
    )
    row = _only(report(fleet, Options(), NOW_S))
    assert (row["disk_capacity_bytes"], row["disk_free_bytes"]) == (9_000 + 1_200 + 50, 9_020)


def test_where_the_list_of_nodes_broke_off_there_are_at_least_so_many() -> None:
    gap = Gap(
        "kubernetes:t", "nodes", "the list of nodes broke off after 1; more exist", "timeout", part="nodes"
    )
    assert "at least 1 node" in report(Fleet(nodes=(node(),), gaps=(gap,)), Options(), NOW_S).headline


def test_racks_of_one_name_in_two_sites_are_two_rows() -> None:
    racks = {"a": ("dc1", "r07"), "b": ("dc2", "r07"), "c": ("dc2", "r08")}
    nodes = tuple(node(name, site=site, rack=rack) for name, (site, rack) in racks.items())
    answer = report(Fleet("t", nodes=nodes), Options(by="rack"), NOW_S)
    name, count = (answer.items.column(key) for key in ("name", "accelerators"))
    assert [(row[name], row[count]) for row in answer.items.rows] == [
        ("dc1/r07", 8),
        ("dc2/r07", 8),
        ("r08", 8),
    ]


def test_work_of_two_kinds_with_one_name_is_two() -> None:
    nodes = (node("n1", accelerators=boards(8, busy=0)), node("n2", accelerators=boards(8, busy=0)))
    job, served = work("x", asks(gpus=8), "n1", kind="Job"), work("x", asks(gpus=8), "n2", kind="Deployment")
    fleet = Fleet(nodes=nodes, workloads=(job, served))
    rows = report(fleet, Options(by="workload"), NOW_S).items.rows
    assert {(row[0], row[2], row[3], row[5]) for row in rows} == {
        ("t/x", "Job", ("n1",), 8),
        ("t/x", "Deployment", ("n2",), 8),
    }
    assert "held by 2 workloads" in _note(report(fleet, Options(), NOW_S), "idle")
