"""Waivers: what they cover, until when, and what is wrong with a file of them."""

from __future__ import annotations

import calendar
from typing import TYPE_CHECKING

import pytest

from dcctl.audit.attest import ATTESTED as ATTESTABLE
from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import evaluate
from dcctl.audit.scene import Scene
from dcctl.audit.standards import Standard, compliance
from dcctl.audit.waivers import as_yaml, covers, read, used, waived
from dcctl.cli.audit.setup import entries_of, held_in
from dcctl.errors import UsageError
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.components import Component
from dcctl.inventory.sources.catalogue import standards
from tests.unit.audit.cases import cases
from tests.unit.audit.runs import finding

if TYPE_CHECKING:
    from dcctl.inventory.evidence.own import Waiver

GOOD = {"id": "POD-04", "object": "nlp/*", "owner": "wu", "ticket": "T-1", "reason": "rdma",
        "created": "2026-01-01", "expires": "2026-03-01"}  # fmt: skip

DATES = "  created: 2026-01-01\n  expires: 2026-03-01\n"


def parsed(text: str) -> tuple[Waiver, ...]:
    return read(entries_of(text, "w.yaml", "waivers", "dcctl audit waive --help"), {*CATALOGUE, "POD-04"})


def one(**changed: str) -> Waiver:
    return parsed("waivers:\n" + as_yaml({**GOOD, **changed}))[0]


def at(year: int, month: int, day: int) -> int:
    return calendar.timegm((year, month, day, 0, 0, 0))


def test_a_waiver_holds_through_its_last_day() -> None:
    found = finding("POD-04", "nlp/Deployment/train")
    for now_s, holds in (
        (at(2025, 12, 31), False),
        (at(2026, 1, 1), True),
        (at(2026, 3, 2) - 1, True),
        (at(2026, 3, 2), False),
    ):
        assert bool(waived([found], [one()], now_s)) == holds, now_s


def test_no_waiver_holds_for_more_than_180_days() -> None:
    found, long = finding("POD-04", "nlp/x"), one(expires="2030-01-01")
    assert waived([found], [long], at(2026, 1, 1) + 180 * 86400 - 1)
    assert not waived([found], [long], at(2026, 1, 1) + 180 * 86400)


@pytest.mark.parametrize(
    ("pattern", "key", "meant"),
    [
        ("nlp/*", "nlp/Deployment/train", True),
        ("nlp/*", "nlp2/Deployment/train", False),
        ("gpu00?", "gpu001", True),
        ("gpu00?", "gpu0011", False),
        ("gpu[0-9]", "gpu1", True),
        ("gpu[0-9]", "gpu10", False),
        ("gpu[0-9]", "gpu[0-9]", True),
        ("gpu[a-b]", "gpua", False),
        ("gpu[017-024]", "gpu017", True),
        ("gpu[017-024]", "gpu024", True),
        ("gpu[017-024]", "gpu016", False),
        ("gpu[017-024]", "gpu025", False),
        ("gpu[017-024]", "gpu17", False),
        ("gpu[8-10]", "gpu09", False),
        ("gpu00[1-4]", "gpu003", True),
        ("gpu[001-004,7]/GPU-*", "gpu002/GPU-a-1", True),
        ("gpu[001-004,7]/GPU-*", "gpu7/GPU-a-1", True),
        ("gpu[001-004]/GPU-*", "gpu005/GPU-a-1", False),
        ("r[1-2]n[3-4],cp1", "r2n3", True),
        ("r[1-2]n[3-4],cp1", "r3n3", False),
        ("r[1-2]n[3-4],cp1", "cp1", True),
        ("gpu1,cp1", "gpu1,cp1", True),
        ("gpu1,cp1", "gpu11", False),
        ("a.c", "abc", False),
        ("*", "a\nb", True),
    ],
)
def test_patterns_of_objects(pattern: str, key: str, meant: bool) -> None:
    assert covers(one(object=pattern), finding("POD-04", key)) == meant


def test_a_waiver_is_of_one_check_and_may_be_of_one_finding() -> None:
    found = finding("POD-04", "nlp/x")
    assert not covers(one(), finding("POD-01", "nlp/x"))
    assert covers(one(finding=found.id), found)
    assert not covers(one(finding="0" * 16), found)


def test_how_often_a_waiver_is_used_is_not_known_of_a_check_that_did_not_run() -> None:
    found = [finding("POD-04", "nlp/x"), finding("POD-04", "nlp/y"), finding("POD-04", "ads/y")]
    assert [each.used for each in used([one()], found, lambda _one: False)] == [2]
    assert [each.used for each in used([one()], [], lambda _one: False)] == [None]


def test_a_waiver_without_an_owner_is_read_for_slf_03_to_tell() -> None:
    assert one(owner="", ticket="", reason="").owner == ""


