"""Who is answered 401, who 403, in the words of the real server."""

from __future__ import annotations

from tests.kubeapi import ApiServer
from tests.kubeapi.client import HttpApi
from tests.kubeapi.conformance_objects import REVIEWS
from tests.kubeapi.sandbox import failure


def test_a_token_that_nobody_has(server: ApiServer) -> None:
    answer = HttpApi(server.url, "stolen").request("GET", "/api/v1/nodes")
    assert failure(answer, 401, "Unauthorized", "Unauthorized") == {}
    assert [seen.user for seen in server.requests] == [""]


def test_without_a_token_only_public_paths(server: ApiServer) -> None:
    nobody = HttpApi(server.url)
    assert nobody.request("GET", "/version")[0] == 200
    text = 'nodes is forbidden: User "system:anonymous" cannot list resource "nodes" in API group "" at the'
    assert failure(nobody.request("GET", "/api/v1/nodes"), 403, "Forbidden", text) == {"kind": "nodes"}
    text = 'forbidden: User "system:anonymous" cannot get path "/apis"'
    failure(nobody.request("GET", "/apis"), 403, "Forbidden", text)


def test_without_anonymous_requests() -> None:
    with ApiServer(anonymous=False) as strict:
        assert HttpApi(strict.url).request("GET", "/version")[0] == 401


def test_denials_name_user_verb_and_place(server: ApiServer, bob: HttpApi, admin: HttpApi) -> None:
    server.deny("bob", "create", "pods/eviction")
    server.deny("bob", "list", "deployments.apps")
    server.deny("bob", "*", "secrets", namespace="default")
    answer = bob.request("POST", "/api/v1/namespaces/x/pods/p/eviction", {})
    text = 'pods "p" is forbidden: User "bob" cannot create resource "pods/eviction" in API group ""'
    assert failure(answer, 403, "Forbidden", f'{text} in the namespace "x"') == {"name": "p", "kind": "pods"}
    answer = bob.request("GET", "/apis/apps/v1/deployments")
    text = 'deployments.apps is forbidden: User "bob" cannot list resource "deployments" in API group "apps"'
    assert failure(answer, 403, "Forbidden", text) == {"group": "apps", "kind": "deployments"}
    assert bob.request("GET", "/api/v1/namespaces/default/secrets")[0] == 403
    assert bob.request("GET", "/api/v1/namespaces/kube-system/secrets")[0] == 200
    assert (
        bob.request("GET", "/apis/apps/v1/deployments", query={"watch": "1", "timeoutSeconds": "1"})[0] == 200
    )
    assert admin.request("GET", "/apis/apps/v1/deployments")[0] == 200


def test_access_reviews_know_the_denials(server: ApiServer, bob: HttpApi) -> None:
    server.deny("bob", "patch", "nodes")
    for verb, allowed in (("patch", False), ("get", True)):
        spec = {"resourceAttributes": {"verb": verb, "resource": "nodes"}}
        assert bob.request("POST", REVIEWS, {"spec": spec})[2]["status"] == {"allowed": allowed}


def test_tokens_are_not_recorded(server: ApiServer, admin: HttpApi) -> None:
    admin.request("GET", "/version")
    assert "admin-token" not in repr(server.requests)
