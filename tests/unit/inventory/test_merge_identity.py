"""Which entries of several sources are one machine."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.inventory.merge import merge
from dcctl.inventory.model import Conflict, Fleet, Node, System
from dcctl.inventory.uuids import uuid_key
from tests.unit.inventory.fleets import OTHER_UUID, UUID, UUID_SWAPPED, boards, source


def names(fleet: Fleet) -> list[tuple[str, tuple[str, ...]]]:
    return [(node.name, node.aliases) for node in fleet.nodes]


def test_both_byte_orders_of_a_uuid_are_one_machine() -> None:
    merged = merge(
        [
            source("kubernetes:a", Node("n1", system_uuid=UUID)),
            source("ssh", Node("x", system_uuid=UUID_SWAPPED.upper())),
        ]
    )
    assert names(merged) == [("n1", ("x",))]
    assert merged.conflicts == ()
    assert merged.nodes[0].sources == ("kubernetes:a", "ssh")


@pytest.mark.parametrize(
    "junk",
    [
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "03000200-0400-0500-0006-000700080009",
        "00020003-0004-0005-0006-000700080009",
        "fefefefe-fefe-fefe-fefe-fefefefefefe",
        "Not Settable",
        "",
    ],
)
def test_junk_uuids_join_nothing(junk: str) -> None:
    assert uuid_key(junk) is None
    merged = merge([source("a", Node("n1", system_uuid=junk)), source("b", Node("n2", system_uuid=junk))])
    assert len(merged.nodes) == 2
    assert (
        len(
            merge(
                [source("a", Node("n1", system_uuid=junk)), source("b", Node("n1", system_uuid=UUID))]
            ).nodes
        )
        == 1
    )


def test_provider_ids_join() -> None:
    merged = merge(
        [
            source("kubernetes", Node("ip-10-0-0-1.ec2", provider_id="aws:///eu-1a/i-1")),
            source("terraform", Node("gpu1", provider_id="aws:///eu-1a/i-1")),
        ]
    )
    assert names(merged) == [("ip-10-0-0-1.ec2", ("gpu1",))]


def test_host_names_join_in_any_case_and_by_alias() -> None:
    merged = merge(
        [
            source("kubernetes", Node("gpu1", aliases=("10.0.0.1",))),
            source("ssh", Node("GPU1")),
            source("ansible", Node("10.0.0.1")),
        ]
    )
    assert names(merged) == [("gpu1", ("10.0.0.1", "GPU1"))]


def test_a_short_name_joins_the_one_full_name_that_begins_with_it() -> None:
    merged = merge([source("kubernetes", Node("gpu1.dc1.example.com")), source("ssh", Node("gpu1"))])
    assert names(merged) == [("gpu1.dc1.example.com", ("gpu1",))]


def test_a_short_name_of_two_full_names_is_a_finding_not_a_guess() -> None:
    merged = merge([source("kubernetes", Node("gpu1.dc1"), Node("gpu1.dc2")), source("ssh", Node("gpu1"))])
    assert len(merged.nodes) == 3
    assert merged.conflicts == (Conflict("gpu1", "name", (("ssh", "could be any of gpu1.dc[1-2]"),)),)


def test_a_short_name_goes_to_the_full_name_on_its_site() -> None:
    merged = merge(
        [
            source("kubernetes", Node("gpu1.a", site="dc1"), Node("gpu1.b", site="dc2")),
            source("ssh", Node("gpu1", site="dc2")),
        ]
    )
    assert names(merged) == [("gpu1.a", ()), ("gpu1.b", ("gpu1",))]


def test_one_name_with_two_uuids_is_two_machines_with_names_of_their_own() -> None:
    fleets = [
        source("kubernetes:a", Node("gpu1", site="dc1", system_uuid=UUID)),
        source("kubernetes:b", Node("gpu1", site="dc2", system_uuid=OTHER_UUID)),
        source("ssh", Node("gpu1", site="dc2")),
    ]
    merged = merge(fleets)
    assert names(merged) == [("gpu1.dc1", ("gpu1",)), ("gpu1.dc2", ("gpu1",))]
    assert merged.nodes[1].sources == ("kubernetes:b", "ssh")
    assert merged.conflicts == (
        Conflict("gpu1", "system_uuid", (("kubernetes:a", UUID), ("kubernetes:b", OTHER_UUID))),
    )
    assert merge([merged]).nodes == merged.nodes


def test_without_sites_the_uuid_tells_them_apart() -> None:
    merged = merge(
        [source("a", Node("n", system_uuid=UUID)), source("b", Node("n", system_uuid="1" + UUID[1:]))]
    )
    assert [node.name for node in merged.nodes] == ["n.1c4c4544", "n.44454c4c"]


def test_a_uuid_that_one_source_gives_to_two_nodes_identifies_neither() -> None:
    merged = merge(
        [
            source("kubernetes", Node("n1", system_uuid=UUID), Node("n2", system_uuid=UUID)),
            source("ssh", Node("n1")),
        ]
    )
    assert [node.name for node in merged.nodes] == ["n1", "n2"]
    assert merged.conflicts == (Conflict(UUID, "system_uuid", (("kubernetes", "the same on n[1-2]"),)),)


def test_a_node_that_one_source_lists_twice_is_one_node_and_a_finding() -> None:
    merged = merge([source("file", Node("n1", rack="r1"), Node("n1"))])
    assert [(node.name, node.rack) for node in merged.nodes] == [("n1", "r1")]
    assert merged.conflicts == (Conflict("n1", "name", (("file", "lists it 2 times"),)),)


def test_two_nodes_of_one_source_are_two_even_if_they_share_an_alias() -> None:
    merged = merge([source("kubernetes", Node("n1", aliases=("vip",)), Node("n2", aliases=("vip",)))])
    assert [node.name for node in merged.nodes] == ["n1", "n2"]
    assert merged.conflicts == (
        Conflict("vip", "name", (("kubernetes", "a name of n1"), ("kubernetes", "a name of n2"))),
    )
    assert len(merge([source("ssh", Node("gpu1"), Node("gpu1.example.com"))]).nodes) == 2


def test_localhost_as_an_alias_joins_nothing() -> None:
    merged = merge(
        [
            source("a", Node("n1", aliases=("localhost", "127.0.0.1"))),
            source("b", Node("n2", aliases=("localhost",))),
        ]
    )
    assert len(merged.nodes) == 2


def test_one_name_at_two_sites_is_two_machines() -> None:
    fleets = [
        source("kubernetes:a", Node("gpu1", site="dc1", accelerators=boards(8, uuids=False))),
        source("kubernetes:b", Node("gpu1", site="dc2", accelerators=boards(8, uuids=False))),
        source("file", Node("gpu1", site="DC2")),
    ]
    merged = merge(fleets)
    assert names(merged) == [("gpu1.dc1", ("gpu1",)), ("gpu1.dc2", ("gpu1",))]
    assert [len(node.accelerators or ()) for node in merged.nodes] == [8, 8]
    assert merged.nodes[1].sources == ("file", "kubernetes:b")
    assert merged.conflicts[0].fact == "site"
    assert merge([merged]).nodes == merged.nodes


def test_a_name_without_a_site_is_none_of_the_two_at_sites() -> None:
    told = source("ssh", Node("gpu1", accelerators=boards(8)))
    fleets = [source("a", Node("gpu1", site="dc1")), source("b", Node("gpu1", site="dc2")), told]
    assert [(node.name, node.sources) for node in merge(fleets).nodes] == [
        ("gpu1", ("ssh",)),
        ("gpu1.dc1", ("a",)),
        ("gpu1.dc2", ("b",)),
    ]


def test_a_common_id_outweighs_the_sites() -> None:
    fleets = [
        source("a", Node("n", site="dc1", system_uuid=UUID)),
        source("b", Node("n", site="x", system_uuid=UUID)),
    ]
    merged = merge(fleets)
    assert len(merged.nodes) == 1
    assert [conflict.fact for conflict in merged.conflicts] == ["site"]


@pytest.mark.parametrize(
    ("liar", "listed"),
    [
        (Node("h", aliases=("gpu1",), rack="of h"), "h"),
        (Node("h", aliases=("gpu1",), rack="of h"), "h.example.com"),
        (Node("h", system_uuid=UUID, rack="of h"), "h"),
    ],
)
def test_a_node_that_claims_to_be_another_stays_itself(liar: Node, listed: str) -> None:
    known = source("kubernetes", Node("gpu1", system_uuid=UUID), Node(listed, system_uuid=OTHER_UUID))
    merged = merge([known, source("ssh", liar)])
    assert [(node.name, node.rack) for node in merged.nodes] == [("gpu1", None), (listed, "of h")]
    assert merged.conflicts


def test_an_id_does_not_join_two_nodes_of_one_source_by_way_of_a_third() -> None:
    known = source("kubernetes", Node("n1", provider_id="p-1"), Node("n2", system_uuid=UUID))
    merged = merge([known, source("terraform", Node("x", provider_id="p-1", system_uuid=UUID))])
    assert "n1" in {node.name for node in merged.nodes}
    assert "n2" in {node.name for node in merged.nodes}
    assert UUID in {conflict.subject for conflict in merged.conflicts}


def test_an_alias_of_many_nodes_identifies_nothing_and_is_one_finding() -> None:
    many = tuple(Node(f"n{at}", aliases=("vip", f"a{at // 2}")) for at in range(3000))
    merged = merge([source("kubernetes", *many), source("ssh", Node("vip"))])
    assert len(merged.nodes) == 3001
    assert [each for each in merged.conflicts if each.subject == "vip"] == [
        Conflict("vip", "name", (("kubernetes", "a name of 3000 nodes"),))
    ]


def test_overlapping_aliases_of_many_nodes_have_an_end() -> None:
    many = [Node(f"n{at}", aliases=tuple(f"a{at + step}" for step in range(20))) for at in range(5000)]
    merged = merge([source("kubernetes", *many), source("ssh", *(replace(each, rack="r1") for each in many))])
    assert len(merged.nodes) == 5000
    assert {node.rack for node in merged.nodes} == {"r1"}


BOOT = "6f9619ff-8b86-d011-b42d-00c04fc964ff"


def booted(name: str, boot_id: str = BOOT, machine_id: str | None = "b08dfa60", **rest: str) -> Node:
    return Node(name, system=System(boot_id=boot_id, machine_id=machine_id), **rest)  # type: ignore[arg-type]


def test_one_boot_is_one_machine_under_any_names() -> None:
    known = source(
        "kubernetes", booted("node-7", system_uuid=UUID, address="10.0.0.7"), booted("node-8", "x")
    )
    for name in ("gpu7", "10.0.0.7"):
        merged = merge([known, source("ssh", booted(name, BOOT.upper()))])
        assert [(node.name, node.sources) for node in merged.nodes] == [
            ("node-7", ("kubernetes", "ssh")),
            ("node-8", ("kubernetes",)),
        ]
        assert merged.conflicts == ()


@pytest.mark.parametrize(
    "told",
    [
        (booted("pod-a"), booted("pod-b")),
        (booted("pod-a", machine_id="another"),),
        (booted("pod-a", system_uuid=OTHER_UUID),),
    ],
)
def test_containers_that_share_a_boot_are_not_their_host(told: tuple[Node, ...]) -> None:
    merged = merge([source("kubernetes", booted("node-7", system_uuid=UUID)), source("ssh", *told)])
    assert len(merged.nodes) == 1 + len(told)


def test_a_boot_does_not_join_what_one_source_lists_as_two() -> None:
    merged = merge([source("kubernetes", booted("a"), Node("b")), source("ssh", booted("b"))])
    assert [(node.name, node.sources) for node in merged.nodes] == [
        ("a", ("kubernetes",)),
        ("b", ("kubernetes", "ssh")),
    ]


def test_a_node_called_by_the_address_of_one_machine_is_that_machine() -> None:
    known = source("kubernetes", Node("node-7", address="10.0.0.7"), Node("node-8", address="10.0.0.8"))
    assert names(merge([known, source("ssh", Node("10.0.0.7"))])) == [
        ("node-7", ("10.0.0.7",)),
        ("node-8", ()),
    ]
    other = source("kubernetes:b", Node("other-7", address="10.0.0.7"))
    assert len(merge([known, other, source("ssh", Node("10.0.0.7"))]).nodes) == 4
    here = source("kubernetes", Node("n", address="127.0.0.1"))
    assert len(merge([here, source("ssh", Node("127.0.0.1"))]).nodes) == 2
