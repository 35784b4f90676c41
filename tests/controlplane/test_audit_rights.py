"""The audit's graph of rights, held against the authorizer of the real API server on roles by chance."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

import pytest
import yaml

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import evaluate
from dcctl.audit.facts.graph import Graph
from dcctl.audit.scene import Scene
from dcctl.inventory.sources.kubernetes.evidence.source import KubernetesEvidence
from dcctl.inventory.sources.kubernetes.rbac import audit_rbac_yaml
from tests.controlplane.workloads import namespace

if TYPE_CHECKING:
    from dcctl.inventory.evidence.collected import Evidence
    from tests.controlplane.client import ApiClient, Json
    from tests.controlplane.plane import ControlPlane

SEED = 20_261_122
GROUP = "rbac.authorization.k8s.io"
SPACES = ("rights-a", "rights-b")
USERS = ("wu", "ana", "system:serviceaccount:rights-a:bot", "system:serviceaccount:rights-b:bot")
MEMBERSHIPS = ((), ("devs",), ("devs", "ops"))
VERBS = ("get", "list", "create", "update", "delete", "escalate", "impersonate", "*")
RESOURCES = (
    ("", "pods"),
    ("", "pods/exec"),
    ("", "pods/*"),
    ("", "*/exec"),
    ("", "*"),
    ("", "nodes/proxy"),
    ("", "namespaces"),
    ("apps", "deployments"),
    ("apps", "*/scale"),
    ("apps", "deployments/scale"),
    (GROUP, "clusterroles"),
    ("*", "jobs"),
    ("batch", "jobs"),
    ("batch", "Jobs"),
)
ASKED = (
    ("", "pods", ""),
    ("", "pods", "exec"),
    ("", "nodes", "proxy"),
    ("", "namespaces", ""),
    ("", "secrets", ""),
    ("apps", "deployments", ""),
    ("apps", "deployments", "scale"),
    ("batch", "jobs", ""),
    (GROUP, "clusterroles", ""),
)
NAMES = ("", "one", "two")
URLS = ("/healthz", "/metrics*", "/metrics/*", "*", "/log*")
QUESTIONS = 1500
MINE = ("RBAC-", "ADM-", "SEC-", "API-", "KUB-", "SLF-01")
POLICIES = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: rights-pods}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations: [{expression: "!has(object.spec.hostPID) || !object.spec.hostPID"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: rights-pods}
spec:
  policyName: rights-pods
  validationActions: [Deny]
  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: rights-a}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: rights-hook}
webhooks:
  - name: hook.example.com
    admissionReviewVersions: [v1]
    sideEffects: None
    clientConfig: {url: "https://127.0.0.1:1/"}
    rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
    failurePolicy: Ignore
    namespaceSelector: {matchLabels: {rights: nobody}}
---
apiVersion: v1
kind: Secret
metadata:
  name: rights-token
  namespace: rights-a
  annotations: {kubernetes.io/service-account.name: default}
type: kubernetes.io/service-account-token
"""


class Question(NamedTuple):
    """May this user do that?"""

    user: str
    groups: tuple[str, ...]
    attributes: Json

    def review(self) -> Json:
        return {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": self.user, "groups": self._told(), "resourceAttributes": self.attributes},
        }

    def _told(self) -> list[str]:
        """With the groups that authentication would add."""
        mine = [*self.groups, "system:authenticated"]
        if self.user.startswith("system:serviceaccount:"):
            mine += ["system:serviceaccounts", f"system:serviceaccounts:{self.user.split(':')[2]}"]
        return mine


def rule(rng: random.Random) -> Json:
    group, resource = rng.choice(RESOURCES)
    found: Json = {
        "verbs": rng.sample(VERBS, rng.randint(1, 3)),
        "apiGroups": [group, *rng.sample(["apps", "*", ""], rng.randint(0, 1))],
        "resources": [resource, *(one for _, one in rng.sample(RESOURCES, rng.randint(0, 2)))],
    }
    if rng.random() < 0.3:
        found["resourceNames"] = rng.sample(["one", "two", "three"], 2)
    return found


def role(rng: random.Random, number: int) -> Json:
    """One in five is put together from others, by label; one in five allows paths."""
    chosen = rng.random()
    name = f"rights-{number}"
    base: Json = {"apiVersion": f"{GROUP}/v1", "kind": "ClusterRole", "metadata": {"name": name}}
    if chosen < 0.2:
        wanted = {"matchLabels": {"rights-part": str(rng.randrange(3))}}
        return base | {"aggregationRule": {"clusterRoleSelectors": [wanted]}, "rules": []}
    base["metadata"]["labels"] = {"rights-part": str(rng.randrange(3))}
    if chosen < 0.4:
        urls = rng.sample(URLS, 2)
        return base | {"rules": [{"verbs": ["get"], "nonResourceURLs": urls}, rule(rng)]}
    if chosen < 0.7:
        place = {"name": name, "namespace": rng.choice(SPACES)}
        return {**base, "kind": "Role", "metadata": place, "rules": [rule(rng)]}
    return base | {"rules": [rule(rng) for _ in range(rng.randint(1, 2))]}


