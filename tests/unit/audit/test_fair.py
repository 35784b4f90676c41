"""What well-known operators need is no finding: their rules are those of their own charts, in short."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import evaluate, failures
from dcctl.audit.scene import Scene
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.pods import Work
from dcctl.inventory.evidence.rbac import Account, Binding, Bound, Role, Rule
from tests.unit.audit.manifests import evidence as of_manifests

SETUP = list(yaml.safe_load_all(Path("tests/data/audit-manifests/setup-pods.yaml").read_text("utf-8")))
READ = ("get", "list", "watch")
WRITE = ("create", "delete", *READ, "patch", "update")
CORE = ("",)
ANY = ("*",)
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
    ("velero", "velero"): (Rule(ANY, ANY, ANY), Rule(ANY, urls=ANY)),
    ("velero", "velero-server"): (Rule(ANY, ANY, ANY), Rule(ANY, urls=ANY)),
    ("argocd", "argocd-application-controller"): (Rule(ANY, ANY, ANY), Rule(ANY, urls=ANY)),
    ("argocd", "argocd-server"): (
        Rule(("delete", "get", "patch"), ANY, ANY),
        Rule(("update",), ANY, ("*/finalizers",)),
        Rule(("get",), CORE, ("pods", "pods/log")),
        Rule(("create",), ("batch",), ("jobs",)),
        Rule(("create",), ("argoproj.io",), ("workflows",)),
    ),
    ("argocd", "argocd-applicationset-controller"): (
        Rule(WRITE, ("argoproj.io",), ("applications", "applicationsets")),
        Rule(READ, CORE, ("secrets", "configmaps")),
    ),
    ("kube-system", "metrics-server"): (Rule(("get",), CORE, ("nodes/metrics",)),),
}


def evidence(namespace: str, name: str, rules: tuple[Rule, ...]) -> Evidence:
    subject = (Bound("ServiceAccount", name, namespace),)
    role = "cluster-admin" if name.startswith("velero") else "its-own"
    return Evidence(
        roles=(Role(name=role, rules=rules),),
        bindings=(Binding(name="its-own", role_kind="ClusterRole", role=role, subjects=subject),),
        accounts=(Account(namespace=namespace, name=name),),
        workloads=(Work(namespace=namespace, name="controller", account=name),),
    )


def found(seen: Evidence, topic: str = "RBAC-") -> set[str]:
    rights = [one for one in CATALOGUE.values() if one.id.startswith(topic)]
    return {one.check.id for one in failures(evaluate(Scene(seen, 0), rights))}


@pytest.mark.parametrize("who", OPERATORS, ids="/".join)
def test_an_operator_is_no_finding_and_who_takes_its_rights_is(who: tuple[str, str]) -> None:
    namespace, name = who
    assert found(evidence(namespace, name, OPERATORS[who])) == set()
    if name != "metrics-server":
        assert found(evidence("nlp", name, OPERATORS[who])), "the same account elsewhere"


def _elsewhere(pod: dict[str, Any], account: str | None = None, image: str | None = None) -> None:
    """Another account, or another maker's images."""
    if account:
        pod["serviceAccountName"] = account
    for one in (*pod.get("initContainers", ()), *pod["containers"]):
        one["image"] = image or one["image"]


@pytest.mark.parametrize("manifest", SETUP, ids=lambda one: str(one["metadata"]["name"]))
def test_a_pod_that_sets_up_its_node_is_no_finding_and_one_that_looks_like_it_is(
    manifest: dict[str, Any],
) -> None:
    assert found(of_manifests(manifest), "POD-") == set()
    for change in ({"account": "deploy"}, {"image": "docker.io/mallory/x"}):
        other = deepcopy(manifest)
        _elsewhere(other["spec"]["template"]["spec"], **change)
        assert found(of_manifests(other), "POD-")
    other = deepcopy(manifest)
    other["metadata"]["namespace"] = "nlp"
    assert found(of_manifests(other), "POD-")


@pytest.mark.parametrize(
    ("image", "known"),
    [
        ("602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon-k8s-cni:v1", True),
        ("877085696533.dkr.ecr.af-south-1.amazonaws.com/amazon/aws-network-policy-agent:v1", True),
        ("918309763551.dkr.ecr.cn-north-1.amazonaws.com.cn/amazon-k8s-cni-init:v1", True),
        ("111122223333.dkr.ecr.us-west-2.amazonaws.com/amazon-k8s-cni:v1", False),
        ("602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon-k8s-cni-x:v1", False),
        ("602401143452.dkr.ecr.evil.example/x.amazonaws.com/amazon-k8s-cni:v1", False),
        ("602401143452.dkr.ecr.evil.example.amazonaws.com/amazon-k8s-cni:v1", False),
        ("602401143452xdkr.ecr.us-west-2.amazonaws.com/amazon-k8s-cni:v1", False),
        ("evil.example/602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon-k8s-cni:v1", False),
    ],
)
def test_the_network_of_eks_is_known_from_each_region_and_from_nobody_else(image: str, known: bool) -> None:
    manifest = deepcopy(next(one for one in SETUP if one["metadata"]["name"] == "aws-node"))
    _elsewhere(manifest["spec"]["template"]["spec"], image=image)
    assert (found(of_manifests(manifest), "POD-") == set()) == known