def test_an_empty_file_waives_nothing() -> None:
    assert parsed("") == parsed("waivers:\n") == parsed("waivers: []\n") == parsed("# none\n") == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- id: POD-04\n", "w.yaml:1: must be a mapping with the key `waivers`"),
        ("waiver: []\n", "w.yaml:1: must be a mapping with the key `waivers`"),
        ("waivers: {}\n", "w.yaml:1: `waivers` must be a list"),
        ("waivers:\n- POD-04\n", "w.yaml:2: an entry must be a mapping"),
        ("waivers:\n- id: POD-04\n  objekt: x\n", "w.yaml:3: objekt: is no key of an entry; did you mean"),
        ("waivers:\n- id: POD-99\n" + DATES, "w.yaml:2: id: there is no check POD-99"),
        ("waivers:\n- id: SLF-03\n" + DATES, "w.yaml:2: id: the audit of the audit cannot be waived"),
        ("waivers:\n- object: x\n" + DATES, "w.yaml:2: id: is missing"),
        ("waivers:\n- {id: POD-04, object: x, created: 2026-01-01}\n", "w.yaml:2: expires: is missing"),
        (
            "waivers:\n- {id: POD-04, object: x, created: 1 May, expires: 2026-01-01}\n",
            "w.yaml:2: created: must be a day",
        ),
        (
            "waivers:\n- {id: POD-04, object: x, created: 2026-02-30, expires: 2026-03-01}\n",
            "there is no day 2026-02-30",
        ),
        (
            "waivers:\n- {id: POD-04, object: x, created: 2026-01-02, expires: 2026-01-01}\n",
            "expires: is before `created`",
        ),
        (
            "waivers:\n- {id: POD-04, object: [x], created: 2026-01-01, expires: 2026-02-02}\n",
            "object: must be text",
        ),
        ("waivers:\n- id: [\n", "w.yaml:3:1"),
        ("waivers:\n- id: pod-04\n" + DATES, "w.yaml:2: id: there is no check pod-04; did you mean POD-04?"),
        ("waivers:\n- id: POD-*\n" + DATES, "w.yaml:2: id: must be one check, not POD-*"),
        ("waivers:\n- id: POD-04\n  object: *\n", "text that begins with * needs quotes"),
        ("waivers:\n- id: POD-04\n  finding: 12\n" + DATES, "w.yaml:3: finding: must be 16 hexa"),
        ("waivers: []\n---\nwaivers: []\n", "w.yaml:3: a second document"),
    ],
)  # fmt: skip
def test_a_broken_file_tells_file_line_and_why(text: str, says: str) -> None:
    with pytest.raises(UsageError) as error:
        parsed(text)
    assert says in str(error.value)
    assert error.value.hint == "dcctl audit waive --help"


def test_two_findings_of_one_object_are_borne_apart() -> None:
    both = [as_yaml({**GOOD, "finding": number * 16}) for number in "12"]
    assert len({each.key for each in parsed("waivers:\n" + "".join(both))}) == 2


def test_a_waiver_may_be_for_one_day() -> None:
    found, day = finding("POD-04", "nlp/x"), one(expires=GOOD["created"])
    assert waived([found], [day], at(2026, 1, 2) - 1)
    assert not waived([found], [day], at(2026, 1, 2))


def test_two_waivers_of_the_same_are_refused() -> None:
    entry = as_yaml(GOOD)
    with pytest.raises(UsageError, match=r"w\.yaml:9: waives the same as w\.yaml:2"):
        parsed(f"waivers:\n{entry}{entry}")


ATTESTED = """
attestations:
- id: API-15
  owner: wu
  reason: persons come in by the proxy of the single sign-on
  created: 2026-01-01
  expires: 2026-12-31
waivers:
- id: POD-04
  object: nlp/*
  owner: wu
  ticket: T-1
  reason: rdma
  created: 2026-01-01
  expires: 2026-03-01
"""


def held(text: str) -> tuple[Waiver, ...]:
    return held_in(text, "w.yaml", set(CATALOGUE))


def test_attestations_stand_beside_waivers() -> None:
    waiver, attestation = held(ATTESTED)
    assert (waiver.key, waiver.attests) == ("Waiver/POD-04/nlp/*", False)
    assert (attestation.key, attestation.attests) == ("Attestation/API-15/*", True)
    assert attestation.expires_at_s == at(2027, 1, 1)
    assert not waived([finding("API-15", "cp1/kube-apiserver")], [attestation], at(2026, 2, 1))
    assert [one.used for one in used([waiver, attestation], [], lambda _one: True)] == [0, None]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- id: POD-04", "w.yaml:2: id: POD-04 is for no person to attest; these are: API-15, SEC-06"),
        ("- owner: wu", "w.yaml:2: id: is missing"),
        ("- id: API-15\n  ticket: T", "w.yaml:3: ticket: is no key of an entry"),
        ("- id: API-15", "w.yaml:2: created: is missing"),
        ("- id: API-15\n  created: 2026-01-01", "w.yaml:2: expires: is missing"),
        ("- id: API-15\n  created: 2026-01-01\n  expires: 2025-12-31", "w.yaml:4: expires: is before"),
        ("- API-15", "w.yaml:2: an entry must be a mapping"),
    ],
)
def test_what_is_no_attestation_is_told_with_its_line(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        held(f"attestations:\n{text}\n")
    assert str(caught.value).startswith(says)


def test_an_attestation_settles_a_control_of_a_standard_and_no_longer_than_it_holds() -> None:
    (cis,) = (one for one in standards(Standard) if one.id == "cis-1.12")
    said = "wu attested it on 2026-01-01: persons come in by the proxy of the single sign-on"
    for now_s, state in ((at(2027, 1, 1) - 1, "pass"), (at(2027, 1, 1), "manual")):
        for managed in ("", "EKS"):  # of a managed control plane nothing is told, and a person may know
            server = Component(name="kube-apiserver", node="cp1", flags={}, certified=(), managed=managed)
            scene = Scene(Evidence(components=(server,), waivers=held(ATTESTED)), now_s)
            by = {one.control.id: one for one in compliance(cis, evaluate(scene), scene)}
            assert {by[name].state for name in ("3.1.1", "3.1.2", "3.1.3")} == {state}
            assert (said in {proof.says for proof in by["3.1.1"].proofs}) == (state == "pass")


def test_every_check_that_may_end_manual_can_be_attested() -> None:
    assert set(ATTESTABLE) == {name for name in CATALOGUE if any(case.manual for case in cases(name))}
