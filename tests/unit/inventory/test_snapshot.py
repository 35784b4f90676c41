"""Snapshots: what goes out comes back, and what is not one is refused with its place."""

from __future__ import annotations

import json
import random

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.errors import UsageError
from dcctl.inventory.model import (
    Budget,
    Cordon,
    Disruption,
    Fleet,
    Gap,
    Member,
    Mount,
    Node,
    Resources,
    Taint,
    Workload,
)
from dcctl.inventory.snapshot import SCHEMA, decode, encode, json_schema
from tests.unit.inventory.fleets import small

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
COUNT = st.none() | st.integers(0, 2**63 - 1)
RESOURCES = st.builds(
    Resources,
    cpu_milli=COUNT,
    memory_bytes=COUNT,
    devices=st.dictionaries(TEXT, st.integers(0, 16), max_size=3),
)
NODES = st.builds(
    Node,
    name=st.from_regex(r"[a-z][a-z0-9.-]{0,20}", fullmatch=True),
    rack=st.none() | TEXT,
    ready=st.none() | st.booleans(),
    labels=st.dictionaries(TEXT, TEXT, max_size=4),
    taints=st.lists(st.builds(Taint, key=TEXT, effect=TEXT), max_size=2).map(tuple),
    capacity=st.none() | RESOURCES,
    cordon=st.none()
    | st.builds(Cordon, by=TEXT, who=TEXT, reason=TEXT, was_schedulable=st.none() | st.booleans()),
    mounts=st.none() | st.lists(st.builds(Mount, path=TEXT, device=TEXT, fstype=TEXT), max_size=2).map(tuple),
)
FLEETS = st.builds(
    Fleet,
    name=TEXT,
    taken_at_s=st.none() | st.integers(0, 253_402_300_799),
    nodes=st.lists(NODES, max_size=4).map(tuple),
    gaps=st.lists(st.builds(Gap, source=TEXT, subject=TEXT, reason=TEXT), max_size=2).map(tuple),
    workloads=st.lists(
        st.builds(
            Workload,
            id=TEXT,
            members=st.lists(st.builds(Member, name=TEXT, disruption=st.none() | TEXT), max_size=2).map(
                tuple
            ),
            checkpointed_at_s=st.none() | st.integers(0, 2**40),
        ),
        max_size=2,
    ).map(tuple),
    disruptions=st.dictionaries(
        TEXT,
        st.builds(
            Disruption, controller=TEXT, scratch=st.sampled_from(["", "memory", "disk"]), grace_s=COUNT
        ),
    ),
)


@given(FLEETS)
def test_what_goes_out_comes_back(fleet: Fleet) -> None:
    assert decode(encode(fleet), "x") == fleet


def test_the_same_fleet_gives_the_same_bytes_whatever_the_order_of_its_labels() -> None:
    labels = {f"k{number}": "v" for number in range(50)}
    keys = list(labels)
    random.Random(1).shuffle(keys)
    one = Fleet(nodes=(Node("a", labels=labels),))
    other = Fleet(nodes=(Node("a", labels=dict.fromkeys(keys, "v")),))
    assert encode(one) == encode(other)


def test_schema_and_version_come_first_and_the_schema_describes_the_document() -> None:
    data = encode(small())
    assert data.startswith(b'{"schema":"dcctl/snapshot/v1","dcctl":"')
    jsonschema.validate(json.loads(data), json_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"schema": SCHEMA, "nodes": [{"name": 1}]}, json_schema())


