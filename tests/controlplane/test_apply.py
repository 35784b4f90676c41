"""`dcctl schedule apply` on a real control plane: every pod ends on the node that the plan says."""

from __future__ import annotations

import json
import subprocess
import sys
from http.client import OK
from typing import TYPE_CHECKING, Any

import yaml

from dcctl.inventory.sources.kubernetes.source import rbac_yaml
from dcctl.schedule import planfile
from tests.conftest import ROOT
from tests.controlplane.workloads import deployment, namespace, pod, pod_spec

if TYPE_CHECKING:
    from pathlib import Path

    from dcctl.packing.plan import Plan
    from tests.controlplane.client import Json
    from tests.controlplane.plane import ControlPlane

SPACE = "apply"


def dcctl(
    plane: ControlPlane, folder: Path, *words: str, kubeconfig: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """`dcctl schedule WORDS` on the plane, with a state of its own in the folder."""
    env = {
        "KUBECONFIG": str(kubeconfig or plane.kubeconfig()),
        "HOME": str(folder),
        "XDG_STATE_HOME": str(folder / "state"),
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
    }
    command = [sys.executable, "-m", "dcctl", "schedule", *words, "-o", "json"]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=250)


def manifests(space: str) -> list[Json]:
    """Work of four kinds: 110 pods."""
    return [
        *(deployment(f"web-{index}", space, 15, gpus=1) for index in range(3)),
        job("train", space, 20, indexed=False),
        job("sweep", space, 10, indexed=True),
        stateful_set("store", space, 15, "Parallel"),
        stateful_set("chain", space, 4, "OrderedReady"),
        *(pod(f"lone-{index:02d}", space, gpus=2) for index in range(16)),
    ]


def job(name: str, space: str, count: int, *, indexed: bool) -> Json:
    template = {"spec": {**pod_spec(1), "restartPolicy": "Never"}}
    spec = {"parallelism": count, "completions": count, "template": template}
    spec |= {"completionMode": "Indexed"} if indexed else {}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": space},
        "spec": spec,
    }


def stateful_set(name: str, space: str, replicas: int, policy: str) -> Json:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name, "namespace": space},
        "spec": {
            "replicas": replicas,
            "serviceName": name,
            "podManagementPolicy": policy,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod_spec(1)},
        },
    }


def written(folder: Path, objects: list[Json]) -> Path:
    path = folder / "work.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    return path


def planned(plane: ControlPlane, folder: Path, files: list[Path]) -> tuple[Path, Plan]:
    """What `dcctl schedule plan` prints for the files, or for what waits if there are none."""
    words = [str(path) for path in files] or ["--pending"]
    done = dcctl(plane, folder, "plan", *words, "-i", "kubernetes")
    assert done.returncode in {0, 1}, done.stderr
    path = folder / "plan.json"
    path.write_text(done.stdout)
    return path, planfile.read(path.read_bytes(), "plan.json")


def pods_of(plane: ControlPlane, space: str) -> list[Json]:
    with plane.client() as admin:
        return list(admin.get(f"/api/v1/namespaces/{space}/pods")["items"])


def by_job(plan: Plan) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in plan.assignments:
        found.setdefault(one.job, []).append(one.node)
    return {job: sorted(nodes) for job, nodes in found.items()}


def standing(plane: ControlPlane, space: str) -> dict[str, list[str]]:
    """By work, the nodes of its pods."""
    found: dict[str, list[str]] = {}
    for each in pods_of(plane, space):
        work = each["metadata"]["annotations"]["dcctl.io/work"]
        found.setdefault(work, []).append(each["spec"].get("nodeName", ""))
    return {work: sorted(nodes) for work, nodes in found.items()}


