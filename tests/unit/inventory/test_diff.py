"""What changed between two fleets."""

from __future__ import annotations

from hypothesis import given
from msgspec.structs import replace

from dcctl.inventory import devices, model
from dcctl.inventory.diff import VOLATILE, Change, diff
from dcctl.inventory.model import (
    Accelerator,
    Conflict,
    Cordon,
    Disk,
    Ecc,
    Fleet,
    Gap,
    Link,
    Member,
    Nic,
    Node,
    NodeUse,
    Rack,
    SourceRun,
    System,
    Taint,
    Workload,
)
from tests.unit.inventory.fleets import boards, small
from tests.unit.inventory.test_snapshot import FLEETS


@given(FLEETS)
def test_a_fleet_does_not_differ_from_itself(fleet: Fleet) -> None:
    assert diff(fleet, fleet) == ()


@given(FLEETS, FLEETS)
def test_the_way_back_is_the_same_changes_turned_round(old: Fleet, new: Fleet) -> None:
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    assert diff(new, old) == tuple(
        Change(change.subject, turned[change.kind], change.path, change.new, change.old)  # type: ignore[arg-type]
        for change in diff(old, new)
    )


def test_readings_are_no_changes() -> None:
    cold = Accelerator(index=0, id="GPU-0", temperature_c=30, power_mw=70_000, ecc=Ecc(volatile_corrected=1))
    hot = replace(
        cold, temperature_c=80, power_mw=700_000, throttle=("sw_thermal",), ecc=Ecc(volatile_corrected=9)
    )
    old = Fleet(nodes=(Node("n", accelerators=(cold,), use=NodeUse(cpu_milli=1), system=System(uptime_s=5)),))
    new = Fleet(nodes=(Node("n", accelerators=(hot,), use=NodeUse(cpu_milli=9), system=System(uptime_s=9)),))
    assert diff(old, new) == ()


def test_every_kind_of_change_is_told() -> None:
    old = Fleet(
        nodes=(
            Node(
                "n1",
                rack="r1",
                system=System(kernel="6.1"),
                accelerators=boards(2),
                nics=(Nic("eth0", up=True),),
            ),
            Node("n2", accelerators=()),
        ),
        workloads=(Workload("ns/w", members=(Member("m", "n1"),)),),
    )
    new = Fleet(
        nodes=(
            Node(
                "n1",
                system=System(kernel="6.8"),
                taints=(Taint("k", "NoSchedule"),),
                accelerators=boards(1),
                nics=(Nic("eth0", up=False), Nic("eth1")),
            ),
            Node("n10", accelerators=(replace(boards(2)[1], ecc=Ecc(volatile_uncorrected=3)),)),
        ),
        workloads=(Workload("ns/w", members=(Member("m", "n10"),)),),
        gaps=(Gap("ssh", "n2", "timed out", "timeout"),),
    )
    assert [(c.subject, c.kind, c.path, c.old, c.new) for c in diff(old, new)] == [
        ("accelerator GPU-1", "changed", "ecc.volatile_uncorrected", None, "3"),
        ("accelerator GPU-1", "changed", "node", "n1", "n10"),
        ("gap ssh n2", "added", "", None, None),
        ("node n1", "changed", "nics[eth0].up", "True", "False"),
        ("node n1", "changed", "nics[eth1].kind", None, "ethernet"),
        ("node n1", "changed", "nics[eth1].name", None, "eth1"),
        ("node n1", "changed", "rack", "r1", None),
        ("node n1", "changed", "system.kernel", "6.1", "6.8"),
        ("node n1", "changed", "taints", None, "k:NoSchedule:"),
        ("node n2", "removed", "", None, None),
        ("node n10", "added", "", None, None),
        ("workload ns/w", "changed", "members[m].node", "n1", "n10"),
    ]


def test_a_swapped_board_is_one_gone_and_one_come() -> None:
    old, new = Accelerator(index=0, id="GPU-old"), Accelerator(index=0, id="GPU-new")
    changes = diff(
        Fleet(nodes=(Node("n", accelerators=(old,)),)), Fleet(nodes=(Node("n", accelerators=(new,)),))
    )
    assert [(c.subject, c.kind, c.old, c.new) for c in changes] == [
        ("accelerator GPU-new", "added", None, "n"),
        ("accelerator GPU-old", "removed", "n", None),
    ]


def test_every_volatile_field_exists_in_the_model() -> None:
    for struct, names in VOLATILE.items():
        kind = getattr(model, struct, None) or getattr(devices, struct)
        assert names <= set(kind.__struct_fields__), struct


def test_a_whole_fleet_against_nothing() -> None:
    assert {change.kind for change in diff(Fleet(), small())} == {"added"}


def told(old: Fleet, new: Fleet) -> list[tuple[str, str, str, str | None, str | None]]:
    return [(c.subject, c.kind, c.path, c.old, c.new) for c in diff(old, new)]


