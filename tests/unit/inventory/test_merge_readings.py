"""Readings of one cluster at several times, and clusters that go by one name."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.inventory.merge import merge
from dcctl.inventory.model import (
    Conflict,
    Fleet,
    Gap,
    Member,
    Node,
    NodeUse,
    Phase,
    Resources,
    SourceRun,
    Taint,
    Workload,
)
from tests.unit.inventory.fleets import OTHER_UUID, UUID, boards, source

if TYPE_CHECKING:
    from random import Random

NAME = "kubernetes:current"


def work(id_: str, node: str | None, phase: Phase = "running", **rest: str) -> Workload:
    held = Resources(devices={"nvidia.com/gpu": 8})
    return Workload(
        **{"source": NAME, **rest},  # type: ignore[arg-type]
        id=id_,
        members=(Member(f"on-{node}", node, phase, requests=held),),
    )


def cluster(*names: str, taken_at_s: int | None = None, **rest: object) -> Fleet:
    """What `kubernetes:current` says; every node runs `default/train-N`."""
    fleet = source(
        NAME,
        *(Node(name, sources=(NAME,)) for name in names),
        workloads=tuple(work(f"default/train-{at}", name) for at, name in enumerate(names)),
        taken_at_s=taken_at_s,
    )
    return replace(fleet, **rest)


def test_clusters_of_one_name_that_share_no_node_stay_two() -> None:
    gap = Gap(NAME, "pods", "denied", part="work")
    said = Conflict("b0", "rack", ((f"{NAME}+ssh", "r1"),))
    a = cluster("a0", "a1", taken_at_s=20)
    b = cluster("b0", "b1", taken_at_s=10, gaps=(gap,), conflicts=(said,))
    merged = merge([a, b])
    second = f"{NAME}#2"
    assert [(node.name, node.sources) for node in merged.nodes] == [
        ("a0", (NAME,)),
        ("a1", (NAME,)),
        ("b0", (second,)),
        ("b1", (second,)),
    ]
    assert [(one.id, one.source, one.members[0].node) for one in merged.workloads] == [
        ("default/train-0", NAME, "a0"),
        ("default/train-0", second, "b0"),
        ("default/train-1", NAME, "a1"),
        ("default/train-1", second, "b1"),
    ]
    assert [run.name for run in merged.sources] == [NAME, second]
    assert merged.gaps == (replace(gap, source=second),)
    assert merged.conflicts == (replace(said, values=((f"{second}+ssh", "r1"),)),)
    assert merge([b, a]) == merged
    assert merge([merged]).workloads == merged.workloads


def test_equal_names_of_nodes_with_other_uuids_are_no_common_node() -> None:
    a = source(NAME, Node("worker1", system_uuid=UUID), workloads=(work("ns/w", "worker1"),))
    b = source(NAME, Node("worker1", system_uuid=OTHER_UUID), workloads=(work("ns/w", "worker1"),))
    merged = merge([a, b])
    assert [one.source for one in merged.workloads] == [NAME, f"{NAME}#2"]
    assert {one.members[0].node for one in merged.workloads} == {node.name for node in merged.nodes}
    assert len(merged.nodes) == 2


@pytest.mark.parametrize("phase", ["running", "pending"])
@pytest.mark.parametrize("live", [None, 20])
def test_what_an_older_reading_ran_has_ended(phase: Phase, live: int | None) -> None:
    node = None if phase == "pending" else "g0"
    old = cluster("g0", taken_at_s=10, workloads=(work("ns/ended", node, phase), work("ns/w", "g0")))
    new = cluster("g0", taken_at_s=live, workloads=(work("ns/w", "g0"),))
    for fleets in permutations([old, new]):
        assert [one.id for one in merge(fleets).workloads] == ["ns/w"]


def test_of_three_clusters_each_has_the_work_of_its_newest_reading() -> None:
    parts = [
        cluster("a0", "a1"),
        cluster("a1", "a2", taken_at_s=30, workloads=(work("ns/gone", "a1"),)),
        cluster("b0", taken_at_s=20, workloads=(work("ns/b", "b0"),)),
        cluster("b0", taken_at_s=10, workloads=(work("ns/gone", "b0"),)),
        cluster("c0", taken_at_s=5, workloads=(work("ns/c", "c0"),)),
    ]
    merged = merge(parts)
    assert merge(parts[::-1]) == merged
    assert [(one.id, one.source) for one in merged.workloads] == [
        ("default/train-0", NAME),
        ("default/train-1", NAME),
        ("ns/b", f"{NAME}#2"),
        ("ns/c", f"{NAME}#3"),
    ]


def test_a_reading_that_shares_nodes_with_two_makes_one_cluster_of_them() -> None:
    ages = (("a1",), ("a0",), ("a0", "a1"))
    merged = merge([cluster(*names, taken_at_s=9 - at) for at, names in enumerate(ages)])
    assert {one.source for one in merged.workloads} == {NAME}


def test_a_reading_that_shares_a_node_with_two_stated_clusters_is_of_the_newer() -> None:
    known = [_of(f"c{at}", cluster("worker1", f"own{at}", taken_at_s=20 - at)) for at in (1, 2)]
    old = cluster("worker1", taken_at_s=5, workloads=(work("ns/ended", "worker1"),))
    for fleets in permutations([*known, old]):
        merged = merge(fleets)
        assert [(one.id, one.source) for one in merged.workloads] == [
            ("default/train-0", NAME),
            ("default/train-0", f"{NAME}#2"),
            ("default/train-1", NAME),
            ("default/train-1", f"{NAME}#2"),
        ]


@pytest.mark.parametrize("ages", [(10, 20), (20, 10), (10, 10)])
@pytest.mark.parametrize("uid", ["c1", None])
def test_parts_of_one_cluster_keep_the_work_of_both(ages: tuple[int, int], uid: str | None) -> None:
    """As saved with -w and -x: work on nodes of both parts is whole in each."""
    wide = Workload("ns/wide", source=NAME, members=(Member("a", "g0"), Member("b", "g1")))
    parts = [
        _of(uid, cluster(node, taken_at_s=age, workloads=(work(f"ns/{node}", node), wide)))
        for node, age in zip(("g0", "g1"), ages, strict=True)
    ]
    for fleets in permutations(parts):
        merged = merge(fleets)
        assert [one.id for one in merged.workloads] == ["ns/g0", "ns/g1", "ns/wide"]
        assert merged.workloads[2] == wide


def test_a_node_that_only_an_older_reading_lists_keeps_its_members_of_work() -> None:
    def spread(*nodes: str | None, kind: str = "Job") -> Workload:
        members = (Member(f"on-{node}", node, "running" if node else "pending") for node in nodes)
        return Workload("ns/w", kind=kind, source=NAME, members=tuple(members))

    works = (spread("g2", kind="Deployment"), spread("g0", "g1", None))
    old = cluster("g0", "g1", "g2", taken_at_s=10, workloads=works)
    for fleets in permutations([old, cluster("g1", taken_at_s=20, workloads=(spread("g1"),))]):
        merged = merge(fleets).workloads
        assert [(one.kind, [member.node for member in one.members]) for one in merged] == [
            ("Deployment", ["g2"]),
            ("Job", ["g1", "g0"]),
        ]


def test_a_member_that_moved_is_where_the_newest_reading_sees_it() -> None:
    then, now = (Workload("ns/w", source=NAME, members=(Member("w-0", node),)) for node in ("g0", "g1"))
    old = cluster("g0", "g1", taken_at_s=10, workloads=(then,))
    assert merge([old, cluster("g1", taken_at_s=20, workloads=(now,))]).workloads == (now,)


def test_what_an_older_reading_could_not_read_holds_of_the_nodes_that_it_alone_lists() -> None:
    denied, seen = Gap(NAME, "pods", "denied", part="work"), Gap(NAME, "racks", "denied")
    on = {node: Gap(NAME, f"pod of {node}", "invalid", node=node, part="work") for node in ("g0", "g1")}
    old = cluster("g0", "g1", taken_at_s=10, gaps=(denied, seen, *on.values()))
    merged = merge([old, cluster("g1", taken_at_s=20)])
    assert merged.gaps == (on["g0"], replace(denied, node="g0"))


def test_a_cluster_that_gives_no_answer_leaves_the_last_one_standing() -> None:
    gap = Gap(NAME, "the API server", "timed out", "timeout")
    merged = merge([source(NAME, gaps=(gap,)), cluster("g0", taken_at_s=10)])
    assert [(one.id, one.source) for one in merged.workloads] == [("default/train-0", NAME)]
    assert merged.gaps == (gap,)


def test_pods_that_cannot_be_read_now_are_not_those_of_yesterday() -> None:
    gap = Gap(NAME, "pods", "denied", "denied", part="work")
    merged = merge([cluster("g0", workloads=(), gaps=(gap,)), cluster("g0", taken_at_s=10)])
    assert (merged.workloads, merged.gaps) == ((), (gap,))


def test_gaps_of_an_older_reading_are_filled_by_the_newer() -> None:
    old = cluster("g0", taken_at_s=10, gaps=(Gap(NAME, "pods", "denied", part="work"), Gap("ssh", "g0", "?")))
    assert [gap.source for gap in merge([cluster("g0"), old]).gaps] == ["ssh"]


def test_an_older_reading_neither_cordons_nor_taints_nor_measures() -> None:
    sources = (NAME, "ssh")
    runs = tuple(SourceRun(name, name.partition(":")[0], True, 1, 1) for name in sources)
    node = Node("g0", sources=sources, schedulable=False, ready=False, use=NodeUse(cpu_milli=1))
    old = Fleet(nodes=(replace(node, taints=(Taint("k", "NoSchedule"),)),), sources=runs, taken_at_s=10)
    live = source(NAME, Node("g0", sources=(NAME,), ready=True, schedulable=True))
    probed = source("ssh", Node("g0", sources=("ssh",), use=NodeUse(cpu_milli=2)))
    for fleets in permutations([old, live, probed]):
        (merged,) = merge(fleets).nodes
        assert (merged.ready, merged.schedulable, merged.taints) == (True, True, ())
        assert merged.use == NodeUse(cpu_milli=2)


def test_boards_are_handed_out_as_the_newest_reading_says() -> None:
    shared = tuple(replace(board, kind="shared", replicas=4) for board in boards(2, uuids=False))
    named = (Node("g0", sources=(NAME,)),)
    old = cluster("g0", taken_at_s=10, nodes=(replace(named[0], accelerators=shared),))
    live = cluster("g0", nodes=(replace(named[0], accelerators=boards(2, uuids=False)),))
    nvml = source("nvml", Node("g0", accelerators=boards(2)))
    for fleets in (*permutations([old, live, nvml]), (old, live)):
        (node,) = merge(fleets).nodes
        assert [(board.kind, board.replicas) for board in node.accelerators or ()] == [("whole", None)] * 2


def test_runs_that_happen_to_be_equal_are_two() -> None:
    merged = merge([source("ssh", Node("n1")), source("ssh", Node("n2"))])
    assert [run.name for run in merged.sources] == ["ssh", "ssh"]


def test_sources_named_by_the_administrator_are_clusters_too() -> None:
    parts = [
        Fleet(
            nodes=(Node(f"{name}-0", sources=(name,)),),
            workloads=(work("ns/w", f"{name}-0", source=name),),
            sources=(SourceRun(name, "kubernetes", ok=True, duration_ms=1, items=1),),
        )
        for name in ("east", "west")
    ]
    assert [one.source for one in merge(parts).workloads] == ["east", "west"]


def test_a_job_and_a_deployment_of_one_name_are_two() -> None:
    works = (work("ns/w", "g0", kind="Deployment"), work("ns/w", "g1", kind="Job"))
    merged = merge([cluster("g0", "g1", workloads=works), source("ssh", Node("g0"))])
    assert [one.kind for one in merged.workloads] == ["Deployment", "Job"]


@st.composite
def parts(draw: st.DrawFn) -> list[Fleet]:
    """Readings of clusters that all go by one name."""
    ages = draw(st.lists(st.integers(1, 9), min_size=1, max_size=5))
    names = st.lists(st.sampled_from(["a0", "a1", "b0", "b1", "c0"]), max_size=3, unique=True)
    return [cluster(*draw(names), taken_at_s=None if age == 9 else age) for age in ages]


@given(parts(), st.randoms(use_true_random=False))
def test_the_order_of_readings_does_not_matter_and_no_node_runs_two_accounts(
    fleets: list[Fleet], random: Random
) -> None:
    merged = merge(fleets)
    shuffled = list(fleets)
    random.shuffle(shuffled)
    assert merge(shuffled) == merged
    accounts = [(one.source, one.id) for one in merged.workloads]
    assert len(set(accounts)) == len(accounts)
    assert all(len(node.sources) == 1 for node in merged.nodes)
    held = {member.node for one in merged.workloads for member in one.members}
    assert held == {node.name for node in merged.nodes}


def _of(uid: str | None, part: Fleet) -> Fleet:
    """The same, stating which cluster it is."""
    return replace(part, sources=tuple(replace(run, cluster=uid) for run in part.sources))


def test_what_a_cluster_calls_itself_counts_more_than_names_of_nodes() -> None:
    grown = [_of("c1", cluster("a0", taken_at_s=20)), _of("c1", cluster("a7", taken_at_s=10))]
    assert [one.source for one in merge(grown).workloads] == [NAME]
    two = [_of("c1", cluster("worker1", taken_at_s=20)), _of("c2", cluster("worker1", taken_at_s=10))]
    assert [one.source for one in merge(two).workloads] == [NAME, f"{NAME}#2"]


def test_a_cluster_that_goes_by_two_names_is_one() -> None:
    old = cluster("a0", taken_at_s=10)
    other = "kubernetes:admin"
    old = replace(
        old,
        nodes=tuple(replace(node, sources=(other,)) for node in old.nodes),
        workloads=tuple(replace(one, source=other) for one in old.workloads),
        sources=tuple(replace(run, name=other) for run in old.sources),
    )
    merged = merge([_of("c1", cluster("a0", taken_at_s=20)), _of("c1", old)])
    assert [(one.id, one.source) for one in merged.workloads] == [("default/train-0", NAME)]
    assert [node.sources for node in merged.nodes] == [(NAME,)]
