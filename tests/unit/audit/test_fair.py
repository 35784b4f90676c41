"""What well-known operators need is no finding: their rules are those of their own charts, in short."""

from __future__ import annotations

import pytest

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import evaluate, failures
from dcctl.audit.scene import Scene
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.pods import Work
from dcctl.inventory.evidence.rbac import Account, Binding, Bound, Role, Rule

READ = ("get", "list", "watch")
WRITE = ("create", "delete", *READ, "patch", "update")
CORE = ("",)
OPERATORS = {
    ("gpu-operator", "gpu-operator"): (
        Rule(WRITE, ("rbac.authorization.k8s.io",), ("clusterroles", "clusterrolebindings")),
        Rule(WRITE, CORE, ("events", "pods", "pods/eviction")),
        Rule(("*",), ("", "apps", "resource.k8s.io", "gpu.nvidia.com"), ("*",)),
    ),
    ("kueue-system", "kueue-controller-manager"): (
        Rule(("delete", "get", "list", "patch", "update", "watch"), CORE, ("pods",)),
        Rule(("get", "list", "update", "watch"), CORE, ("secrets",)),
        Rule(
            ("get", "list", "update", "watch"),
            ("admissionregistration.k8s.io",),
            ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"),
        ),
        Rule(("get", "list", "patch", "update", "watch"), ("batch",), ("jobs",)),
    ),
    ("cert-manager", "cert-manager"): (
        Rule(WRITE, CORE, ("secrets",)),
        Rule(("create", "delete", *READ), CORE, ("pods", "services")),
        Rule(("approve",), ("cert-manager.io",), ("signers",), ("issuers.cert-manager.io/*",)),
    ),
    ("kube-system", "calico-node"): (
        Rule(("create",), CORE, ("serviceaccounts/token",), ("calico-cni-plugin",)),
        Rule(("patch",), CORE, ("pods/status", "nodes/status")),
    ),
    ("kube-system", "ebs-csi-controller-sa"): (
        Rule((*READ, "create", "patch", "delete"), CORE, ("persistentvolumes",)),
        Rule(READ, CORE, ("persistentvolumeclaims",)),
    ),
    ("kube-system", "metrics-server"): (Rule(("get",), CORE, ("nodes/metrics",)),),
}


def evidence(namespace: str, name: str, rules: tuple[Rule, ...]) -> Evidence:
    subject = (Bound("ServiceAccount", name, namespace),)
    return Evidence(
        roles=(Role(name="its-own", rules=rules),),
        bindings=(Binding(name="its-own", role_kind="ClusterRole", role="its-own", subjects=subject),),
        accounts=(Account(namespace=namespace, name=name),),
        workloads=(Work(namespace=namespace, name="controller", account=name),),
    )


def found(seen: Evidence) -> set[str]:
    rights = [one for one in CATALOGUE.values() if one.id.startswith("RBAC-")]
    return {one.check.id for one in failures(evaluate(Scene(seen, 0), rights))}


@pytest.mark.parametrize("who", OPERATORS, ids="/".join)
def test_an_operator_is_no_finding_and_who_takes_its_rights_is(who: tuple[str, str]) -> None:
    namespace, name = who
    assert found(evidence(namespace, name, OPERATORS[who])) == set()
    if name != "metrics-server":
        assert found(evidence("nlp", name, OPERATORS[who])), "the same account elsewhere"