def test_silence_about_lists_is_no_removal() -> None:
    full = Node("n", accelerators=boards(8), nics=(Nic("eth0"),), disks=(Disk("sda"),), mounts=())
    old, new = Fleet(nodes=(full,)), Fleet(nodes=(Node("n"),))
    assert told(old, new) == [
        ("node n", "changed", "accelerators", "8", "unknown"),
        ("node n", "changed", "disks", "1", "unknown"),
        ("node n", "changed", "mounts", "0", "unknown"),
        ("node n", "changed", "nics", "1", "unknown"),
    ]
    assert told(new, old)[0] == ("node n", "changed", "accelerators", "unknown", "8")
    assert told(old, Fleet(nodes=(replace(full, accelerators=()),)))[0][:2] == (
        "accelerator GPU-0",
        "removed",
    )


def test_boards_that_were_read_in_part_were_not_removed() -> None:
    gap = Gap("nvml", "n", "timed out after 3 of 8 boards", "timeout", node="n", part="devices")
    old = Fleet(nodes=(Node("n", accelerators=boards(8)),))
    new = Fleet(nodes=(Node("n", accelerators=boards(3)),), gaps=(gap,))
    assert told(old, new) == [
        ("gap nvml n", "added", "", None, None),
        ("node n", "changed", "accelerators", "8", "unknown"),
    ]
    whole = replace(new, nodes=old.nodes)
    assert told(old, whole) == [("gap nvml n", "added", "", None, None)]
    of_all = replace(new, gaps=(replace(gap, node=""),), nodes=(replace(new.nodes[0], sources=("nvml",)),))
    assert told(old, of_all)[1] == ("node n", "changed", "accelerators", "8", "unknown")


def test_boards_without_uuids_are_compared_by_their_number() -> None:
    old = Fleet(nodes=(Node("n", accelerators=boards(8)),))
    assert told(old, Fleet(nodes=(Node("n", accelerators=boards(8, uuids=False)),))) == []
    assert told(old, Fleet(nodes=(Node("n", accelerators=boards(7, uuids=False)),))) == [
        ("node n", "changed", "accelerators", "8", "7")
    ]


def test_a_cluster_that_gave_no_answer_lost_no_node_and_no_work() -> None:
    node = Node("n", sources=("k",), accelerators=boards(2))
    run = SourceRun("k", "kubernetes", ok=True, duration_ms=1, items=1)
    old = Fleet(nodes=(node,), workloads=(Workload("ns/w", source="k"),), sources=(run,))
    gap = Gap("k", "the API server", "timed out", "timeout")
    new = Fleet(gaps=(gap,), sources=(replace(run, ok=False, items=0, gaps=1),))
    assert told(old, new) == [("gap k the API server", "added", "", None, None)]
    denied = Gap("k", "pods", "denied", "denied", part="work")
    unread = replace(old, workloads=(), gaps=(denied,))
    assert told(old, unread) == [("gap k pods", "added", "", None, None)]
    assert told(replace(old, gaps=(denied,)), unread) == [("workload ns/w", "removed", "", None, None)]


def test_boards_of_one_uuid_and_work_of_one_id_are_told_apart() -> None:
    same = tuple(replace(board, id="GPU-same") for board in boards(3))
    assert told(
        Fleet(nodes=(Node("n", accelerators=same),)), Fleet(nodes=(Node("n", accelerators=same[:2]),))
    ) == [("accelerator n:whole:2", "removed", "", "n", None)]
    two = (Workload("ns/w", "Job", source="k"), Workload("ns/w", "Deployment", source="k"))
    assert told(Fleet(workloads=two), Fleet(workloads=two[:1])) == [
        ("workload Deployment ns/w of k", "removed", "", None, None)
    ]


def test_a_cable_that_moved_to_another_port_is_told() -> None:
    cable = Link("g1", "e0", "sw", "p1", up=True)
    seen_from_there = Link("sw", "p1", "g1", "e0", up=True)
    assert told(Fleet(links=(cable,)), Fleet(links=(seen_from_there,))) == []
    assert told(Fleet(links=(cable,)), Fleet(links=(replace(cable, b_port="p2"),))) == [
        ("link g1:e0 - sw:p1", "removed", "", None, None),
        ("link g1:e0 - sw:p2", "added", "", None, None),
    ]
    assert told(Fleet(links=(cable,)), Fleet(links=(replace(seen_from_there, up=False),))) == [
        ("link g1:e0 - sw:p1", "changed", "up", "True", "False")
    ]


def test_a_conflict_that_is_new_or_gone_is_told() -> None:
    conflict = Conflict("n", "accelerators", (("nvml", "7"), ("pci", "8")))
    node, run = Node("n", sources=("ssh",)), SourceRun("ssh", "ssh", True, 1, 1)
    quiet = Fleet(nodes=(node,), sources=(run,))
    loud = replace(quiet, conflicts=(conflict,))
    assert told(quiet, loud) == [("conflict n accelerators", "added", "", None, None)]
    assert told(loud, quiet) == [("conflict n accelerators", "removed", "", None, None)]
    worse = replace(conflict, values=(("nvml", "6"), ("pci", "8")))
    assert told(loud, replace(quiet, conflicts=(worse,))) == [
        ("conflict n accelerators", "changed", "values", "nvml: 7, pci: 8", "nvml: 6, pci: 8")
    ]


