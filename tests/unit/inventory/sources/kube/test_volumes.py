"""Where the volumes of claims can be mounted."""

from __future__ import annotations

import msgspec
import pytest

from dcctl.inventory.placement import Expression, NodeTerm
from dcctl.inventory.sources.kubernetes import budgets
from dcctl.inventory.sources.kubernetes.budgets import Budgets
from dcctl.inventory.sources.kubernetes.pods import Pods
from dcctl.inventory.sources.kubernetes.scheduling import Term, Terms
from dcctl.inventory.sources.kubernetes.templates import Templates
from dcctl.inventory.sources.kubernetes.types import Pod
from dcctl.inventory.sources.kubernetes.volumes import (
    MOST_TERMS,
    ClaimRef,
    VolumeAffinity,
    VolumeObject,
    Volumes,
    VolumeSpec,
)
from tests.kubernetes_data import feed

HOST = Expression("kubernetes.io/hostname", "In", ("gpu001",))
A, B = (Expression("zone", "In", (zone,)) for zone in "ab")


@pytest.fixture
def volumes() -> Volumes:
    found = Volumes()
    feed(found, "templates/volumes", VolumeObject)
    return found


@pytest.mark.parametrize(
    ("claims", "where"),
    [
        ((), None),
        (("everywhere", "not-there-yet"), None),
        (("data-train-1",), None),
        (("data-train-0",), (NodeTerm((HOST,)),)),
        (("corpus", "everywhere"), (NodeTerm((A,)), NodeTerm((B,)))),
        (("data-train-0", "corpus"), (NodeTerm((HOST, A)), NodeTerm((HOST, B)))),
    ],
)
def test_a_pod_stands_where_all_its_volumes_can_be(
    volumes: Volumes, claims: tuple[str, ...], where: tuple[NodeTerm, ...] | None
) -> None:
    assert volumes.bound_to("ml", claims) == where
    assert volumes.bound_to("other", claims) is None


def test_a_template_says_where_its_volumes_are(volumes: Volumes) -> None:
    templates = Templates()
    templates.volumes = volumes
    pods = Pods(Budgets(), templates)
    feed(pods, "templates/pods", Pod)
    bound = {each.claims: each.bound_to for each in templates.found.values() if each.claims}
    assert bound == {
        ("data-train-1",): None,
        ("corpus", "data-train-0"): (NodeTerm((A, HOST)), NodeTerm((B, HOST))),
    }
    assert pods.need_volumes()


def test_pods_without_claims_miss_no_list_of_volumes() -> None:
    pods = Pods(Budgets(), Templates())
    feed(pods, "disruptions/pods", Pod)
    assert not pods.need_volumes()


def many(name: str) -> VolumeObject:
    """A volume that a claim of this name has, with many alternatives."""
    terms = [Term([budgets.Expression(f"{name}{at}", "Exists")]) for at in range(MOST_TERMS)]
    return VolumeObject(VolumeSpec(ClaimRef("ml", name), VolumeAffinity(Terms(terms))))


def test_alternatives_do_not_multiply_without_end() -> None:
    volumes = Volumes()
    volumes.add([many("a"), many("b")])
    assert len(volumes.bound_to("ml", ("a",)) or ()) == MOST_TERMS
    with pytest.raises(ValueError, match="alternatives"):
        volumes.bound_to("ml", ("a", "b"))


def test_an_empty_term_holds_nowhere() -> None:
    volumes = Volumes()
    host = Term([budgets.Expression("host", "In", ["x"])])
    for name, terms in (("a", [Term(), host]), ("b", [host])):
        volumes.add([VolumeObject(VolumeSpec(ClaimRef("ml", name), VolumeAffinity(Terms(terms))))])
    assert volumes.bound_to("ml", ("a", "b")) == (NodeTerm((Expression("host", "In", ("x",)),)),)


@pytest.mark.parametrize("node", ["gpu001", None])
def test_a_pod_that_runs_is_bound_to_its_volumes_as_one_that_waits(
    volumes: Volumes, node: str | None
) -> None:
    templates = Templates()
    templates.volumes = volumes
    pods = Pods(Budgets(), templates)
    mount = {"name": "data", "persistentVolumeClaim": {"claimName": "data-train-0"}}
    body = {"metadata": {"name": "p", "namespace": "ml"}, "spec": {"nodeName": node, "volumes": [mount]}}
    pods.add([msgspec.json.decode(msgspec.json.encode(body), type=Pod)])
    assert [one.bound_to for one in templates.found.values()] == [(NodeTerm((HOST,)),)]
    assert pods.need_volumes()
