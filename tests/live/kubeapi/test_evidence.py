"""What an audit reads of the emulated API server, as administrator, as viewer, and as who may nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.http.client import Patience
from dcctl.inventory.sources.kubernetes.evidence.lists import ROWS
from dcctl.inventory.sources.kubernetes.evidence.source import KubernetesEvidence
from dcctl.inventory.sources.kubernetes.rbac import audit_rbac_yaml
from tests.kubeapi import ApiServer, kinds
from tests.kubeapi.faults import EndlessPage, Garbage, Reply, match
from tests.live.kubeapi.test_source_rbac import resource_of

if TYPE_CHECKING:
    from pathlib import Path

    from dcctl.inventory.evidence.collected import Evidence

GROUP = "rbac.authorization.k8s.io"
KYVERNO = kinds.custom("kyverno.io", "v1", "clusterpolicies", "ClusterPolicy", namespaced=False)
TOKEN = "c2VjcmV0LXRva2Vu"  # nobody's
Json = dict[str, Any]


def gathered(server: ApiServer, folder: Path, user: str = "admin", page_size: int = 500) -> Evidence:
    config = str(server.kubeconfig(folder / user, user))
    soon = Patience(tries=2, backoff_s=0.01)
    return KubernetesEvidence(kubeconfig=config, page_size=page_size, patience=soon).gather()


def role(name: str, namespace: str = "") -> Json:
    kind, place = ("Role", {"namespace": namespace}) if namespace else ("ClusterRole", {})
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["one"]}]
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name, **place}, "rules": rules}


def secret(name: str, type_: str) -> Json:
    noted = f'{{"data": {{"token": "{TOKEN}"}}}}'
    notes = {
        "kubernetes.io/service-account.name": "ci",
        "kubectl.kubernetes.io/last-applied-configuration": noted,
    }
    meta = {"name": name, "namespace": "nlp", "annotations": notes}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": type_, "data": {"token": TOKEN}}


OBJECTS: tuple[Json, ...] = (
    *(role(f"r{number}") for number in range(7)),
    role("inside", "nlp"),
    {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "b", "namespace": "nlp"},
        "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": "inside"},
        "subjects": [{"kind": "ServiceAccount", "name": "web"}, {"kind": "Robot", "name": "x"}],
    },
    secret("ci-token", "kubernetes.io/service-account-token"),
    secret("registry", "kubernetes.io/dockerconfigjson"),
    secret("password", "Opaque"),
)


@pytest.fixture
def loaded(server: ApiServer) -> ApiServer:
    server.load(OBJECTS)
    return server


def test_all_pages_of_all_lists_are_read(loaded: ApiServer, tmp_path: Path) -> None:
    seen = gathered(loaded, tmp_path, page_size=3)
    assert seen.silent == {}
    assert [one.key for one in seen.roles or ()] == [
        *(f"ClusterRole/r{n}" for n in range(7)),
        "nlp/Role/inside",
    ]
    (binding,) = seen.bindings or ()
    assert [(one.kind, one.namespace, one.name) for one in binding.subjects] == [
        ("ServiceAccount", "nlp", "web")
    ]
    assert {one.name for one in seen.namespaces or ()} >= {"nlp", "kube-system"}
    assert (seen.webhooks, seen.admission_policies) == ((), ())


def test_secrets_are_asked_for_by_their_metadata_and_their_data_is_nowhere(
    loaded: ApiServer, tmp_path: Path
) -> None:
    seen = gathered(loaded, tmp_path)
    found = {one.name: (one.kind, one.account) for one in seen.secrets or ()}
    assert found == {"ci-token": ("token", "ci"), "registry": ("pull", "ci")}
    asked = loaded.seen(path="/api/v1/secrets")
    accepted = {value for one in asked for name, value in one.headers.items() if name.lower() == "accept"}
    assert accepted == {"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}
    assert all(one.query["fieldSelector"].startswith("type=kubernetes.io/") for one in asked)
    assert TOKEN not in repr(seen)


def test_who_may_nothing_has_a_reason_for_each_kind(loaded: ApiServer, tmp_path: Path) -> None:
    loaded.deny("bob", "*", "*")
    seen = gathered(loaded, tmp_path, "bob")
    wanted = {name for row in ROWS if not row.listed.custom for name in row.into}
    assert set(seen.silent) == {*wanted, "components"}
    assert {one.cause for one in seen.silent.values()} == {"denied"}
    assert all("HTTP 403" in one.reason for one in seen.silent.values())
    assert seen.roles is None
    assert [one.name for one in seen.clusters or ()] == ["emulated"]
    assert seen.components is None


def test_a_list_that_is_refused_leaves_the_other_list_of_its_kind(loaded: ApiServer, tmp_path: Path) -> None:
    loaded.deny("bob", "list", f"clusterroles.{GROUP}")
    loaded.deny("bob", "list", "secrets")
    seen = gathered(loaded, tmp_path, "bob")
    assert set(seen.silent) == {"roles", "secrets"}
    assert seen.silent["roles"].reason.startswith(f"clusterroles.{GROUP}: HTTP 403")
    assert [one.key for one in seen.roles or ()] == ["nlp/Role/inside"]


@pytest.mark.parametrize(
    ("fault", "cause"),
    [(Reply(500), "failed"), (Garbage(), "invalid"), (EndlessPage(), "invalid")],
    ids=["500", "garbage", "endless"],
)
def test_a_list_that_goes_wrong_is_silent(loaded: ApiServer, tmp_path: Path, fault: Any, cause: str) -> None:
    loaded.faults.add(match("GET", rf"^/apis/{GROUP}/v1/clusterroles"), fault)
    seen = gathered(loaded, tmp_path, page_size=3)
    assert {name: one.cause for name, one in seen.silent.items()} == {"roles": cause}


def test_the_printed_role_allows_what_is_asked_and_nothing_else(tmp_path: Path) -> None:
    with ApiServer(custom=[KYVERNO]) as server:
        seen = gathered(server, tmp_path)
        asked = {one.path for one in server.seen("GET")} - {"/apis", "/version"}
    assert seen.admission_policies == ()
    rules = yaml.safe_load(audit_rbac_yaml())["rules"]
    allowed = {
        (group, name) for one in rules for group in one.get("apiGroups", ()) for name in one["resources"]
    }
    assert {resource_of(path) for path in asked} - allowed == {("", "secrets")}
    assert {verb for one in rules if "resources" in one for verb in one["verbs"]} == {"list"}
    assert ("", "secrets") not in allowed
    assert ("kyverno.io", "clusterpolicies") in allowed


def test_a_server_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with ApiServer() as server:
        config = str(server.kubeconfig(tmp_path / "config"))
    with pytest.raises(SourceError):
        KubernetesEvidence(kubeconfig=config, timeout_s=2).gather()
