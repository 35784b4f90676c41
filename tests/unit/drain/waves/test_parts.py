"""Which part each node is in, where one part is drained at a time."""

from msgspec.structs import replace

from dcctl.drain.waves.parts import parts_of
from dcctl.inventory.model import PowerMeter
from tests.unit.drain.fleets import fleet

NODES = ("n00", "n01", "n02", "n03")


def test_without_a_word_nothing_is_told_apart() -> None:
    assert parts_of(fleet(4), NODES, "") is None


def test_racks_and_single_nodes() -> None:
    assert parts_of(fleet(4), NODES, "rack") == {"n00": "r0", "n01": "r1", "n02": "r2", "n03": "r0"}
    assert len(set((parts_of(fleet(4), NODES, "node") or {}).values())) == 4


def test_a_node_of_which_nobody_tells_it_is_a_part_of_its_own() -> None:
    whole = fleet(4)
    first, second, *rest = whole.nodes
    nodes = (replace(first, rack=None), replace(second, rack=None), *rest)
    found = parts_of(replace(whole, nodes=nodes), (*NODES, "gone"), "rack") or {}
    assert len({found["n00"], found["n01"], found["gone"]}) == 3


def test_the_same_leaf_at_two_sites_is_two() -> None:
    label = {"topology.dcctl.io/leaf": "l1"}
    whole = fleet(4)
    nodes = tuple(replace(one, labels=label, site=f"dc{at // 2}") for at, one in enumerate(whole.nodes))
    found = parts_of(replace(whole, nodes=nodes), NODES, "leaf") or {}
    assert found["n00"] == found["n01"] != found["n02"] == found["n03"]


def test_what_hangs_on_the_same_feeds_is_one_part() -> None:
    meters = (
        PowerMeter("pdu-a", "pdu", nodes="n[00-03]"),
        PowerMeter("pdu-b", "pdu", nodes="n[00-01]"),
        PowerMeter("pdu-c", "pdu", nodes="n[02-03]"),
    )
    found = parts_of(replace(fleet(4), meters=meters), NODES, "feed") or {}
    assert found["n00"] == found["n01"] != found["n02"] == found["n03"]