def test_what_a_silent_source_told_of_cables_and_conflicts_is_no_change() -> None:
    run = SourceRun("ssh", "ssh", True, 1, 1)
    old = Fleet(
        nodes=(Node("n", sources=("ssh",)), Node("m", sources=("kubernetes",))),
        links=(Link("n", "e0", "sw", "p1"),),
        conflicts=(Conflict("n", "accelerators", (("nvml", "7"), ("pci", "8"))),),
        sources=(run,),
    )
    silent = replace(run, ok=False, items=0, gaps=1)
    assert told(old, Fleet(nodes=old.nodes[1:], sources=(silent,))) == []


def test_racks_of_one_name_in_two_sites_are_two() -> None:
    racks = (Rack("r07", "dc1", power_limit_mw=1), Rack("r07", "dc2", power_limit_mw=5))
    changed = (replace(racks[0], power_limit_mw=9), racks[1])
    assert told(Fleet(racks=racks), Fleet(racks=changed)) == [
        ("rack dc1/r07", "changed", "power_limit_mw", "1", "9")
    ]
    assert told(Fleet(racks=racks), Fleet(racks=racks[1:])) == [("rack dc1/r07", "removed", "", None, None)]


def test_a_lost_board_whose_id_another_node_has_too_is_told() -> None:
    twice = (Node("n1", accelerators=boards(2)), Node("n2", accelerators=boards(1)))
    once = (Node("n1", accelerators=boards(2)[1:]), twice[1])
    assert told(Fleet(nodes=twice), Fleet(nodes=once)) == [
        ("accelerator n1:whole:0", "removed", "", "n1", None)
    ]


def test_what_a_node_that_did_not_answer_would_have_told_is_no_change() -> None:
    read = Node("n1", sources=("ssh",), ready=True, pools=("p",), system=System(kernel="6.1"))
    old = Fleet(nodes=(replace(read, accelerators=boards(2)),))
    gap = Gap("ssh", "n1", "timed out", "timeout", node="n1")
    heard = ("gap ssh n1", "added", "", None, None)
    listed = ("node n1", "changed", "accelerators", "2", "unknown")
    unread = Fleet(nodes=(Node("n1", sources=("ssh",)),), gaps=(gap,))
    assert told(old, unread) == [heard, listed]
    assert told(old, replace(unread, nodes=())) == [heard]
    moved = replace(unread.nodes[0], site="dc2")
    assert ("node n1", "changed", "site", None, "dc2") in told(old, replace(unread, nodes=(moved,)))
    no_work = replace(unread, gaps=(replace(gap, part="work"),))
    assert ("node n1", "changed", "system.kernel", "6.1", None) in told(old, no_work)


def test_of_a_node_that_did_not_answer_a_scheduler_still_tells_changes() -> None:
    both = ("kubernetes:c", "ssh")
    old = Fleet(nodes=(Node("n1", sources=both, labels={"tier": "a"}, system=System(cpu_model="X")),))
    gap = Gap("ssh", "n1", "timed out", "timeout", node="n1")
    new = Fleet(nodes=(Node("n1", sources=both[:1]),), gaps=(gap,))
    assert told(old, new) == [
        ("gap ssh n1", "added", "", None, None),
        ("node n1", "changed", "labels.tier", "a", None),
    ]


def test_a_node_that_somebody_took_out_of_service_shows_who() -> None:
    old = Fleet(nodes=(Node("n1", schedulable=True),))
    ours = Cordon("dcctl", "r1", "lin.wei", "PDU swap", was_schedulable=True)
    new = Fleet(nodes=(Node("n1", schedulable=False, cordon=ours),))
    assert told(old, new) == [
        ("node n1", "changed", "cordon", None, "dcctl for lin.wei: PDU swap"),
        ("node n1", "changed", "schedulable", "True", "False"),
    ]
    foreign = Fleet(nodes=(Node("n1", schedulable=False, cordon=Cordon("kured")),))
    assert told(new, foreign) == [("node n1", "changed", "cordon", "dcctl for lin.wei: PDU swap", "kured")]


def test_a_checkpoint_and_what_evictions_do_is_no_change() -> None:
    def fleet(key: str, at_s: int) -> Fleet:
        work = Workload("ns/w", members=(Member("m", "n1", disruption=key),), checkpointed_at_s=at_s)
        return Fleet(nodes=(Node("n1"),), workloads=(work,), disruptions={key: model.Disruption(key)})

    assert diff(fleet("a", 1), fleet("b", 2)) == ()


def test_where_a_member_may_stand_and_whether_it_is_ready_is_no_change() -> None:
    def fleet(key: str, *, ready: bool) -> Fleet:
        work = Workload("ns/w", members=(Member("m", "n1", template=key, ready=ready),))
        return Fleet(nodes=(Node("n1"),), workloads=(work,), templates={key: model.Template(key)})

    assert diff(fleet("a", ready=True), fleet("b", ready=False)) == ()
