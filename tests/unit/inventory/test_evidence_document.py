"""Evidence as a document: the same after a journey, equal parts once, errors with their place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dcctl.errors import UsageError
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.document import begins, decode, encode, merged, pieces, restricted
from dcctl.inventory.evidence.plant import Plant
from dcctl.inventory.evidence.rbac import Role
from dcctl.inventory.sources.files.pages import pages_of
from tests.unit.audit.nights import seen

if TYPE_CHECKING:
    from pathlib import Path

HEAD = b'{"schema":"dcctl/evidence/v1"'


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(),
        Evidence(roles=()),
        Evidence(silent={"roles": Silence("\x7f\u202e")}),
        Evidence(roles=tuple(Role(name=f"r{number}") for number in range(2001))),
        seen(),
    ],
    ids=["nothing", "an empty list", "hostile text", "more than one piece", "the demo"],
)
def test_evidence_is_the_same_after_a_journey(evidence: Evidence, tmp_path: Path) -> None:
    data = encode(evidence)
    assert data == b"".join(pieces(evidence))
    assert data.isascii()
    assert decode(data, "x") == evidence
    path = tmp_path / "e.json"
    path.write_bytes(data)
    with pages_of(str(path)) as pages:
        assert decode(pages.data, "x", pages.done) == evidence, "although its pages were given back"


def test_equal_parts_are_one_object() -> None:
    hosts = [one for one in decode(encode(seen()), "x").hosts or () if one.sshd is not None]
    assert len({id(one.sshd) for one in hosts}) < len(hosts) // 10


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        (b',"roles":[{"name":"a"},{"name":7}]}', "roles: Expected `str`, got `int` - at `$[1].name`"),
        (b',"roles":[{}]}', "roles: Object missing required field `name` - at `$[0]`"),
        (b',"boards":[{"node":"a","index":-1}]}', "boards: Expected `int` >= 0 - at `$[0].index`"),
        (
            b',"fleet":{"nodes":[{"name":"a","accelerators":[{"index":"x"}]}]}}',
            "$.nodes[0].accelerators[0].index",
        ),
        (b',"fleet":null}', "fleet: Expected `object`, got `null`"),
        (b',"roles":[{"name":"a"', "truncated"),
        (b',"roles":{}}', "roles: Expected `array"),
        (b',"roles":[null]}', "roles: Expected `object`"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(rest: bytes, says: str) -> None:
    with pytest.raises(UsageError) as error:
        decode(HEAD + rest, "e.json")
    assert says in str(error.value)
    assert "e.json" in str(error.value)


def test_what_a_later_version_adds_is_left_out() -> None:
    assert decode(HEAD + b',"new":[1],"roles":[{"name":"a","colour":"red"}]}', "x") == Evidence(
        roles=(Role(name="a"),)
    )
    assert decode(HEAD + b',"roles":null,"boards":null}', "x") == Evidence()


@pytest.mark.parametrize("spaces", [{"indent": 2}, {"separators": (", ", ": ")}, {"indent": "\t"}], ids=str)
def test_evidence_that_another_writer_of_json_has_rewritten_is_evidence(spaces: dict[str, Any]) -> None:
    data = json.dumps(json.loads(encode(seen())), **spaces).encode() + b"\n"
    assert begins(data[:64])
    assert decode(data, "x") == seen()
    assert not begins(b'{"schema": "dcctl/snapshot/v1"')


def test_of_several_sources_the_first_says_why() -> None:
    first = Evidence(silent={"roles": Silence("403"), "pods": Silence("timed out")})
    second = Evidence(roles=(Role(name="a"),), silent={"roles": Silence("no such cluster")})
    third = Evidence(roles=(Role(name="b"),), silent={"networks": Silence("404")})
    both = merged((first, second, third))
    assert [one.name for one in both.roles or ()] == ["a", "b"]
    assert {kind: one.reason for kind, one in both.silent.items()} == {
        "roles": "403",
        "pods": "timed out",
        "networks": "404",
    }


def test_what_stands_on_a_node_that_is_looked_at_stays() -> None:
    """With others of its nodes left out, it is still there; what stands nowhere is of all."""
    plants = tuple(
        Plant(name=name, kind="pdu", nodes=nodes)
        for name, nodes in (("both", ("g1", "g2")), ("other", ("g2",)), ("none", ()))
    )
    found = restricted(Evidence(plants=plants, roles=(Role(name="a"),)), {"g1"})
    assert [one.name for one in found.plants or ()] == ["both", "none"]
    assert found.roles == (Role(name="a"),)
