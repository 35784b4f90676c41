"""`dcctl audit` of the real control plane as four persons: who may see less is told less, never better."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dcctl.inventory.sources.kubernetes.rbac import audit_rbac_yaml
from tests.controlplane.test_components import static
from tests.controlplane.workloads import namespace

if TYPE_CHECKING:
    from tests.conftest import Cli
    from tests.controlplane.client import ApiClient, Json
    from tests.controlplane.plane import ControlPlane

GROUP = "rbac.authorization.k8s.io"
SPACE = "states"
OWN = {"SLF-01", "SLF-02"}
"""What dcctl may do, and how much it was told, is another thing for each of them."""


def bound(user: str, role: str) -> Json:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"states-{user}"},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "User", "apiGroup": GROUP, "name": user}],
    }


def deployment(name: str, **context: object) -> Json:
    container = {"name": "main", "image": "registry.example.com/web:1", "securityContext": context}
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template},
    }


def may_list_pods(client: ApiClient) -> bool:
    return client.request("GET", "/api/v1/pods")[0] == 200


@pytest.fixture(scope="module")
def loaded(plane: ControlPlane) -> ControlPlane:
    """A cluster with something to find fault with, and persons who may see more or less of it."""
    plane.add_nodes(1, prefix="states")
    printed = yaml.safe_load(audit_rbac_yaml())
    plane.apply([namespace(SPACE), deployment("root", privileged=True), deployment("plain")])
    plane.apply([static(plane, name, "states0001") for name in ("kube-apiserver", "etcd")])
    plane.apply(
        [printed, bound("states-auditor", printed["metadata"]["name"]), bound("states-viewer", "view")]
    )
    for user in ("states-auditor", "states-viewer"):
        with plane.client(user) as one:
            plane.wait_for(partial(may_list_pods, one), 30, "allowed")
    return plane


def audit(cli: Cli, plane: ControlPlane, user: str, *words: str) -> tuple[int, Any]:
    env = {"KUBECONFIG": str(plane.kubeconfig(user))}
    done = cli("audit", "-i", "kubernetes", "--no-record", "-o", "json", *words, env=env, timeout_s=120)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


def states(told: Any) -> dict[str, str]:
    return {one["check"]: one["state"] for one in told["details"]["checks"]}


@pytest.fixture
def of_admin(loaded: ControlPlane, cli: Cli) -> Any:
    code, told = audit(cli, loaded, "admin")
    assert code == 3, "what nodes alone tell was not asked"
    return told


def test_an_administrator_is_told_what_is_wrong(of_admin: Any) -> None:
    found = states(of_admin)
    assert {found[name] for name in ("POD-01", "SEC-01", "API-03", "SLF-01", "SLF-02")} == {"fail"}
    assert {found[name] for name in ("API-12", "KUB-01", "KUB-05")} == {"unknown"}
    assert found["API-15"] == "manual"
    assert f"{SPACE}/Deployment/root" in {
        one["object"] for one in of_admin["items"] if one["check"] == "POD-01"
    }


@pytest.mark.parametrize(
    ("user", "least_milli", "unknown"),
    [
        ("states-auditor", 500, {"SEC-02", "SEC-05"}),
        ("states-viewer", 200, {"RBAC-01", "RBAC-10", "KUB-01", "NOD-23", "GPU-01", "SEC-02", "ADM-01"}),
        (
            "states-nobody",
            0,
            {"RBAC-01", "POD-01", "SEC-01", "API-03", "KUB-01", "NOD-23", "GPU-01", "NET-01"},
        ),
    ],
)
def test_who_may_see_less_is_told_less_and_never_better(
    cli: Cli, loaded: ControlPlane, of_admin: Any, user: str, least_milli: int, unknown: set[str]
) -> None:
    code, told = audit(cli, loaded, user)
    assert code == 3
    found, whole = states(told), states(of_admin)
    better = {name for name in found.keys() - OWN if found[name] not in (whole[name], "unknown")}
    assert better == set()
    assert {found[name] for name in unknown} == {"unknown"}
    assert found["SLF-01"] == "pass"
    assert least_milli <= told["summary"]["coverage_milli"] <= of_admin["summary"]["coverage_milli"]
    refused = [one["says"] for one in told["details"]["unknown"] if one["check"] in unknown]
    assert all("HTTP 403" in says for says in refused)
    assert told["gaps"][-1]["subject"] == "coverage"


def test_nobody_passes_nothing_and_has_no_finding_but_what_everybody_sees(
    cli: Cli, loaded: ControlPlane
) -> None:
    code, told = audit(cli, loaded, "states-nobody")
    assert code == 3
    assert {name for name, state in states(told).items() if state == "pass"} == {"SLF-01"}
    assert {one["check"] for one in told["items"]} <= {"SEC-03", "SLF-02"}


def test_coverage_has_a_gate(cli: Cli, loaded: ControlPlane) -> None:
    words = ("--select", "POD-*")
    assert audit(cli, loaded, "states-viewer", *words, "--min-coverage", "100")[0] == 3, "nodes were refused"
    assert audit(cli, loaded, "admin", *words, "--min-coverage", "100")[0] == 1
    code, told = audit(cli, loaded, "states-nobody", *words, "--min-coverage", "0")
    assert (code, told["summary"]["coverage_milli"]) == (3, 0)


def ids(told: Any, name: str) -> set[tuple[str, str, str]]:
    return {(one["id"], one["check"], one["where"]) for one in told["items"] if f"/{name}" in one["object"]}


def pods_of(plane: ControlPlane, name: str) -> set[str]:
    with plane.client() as admin:
        found = admin.get(f"/api/v1/namespaces/{SPACE}/pods?labelSelector=app%3D{name}")["items"]
    return {one["metadata"]["name"] for one in found if not one["metadata"].get("deletionTimestamp")}


def test_a_rollout_and_pods_that_start_again_leave_a_finding_what_it_is(
    cli: Cli, loaded: ControlPlane
) -> None:
    loaded.apply([deployment("moving", privileged=True)])
    loaded.wait_for(lambda: len(pods_of(loaded, "moving")) == 2, 60, "two pods")
    seen = [(pods_of(loaded, "moving"), audit(cli, loaded, "admin")[1])]
    with loaded.client() as admin:
        for name in seen[0][0]:
            admin.request("DELETE", f"/api/v1/namespaces/{SPACE}/pods/{name}")
    loaded.wait_for(lambda: len(pods_of(loaded, "moving") - seen[0][0]) == 2, 60, "two others")
    seen.append((pods_of(loaded, "moving"), audit(cli, loaded, "admin")[1]))
    changed = deployment("moving", privileged=True)
    changed["spec"]["template"]["metadata"]["annotations"] = {"kubectl.kubernetes.io/restartedAt": "now"}
    path = f"/apis/apps/v1/namespaces/{SPACE}/deployments/moving"
    with loaded.client() as admin:
        status, body = admin.request("PATCH", path, changed, "application/merge-patch+json")
        assert status == 200, body
    loaded.wait_for(
        lambda: len(pods_of(loaded, "moving")) == 2 and not pods_of(loaded, "moving") & seen[1][0],
        60,
        "rolled out",
    )
    seen.append((pods_of(loaded, "moving"), audit(cli, loaded, "admin")[1]))
    names = [name for pods, _ in seen for name in pods]
    assert len(set(names)) == 6, "other pods each time"
    assert len({name.rsplit("-", 1)[0] for name in names}) == 2, "of two ReplicaSets"
    first, *others = [ids(told, "moving") for _, told in seen]
    assert {check for _, check, _ in first} >= {"POD-01", "POD-06"}
    assert [one ^ first for one in others] == [set(), set()]
