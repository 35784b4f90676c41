"""Whose word counts, where sources disagree, and that their order does not matter."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.inventory.merge import merge
from dcctl.inventory.model import (
    Accelerator,
    Conflict,
    Cordon,
    Disruption,
    Fleet,
    Gap,
    Link,
    Member,
    Node,
    Pcie,
    Pool,
    PowerMeter,
    Rack,
    Resources,
    Site,
    System,
    Taint,
    Template,
    Workload,
)
from tests.unit.inventory.fleets import OTHER_UUID, UUID, boards, small, source


def one(*fleets: Fleet) -> Node:
    (node,) = merge(fleets).nodes
    return node


def test_hardware_is_believed_from_the_node_and_scheduling_from_the_scheduler() -> None:
    node = one(
        source(
            "kubernetes", Node("n", ready=True, labels={"a": "k"}, system=System(kernel="6.1", agent="v1.31"))
        ),
        source(
            "ssh", Node("n", ready=False, labels={"a": "s", "b": "s"}, system=System(kernel="6.8", cores=96))
        ),
    )
    assert node.ready is True
    assert node.labels == {"a": "k", "b": "s"}
    assert node.system == System(kernel="6.8", cores=96, agent="v1.31")


def test_a_node_of_two_schedulers_is_free_only_when_both_say_so() -> None:
    slurm = source("slurm", Node("n", schedulable=False, taints=(Taint("drain", "slurm"),)))
    kubernetes = source("kubernetes", Node("n", schedulable=True, taints=(Taint("gpu", "NoSchedule"),)))
    node = one(slurm, kubernetes)
    assert node.schedulable is False
    assert [taint.key for taint in node.taints] == ["gpu", "drain"]
    assert one(source("file", Node("n", schedulable=False)), kubernetes).schedulable is True


def test_the_list_with_uuids_leads_and_keeps_the_scheduler_s_names() -> None:
    told = tuple(
        Accelerator(index=i, resource="nvidia.com/gpu.shared", kind="shared", replicas=4) for i in range(9)
    )
    node = one(
        source("nvml", Node("n", accelerators=boards(8))), source("kubernetes", Node("n", accelerators=told))
    )
    assert node.accelerators is not None
    assert [board.id for board in node.accelerators] == [f"GPU-{i}" for i in range(8)]
    assert {(b.resource, b.kind, b.replicas, b.model) for b in node.accelerators} == {
        ("nvidia.com/gpu.shared", "shared", 4, "NVIDIA H100 80GB HBM3")
    }


def test_slices_that_only_the_scheduler_knows_are_kept_beside_their_boards() -> None:
    slices = tuple(
        Accelerator(index=i, kind="mig", profile="1g.10gb", resource="nvidia.com/mig-1g.10gb")
        for i in range(7)
    )
    node = one(
        source("nvml", Node("n", accelerators=boards(1))),
        source("kubernetes", Node("n", accelerators=slices)),
    )
    assert node.accelerators is not None
    assert [board.kind for board in node.accelerators] == ["whole"] + ["mig"] * 7


def test_boards_are_matched_by_pci_address_where_one_list_has_no_uuids() -> None:
    probed = (
        Accelerator(index=0, pcie=Pcie(address="0000:b1:00.0"), numa_node=1),
        Accelerator(index=1, pcie=Pcie(address="0000:a1:00.0"), numa_node=0),
    )
    read = (
        Accelerator(index=0, id="GPU-a", pcie=Pcie(address="0000:a1:00.0", width=16)),
        Accelerator(index=1, id="GPU-b", pcie=Pcie(address="0000:b1:00.0")),
    )
    node = one(source("nvml", Node("n", accelerators=read)), source("ssh", Node("n", accelerators=probed)))
    assert node.accelerators is not None
    assert [(board.id, board.numa_node) for board in node.accelerators] == [("GPU-a", 0), ("GPU-b", 1)]


def test_known_to_have_none_is_not_unknown() -> None:
    assert one(source("nvml", Node("n", accelerators=())), source("ansible", Node("n"))).accelerators == ()
    assert one(source("ssh", Node("n")), source("ansible", Node("n"))).accelerators is None


def test_facts_that_differ_are_findings() -> None:
    merged = merge(
        [
            source(
                "kubernetes",
                Node(
                    "n",
                    rack="r1",
                    site="dc1",
                    capacity=Resources(cpu_milli=96_000, memory_bytes=1000),
                    accelerators=boards(7, uuids=False, model="NVIDIA-A100-SXM4-80GB"),
                    accelerator_counts={"kubernetes": 7},
                ),
            ),
            source(
                "ssh",
                Node(
                    "n",
                    rack="r2",
                    site="DC1",
                    capacity=Resources(cpu_milli=192_000, memory_bytes=1021),
                    accelerators=boards(8),
                    accelerator_counts={"pci": 8, "nvml": 8},
                ),
            ),
        ]
    )
    assert {conflict.fact: conflict.values for conflict in merged.conflicts} == {
        "accelerators": (("kubernetes", "7"), ("nvml", "8"), ("pci", "8")),
        "cpus": (("kubernetes", "96"), ("ssh", "192")),
        "memory": (("kubernetes", "1000"), ("ssh", "1021")),
        "model": (("kubernetes", "NVIDIA-A100-SXM4-80GB"), ("ssh", "NVIDIA H100 80GB HBM3")),
        "rack": (("kubernetes", "r1"), ("ssh", "r2")),
    }
    assert {conflict.subject for conflict in merged.conflicts} == {"n"}


def test_what_only_reads_differently_is_no_finding() -> None:
    fleets = [
        source(
            "kubernetes",
            Node(
                "n", capacity=Resources(memory_bytes=1000), accelerators=boards(2, uuids=False, model="H100")
            ),
        ),
        source("ssh", Node("n", capacity=Resources(memory_bytes=1020), accelerators=boards(2))),
    ]
    assert merge(fleets).conflicts == ()


def test_counts_that_differ_within_one_source_are_a_finding_too() -> None:
    merged = merge([source("ssh", Node("n", accelerator_counts={"pci": 8, "nvml": 7}))])
    assert merged.conflicts == (Conflict("n", "accelerators", (("nvml", "7"), ("pci", "8"))),)


def test_one_accelerator_on_two_nodes_is_a_finding() -> None:
    merged = merge([source("ssh", Node("n1", accelerators=boards(1)), Node("n2", accelerators=boards(1)))])
    assert merged.conflicts == (Conflict("GPU-0", "node", (("ssh", "n1"), ("ssh", "n2"))),)


def test_everything_follows_a_node_to_its_new_name() -> None:
    merged = merge(
        [
            source(
                "kubernetes:a",
                Node("gpu1", site="dc1", system_uuid=UUID),
                pools=(Pool("p", "gpu1", "nodepool"),),
            ),
            source(
                "kubernetes:b",
                Node("gpu1", site="dc2", system_uuid=OTHER_UUID),
                pools=(Pool("p", "gpu1"),),
                workloads=(Workload("ns/w", members=(Member("m", "gpu1"),)),),
                meters=(PowerMeter("pdu", "pdu", nodes="gpu1"),),
                links=(Link("gpu1", "p0", "leaf1", "1"),),
                gaps=(Gap("kubernetes:b", "ns/x", "no quantity", node="gpu1"),),
            ),
        ]
    )
    assert [gap.node for gap in merged.gaps] == ["gpu1.dc2"]
    assert merged.pools == (Pool("p", "gpu1.dc[1-2]", "nodepool"),)
    assert merged.workloads[0].members[0].node == "gpu1.dc2"
    assert merged.meters[0].nodes == "gpu1.dc2"
    assert merged.links[0].a_node == "gpu1.dc2"


def test_racks_and_sites_exist_for_every_name_a_node_mentions() -> None:
    merged = merge(
        [
            source(
                "ssh",
                Node("a", site="dc1", rack="r1"),
                Node("b", rack="r9"),
                racks=(Rack("r1", power_limit_mw=7),),
            )
        ]
    )
    assert merged.racks == (Rack("r9"), Rack("r1", "dc1", 7))
    assert merged.sites == (Site("dc1"),)


def test_workloads_of_two_clusters_stay_apart_and_a_third_view_joins_its_own() -> None:
    a = Workload("ns/w", source="kubernetes:a", members=(Member("m"),))
    b = replace(a, source="kubernetes:b")
    said = Workload("ns/w", source="prometheus", owner="nlp")
    assert (
        len(merge([source("kubernetes:a", workloads=(a,)), source("kubernetes:b", workloads=(b,))]).workloads)
        == 2
    )
    (joined,) = merge(
        [source("kubernetes:a", workloads=(a,)), source("prometheus", workloads=(said,))]
    ).workloads
    assert (joined.source, joined.owner, len(joined.members)) == ("kubernetes:a", "nlp", 1)


def test_what_was_asked_just_now_beats_a_saved_file() -> None:
    live = Workload("ns/w", source="kubernetes", members=(Member("new"),))
    saved = replace(live, members=(Member("old"),), owner="nlp")
    (work,) = merge([source("file", workloads=(saved,)), source("kubernetes", workloads=(live,))]).workloads
    assert ([member.name for member in work.members], work.owner) == (["new"], None)


def test_a_cable_seen_from_both_ends_is_one() -> None:
    merged = merge(
        [
            source("a", links=(Link("n1", "p0", "leaf", "1", up=True),)),
            source("b", links=(Link("leaf", "1", "n1", "p0", speed_bps=400),)),
        ]
    )
    assert merged.links == (Link("n1", "p0", "leaf", "1", speed_bps=400, up=True),)


UUIDS = st.sampled_from([None, UUID, OTHER_UUID, "00000000-0000-0000-0000-000000000000"])
NODES = st.builds(
    Node,
    name=st.sampled_from(["gpu1", "gpu2", "gpu1.dc1", "gpu1.dc2", "GPU1"]),
    system_uuid=UUIDS,
    site=st.sampled_from([None, "dc1", "dc2"]),
    rack=st.sampled_from([None, "r1", "r2"]),
    ready=st.sampled_from([None, True, False]),
    pools=st.sampled_from([(), ("train",)]),
    accelerators=st.sampled_from([None, (), boards(2), boards(2, uuids=False)]),
)
KINDS = ["kubernetes:a", "kubernetes:b", "slurm", "ssh", "nvml", "ansible", "file"]


@st.composite
def answers(draw: st.DrawFn) -> list[Fleet]:
    names = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4, unique=True))
    return [source(name, *draw(st.lists(NODES, max_size=3)), gaps=(Gap(name, "x", "y"),)) for name in names]


@given(answers(), st.randoms(use_true_random=False))
def test_the_order_of_sources_does_not_change_the_result(fleets: list[Fleet], random: object) -> None:
    shuffled = list(fleets)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert merge(shuffled) == merge(fleets)


@given(answers())
def test_merging_what_was_merged_changes_no_node(fleets: list[Fleet]) -> None:
    merged = merge(fleets)
    again = merge([merged])
    assert [node.name for node in again.nodes] == [node.name for node in merged.nodes]
    assert again.nodes == merged.nodes


@given(answers())
def test_names_are_unique_and_no_node_is_lost(fleets: list[Fleet]) -> None:
    merged = merge(fleets)
    names = [node.name for node in merged.nodes]
    assert len(set(names)) == len(names)
    answered = {name for node in merged.nodes for name in (node.name, *node.aliases)}
    assert {node.name for fleet in fleets for node in fleet.nodes} <= answered


def test_a_single_answer_stays_as_it_is() -> None:
    fleet = replace(small(), nodes=tuple(replace(node, sources=("file",)) for node in small().nodes))
    merged = merge([replace(fleet, sources=source("file").sources)], fleet.name, fleet.taken_at_s)
    assert {node.name: node for node in merged.nodes} == {node.name: node for node in fleet.nodes}
    assert (merged.name, merged.taken_at_s, merged.workloads) == (
        fleet.name,
        fleet.taken_at_s,
        fleet.workloads,
    )


def test_templates_are_united_by_key_and_those_that_nobody_names_go() -> None:
    same, own, old = Template("same"), Template("own"), Template("old")
    a = source(
        "kubernetes:a",
        Node("n1"),
        workloads=(Workload("x/1", source="kubernetes:a", members=(Member("p", "n1", template="s"),)),),
        templates={"s": same, "z": old},
    )
    members = (Member("p", "n2", template="s"), Member("q", "n2", template="o"))
    b = source(
        "kubernetes:b",
        Node("n2"),
        workloads=(Workload("x/2", source="kubernetes:b", members=members),),
        templates={"s": same, "o": own},
    )
    assert merge([a, b]).templates == merge([b, a]).templates == {"o": own, "s": same}


def test_what_evictions_do_is_united_by_key_and_the_scheduler_says_who_holds_a_node() -> None:
    first, second = Disruption("Job"), Disruption("StatefulSet")
    held, stale = Cordon("dcctl", who="lin.wei"), Cordon("kured")
    work = [
        Workload(f"x/{key}", source="kubernetes:a", members=(Member("p", "n1", disruption=key),))
        for key in "ab"
    ]
    live = source(
        "kubernetes:a",
        Node("n1", schedulable=False, cordon=held),
        workloads=tuple(work),
        disruptions={"a": first, "b": second, "c": Disruption("nobody")},
    )
    file = source("file:old", Node("n1", cordon=stale))
    merged = merge([live, file])
    assert merged.disruptions == {"a": first, "b": second}
    assert merged.nodes[0].cordon == merge([file, live]).nodes[0].cordon == held


def test_nothing_merged_is_an_empty_fleet() -> None:
    assert merge([], "empty") == Fleet(name="empty")
