"""CIS Kubernetes 1.12 of a cluster as kubeadm leaves it: objects by the API, the node by the probe."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import evaluate
from dcctl.audit.scene import Scene
from dcctl.audit.standards import Standard, compliance
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.components import united
from dcctl.inventory.evidence.document import merged
from dcctl.inventory.evidence.own import Waiver
from dcctl.inventory.sources.catalogue import standards
from dcctl.inventory.sources.components.document import parse as of_node
from dcctl.inventory.sources.kubernetes.evidence.source import KubernetesEvidence
from tests.kubeapi import ApiServer
from tests.unit.audit import kubeadm

if TYPE_CHECKING:
    from pathlib import Path

    from dcctl.audit.standards import Judged

NOW_S = 1_790_000_000
DECIDED = ("pass", "fail", "na")
PERSONS = {"3.1.1", "3.1.2", "3.1.3", "5.4.2"}
"""How persons come in, and whether an external store was considered."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """What an audit is told that may list everything and asks the node as root."""
    with ApiServer(kubelet=False) as server:
        server.load(kubeadm.objects())
        config = str(server.kubeconfig(tmp_path_factory.mktemp("kubeadm") / "config"))
        told = KubernetesEvidence(kubeconfig=config).gather()
    assert told.silent == {}
    node = Evidence(components=of_node(kubeadm.document(), kubeadm.NODE))
    both = merged((node, told))
    return replace(both, components=united(both.components or ()))


def judged(evidence: Evidence) -> dict[str, Judged]:
    (cis,) = (one for one in standards(Standard) if one.id == "cis-1.12")
    scene = Scene(evidence, NOW_S)
    return {one.control.id: one for one in compliance(cis, evaluate(scene, CATALOGUE.values()), scene)}


def test_125_of_131_controls_are_decided_and_the_others_wait_for_a_person(seen: Evidence) -> None:
    found = judged(seen)
    assert len(found) == 131
    open_ = {name: one.state for name, one in found.items() if one.state not in DECIDED}
    assert len(found) - len(open_) >= 125
    assert open_ == dict.fromkeys(PERSONS, "manual")


def test_what_kubeadm_does_by_itself_is_no_finding(seen: Evidence) -> None:
    found = judged(seen)
    failed = {name for name, one in found.items() if one.state == "fail" and name.startswith("5.")}
    assert failed == {"5.2.1", "5.2.7", "5.3.2", "5.5.1", "5.6.1", "5.6.2", "5.6.3"}
    about = {proof.subject for name in failed for proof in found[name].proofs if proof.state == "fail"}
    assert about == {"Namespace/default", "Cluster", "kube-system/Deployment/coredns"}
    assert {found[f"5.1.{number}"].state for number in range(1, 14)} == {"pass", "na"}


def test_a_person_settles_what_waits_for_one(seen: Evidence) -> None:
    signed = tuple(
        Waiver(
            check=check,
            objects="*",
            owner="wu",
            reason="looked",
            attests=True,
            created_at_s=NOW_S,
            expires_at_s=end,
        )
        for check, end in (("API-15", NOW_S + 1), ("SEC-06", NOW_S))
    )
    found = judged(replace(seen, waivers=signed))
    assert {name for name, one in found.items() if one.state == "manual"} == {"5.4.2"}
    assert [proof.says for proof in found["3.1.2"].proofs] == ["wu attested it on 2026-09-21: looked"]


def test_who_may_list_nothing_decides_no_control(tmp_path: Path) -> None:
    with ApiServer(kubelet=False, users={"b": "bob"}) as server:
        server.load(kubeadm.objects())
        server.deny("bob", "*", "*")
        told = KubernetesEvidence(kubeconfig=str(server.kubeconfig(tmp_path / "config", "bob"))).gather()
    states = Counter(one.state for one in judged(told).values())
    assert set(states) <= {"unknown", "manual"}
    assert states["manual"] <= 1, "whether there is a store is told by the APIs, which everybody sees"
