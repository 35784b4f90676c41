"""Scenarios of scheduling gates: what of a pod may change behind one, and bindings past the scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.kubeapi.sandbox import MERGE, expect, sandbox

if TYPE_CHECKING:
    from tests.kubeapi.client import Api
    from tests.kubeapi.sandbox import Sandbox
    from tests.kubeapi.status import Obj

GATES = [{"name": "example.com/a"}, {"name": "example.com/b"}]


def affinity(*terms: Obj) -> Obj:
    required = {"nodeSelectorTerms": list(terms)}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


def pin(node: str) -> Obj:
    return {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}


LABEL: Obj = {"matchExpressions": [{"key": "no-such", "operator": "Exists"}]}


def patch(api: Api, box: Sandbox, name: str, spec: Obj, code: int, **meta: str) -> Obj:
    body: Obj = {"metadata": meta, "spec": spec}
    return expect(api.request("PATCH", box.path("pods", name), body, MERGE), code)


def a_gated_pod_is_pinned_and_let_go_in_one_patch(api: Api) -> None:
    with sandbox(api) as box:
        made = box.pod("p", schedulingGates=GATES)
        held = {
            "uid": made["metadata"]["uid"],
            "resourceVersion": box.get(box.path("pods", "p"))["metadata"]["resourceVersion"],
        }
        spec: Obj = {"affinity": affinity(pin("nowhere")), "schedulingGates": GATES[1:]}
        found = patch(api, box, "p", spec, 200, **held)
        assert found["spec"]["schedulingGates"] == GATES[1:]
        assert found["spec"]["affinity"] == affinity(pin("nowhere"))
        patch(api, box, "p", {"schedulingGates": None}, 409, **held)
        assert "schedulingGates" not in patch(api, box, "p", {"schedulingGates": None}, 200)["spec"]


def terms_behind_a_gate_are_tightened_only(api: Api) -> None:
    with sandbox(api) as box:
        box.pod("p", schedulingGates=GATES, affinity=affinity(LABEL))
        patch(api, box, "p", {"affinity": affinity(pin("nowhere"))}, 422)
        patch(api, box, "p", {"affinity": affinity(LABEL, pin("nowhere"))}, 422)
        found = patch(api, box, "p", {"affinity": affinity(LABEL | pin("nowhere"))}, 200)
        assert found["spec"]["affinity"] == affinity(LABEL | pin("nowhere"))
        patch(api, box, "p", {"affinity": affinity(LABEL)}, 422)


def without_a_gate_nothing_is_pinned_and_none_is_added(api: Api) -> None:
    with sandbox(api) as box:
        box.pod("p", nodeSelector={"no-such": "label"})
        patch(api, box, "p", {"affinity": affinity(pin("nowhere"))}, 422)
        patch(api, box, "p", {"schedulingGates": GATES}, 422)


def a_binding_is_tried_and_held_by_the_uid(api: Api) -> None:
    with sandbox(api) as box:
        box.pod("gated", schedulingGates=GATES)
        made, node = box.pod("free", nodeSelector={"no-such": "label"}), box.node(unschedulable=True)

        def bind(name: str, code: int, uid: str, query: dict[str, str] | None = None) -> None:
            body: Obj = {"metadata": {"name": name, "uid": uid}, "target": {"kind": "Node", "name": node}}
            expect(api.request("POST", box.path("pods", f"{name}/binding"), body, query=query), code)

        bind("gated", 409, "")
        bind("free", 409, "6f3f2c1a-0000-0000-0000-000000000000")
        bind("free", 201, made["metadata"]["uid"], {"dryRun": "All"})
        assert "nodeName" not in box.get(box.path("pods", "free"))["spec"]
        bind("free", 201, made["metadata"]["uid"])
        assert box.get(box.path("pods", "free"))["spec"]["nodeName"] == node


SCENARIOS = (
    a_gated_pod_is_pinned_and_let_go_in_one_patch,
    terms_behind_a_gate_are_tightened_only,
    without_a_gate_nothing_is_pinned_and_none_is_added,
    a_binding_is_tried_and_held_by_the_uid,
)
