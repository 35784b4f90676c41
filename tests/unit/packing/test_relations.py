"""Rules about other members and about nodes in corners where kube-scheduler is read wrongly with ease."""

from __future__ import annotations

from msgspec.structs import replace

from dcctl.inventory.asked import Asked
from dcctl.inventory.model import Accelerator, Fleet, Member, Node, Resources, Taint, Workload
from dcctl.inventory.placement import (
    Expression,
    Neighbours,
    NodeTerm,
    Selector,
    Spread,
    Template,
    Toleration,
)
from dcctl.packing.choices import DEFAULT_POLICY
from dcctl.packing.intake.fleet import problem_of
from dcctl.packing.problem import Bin, Held, ItemClass, Problem
from dcctl.packing.reasons import Reason
from dcctl.packing.solve import engine_of
from tests.unit.packing.problems import SPACE, a_bin, device, need

ZONE, HOST, GPU = "topology.kubernetes.io/zone", "kubernetes.io/hostname", "nvidia.com/gpu"
MATE = Template(namespace="x", labels={"app": "a"})
MINE = Selector({"app": "a"})


def bits(
    bins: tuple[Bin, ...],
    one: ItemClass,
    mates: tuple[int, ...] = (),
    mate: Template = MATE,
    tolerated: frozenset[str] = frozenset(),
) -> list[int]:
    """Why each bin refuses the class while such mates stand in these bins."""
    held = tuple(Held("mates", f"m{number}", at, 1) for number, at in enumerate(mates))
    classes = (one, ItemClass(need(), mate))
    problem = Problem(SPACE, bins, classes, (), held, tolerated=tolerated)
    return engine_of(problem, DEFAULT_POLICY).refusals(0).tolist()  # type: ignore[no-any-return]


def zoned(*zones: str) -> tuple[Bin, ...]:
    return tuple(a_bin(f"n{at}", labels={ZONE: zone} if zone else {}) for at, zone in enumerate(zones))


def test_a_spread_over_an_empty_selector_counts_nobody() -> None:
    one = ItemClass(need(), Template(namespace="x", spreads=(Spread(ZONE, Selector()),)))
    assert bits(zoned("a", "b"), one, (0, 0, 0)) == [0, 0]


def test_who_is_being_deleted_is_not_counted_but_still_kept_away_from() -> None:
    leaving = replace(MATE, leaving=True)
    spread = Template(namespace="x", labels={"app": "a"}, spreads=(Spread(ZONE, MINE),))
    apart = Template(namespace="x", labels={"app": "a"}, neighbours=(Neighbours(ZONE, MINE, apart=True),))
    assert bits(zoned("a", "b"), ItemClass(need(), spread), (0,), leaving) == [0, 0]
    assert bits(zoned("a", "b"), ItemClass(need(), apart), (0,), leaving) == [Reason.APART, 0]


def test_who_stands_where_no_label_tells_is_not_beside_anybody() -> None:
    first = Template(namespace="x", labels={"app": "a"}, neighbours=(Neighbours(ZONE, MINE),))
    assert bits(zoned("a", ""), ItemClass(need(), first), (1,)) == [0, Reason.TOGETHER]
    assert bits(zoned("a", "b"), ItemClass(need(), first), (1,)) == [Reason.TOGETHER, 0]


def test_a_node_without_the_device_is_a_domain_of_a_spread() -> None:
    spread = Spread(ZONE, MINE, honor_taints=True)
    one = ItemClass(need(devices=1), Template(namespace="x", labels={"app": "a"}, spreads=(spread,)))
    bins = (a_bin("n0", devices=(device(),), labels={ZONE: "a"}), a_bin("n1", labels={ZONE: "b"}))
    assert bits(bins, one, (0,)) == [Reason.SPREAD, Reason.NO_DEVICES | Reason.DEVICES]


def test_a_pod_tolerates_what_it_says_and_nothing_that_is_common() -> None:
    bins, common = (a_bin("n0", taints=(Taint(GPU, "NoSchedule"),)),), frozenset((GPU,))
    assert bits(bins, ItemClass(need(), Template(namespace="x")), tolerated=common) == [Reason.TAINT]
    assert bits(bins, ItemClass(need(), Template()), tolerated=common) == [0]


def test_numbers_of_labels_are_those_of_64_bits() -> None:
    bins = tuple(a_bin(f"n{at}", labels={"gen": text}) for at, text in enumerate(("7", "9" * 19, "-+7", "x")))

    def over(bound: str) -> list[int]:
        term = NodeTerm((Expression("gen", "Gt", (bound,)),))
        return bits(bins, ItemClass(need(), Template(namespace="x", required=(term,))))

    assert over("6") == [0, Reason.LABELS, Reason.LABELS, Reason.LABELS]
    assert over("-+6") == [Reason.LABELS] * 4


def waiting(asked: Resources, tolerations: tuple[Toleration, ...] = ()) -> tuple[Fleet, Workload]:
    work = Workload("x/p", members=(Member("p", phase="pending", requests=asked, template="t"),))
    return Fleet(templates={"t": Template(namespace="x", tolerations=tolerations)}), work


def refused(node: Node, asked: Resources, tolerations: tuple[Toleration, ...] = ()) -> int:
    """Why a node of a cluster refuses a pod."""
    fleet, work = waiting(asked, tolerations)
    whole = Fleet(nodes=(node,), workloads=(work,), templates=fleet.templates)
    problem = problem_of(whole, whole.nodes, Asked(), pending=True)
    return int(engine_of(problem, DEFAULT_POLICY).refusals(0)[0])


OFFERED = Resources(cpu_milli=8000, memory_bytes=1 << 34, pods=110, devices={GPU: 1})


def test_devices_of_a_tainted_or_cordoned_node_are_there_for_who_tolerates_it() -> None:
    boards = (Accelerator(index=0, vendor="nvidia", resource=GPU),)
    taints = (Taint("dedicated", "NoSchedule"), Taint("node.kubernetes.io/unschedulable", "NoSchedule"))
    node = Node(
        "n", capacity=OFFERED, allocatable=OFFERED, accelerators=boards, taints=taints, schedulable=False
    )
    asked = Resources(cpu_milli=1, memory_bytes=1, devices={GPU: 1})
    assert refused(node, asked, (Toleration(operator="Exists"),)) == 0
    assert refused(node, asked) == Reason.TAINT | Reason.CORDONED


def test_what_a_kubelet_does_not_offer_is_not_there() -> None:
    node = Node("n", capacity=OFFERED, allocatable=OFFERED)
    assert refused(node, Resources(cpu_milli=1, storage_bytes=1)) == Reason.STORAGE
    assert refused(node, Resources(cpu_milli=1, storage_bytes=0)) == 0


def test_few_domains_count_as_one_more_without_members_only_if_they_are_fewer_than_asked_for() -> None:
    for few, refused in ((2, 0), (3, int(Reason.SPREAD))):
        spreads = (Spread(ZONE, MINE, min_domains=few),)
        one = ItemClass(need(), Template(namespace="x", labels={"app": "a"}, spreads=spreads))
        assert bits(zoned("a", "b"), one, (0, 1)) == [refused, refused]
