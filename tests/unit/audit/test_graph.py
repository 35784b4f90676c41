"""Rules as the API server's RBAC authorizer reads them; tests/controlplane asks that one itself."""

from __future__ import annotations

import pytest

from dcctl.audit.facts.graph import Graph, allows, everything, may_ever, named
from dcctl.audit.facts.images import image
from dcctl.audit.facts.telling import some
from dcctl.inventory.evidence.rbac import Binding, Bound, Role, Rule
from dcctl.inventory.placement import Expression, Selector

APPS, CORE = ("apps",), ("",)


@pytest.mark.parametrize(
    ("rule", "asked", "yes"),
    [
        (Rule(("get",), CORE, ("pods",)), ("get", "pods"), True),
        (Rule(("list", "get"), ("apps", ""), ("secrets", "pods")), ("get", "pods"), True),
        (Rule(("*",), ("*",), ("*",)), ("get", "pods/exec", "batch"), True),
        (Rule(("get",), CORE, ("pods",)), ("list", "pods"), False),
        (Rule(("get",), CORE, ("pods",)), ("get", "pods", "apps"), False),
        (Rule(("get",), CORE, ("pods",)), ("get", "pods/exec"), False),
        (Rule(("get",), CORE, ("pods/exec",)), ("get", "pods"), False),
        (Rule(("get",), CORE, ("pods/*",)), ("get", "pods/exec"), False),
        (Rule(("get",), APPS, ("*/scale",)), ("get", "deployments/scale", "apps"), True),
        (Rule(("get",), APPS, ("*/scale",)), ("get", "deployments/status", "apps"), False),
        (Rule(("get",), APPS, ("*/",)), ("get", "deployments", "apps"), False),
        (Rule(("GET",), CORE, ("Pods",)), ("get", "pods"), False),
        (Rule(("get",), CORE, ("pods",), ("a", "b")), ("get", "pods", "", "b"), True),
        (Rule(("get",), CORE, ("pods",), ("a",)), ("get", "pods", "", "b"), False),
        (Rule(("list",), CORE, ("pods",), ("a",)), ("list", "pods"), False),
        (Rule(("get",), CORE, ("pods",), ("*",)), ("get", "pods", "", "b"), False),
        (Rule(("get",), urls=("*",)), ("get", "pods"), False),
    ],
)
def test_a_rule_allows_what_the_api_server_lets_it(rule: Rule, asked: tuple[str, ...], yes: bool) -> None:
    assert allows(rule, *asked) is yes


@pytest.mark.parametrize(
    ("verb", "resource", "yes"),
    [
        ("get", "pods", True),
        ("create", "pods", False),
        ("deletecollection", "pods", False),
        ("delete", "pods", True),
        ("create", "pods/exec", True),
        ("get", "secrets", False),
    ],
)
def test_what_is_being_made_has_no_name_yet(verb: str, resource: str, yes: bool) -> None:
    verbs = ("get", "create", "delete", "deletecollection")
    assert may_ever(Rule(verbs, CORE, ("pods", "pods/exec"), ("a",)), verb, resource) is yes


def test_everything_is_any_verb_of_any_resource_of_any_group_by_any_name() -> None:
    star = ("*",)
    assert everything(Rule(star, star, star))
    assert everything(Rule(("get", "*"), star, ("pods", "*")))
    for less in (Rule(("get",), star, star), Rule(star, CORE, star), Rule(star, star, ("pods",))):
        assert not everything(less)
    assert not everything(Rule(star, star, star, ("one",)))


@pytest.mark.parametrize(
    ("user", "wanted"),
    [
        ("system:serviceaccount:nlp:web", Bound("ServiceAccount", "web", "nlp")),
        ("system:serviceaccount:nlp", Bound("User", "system:serviceaccount:nlp")),
        ("system:serviceaccount:nlp:", Bound("User", "system:serviceaccount:nlp:")),
        ("wu", Bound("User", "wu")),
    ],
)
def test_a_service_account_is_also_a_user(user: str, wanted: Bound) -> None:
    assert named(Bound("User", user)) == wanted
    assert named(Bound("Group", user)) == Bound("Group", user)


def binding(role: str, *subjects: Bound, namespace: str = "", cluster: str = "") -> Binding:
    name = f"{role}-{namespace}"
    return Binding(
        cluster=cluster, namespace=namespace, name=name, role_kind="ClusterRole", role=role, subjects=subjects
    )


