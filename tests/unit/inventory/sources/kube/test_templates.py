"""Where pods may stand: every field of a PodSpec that the scheduler looks at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.inventory.model import Fleet
from dcctl.inventory.placement import (
    BARE,
    Expression,
    HostPort,
    Neighbours,
    NodeTerm,
    Selector,
    Spread,
    Template,
    Toleration,
    key_of,
)
from dcctl.inventory.sources.kubernetes.budgets import Budgets
from dcctl.inventory.sources.kubernetes.pods import Pods
from dcctl.inventory.sources.kubernetes.templates import Templates
from dcctl.inventory.sources.kubernetes.types import Namespace, Pod, PodMeta, PodSpec
from dcctl.inventory.sources.kubernetes.workloads import Namespaces
from tests.kubernetes_data import DATA, feed, items

if TYPE_CHECKING:
    from dcctl.inventory.model import Member

CASE = "templates"


@pytest.fixture(scope="module")
def templates() -> Templates:
    """Templates that know the namespaces and have read the pods."""
    return read()[0]


@pytest.fixture(scope="module")
def members() -> dict[str, Member]:
    """By name."""
    return {each.name: each for group in read()[1].groups.values() for each in group.members}


def read() -> tuple[Templates, Pods]:
    namespaces, found = Namespaces(), Templates()
    feed(namespaces, f"{CASE}/namespaces", Namespace)
    found.namespaces = namespaces.labels
    pods = Pods(Budgets(), found)
    feed(pods, f"{CASE}/pods", Pod)
    return found, pods


def of(templates: Templates, member: Member) -> Template:
    assert member.template is not None
    return templates.found[member.template]


def spec(**fields: Any) -> PodSpec:
    return msgspec.json.decode(json.dumps(fields), type=PodSpec)


def template_of(
    one: PodSpec, namespace: str, labels: dict[str, str], namespaces: dict[str, dict[str, str]] | None
) -> Template:
    """The template of one pod; ValueError where nobody can tell it."""
    read = Templates()
    read.namespaces = namespaces
    key = read.of_pod(Pod(metadata=PodMeta(name="p", namespace=namespace, labels=labels), spec=one))
    if key is None:
        raise ValueError(*read.unread)
    return read.found[key]


def labelled(key: str, value: str, *more: Expression) -> Selector:
    return Selector({key: value}, more)


def test_every_field_is_told_in_the_words_of_the_model(
    templates: Templates, members: dict[str, Member]
) -> None:
    revision = Expression("pod-template-hash", "In", ("6d9c5b7f4d",))
    assert of(templates, members["front-6d9c5b7f4d-x7k2p"]) == Template(
        namespace="web",
        labels={"app": "front", "pod-template-hash": "6d9c5b7f4d"},
        node_selector={"pool": "infer"},
        required=(
            NodeTerm((Expression("zone", "In", ("a", "b")), Expression("memory-gb", "Gt", ("40",)))),
            NodeTerm(names=(Expression("metadata.name", "NotIn", ("gpu009",)),)),
        ),
        preferred=(NodeTerm((Expression("spot", "DoesNotExist"),), weight=20),),
        tolerations=(
            Toleration("pool", "Equal", "infer", "NoSchedule"),
            Toleration("node.kubernetes.io/not-ready", "Exists", "", "NoExecute"),
        ),
        spreads=(
            Spread("zone", labelled("app", "front", revision), 2, min_domains=3, honor_taints=True),
            Spread("rack", None, required=False, honor_affinity=False),
        ),
        neighbours=(
            Neighbours(
                "zone",
                Selector(expressions=(Expression("app", "In", ("cache",)),)),
                ("ml", "shop", "web"),
                weight=5,
            ),
            Neighbours(
                "kubernetes.io/hostname",
                labelled("app", "front", Expression("app", "NotIn", ("front",))),
                apart=True,
            ),
        ),
        ports=(HostPort(5353, "UDP", "127.0.0.1"), HostPort(8443), HostPort(15001)),
        priority=1000,
        preempts=False,
    )


def test_what_differs_within_a_workload_is_in_no_template(
    templates: Templates, members: dict[str, Member]
) -> None:
    first = of(templates, members["train-0"])
    assert first == Template(
        "ml",
        "kai-scheduler",
        {"app": "train"},
        gates=("example.com/quota",),
        claims=("corpus", "data-train-0"),
    )
    assert of(templates, members["train-1"]).claims == ("data-train-1",)


def test_daemons_share_one_template_unless_they_wait(
    templates: Templates, members: dict[str, Member]
) -> None:
    there = members["exporter-2zl9c"]
    assert there.template == members["exporter-8hd4q"].template
    assert of(templates, there) == Template("ml", labels={"app": "exporter"})
    to_come = of(templates, members["exporter-w5m7t"])
    assert to_come.required == (NodeTerm(names=(Expression("metadata.name", "In", ("gpu003",)),)),)


def test_ready_is_what_the_kubelet_says(members: dict[str, Member]) -> None:
    told = {name: member.ready for name, member in members.items()}
    assert (told["front-6d9c5b7f4d-x7k2p"], told["exporter-2zl9c"]) == (True, False)
    assert (told["exporter-8hd4q"], told["train-0"]) == (None, None)


def test_only_what_is_in_use_is_kept(templates: Templates, members: dict[str, Member]) -> None:
    assert set(templates.found) == {each.template for each in members.values() if each.template}
    assert members["done-abcde"].template is None
    assert all(key == key_of(template) for key, template in templates.found.items())


def test_what_is_not_understood_is_unknown_and_said(templates: Templates, members: dict[str, Member]) -> None:
    assert members["future"].template is None
    (why,) = templates.unread
    assert "'Lt'" in why
    assert templates.unread[why] == "ml/future"


def test_a_list_that_starts_again_leaves_nothing_behind() -> None:
    found, pods = read()
    pods.clear()
    assert (found.found, found.unread) == ({}, {})
    feed(pods, f"{CASE}/pods", Pod)
    assert found.found == read()[0].found


def test_they_survive_a_snapshot(templates: Templates) -> None:
    again = msgspec.json.decode(msgspec.json.encode(Fleet(templates=templates.found)), type=Fleet)
    assert again.templates == templates.found


def test_nothing_said_is_a_bare_template() -> None:
    for each in (spec(), spec(affinity=None, tolerations=None, nodeSelector=None, volumes=None)):
        assert template_of(each, "", {}, None) == BARE


def near(**term: Any) -> PodSpec:
    full = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "a"}}} | term
    return spec(affinity={"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [full]}})


SPACES = {"a": {"tier": "1"}, "b": {"tier": "1"}, "c": {}}


@pytest.mark.parametrize(
    ("term", "where"),
    [
        ({}, ()),
        ({"namespaces": ["b", "a"]}, ("a", "b")),
        ({"namespaceSelector": {}}, ("*",)),
        ({"namespaceSelector": {}, "namespaces": ["a"]}, ("*",)),
        ({"namespaceSelector": {"matchLabels": {"tier": "1"}}}, ("a", "b")),
        ({"namespaceSelector": {"matchLabels": {"tier": "1"}}, "namespaces": ["z"]}, ("a", "b", "z")),
    ],
)
def test_namespaces_are_those_named_and_those_selected(term: Any, where: tuple[str, ...]) -> None:
    (found,) = template_of(near(**term), "own", {}, SPACES).neighbours
    assert found == Neighbours("zone", labelled("app", "a"), where)


def test_a_selector_of_no_namespace_does_not_mean_the_own_one() -> None:
    (found,) = template_of(
        near(namespaceSelector={"matchLabels": {"tier": "9"}}), "own", {}, SPACES
    ).neighbours
    assert (found.selector, found.namespaces) == (None, ())


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (near(namespaceSelector={"matchLabels": {"tier": "1"}}), "could not be listed"),
        (near(labelSelector={"matchExpressions": [{"key": "a", "operator": "Gt"}]}), "operator 'Gt'"),
        (spec(affinity=7), "Expected `object`"),
        (spec(topologySpreadConstraints=[{"topologyKey": "zone"}]), "maxSkew"),
        (
            spec(
                affinity={
                    "nodeAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": {
                            "nodeSelectorTerms": [{"matchFields": [{"key": "spec.x", "operator": "Exists"}]}]
                        }
                    }
                }
            ),
            "unknown field 'spec.x'",
        ),
    ],
)
def test_what_cannot_be_told_is_an_error_for_the_caller(bad: PodSpec, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        template_of(bad, "own", {}, None)


def test_a_key_that_the_server_merged_already_is_not_merged_twice() -> None:
    told = {"key": "rev", "operator": "In", "values": ["1"]}
    merged = near(labelSelector={"matchExpressions": [told]}, matchLabelKeys=["rev"])
    (found,) = template_of(merged, "", {"rev": "1"}, None).neighbours
    assert found.selector == Selector(expressions=(Expression("rev", "In", ("1",)),))


def test_pods_of_a_jobset_are_seen_by_the_leaders_of_others() -> None:
    labels = {"jobset.sigs.k8s.io/job-key": "k", "jobset.sigs.k8s.io/job-index": "3"}
    assert template_of(spec(), "", labels, None).labels == {"jobset.sigs.k8s.io/job-key": "k"}


PODS = json.loads((DATA / CASE / "pods.json").read_bytes())["items"]


def shuffled(value: Any, draw: st.DrawFn) -> Any:
    """The same JSON with the keys of every object in another order."""
    if isinstance(value, dict):
        keys = draw(st.permutations(sorted(value)))
        return {key: shuffled(value[key], draw) for key in keys}
    return [shuffled(each, draw) for each in value] if isinstance(value, list) else value


@st.composite
def reordered(draw: st.DrawFn) -> tuple[int, Any]:
    at = draw(st.integers(0, len(PODS) - 2))  # the last one is not understood
    return at, shuffled(PODS[at], draw)


@given(reordered())
def test_the_order_of_keys_changes_nothing(case: tuple[int, Any]) -> None:
    at, other = case
    one, same = items(f"{CASE}/pods", Pod)[at], msgspec.json.decode(json.dumps(other), type=Pod)
    found = [
        template_of(each.spec, each.metadata.namespace, each.metadata.labels or {}, SPACES)
        for each in (one, same)
    ]
    assert found[0] == found[1]
    assert key_of(found[0]) == key_of(found[1])


PIN = {"key": "metadata.name", "operator": "In", "values": ["gpu1"]}
ZONE = {"key": "zone", "operator": "In", "values": ["a"]}
IN_ZONE = NodeTerm((Expression("zone", "In", ("a",)),))
ON_GPU1 = Expression("metadata.name", "In", ("gpu1",))


def required_of(terms: list[dict[str, Any]], node: str | None, mark: str | None, *, owned: bool) -> Any:
    """Where a pod with these terms must stand, as its template has it."""
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    meta = {
        "annotations": {"dcctl.io/pinned": mark} if mark else {},
        "ownerReferences": [{"kind": "ReplicaSet", "name": "r", "uid": "r", "controller": owned}],
    }
    body = {"metadata": meta, "spec": {"nodeName": node, "affinity": {"nodeAffinity": required}}}
    read = Templates()
    key = read.of_pod(msgspec.json.decode(json.dumps(body), type=Pod))
    assert key is not None
    return read.found[key].required


def test_a_node_that_dcctl_chose_is_no_wish_of_the_next_pod() -> None:
    tied = [{"matchFields": [PIN]}]
    assert required_of(tied, "gpu1", "gpu1", owned=True) is None
    within = [{"matchExpressions": [ZONE], "matchFields": [PIN]}]
    assert required_of(within, "gpu1", "gpu1", owned=True) == (IN_ZONE,)
    assert required_of([*within, {}], "gpu1", "gpu1", owned=True) == (IN_ZONE, NodeTerm())
    wish = (NodeTerm(names=(ON_GPU1,)),)
    assert required_of(tied, "gpu1", "gpu1", owned=False) == wish, "nobody makes it anew"
    assert required_of(tied, "gpu1", None, owned=True) == wish, "dcctl did not choose it"
    assert required_of(tied, None, "gpu1", owned=True) == wish, "it does not stand there yet"
    assert required_of(tied, "gpu1", "gpu2", owned=True) == wish, "dcctl chose another"
    away = [{"matchFields": [{**PIN, "operator": "NotIn"}]}]
    assert required_of(away, "gpu1", "gpu1", owned=True) is not None