def answer(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_every_pod_ends_on_its_node(plane: ControlPlane, tmp_path: Path) -> None:
    plane.add_nodes(24, prefix="apply-")
    plane.apply([namespace(SPACE)])
    work = written(tmp_path, manifests(SPACE))
    path, plan = planned(plane, tmp_path, [work])
    assert (len(plan.assignments), plan.unplaced) == (110, ())
    told = answer(dcctl(plane, tmp_path, "apply", str(path), str(work), "-i", "kubernetes", "--dry-run"))
    assert told["summary"]["pods"] == 110
    assert pods_of(plane, SPACE) == []
    told = answer(dcctl(plane, tmp_path, "apply", str(path), str(work), "-i", "kubernetes", "--yes"))
    assert (told["summary"]["placed"], told["summary"]["elsewhere"]) == (110, 0)
    assert standing(plane, SPACE) == by_job(plan)
    exact = {
        one.member: one.node
        for one in plan.assignments
        if one.job.rpartition("/")[2][:5] in ("store", "chain", "lone-")
    }
    found = {each["metadata"]["name"]: each["spec"]["nodeName"] for each in pods_of(plane, SPACE)}
    assert {name: found[name] for name in exact} == exact
    answer(dcctl(plane, tmp_path, "apply", "--undo", "-i", "kubernetes", "--yes"))
    plane.wait_for(lambda: pods_of(plane, SPACE) == [], 60, "all that was made is gone")
    with plane.client() as admin:
        assert admin.request("GET", f"/api/v1/namespaces/{SPACE}")[0] == OK


def test_gated_pods_that_wait_are_placed(plane: ControlPlane, tmp_path: Path) -> None:
    space = "apply-pending"
    plane.add_nodes(3, prefix="apply-p-")
    plane.apply([namespace(space)])
    waiting = [pod(f"p{index}", space, gpus=4) for index in range(5)]
    for each in waiting:
        each["spec"]["schedulingGates"] = [{"name": "dcctl.io/plan"}]
    plane.apply(waiting)
    path, plan = planned(plane, tmp_path, [])
    assert {one.job.partition("/")[0] for one in plan.assignments} == {space}
    told = answer(dcctl(plane, tmp_path, "apply", str(path), "-i", "kubernetes", "--yes"))
    assert told["summary"]["placed"] == 5
    found = {each["metadata"]["name"]: each["spec"]["nodeName"] for each in pods_of(plane, space)}
    assert found == {one.member: one.node for one in plan.assignments}


def test_the_role_in_deploy_is_enough_and_is_needed(plane: ControlPlane, tmp_path: Path) -> None:
    space = "apply-role"
    plane.add_nodes(2, prefix="apply-r-")
    plane.apply([namespace(space), yaml.safe_load(rbac_yaml()), binding("dcctl-viewer", "planner")])
    work = written(tmp_path, [deployment("web", space, 3, gpus=1), pod("lone", space, gpus=8)])
    path, plan = planned(plane, tmp_path, [work])
    user = plane.kubeconfig("planner", groups=())
    words = ("apply", str(path), str(work), "-i", "kubernetes", "--yes")
    refused = dcctl(plane, tmp_path, *words, kubeconfig=user)
    assert (refused.returncode, json.loads(refused.stderr)["error"]["what"]) == (4, "pods")
    assert pods_of(plane, space) == []
    role = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "scheduler.yaml").read_text())
    plane.apply([role, binding("dcctl-scheduler", "planner")])
    trial = (*words, "--dry-run")
    plane.wait_for(lambda: dcctl(plane, tmp_path, *trial, kubeconfig=user).returncode == 0, 30, "RBAC holds")
    assert answer(dcctl(plane, tmp_path, *words, kubeconfig=user))["summary"]["placed"] == 4
    assert standing(plane, space) == by_job(plan)
    answer(dcctl(plane, tmp_path, "apply", "--undo", "-i", "kubernetes", "--yes", kubeconfig=user))


def test_pods_without_a_gate_are_bound_when_told_so(plane: ControlPlane, tmp_path: Path) -> None:
    space = "apply-bind"
    plane.add_nodes(2, prefix="apply-b-")
    plane.apply([namespace(space)])
    waiting = [pod(f"b{index}", space, gpus=8) for index in range(2)]
    for each in waiting:
        each["spec"]["schedulerName"] = "nobody"
    plane.apply(waiting)
    path, plan = planned(plane, tmp_path, [])
    assert dcctl(plane, tmp_path, "apply", str(path), "-i", "kubernetes", "--yes").returncode == 2
    told = answer(dcctl(plane, tmp_path, "apply", str(path), "-i", "kubernetes", "--yes", "--bind"))
    assert told["summary"]["placed"] == 2
    found = {each["metadata"]["name"]: each["spec"]["nodeName"] for each in pods_of(plane, space)}
    assert found == {one.member: one.node for one in plan.assignments}


def binding(role: str, user: str) -> Json:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"{role}-{user}"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "User", "name": user, "apiGroup": group}],
    }


def test_later_pods_of_a_deployment_wait_for_nobody(plane: ControlPlane, tmp_path: Path) -> None:
    space = "apply-lift"
    plane.add_nodes(2, prefix="apply-l-")
    plane.apply([namespace(space)])
    both = [deployment("web", space, 4, gpus=1), deployment("web-two", space, 3, gpus=1)]
    work = written(tmp_path, both)
    path, plan = planned(plane, tmp_path, [work])
    told = answer(dcctl(plane, tmp_path, "apply", str(path), str(work), "-i", "kubernetes", "--yes"))
    assert (told["summary"]["placed"], told["notes"]) == (7, [])
    before = {each["metadata"]["uid"] for each in pods_of(plane, space)}
    with plane.client() as admin:
        base = f"/apis/apps/v1/namespaces/{space}"

        def settled() -> bool:
            found = admin.get(f"{base}/deployments")["items"]
            seen = [
                each["status"].get("observedGeneration") == each["metadata"]["generation"] for each in found
            ]
            return all(seen) and len(found) == 2

        plane.wait_for(settled, 30, "the controller knows both")
        sets = admin.get(f"{base}/replicasets")["items"]
        made = [*sets, *admin.get(f"{base}/deployments")["items"]]
        assert len(sets) == 2, "a second ReplicaSet makes all pods anew"
        assert ["schedulingGates" in each["spec"]["template"]["spec"] for each in made] == [False] * 4
        assert not any(each["spec"].get("paused") for each in made)
        assert {each["metadata"]["uid"] for each in pods_of(plane, space)} == before
        assert standing(plane, space) == by_job(plan)
        victim = pods_of(plane, space)[0]["metadata"]["name"]
        admin.request("DELETE", f"/api/v1/namespaces/{space}/pods/{victim}")

    def replaced() -> bool:
        found = pods_of(plane, space)
        names = {each["metadata"]["name"] for each in found}
        return victim not in names and len(found) == 7 and all(each["spec"].get("nodeName") for each in found)

    plane.wait_for(replaced, 60, "another pod has a node")
