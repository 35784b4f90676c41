"""Scenarios of writing: creation, conflicts, validation, deletion, finalizers, namespaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.kubeapi.sandbox import JSON, MERGE, expect, failure, names, sandbox, until

if TYPE_CHECKING:
    from tests.kubeapi.client import Api
    from tests.kubeapi.sandbox import Sandbox
    from tests.kubeapi.status import Obj

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def creation(api: Api) -> None:
    with sandbox(api) as box:
        made = box.config_map("a", uid="forged", creationTimestamp="2001-01-01T00:00:00Z")
        meta = made["metadata"]
        assert meta["namespace"] == box.namespace
        assert len(meta["uid"]) == 36
        assert not meta["creationTimestamp"].startswith("2001")
        assert box.get(box.path("configmaps", "a")) == made
        answer = api.request("POST", box.path("configmaps"), {"metadata": {"name": "a"}})
        details = failure(answer, 409, "AlreadyExists", 'configmaps "a" already exists')
        assert details == {"name": "a", "kind": "configmaps"}
        answer = api.request(
            "POST", box.path("configmaps"), {"metadata": {"name": "b", "resourceVersion": "5"}}
        )
        failure(answer, 500, "", "resourceVersion should not be set on objects to be created")


def generated_names(api: Api) -> None:
    with sandbox(api) as box:
        made = [box.post(box.path("secrets"), {"metadata": {"generateName": "run-"}}) for _ in range(2)]
        found = [each["metadata"]["name"] for each in made]
        assert all(name.startswith("run-") and len(name) == 9 for name in found)
        assert len(set(found)) == 2


def absent_objects(api: Api) -> None:
    with sandbox(api) as box:
        details = failure(api.request("GET", box.path("pods", "x")), 404, "NotFound", 'pods "x" not found')
        assert details == {"name": "x", "kind": "pods"}
        for method, body in (("GET", None), ("DELETE", None)):
            answer = api.request(method, box.path("deployments", "x", "apps"), body)
            details = failure(answer, 404, "NotFound", 'deployments.apps "x" not found')
            assert details == {"name": "x", "group": "apps", "kind": "deployments"}
        answer = api.request("PATCH", box.path("configmaps", "x"), {}, MERGE)
        failure(answer, 404, "NotFound", 'configmaps "x" not found')
        answer = api.request("POST", "/api/v1/namespaces/no-such-ns/secrets", {"metadata": {"name": "x"}})
        failure(answer, 404, "NotFound", 'namespaces "no-such-ns" not found')
        assert api.request("GET", "/api/v1/namespaces/no-such-ns/secrets")[2]["items"] == []


def invalid_objects(api: Api) -> None:
    with sandbox(api) as box:
        answer = api.request("POST", box.path("configmaps"), {"metadata": {"name": "Not_A_Name"}})
        text = (
            'ConfigMap "Not_A_Name" is invalid: metadata.name: Invalid value: "Not_A_Name": a lowercase RFC'
        )
        details = failure(answer, 422, "Invalid", text)
        assert details["kind"] == "ConfigMap"
        assert [each["field"] for each in details["causes"]] == ["metadata.name"]
        assert details["causes"][0]["reason"] == "FieldValueInvalid"
        answer = api.request(
            "POST", box.path("pods"), {"metadata": {"name": "empty"}, "spec": {"containers": []}}
        )
        details = failure(answer, 422, "Invalid", 'Pod "empty" is invalid: spec.containers: Required value')
        assert details["causes"][0]["reason"] == "FieldValueRequired"
        elsewhere = {"metadata": {"name": "x", "namespace": "default"}}
        text = "the namespace of the provided object does not match the namespace sent on the request"
        failure(api.request("POST", box.path("configmaps"), elsewhere), 400, "BadRequest", text)
        other: Obj = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}}
        failure(
            api.request("POST", box.path("configmaps"), other),
            400,
            "BadRequest",
            'Secret in version "v1" cannot',
        )


def conflicting_updates(api: Api) -> None:
    with sandbox(api) as box:
        path = box.path("configmaps", "a")
        first = box.config_map("a")
        second = expect(api.request("PUT", path, {**first, "data": {"key": "two"}}), 200)
        assert int(second["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])
        text = 'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply'
        details = failure(api.request("PUT", path, {**first, "data": {}}), 409, "Conflict", text)
        assert details == {"name": "a", "kind": "configmaps"}
        stale = {"metadata": {"resourceVersion": first["metadata"]["resourceVersion"]}, "data": {"key": "x"}}
        failure(api.request("PATCH", path, stale, MERGE), 409, "Conflict", text)
        blind = {"metadata": {"name": "a"}, "data": {"key": "three"}}
        assert expect(api.request("PUT", path, blind), 200)["metadata"]["uid"] == first["metadata"]["uid"]
        reborn = {"metadata": {"name": "a", "uid": "other"}}
        failure(
            api.request("PUT", path, reborn),
            409,
            "Conflict",
            'Operation cannot be fulfilled on configmaps "a"',
        )
        renamed = {"metadata": {"name": "b"}}
        text = "the name of the object (b) does not match the name on the URL (a)"
        failure(api.request("PUT", path, renamed), 400, "BadRequest", text)


def updates_that_change_nothing(api: Api) -> None:
    with sandbox(api) as box:
        made = box.config_map("a")
        again = expect(api.request("PUT", box.path("configmaps", "a"), made), 200)
        assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
        same = expect(api.request("PATCH", box.path("configmaps", "a"), {"data": {"key": "one"}}, MERGE), 200)
        assert same["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


def status_is_written_apart(api: Api) -> None:
    with sandbox(api) as box:
        box.budget("b", {"app": "x"}, 1)
        path = box.path("poddisruptionbudgets", "b", "policy")
        until(lambda: "observedGeneration" in (box.get(path).get("status") or {}), "the budget to be counted")
        old = box.get(path)
        patch: Obj = {"spec": {"minAvailable": 2}, "status": {"desiredHealthy": 77}}
        new = expect(api.request("PATCH", path, patch, MERGE), 200)
        assert new["spec"]["minAvailable"] == 2
        assert new["metadata"]["generation"] == old["metadata"]["generation"] + 1
        assert (new.get("status") or {}).get("desiredHealthy") != 77
        node = box.node()
        patch = {"spec": {"unschedulable": True}, "status": {"capacity": {"nvidia.com/gpu": "8"}}}
        found = expect(api.request("PATCH", f"/api/v1/nodes/{node}/status", patch, MERGE), 200)
        assert found["status"]["capacity"]["nvidia.com/gpu"] == "8"
        assert "unschedulable" not in found["spec"]


def pods_stay_as_they_are(api: Api) -> None:
    with sandbox(api) as box:
        box.pod("p", nodeSelector={"no-such": "label"})
        path = box.path("pods", "p")
        answer = api.request("PATCH", path, {"spec": {"hostNetwork": True}}, MERGE)
        failure(
            answer, 422, "Invalid", 'Pod "p" is invalid: spec: Forbidden: pod updates may not change fields'
        )
        labelled = expect(api.request("PATCH", path, {"metadata": {"labels": {"x": "y"}}}, MERGE), 200)
        assert labelled["metadata"]["labels"] == {"x": "y"}


def deletion_answers(api: Api) -> None:
    with sandbox(api) as box:
        uid = box.config_map("a")["metadata"]["uid"]
        done = expect(api.request("DELETE", box.path("configmaps", "a")), 200)
        assert (done["kind"], done["status"]) == ("Status", "Success")
        assert done["details"] == {"name": "a", "kind": "configmaps", "uid": uid}
        box.pod("p", nodeSelector={"no-such": "label"})
        assert expect(api.request("DELETE", box.path("pods", "p")), 200)["kind"] == "Pod"
        expect(api.request("GET", box.path("pods", "p")), 404)


def deletion_preconditions(api: Api) -> None:
    with sandbox(api) as box:
        meta = box.config_map("a")["metadata"]
        path = box.path("configmaps", "a")
        text = 'Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition (other) does not'
        answer = api.request("DELETE", path, {"preconditions": {"uid": "other"}})
        details = failure(answer, 409, "Conflict", text)
        assert details == {"name": "a", "kind": "ConfigMap"}
        text = (
            'Operation cannot be fulfilled on ConfigMap "a": the ResourceVersion in the precondition (1) does'
        )
        failure(
            api.request("DELETE", path, {"preconditions": {"resourceVersion": "1"}}), 409, "Conflict", text
        )
        both = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
        expect(api.request("DELETE", path, {"preconditions": both}), 200)


def finalizers_hold(api: Api) -> None:
    with sandbox(api) as box:
        path = box.path("configmaps", "a")
        box.config_map("a", finalizers=["example.com/hold"])
        dying = expect(api.request("DELETE", path), 200)
        assert dying["kind"] == "ConfigMap"
        assert dying["metadata"]["deletionTimestamp"]
        assert dying["metadata"]["deletionGracePeriodSeconds"] == 0
        again = expect(api.request("DELETE", path), 200)
        assert again["metadata"]["deletionTimestamp"] == dying["metadata"]["deletionTimestamp"]
        expect(api.request("PATCH", path, {"metadata": {"finalizers": None}}, MERGE), 200)
        expect(api.request("GET", path), 404)


def deletion_of_many(api: Api) -> None:
    with sandbox(api) as box:
        for name in ("a", "b", "c"):
            box.post(box.path("secrets"), {"metadata": {"name": name, "labels": {"gone": str(name != "b")}}})
        found = expect(api.request("DELETE", box.path("secrets"), query={"labelSelector": "gone=True"}), 200)
        assert (found["kind"], names(found)) == ("SecretList", ["a", "c"])
        assert names(box.get(box.path("secrets"))) == ["b"]


def grace_of_pods(api: Api) -> None:
    """A pod on a node is marked and waits for its kubelet; grace zero takes it away at once."""
    with sandbox(api) as box:
        hold = {"finalizers": ["example.com/hold"]}
        box.pod("p", nodeName=box.node(), terminationGracePeriodSeconds=300)
        expect(api.request("PATCH", box.path("pods", "p"), {"metadata": hold}, MERGE), 200)
        dying = expect(api.request("DELETE", box.path("pods", "p")), 200)
        assert dying["metadata"]["deletionGracePeriodSeconds"] == 300
        longer = expect(api.request("DELETE", box.path("pods", "p"), {"gracePeriodSeconds": 900}), 200)
        assert longer["metadata"]["deletionGracePeriodSeconds"] in {300, 0}  # 0 where a kubelet was quicker
        now = expect(api.request("DELETE", box.path("pods", "p"), {"gracePeriodSeconds": 0}), 200)
        assert now["metadata"]["deletionGracePeriodSeconds"] == 0
        expect(api.request("PATCH", box.path("pods", "p"), {"metadata": {"finalizers": None}}, MERGE), 200)
        until(lambda: api.request("GET", box.path("pods", "p"))[0] == 404, "the pod to go")


def dry_runs(api: Api) -> None:
    with sandbox(api) as box:
        query = {"dryRun": "All"}
        made = expect(api.request("POST", box.path("secrets"), {"metadata": {"name": "a"}}, query=query), 201)
        assert made["metadata"]["uid"]
        expect(api.request("GET", box.path("secrets", "a")), 404)
        old = box.config_map("a")
        expect(api.request("PATCH", box.path("configmaps", "a"), {"data": {"key": "x"}}, MERGE, query), 200)
        expect(api.request("DELETE", box.path("configmaps", "a"), query=query), 200)
        assert box.get(box.path("configmaps", "a")) == old


def dying_namespaces(api: Api) -> None:
    with sandbox(api) as box:
        box.config_map("a", finalizers=["example.com/hold"])
        path = f"/api/v1/namespaces/{box.namespace}"
        dying = expect(api.request("DELETE", path), 200)
        assert (dying["kind"], dying["status"]["phase"]) == ("Namespace", "Terminating")
        answer = api.request("POST", box.path("secrets"), {"metadata": {"name": "late"}})
        text = (
            f'secrets "late" is forbidden: unable to create new content in namespace {box.namespace} because'
        )
        details = failure(answer, 403, "Forbidden", text)
        assert details["causes"][0]["reason"] == "NamespaceTerminating"
        _release(box)
        until(lambda: api.request("GET", path)[0] == 404, "the namespace to go")
        failure(
            api.request("DELETE", "/api/v1/namespaces/default"),
            403,
            "Forbidden",
            'namespaces "default" is forb',
        )


def _release(box: Sandbox) -> None:
    answer = box.api.request("PATCH", box.path("configmaps", "a"), {"metadata": {"finalizers": None}}, MERGE)
    expect(answer, 200)


def access_reviews(api: Api) -> None:
    """An administrator may; the answer is a creation that stores nothing."""
    asked = {"verb": "create", "resource": "pods", "subresource": "eviction", "namespace": "default"}
    found = expect(api.request("POST", REVIEWS, {"spec": {"resourceAttributes": asked}}), 201)
    assert found["status"]["allowed"] is True
    failure(api.request("GET", REVIEWS), 405, "MethodNotAllowed", "the server does not allow this method")


def bad_bodies(api: Api) -> None:
    with sandbox(api) as box:
        text = "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; "
        failure(api.request("POST", box.path("configmaps"), [{}]), 400, "BadRequest", text)
        box.config_map("a")
        text = "error decoding patch: json: cannot unmarshal"
        failure(api.request("PATCH", box.path("configmaps", "a"), [{}], MERGE), 400, "BadRequest", text)
        failure(api.request("PATCH", box.path("configmaps", "a"), {}, JSON), 400, "BadRequest", text)
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}
        answer = api.request("POST", box.path("pods", "x/eviction"), pod)
        failure(answer, 400, "BadRequest", 'Pod in version "v1" cannot be handled as a Eviction: ')


def leases(api: Api) -> None:
    """A lease may be made by an update, and is never updated without a resourceVersion."""
    with sandbox(api) as box:
        path = box.path("leases", "drain", "coordination.k8s.io")
        lease: Obj = {"metadata": {"name": "drain"}, "spec": {"holderIdentity": "one"}}
        made = expect(api.request("PUT", path, lease), 201)
        answer = api.request("PUT", path, lease)
        details = failure(
            answer, 422, "Invalid", 'leases.coordination.k8s.io "drain" is invalid: metadata.reso'
        )
        assert details["kind"] == "leases"
        taken = expect(api.request("PUT", path, {**made, "spec": {"holderIdentity": "two"}}), 200)
        text = "Operation cannot be fulfilled on leases.coordination"
        failure(api.request("PUT", path, made), 409, "Conflict", text)
        assert taken["spec"]["holderIdentity"] == "two"


SCENARIOS = (
    bad_bodies,
    leases,
    creation,
    generated_names,
    absent_objects,
    invalid_objects,
    conflicting_updates,
    updates_that_change_nothing,
    status_is_written_apart,
    pods_stay_as_they_are,
    deletion_answers,
    deletion_preconditions,
    finalizers_hold,
    deletion_of_many,
    grace_of_pods,
    dry_runs,
    dying_namespaces,
    access_reviews,
)
