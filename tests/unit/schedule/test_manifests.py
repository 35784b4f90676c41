"""Manifests as plain documents, and members that find their pods."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from dcctl.errors import UsageError
from dcctl.packing.plan import Assignment, Plan, Unplaced
from dcctl.schedule.kubernetes import Places, intended, placed
from dcctl.schedule.manifests import (
    GATE,
    RUN,
    WORK,
    Object,
    confined,
    gated,
    objects_of,
    templates,
    tightened,
)

SPEC: dict[str, Any] = {"containers": [{"name": "a", "image": "a"}]}


def work(kind: str, spec: dict[str, Any], name: str = "w", version: str = "apps/v1") -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "ml"}, "spec": spec}


def one(body: dict[str, Any]) -> Object:
    (found,) = objects_of([body], "x")
    return found


KINDS: dict[str, tuple[dict[str, Any], int]] = {
    "Deployment": ({"template": {"spec": SPEC}}, 1),
    "JobSet": ({"replicatedJobs": [{"template": {"spec": {"template": {"spec": SPEC}}}}] * 2}, 2),
    "PyTorchJob": (
        {"pytorchReplicaSpecs": {role: {"template": {"spec": SPEC}} for role in ("Master", "Worker")}},
        2,
    ),
    "LeaderWorkerSet": ({"leaderWorkerTemplate": {"workerTemplate": {"spec": SPEC}}}, 1),
    "RayCluster": (
        {"headGroupSpec": {"template": {"spec": SPEC}}, "workerGroupSpecs": [{"template": {"spec": SPEC}}]},
        2,
    ),
    "Pod": (SPEC, 1),
    "Service": ({"ports": []}, 0),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_pod_template_of_every_kind_is_gated(kind: str) -> None:
    spec, count = KINDS[kind]
    body = work(kind, copy.deepcopy(spec))
    before = copy.deepcopy(body)
    found = list(templates(gated(one(body), "run-1")))
    assert len(found) == count
    assert body == before
    for each in found:
        assert each["spec"]["schedulingGates"] == [{"name": GATE}]  # type: ignore[index]
        assert each["metadata"]["labels"][RUN] == "run-1"  # type: ignore[index]
        assert each["metadata"]["annotations"][WORK] == "ml/w"  # type: ignore[index]


def test_what_a_template_has_already_stays() -> None:
    meta = {"labels": {"app": "w"}, "annotations": None}
    body = work(
        "Deployment", {"template": {"metadata": meta, "spec": {**SPEC, "schedulingGates": [{"name": "x/y"}]}}}
    )
    (found,) = templates(gated(one(body), "r"))
    assert found["spec"]["schedulingGates"] == [{"name": "x/y"}, {"name": GATE}]  # type: ignore[index]
    assert found["metadata"]["labels"] == {"app": "w", RUN: "r"}  # type: ignore[index]


def test_lists_are_taken_apart_and_names_made() -> None:
    first = {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "a-"}, "spec": SPEC}
    found = objects_of([{"kind": "List", "items": [first, copy.deepcopy(first)]}], "x")
    assert [each.id for each in found] == ["default/a-0", "default/a-1"]
    assert [gated(each, "r")["metadata"]["name"] for each in found] == ["a-r-0", "a-r-1"]  # type: ignore[index]
    with pytest.raises(UsageError, match="without apiVersion, kind or"):
        objects_of([{"kind": "Pod"}], "x")


def test_an_affinity_is_tightened_in_every_term() -> None:
    zone = {"key": "zone", "operator": "In", "values": ["a"]}
    pin = {"key": "metadata.name", "operator": "In", "values": ["n1"]}
    assert tightened(None, ("n1",)) == {"nodeSelectorTerms": [{"matchFields": [pin]}]}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [zone]}, {}]}
    once = tightened(terms, ("n1",))
    assert once == {"nodeSelectorTerms": [{"matchExpressions": [zone], "matchFields": [pin]}, {}]}
    assert tightened(once, ("n1",)) == once
    several = tightened(terms, ("n1", "n2"))
    assert several["nodeSelectorTerms"][0]["matchExpressions"][1]["values"] == ["n1", "n2"]  # type: ignore[index]


def test_one_node_needs_no_gate() -> None:
    web = one(work("Deployment", {"template": {"spec": SPEC}}))
    (alone,) = templates(confined(web, ("n1",), gate=False))
    assert "schedulingGates" not in alone["spec"]  # type: ignore[operator]
    (both,) = templates(
        confined(one(work("Deployment", {"template": {"spec": SPEC}})), ("n1", "n2"), gate=True)
    )
    assert both["spec"]["schedulingGates"] == [{"name": GATE}]  # type: ignore[index]


def places(*members: str) -> Places:
    return Places(Assignment("ml/w", member, f"node-of-{member}") for member in members)


@pytest.mark.parametrize(
    ("members", "pod", "member"),
    [
        (("w-0", "w-1"), "w-1", "w-1"),
        (("w-0", "w-1"), "w-7d9f8c6b5-abcde", "w-0"),
        (("w-0", "w-10", "w-2"), "w-10-x7zlq", "w-10"),
        (("j-master-0", "j-worker-0", "j-worker-1"), "j-worker-1", "j-worker-1"),
        (("r-head", "r-gpu-worker-0", "r-cpu-worker-0"), "r-cpu-worker-x7zlq", "r-cpu-worker-0"),
        (("r-head", "r-gpu-worker-0"), "r-head-x7zlq", "r-head"),
        (("s-a-0-0", "s-a-0-1", "s-ab-0-0"), "s-ab-0-0-x7zlq", "s-ab-0-0"),
        (("l-0", "l-0-1", "l-0-2"), "l-0-2", "l-0-2"),
        (("gen-0",), "gen-run-0", "gen-0"),
        (("only",), "anything", "only"),
        (("a-0", "b-0"), "c-x", None),
    ],
)
def test_a_pod_takes_its_own_place_or_the_next_of_its_kind(
    members: tuple[str, ...], pod: str, member: str | None
) -> None:
    free = places(*members)
    found = free.take(pod)
    assert (found.member if found else None) == member
    if found:
        free.put_back(found)
        assert free.take(pod) == found


def test_places_are_given_in_order_and_once() -> None:
    free = places("w-2", "w-10", "w-0")
    assert [each.member for each in (free.take(f"w-abc-{n}x") for n in range(3)) if each] == [
        "w-0",
        "w-2",
        "w-10",
    ]
    assert free.take("w-abc-zzz") is None
    assert free.take_member("ml/w", "w-0") is None


def test_nothing_of_a_plan_is_lost() -> None:
    rows = (
        Assignment("ml/w", "w-0", "n1"),
        Assignment("ml/deployment/x", "x-0", "n1"),
        Assignment("ml/l-0", "l-0", "n1"),
        Assignment("ml/l-1", "l-1", "n2"),
        Assignment("ml/waits", "waits-abc", "n2"),
        Assignment("ml/later", "later-0", "n2", start_s=2000),
    )
    plan = Plan(rows, (Unplaced("ml/w", 3), Unplaced("ml/l-2", 2), Unplaced("ml/elsewhere", 1)))
    bodies = [
        work("Deployment", {"template": {"spec": SPEC}}),
        work("Deployment", {"template": {"spec": SPEC}}, "x"),
        work("LeaderWorkerSet", {"workerTemplate": {"spec": SPEC}}, "l", "leaderworkerset.x-k8s.io/v1"),
        work("Job", {"template": {"spec": SPEC}}, "unplanned", "batch/v1"),
        work("Service", {}, "s", "v1"),
    ]
    found = intended(plan, objects_of(bodies, "x"), now_s=1000)
    assert [(each.object.name, len(each.places)) for each in found.works] == [("w", 1), ("x", 1), ("l", 2)]
    assert [each.name for each in found.others] == ["s"]
    assert [each.member for each in found.waiting] == ["waits-abc"]
    assert [each.what for each in found.left] == [
        "ml/later",
        "Deployment ml/w",
        "LeaderWorkerSet ml/l",
        "Job ml/unplanned",
        "ml/elsewhere",
    ]
    assert "starts in 1,000 s" in found.left[0].why
    assert "3 of its pods have no place" in found.left[1].why
    assert "2 of its pods have no place" in found.left[2].why
    assert "is not in the plan" in found.left[3].why
    assert [each.by_plan for each in found.left] == [True, True, True, False, True]
    assert [each.hint for each in found.left[1:3]] == [
        "dcctl schedule explain ml/w FILE",
        "dcctl schedule explain ml/l-2 FILE",
    ]
    assert [each.short for each in found.works] == [3, 0, 2]


def test_the_patch_lifts_our_gate_alone() -> None:
    patch = placed("u", "7", ("x/y", GATE), None, "n1", "r")
    assert patch["spec"]["schedulingGates"] == [{"name": "x/y"}]  # type: ignore[index]
    same = {"uid": "u", "resourceVersion": "7", "labels": {RUN: "r"}}
    assert patch["metadata"] == {**same, "annotations": {"dcctl.io/pinned": "n1"}}
    asked = tightened(None, ("n1",))
    assert placed("u", "7", (GATE,), asked, "n1", "r")["metadata"] == same, "it asked for that node itself"
    assert placed("u", "7", (GATE,), None, "n1", "r")["spec"]["schedulingGates"] is None  # type: ignore[index]
