"""Standards: every control is there, is decided by checks that exist, and has the state of its parts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.controls import table, told
from dcctl.audit.evaluate import evaluate
from dcctl.audit.scene import Scene
from dcctl.audit.standards import Control, Decider, Judged, Proof, Standard, compliance, deciders
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.components import Component
from dcctl.inventory.sources.catalogue import standards
from tests.unit.audit import kubeadm

if TYPE_CHECKING:
    from dcctl.audit.check import State

IDS = (Path(__file__).parents[2] / "data" / "audit" / "cis-1.12.ids").read_text(encoding="utf-8").split()
"""As kube-bench lists them in cfg/cis-1.12."""
STANDARDS = {one.id: one for one in standards(Standard)}
CIS = STANDARDS["cis-1.12"]
NOW_S = 1_790_000_000


def judge(evidence: Evidence, standard: Standard = CIS) -> dict[str, Judged]:
    scene = Scene(evidence, NOW_S)
    return {one.control.id: one for one in compliance(standard, evaluate(scene), scene)}


def test_all_131_controls_are_there_in_the_order_of_the_benchmark() -> None:
    def order(name: str) -> list[int]:
        return [int(part) for part in name.split(".")]

    assert len(IDS) == 131
    assert [one.id for one in CIS.controls] == sorted(IDS, key=order)


def test_every_control_has_a_check_or_a_reason_for_a_person() -> None:
    assert [one.id for one in CIS.controls if not one.checks and not one.manual] == []
    assert [one.id for one in CIS.controls if one.manual] == ["3.1.1", "3.1.2", "3.1.3", "5.4.2", "5.6.1"]
    assert {one.level for one in CIS.controls} == {1, 2}


def test_a_check_that_decides_a_control_refers_to_it() -> None:
    told = {(one.id, by.check) for one in CIS.controls for by in one.checks if by.check in CATALOGUE}
    referred = {
        (ref.partition(":")[2], check.id)
        for check in CATALOGUE.values()
        for ref in check.refs
        if ref.startswith("cis-1.12:")
    }
    assert told - referred == set()


def test_every_reference_is_to_a_control_that_has_a_title() -> None:
    there = {
        f"{standard.id}:{control.id}" for standard in STANDARDS.values() for control in standard.controls
    }
    refs = {ref for check in CATALOGUE.values() for ref in check.refs if ref.partition(":")[0] in STANDARDS}
    assert refs - there == set()


def test_at_most_six_controls_of_a_kubeadm_cluster_need_a_person() -> None:
    found = judge(kubeadm.evidence())
    waits = {name for name, one in found.items() if not set(one.checks) <= set(CATALOGUE)}
    assert all(name.startswith("5.") for name in waits)  # checks of other topics
    states = Counter(one.state for name, one in found.items() if name not in waits)
    assert states["manual"] <= 6
    assert set(states) <= {"pass", "fail", "na", "manual"}


def test_what_kubeadm_leaves_open() -> None:
    found = judge(kubeadm.evidence())
    failed = {name for name, one in found.items() if one.state == "fail"}
    assert failed == {
        *("1.1.9", "1.1.12", "1.2.1", "1.2.3", "1.2.5", "1.2.9", "1.2.11", "1.2.15", "1.2.16", "1.2.27"),
        *("1.2.28", "1.2.29", "1.2.30", "1.3.2", "1.4.1", "3.2.1", "3.2.2"),
        *("4.1.1", "4.1.9", "4.2.9", "4.2.12", "4.2.13", "4.2.14"),
    }
    absent = {name for name, one in found.items() if one.state == "na" and not name.startswith("5.")}
    assert absent == {"1.2.17", "1.2.18", "1.2.19", "4.1.3", "4.1.4"}


def test_a_control_names_what_is_wrong_and_where() -> None:
    one = judge(kubeadm.evidence())["4.1.9"]
    (proof,) = one.proofs
    assert (proof.check, proof.subject, proof.where) == ("KUB-05", "cp1/kubelet", "mode config")
    assert proof.says == "/var/lib/kubelet/config.yaml (0644): may be at most 0600"


def test_of_a_managed_control_plane_nothing_applies() -> None:
    managed = tuple(
        Component(name=name, managed="EKS")
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
    )
    found = judge(Evidence(components=managed))
    states = {one.state for name, one in found.items() if name[0] in "12"}
    assert states == {"na"}
    assert "EKS runs it" in {proof.says for proof in found["1.2.2"].proofs}


def test_what_was_refused_is_unknown_and_never_passed() -> None:
    found = judge(Evidence(silent={"components": Silence("pods: 403", "denied")}))
    assert {one.state for name, one in found.items() if name[0] in "124"} == {"unknown"}
    assert [proof.says for proof in found["1.2.2"].proofs] == ["pods: 403"]
    unread = Component(node="cp1", name="kube-apiserver", silent={"flags": Silence("no pod runs it")})
    assert judge(Evidence(components=(unread,)))["1.2.2"].state == "unknown"


def test_what_nobody_was_asked_for_is_unknown() -> None:
    found = judge(Evidence())
    assert (found["1.2.2"].state, found["5.1.3"].state) == ("unknown", "unknown")
    assert found["5.1.3"].proofs[0].says == "nobody was asked for roles"


def test_a_fault_beside_it_does_not_make_another_part_pass() -> None:
    unread = Component(
        node="n",
        name="kubelet",
        flags={"read-only-port": ("1",)},
        config_file="/c",
        silent={"config": Silence("x")},
    )
    found = judge(Evidence(components=(unread,)))
    assert (found["4.2.4"].state, found["4.2.3"].state) == ("fail", "unknown")


def test_a_part_is_asked_for_by_its_subject() -> None:
    evidence = Evidence(
        components=(
            Component(node="a", name="kube-apiserver", flags={"profiling": ("false",)}),
            Component(node="a", name="kube-scheduler", flags={}),
        )
    )
    found = judge(evidence)
    assert (found["1.2.15"].state, found["1.4.1"].state, found["1.3.2"].state) == ("pass", "fail", "na")


def test_a_person_attests_where_no_check_can_tell() -> None:
    one = judge(kubeadm.evidence())["3.1.1"]
    assert (one.state, len(one.proofs)) == ("manual", 1)
    oidc = Component(node="a", name="kube-apiserver", flags={"oidc-issuer-url": ("u",)}, certified=())
    assert judge(Evidence(components=(oidc,)))["3.1.1"].state == "pass"
    granted = Component(node="a", name="kube-apiserver", flags={}, certified=("wu",))
    assert judge(Evidence(components=(granted,)))["3.1.1"].state == "fail"


def test_a_standard_that_names_no_checks_takes_those_that_refer_to_it() -> None:
    standard = Standard("nsa", "NSA", (Control("C-0066", "Encrypted"), Control("C-9999", "Nobody's")))
    assert deciders(standard, standard.controls[0]) == (Decider("SEC-01"),)
    assert list(judge(kubeadm.evidence(), standard)) == ["C-0066"]


def test_a_check_that_did_not_run_leaves_its_control_unknown() -> None:
    scene = Scene(kubeadm.evidence(), NOW_S)
    control = Control("1", "t", checks=(Decider("API-02"),))
    (one,) = compliance(Standard("s", "s", (control,)), [], scene)
    assert (one.state, one.proofs[0].says) == ("unknown", "the check did not run")


def test_a_check_without_parts_is_judged_by_its_tally() -> None:
    roles = {"roles": [{"name": "dev", "rules": [{"verbs": ["*"], "groups": [""], "resources": ["pods"]}]}]}
    who = {"kind": "User", "name": "wu"}
    bindings = {"bindings": [{"name": "d", "role_kind": "ClusterRole", "role": "dev", "subjects": [who]}]}
    import msgspec

    bound = msgspec.convert({**roles, **bindings}, Evidence)
    assert judge(bound)["5.1.3"].state == "fail"
    assert judge(bound)["5.1.3"].counts == {"fail": 1}
    assert judge(msgspec.convert({**roles, "bindings": []}, Evidence))["5.1.3"].state == "na"
    assert judge(Evidence(silent={"roles": Silence("403")}))["5.1.3"].state == "unknown"


@pytest.mark.parametrize("standard", STANDARDS.values(), ids=lambda one: one.id)
def test_controls_are_there_once_and_have_titles(standard: Standard) -> None:
    assert len({one.id for one in standard.controls}) == len(standard.controls)
    assert all(0 < len(one.title) <= 80 and not one.title.endswith(".") for one in standard.controls)


def test_the_evidence_tells_how_many_others_were_answered() -> None:
    (asked,) = CIS.controls[:1]
    dark = Proof("API-12", "unknown", "gpu077/kubelet", says="timed out")

    def evidence(state: State, counts: dict[State, int], *proofs: Proof) -> object:
        (row,) = table((told(Judged(asked, state, ("API-12",), counts, proofs)),)).rows
        return row[-1]

    assert evidence("unknown", {"pass": 1_270, "na": 2, "unknown": 1}, dark) == (
        "1,270 pass; gpu077/kubelet: timed out"
    )
    assert evidence("unknown", {"na": 3, "unknown": 1}, dark) == "3 na; gpu077/kubelet: timed out"
    assert evidence("pass", {"pass": 3, "na": 2}) == "3 looked at"