def verbs(graph: Graph, user: str, *groups: str, cluster: str = "") -> set[str]:
    return {verb for one in graph.of_user(cluster, user, groups) for verb in one.rule.verbs}


def test_groups_are_those_of_the_token_and_those_that_everybody_has() -> None:
    who = ("devs", "system:authenticated", "system:serviceaccounts", "system:serviceaccounts:nlp")
    roles = [Role(name=each, rules=(Rule((each,), CORE, ("pods",)),)) for each in who]
    graph = Graph(roles, [binding(each, Bound("Group", each)) for each in who])
    assert verbs(graph, "wu") == {"system:authenticated"}
    assert verbs(graph, "wu", "devs") == {"devs", "system:authenticated"}
    assert verbs(graph, "system:serviceaccount:nlp:web") == set(who) - {"devs"}
    assert verbs(graph, "system:serviceaccount:ci:web") == {"system:authenticated", "system:serviceaccounts"}
    assert graph.of_account("", "nlp", "web") == graph.of_user("", "system:serviceaccount:nlp:web")


def test_a_role_has_the_rules_of_those_that_are_put_into_it_once_and_in_circles_too() -> None:
    def part(name: str, labels: dict[str, str], *wanted: Selector) -> Role:
        rule = (Rule((name,), CORE, ("pods",)),)
        return Role(name=name, rules=rule, labels=labels, aggregated=bool(wanted), selectors=wanted)

    gold = Selector(expressions=(Expression("tier", "In", ("gold",)),))
    top = part("top", {}, Selector({"to": "top"}), gold)
    roles = [
        top,
        part("some", {"to": "top"}, Selector({"to": "some"})),
        part("deep", {"to": "some", "tier": "gold"}, Selector({"to": "top"})),
        part("gold", {"tier": "gold"}),
        part("other", {"to": "other"}),
        Role(
            namespace="nlp", name="inside", labels={"to": "top"}, rules=(Rule(("inside",), CORE, ("pods",)),)
        ),
        Role(cluster="two", name="far", labels={"to": "top"}, rules=(Rule(("far",), CORE, ("pods",)),)),
    ]
    graph = Graph(roles, [binding("top", Bound("User", "wu")), binding("top", Bound("User", "ana"))])
    assert verbs(graph, "wu") == {"top", "some", "deep", "gold"}
    assert graph.rules(top) is graph.rules(top)
    (wu, _) = (one for one in graph.principals.values() if one.name in ("wu", "ana"))
    assert len(wu.grants) == 4


def test_bindings_that_name_an_account_itself_are_known_apart_from_its_groups() -> None:
    web = Bound("ServiceAccount", "web", "nlp")
    mine = binding("view", web, Bound("User", "web"))
    graph = Graph([], [mine, binding("view", Bound("Group", "system:serviceaccounts:nlp"))])
    assert graph.bound == {("", "nlp", "web"): [mine]}
    assert [(one.cluster, one.kind, one.key) for one in graph.principals.values()] == [
        ("", "Group", "Group/system:serviceaccounts:nlp"),
        ("", "ServiceAccount", "nlp/ServiceAccount/web"),
        ("", "User", "User/web"),
    ]
    assert all(one.grants == () for one in graph.principals.values())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("nginx", ("docker.io/library/nginx", "", "")),
        ("nginx:1.27", ("docker.io/library/nginx", "1.27", "")),
        ("team/img@sha256:aa", ("docker.io/team/img", "", "sha256:aa")),
        ("reg:5000/img", ("reg:5000/img", "", "")),
        ("reg:5000/a/img:v1@sha256:aa", ("reg:5000/a/img", "v1", "sha256:aa")),
        ("localhost/img:latest", ("localhost/img", "latest", "")),
        ("index.docker.io/library/nginx", ("docker.io/library/nginx", "", "")),
        (" nvcr.io/nvidia/pytorch:25.01 ", ("nvcr.io/nvidia/pytorch", "25.01", "")),
    ],
)
def test_a_reference_of_an_image_is_read_in_full(text: str, wanted: tuple[str, str, str]) -> None:
    assert tuple(image(text)) == wanted


def test_some_names_are_told_and_the_others_counted() -> None:
    told = [some(""), some("a"), some("abca"), some("abcd"), some(map(str, range(1004)))]
    assert told == ["", "a", "a, b, c", "a, b, c and 1 more", "0, 1, 2 and 1,001 more"]