def subject(rng: random.Random, space: str) -> Json:
    kind = rng.choice(("User", "Group", "ServiceAccount"))
    if kind == "User":
        return {"kind": kind, "apiGroup": GROUP, "name": rng.choice(USERS)}
    if kind == "Group":
        broad = ("system:serviceaccounts", "system:serviceaccounts:rights-a")
        name = rng.choice(("devs", "ops", "nobody", *broad))
        return {"kind": kind, "apiGroup": GROUP, "name": name}
    return {"kind": kind, "name": "bot", **({"namespace": rng.choice(SPACES)} if not space else {})}


def binding(rng: random.Random, number: int, roles: list[Json]) -> Json:
    chosen = rng.choice(roles)
    space = chosen["metadata"].get("namespace") or rng.choice(("", *SPACES))
    meta: Json = {"name": f"rights-{number}", **({"namespace": space} if space else {})}
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding" if space else "ClusterRoleBinding",
        "metadata": meta,
        "roleRef": {"apiGroup": GROUP, "kind": chosen["kind"], "name": chosen["metadata"]["name"]},
        "subjects": [subject(rng, space) for _ in range(rng.randint(1, 2))],
    }


def question(rng: random.Random) -> Question:
    user, groups = rng.choice(USERS), rng.choice(MEMBERSHIPS)
    group, resource, sub = rng.choice(ASKED)
    asked = {"verb": rng.choice(VERBS[:-1]), "group": group, "resource": resource, "subresource": sub}
    asked |= {"name": rng.choice(NAMES), "namespace": rng.choice(("", *SPACES))}
    return Question(user, groups, asked)


@pytest.fixture(scope="module")
def told(plane: ControlPlane) -> Evidence:
    """What the audit reads as admin, once the controller has put the aggregated roles together."""
    rng = random.Random(SEED)
    roles = [role(rng, number) for number in range(40)]
    bindings = [binding(rng, number, roles) for number in range(25)]
    plane.apply([namespace(each) for each in SPACES])
    plane.apply([*roles, *bindings, *yaml.safe_load_all(POLICIES)])
    with plane.client() as admin:
        plane.wait_for(lambda: settled(admin), 60, "aggregated roles are filled in")
    return KubernetesEvidence(kubeconfig=str(plane.kubeconfig())).gather()


def settled(admin: ApiClient) -> bool:
    found = admin.get(f"/apis/{GROUP}/v1/clusterroles")["items"]
    mine = [each for each in found if each["metadata"]["name"].startswith("rights-")]
    labels = {str((each["metadata"].get("labels") or {}).get("rights-part")) for each in mine}
    return all(
        each.get("rules")
        for each in mine
        if each.get("aggregationRule")
        and each["aggregationRule"]["clusterRoleSelectors"][0]["matchLabels"]["rights-part"] in labels
    )


def answer(graph: Graph, asked: Question) -> bool:
    grants = graph.of_user("", asked.user, asked.groups)
    wanted = asked.attributes
    resource = "/".join(filter(None, (wanted["resource"], wanted["subresource"])))
    return any(
        one.namespace in ("", wanted["namespace"])
        and one.allows(wanted["verb"], resource, wanted["group"], wanted["name"])
        for one in grants
    )


def test_the_graph_says_what_the_api_server_says(plane: ControlPlane, told: Evidence) -> None:
    rng, graph = random.Random(SEED + 1), Graph(told.roles or (), told.bindings or ())
    wrong, yes = [], 0
    with plane.client() as admin:
        for asked in (question(rng) for _ in range(QUESTIONS)):
            path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
            status, body = admin.request("POST", path, asked.review())
            assert status == 201, body
            allowed = body["status"]["allowed"]
            yes += allowed
            if allowed != answer(graph, asked):
                wrong.append((asked, body["status"]))
    assert wrong == []
    assert QUESTIONS // 10 < yes < QUESTIONS * 9 // 10, "the questions tell little"


def test_an_administrator_is_told_everything(told: Evidence) -> None:
    assert told.silent == {}
    (cluster,) = told.clusters or ()
    assert (cluster.minor is not None, cluster.user, cluster.rules_complete) == (True, "admin", True)
    assert any("*" in one.verbs and "*" in one.resources for one in cluster.rules or ())
    assert {"apps", "deployments.apps"} <= set(cluster.apis or ())
    (shown,) = (one for one in told.certificates or () if one.name == "API server")
    assert shown.ends_at_s is not None
    assert any(one.name == "kube-system" for one in told.namespaces or ())