def test_fields_of_a_later_program_are_passed_over() -> None:
    document = json.loads(encode(small())) | {"weather": "fine"}
    document["nodes"][0]["colour"] = "red"
    assert decode(json.dumps(document, indent=2).encode(), "x") == small()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "f.json: is empty"),
        (b" \n", "f.json: is empty"),
        (b"{", "f.json: the JSON ends before it is complete"),
        (encode(small())[:-200], "f.json: the JSON ends before it is complete"),
        (b"nope", "f.json:1:5: is not JSON"),
        (b'{"schema":"dcctl/snapshot/v1",\n"nodes":[1 2]}', "f.json:2:"),
        (b"[]", "is not a dcctl snapshot"),
        (b"null", "is not a dcctl snapshot"),
        (b"{}", "no field `schema`"),
        (b'{"schema":"apiVersion: v1"}', "its schema is 'apiVersion: v1'"),
        (b'{"schema":"dcctl/assess/v1"}', "is a dcctl assess report"),
        (b'{"schema":"dcctl/snapshot/v2","dcctl":"3.1"}', "newer dcctl 3.1 (v2), this one reads v1"),
        (b'{"schema":"dcctl/snapshot/v2","nodes":{}}', "newer dcctl (v2), this one reads v1"),
        (
            b'{"schema":"dcctl/snapshot/v1","nodes":[{"name":"a"},{"name":3}]}',
            "f.json: $.nodes[1].name: expected `str`, got `int`",
        ),
        (b'{"schema":"dcctl/snapshot/v1"}', "f.json: has no field `nodes`"),
        (b'{"schema":"dcctl/snapshot/v1","nodez":[{"name":"a"}]}', "f.json: has no field `nodes`"),
        (b'{"schema":"dcctl/snapshot/v1","nodes":[{}]}', "$.nodes[0]: object missing required field `name`"),
        (
            b'{"schema":"dcctl/snapshot/v1","nodes":[{"name":""}]}',
            "$.nodes[0].name: the node name '' is empty",
        ),
        (b'{"schema":"dcctl/snapshot/v1","nodes":[{"name":"\\u001b]0;x"}]}', "control characters"),
        (
            b'{"schema":"dcctl/snapshot/v1","nodes":[{"name":"a","capacity":{"devices":{"nvidia.com/gpu":-1}}}]}',
            "$.nodes[0].capacity.devices[...]: expected `int` >= 0",
        ),
        (
            b'{"schema":"dcctl/snapshot/v1","nodes":[{"name":"a","login_port":99999}]}',
            "$.nodes[0].login_port: expected `int` <= 65535",
        ),
        (b'{"schema":"dcctl/snapshot/v1","nodes":[{"name":"-oProxyCommand=x"}]}', "begins with a dash"),
        (
            b'{"schema":"dcctl/snapshot/v1","nodes":[{"name":"' + b"x" * 10_000_000 + b'"}]}',
            "longer than 253",
        ),
        (b"[" * 1_000_000, "f.json"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"schema":"dcctl/snapshot/v1","name":"\xff"}', "is not JSON"),
        (b"\x1f\x8b\x08\x00", "is compressed. Try: gunzip"),
        (b'{"schema":"dcctl/snapshot/v1","taken_at_s":1e400}', "$.taken_at_s: number out of range"),
        (b'{"schema":"dcctl/snapshot/v1","taken_at_s":-1}', "$.taken_at_s: expected `int` >= 0"),
        (
            b'{"schema":"dcctl/snapshot/v1","taken_at_s":1000000000000000}',
            "$.taken_at_s: expected `int` <= 253402300799",
        ),
    ],
)
def test_what_is_no_snapshot_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        decode(data, "f.json")
    assert message in str(caught.value)
    assert len(str(caught.value)) < 400


@given(st.integers(0, len(encode(small())) - 2))
def test_a_file_cut_off_anywhere_is_never_half_a_fleet(end: int) -> None:
    with pytest.raises(UsageError):
        decode(encode(small())[:end], "f.json")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_fleet_or_a_usage_error(data: bytes) -> None:
    with pytest.raises(UsageError):
        decode(data, "f.json")


@given(st.integers(0, len(encode(small())) - 2), st.integers(0, 255))
def test_one_changed_byte_is_a_fleet_or_a_usage_error(at: int, byte: int) -> None:
    data = bytearray(encode(small()))
    data[at] = byte
    try:
        fleet = decode(bytes(data), "f.json")
    except UsageError as error:
        assert error.what  # noqa: PT017  either outcome is right; what must not come is another exception
    else:
        assert isinstance(fleet, Fleet)


def drained() -> Fleet:
    """A fleet that tells all about evictions."""
    told = Disruption("Job", scratch="disk", grace_s=30, budgets=("pg",), checkpoint="signal USR1")
    work = Workload(
        "ns/w",
        members=(Member("w-0", "a", disruption="k"),),
        budgets=(Budget("pg", 0, 1, 1, 1),),
        checkpointed_at_s=1_700_000_000,
    )
    node = Node(
        "a", schedulable=False, cordon=Cordon("dcctl", "r1", "lin.wei", "PDU swap", was_schedulable=True)
    )
    return Fleet(nodes=(node,), workloads=(work,), disruptions={"k": told})


def test_what_evictions_do_is_in_the_document_as_its_schema_says() -> None:
    data = encode(drained())
    assert decode(data, "x") == drained()
    jsonschema.validate(json.loads(data), json_schema())


def test_a_snapshot_of_an_older_program_tells_nothing_about_evictions() -> None:
    document = json.loads(encode(drained()))
    del document["disruptions"], document["nodes"][0]["cordon"]
    work = document["workloads"][0]
    del work["checkpointed_at_s"], work["members"][0]["disruption"], work["budgets"][0]["expected"]
    old = decode(json.dumps(document).encode(), "x")
    assert (old.disruptions, old.nodes[0].cordon) == ({}, None)
    assert (old.workloads[0].members[0].disruption, old.workloads[0].checkpointed_at_s) == (None, None)
    assert old.workloads[0].budgets == (Budget("pg", 0, 1, 1, expected=None),)


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert decode(b"\xef\xbb\xbf" + encode(small()), "x") == small()


def test_an_empty_fleet_is_a_snapshot_too() -> None:
    gap = replace(Fleet(), gaps=(Gap("ssh", "gpu1", "timed out"),))
    assert decode(encode(Fleet()), "x") == Fleet()
    assert decode(encode(gap), "x") == gap
    assert msgspec.json.decode(encode(Fleet())).keys() == {"schema", "dcctl", "nodes"}