def test_policies_and_webhooks_are_read_as_the_server_stores_them(told: Evidence) -> None:
    states = outcomes(told)
    assert ("fail", "Namespace/rights-b") in states["ADM-01"]
    assert ("fail", "Namespace/rights-a") not in states["ADM-01"]
    assert states["ADM-06"] == {("fail", "ValidatingWebhook/rights-hook/hook.example.com")}
    assert [(one.kind, one.account) for one in told.secrets or ()] == [("token", "default")]


def outcomes(seen: Evidence) -> dict[str, set[tuple[str, str]]]:
    """By check of rights and admission, (state, subject) of what is not well."""
    now_s = max((one.made_at_s or 0 for one in seen.secrets or ()), default=0)
    mine = [one for one in CATALOGUE.values() if one.id.startswith(MINE)]
    tallies = evaluate(Scene(seen, now_s), mine)
    assert [one.error for one in tallies if one.error] == []
    return {
        one.check.id: {(each.state, each.subject) for each in one.outcomes if each.state != "na"}
        for one in tallies
    }


def test_the_printed_role_is_enough_for_all_but_secrets(plane: ControlPlane, told: Evidence) -> None:
    printed = yaml.safe_load(audit_rbac_yaml())
    bound = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "dcctl-auditor"},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": printed["metadata"]["name"]},
        "subjects": [{"kind": "User", "apiGroup": GROUP, "name": "auditor"}],
    }
    plane.apply([printed, bound])
    with plane.client("auditor") as auditor:
        plane.wait_for(lambda: auditor.request("GET", f"/apis/{GROUP}/v1/roles")[0] == 200, 30, "allowed")
    seen = KubernetesEvidence(kubeconfig=str(plane.kubeconfig("auditor"))).gather()
    assert {name: one.cause for name, one in seen.silent.items()} == {"secrets": "denied"}
    assert {one.name for one in seen.roles or ()} >= {one.name for one in told.roles or ()}
    states = outcomes(seen)
    assert states["SLF-01"] == set(), "the role is no more than it needs to be"
    assert states["SEC-02"] == {("unknown", "")}
    mine = "ClusterRoleBinding/dcctl-auditor"
    assert mine not in {subject for found in states.values() for _, subject in found}


def test_who_may_nothing_gets_nothing_and_the_reasons(plane: ControlPlane) -> None:
    seen = KubernetesEvidence(kubeconfig=str(plane.kubeconfig("nobody"))).gather()
    wanted = {"roles", "bindings", "accounts", "namespaces", "webhooks", "certificates", "secrets"}
    assert wanted <= set(seen.silent)
    assert {seen.silent[name].cause for name in wanted} == {"denied"}
    assert (seen.roles, seen.bindings, seen.namespaces) == (None, None, None)
    (cluster,) = seen.clusters or ()
    assert cluster.user == "nobody"
    assert cluster.version is not None
    states = outcomes(seen)
    known = {name for name, found in states.items() if {state for state, _ in found} != {"unknown"}}
    assert known <= {"SEC-03", "SEC-06", "SLF-01"}, "the certificate that is shown, the APIs, its own rights"
    assert {"SEC-01", "API-03", "KUB-01"} <= states.keys() - known
    assert not any(state == "fail" for found in states.values() for state, _ in found)


def test_an_administrator_is_told_that_they_are_one(told: Evidence) -> None:
    states = outcomes(told)
    assert states["SLF-01"] == {("fail", "Cluster")}
    shipped = {"ClusterRoleBinding/cluster-admin", "ClusterRoleBinding/system:discovery"}
    assert not shipped & {subject for found in states.values() for _, subject in found}
    wrong = {one for found in states.values() for state, one in found if state == "fail"}
    assert {one for one in wrong if one.startswith("kube-")} == set(), "what Kubernetes does is no finding"
    mine = {one for one in wrong if one.startswith("Group/system:serviceaccounts")}
    assert not any("system:" in one for one in wrong - mine)


def test_policies_in_a_version_that_dcctl_cannot_read_are_not_none(
    plane: ControlPlane, told: Evidence
) -> None:
    assert told.admission_policies is not None
    names = {"plural": "clusterpolicies", "singular": "clusterpolicy", "kind": "ClusterPolicy"}
    shape = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v9", "served": True, "storage": True, "schema": shape}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "clusterpolicies.kyverno.io"},
        "spec": {"group": "kyverno.io", "names": names, "scope": "Cluster", "versions": [version]},
    }
    plane.apply([crd])
    with plane.client() as admin:
        plane.wait_for(
            lambda: admin.request("GET", "/apis/kyverno.io/v9/clusterpolicies")[0] == 200, 60, "served"
        )
        seen = KubernetesEvidence(kubeconfig=str(plane.kubeconfig())).gather()
        admin.request(
            "DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/clusterpolicies.kyverno.io"
        )
    why = seen.silent["admission_policies"]
    assert (why.reason, why.cause) == ("clusterpolicies.kyverno.io: only served as v9", "unsupported")
    assert ("unknown", "Namespace/rights-b") in outcomes(seen)["ADM-01"]
