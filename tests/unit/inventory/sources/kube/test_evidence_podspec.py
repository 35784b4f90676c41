"""From manifests to evidence: what a pod says is kept, and what it does not say is not made up."""

from __future__ import annotations

from typing import Any

import pytest

from dcctl.inventory.evidence.pods import Container, HostPath, Mount, Shape
from dcctl.inventory.sources.kubernetes.evidence.workloads import templates
from tests.unit.audit.manifests import evidence

Json = dict[str, Any]


def pod(spec: Json, **annotations: str) -> Json:
    meta = {"namespace": "nlp", "name": "a", "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def shape(spec: Json) -> Shape:
    (one,) = evidence(pod(spec)).workloads or ()
    (found,) = one.shapes or ()
    return found


def test_silence_stays_silence() -> None:
    found = shape({"containers": [{"name": "main"}]})
    assert found == Shape(containers=(Container(name="main"),))


def test_every_kind_of_container_is_kept_with_its_turn() -> None:
    found = shape(
        {
            "containers": [{"name": "main"}],
            "initContainers": [{"name": "first"}, {"name": "beside", "restartPolicy": "Always"}],
            "ephemeralContainers": [{"name": "debugger"}],
        }
    )
    assert {one.name: one.turn for one in found.containers} == {
        "first": "init",
        "beside": "sidecar",
        "main": "main",
        "debugger": "ephemeral",
    }


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("robot:hush@reg.example:5000/a/b:1", "reg.example:5000/a/b:1"),
        ("https://robot:hu/sh@reg.example/a", "reg.example/a"),
        ("robot:hu@sh@reg.example/a@sha256:" + "5d" * 32, "reg.example/a@sha256:" + "5d" * 32),
        ("a@sha256:" + "5d" * 32, "a@sha256:" + "5d" * 32),
        ("reg.example:5000/a", "reg.example:5000/a"),
    ],
)
def test_an_image_is_told_without_a_name_and_a_password(image: str, told: str) -> None:
    (one,) = shape({"containers": [{"name": "main", "image": image}]}).containers
    assert one.image == told


def test_what_a_container_says_is_kept() -> None:
    found = shape(
        {
            "volumes": [
                {"name": "d", "emptyDir": {}},
                {"name": "h", "hostPath": {"path": "/x", "type": "Directory"}},
            ],
            "containers": [
                {
                    "name": "main",
                    "image": "x:1",
                    "ports": [{"containerPort": 1}, {"containerPort": 2, "hostPort": 2}],
                    "env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}],
                    "volumeMounts": [
                        {"name": "d", "mountPath": "/d"},
                        {"name": "h", "mountPath": "/h", "readOnly": True, "subPath": "a/../b"},
                        {"name": "h", "mountPath": "/i", "subPathExpr": "$(POD)"},
                    ],
                    "resources": {
                        "requests": {"memory": "1Gi", "nvidia.com/gpu": "0"},
                        "limits": {"memory": 1024, "nvidia.com/gpu": 1, "rdma/hca": 1},
                        "claims": [{"name": "gpu"}],
                    },
                    "securityContext": {
                        "privileged": False,
                        "allowPrivilegeEscalation": False,
                        "runAsUser": 0,
                        "runAsNonRoot": False,
                        "readOnlyRootFilesystem": True,
                        "procMount": "Unmasked",
                        "seccompProfile": {"type": "Localhost"},
                        "capabilities": {"add": ["A"], "drop": None},
                        "windowsOptions": {"hostProcess": False},
                    },
                }
            ],
        }
    )
    assert found.volumes == (HostPath("h", "/x", "Directory"),)
    assert found.windows
    assert found.containers == (
        Container(
            name="main",
            image="x:1",
            privileged=False,
            escalates=False,
            user=0,
            non_root=False,
            adds=("A",),
            read_only=True,
            seccomp="Localhost",
            proc_mount="Unmasked",
            host_process=False,
            host_ports=(2,),
            mounts=(Mount("h", True, "b"), Mount("h", False, "$(POD)")),  # read_only
            memory_asked=1 << 30,
            memory_most=1024,
            devices_asked=("claim",),
            devices_most=("nvidia.com/gpu", "claim"),
            visible="all",
            says=True,
        ),
    )


def test_what_the_pod_says_is_kept() -> None:
    found = shape(
        {
            "containers": [{"name": "main", "securityContext": {}}],
            "hostPID": True,
            "hostIPC": True,
            "hostNetwork": True,
            "hostUsers": False,
            "os": {"name": "linux"},
            "nodeSelector": {"kubernetes.io/os": "windows"},
            "resources": {"limits": {"memory": "2Gi"}},
            "securityContext": {
                "runAsUser": 7,
                "runAsNonRoot": True,
                "seccompProfile": {"type": "RuntimeDefault"},
                "windowsOptions": {"hostProcess": True},
                "sysctls": [{"name": "a.b", "value": "1"}],
            },
        }
    )
    assert found == Shape(
        containers=(Container(name="main"),),
        host_pid=True,
        host_ipc=True,
        host_network=True,
        host_users=False,
        user=7,
        non_root=True,
        seccomp="RuntimeDefault",
        host_process=True,
        sysctls=("a.b",),
        memory_most=2 << 30,
        says=True,
    )


@pytest.mark.parametrize(
    ("told", "networks"),
    [
        ("", ()),
        ("rdma-a", ("nlp/rdma-a",)),
        ("storage/rdma-a@net1, rdma-b", ("storage/rdma-a", "nlp/rdma-b")),
        ('[{"name": "a", "namespace": "storage"}, {"name": "b"}]', ("storage/a", "nlp/b")),
        ("[{", ()),
    ],
)
def test_second_networks_are_read_in_each_form(told: str, networks: tuple[str, ...]) -> None:
    (one,) = evidence(pod({"containers": []}, **{"k8s.v1.cni.cncf.io/networks": told})).workloads or ()
    assert one.networks == networks


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ('{"type": "ipoib", "master": "ib0"}', "ipoib"),
        ('{"plugins": [{"type": "sriov"}, {"type": "tuning"}]}', "sriov"),
        ("", ""),
        ("{", ""),
    ],
)
def test_the_plugin_of_a_second_network_is_read(config: str, found: str) -> None:
    item = {
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": {
            "namespace": "s",
            "name": "a",
            "annotations": {"k8s.v1.cni.cncf.io/resourceName": "r/x"},
        },
        "spec": {"config": config},
    }
    (one,) = evidence(item).attachments or ()
    assert (one.type, one.resource) == (found, "r/x")


def test_templates_are_found_wherever_there_are_containers() -> None:
    inner = {"containers": [{"name": "a"}]}
    spec = {
        "predictor": {"containers": [{"name": "b"}], "minReplicas": 1},
        "deep": [{"template": {"metadata": {"labels": {"x": "y"}}, "spec": inner}}],
        "no": {"containers": "many", "spec": {"containers": [1]}},
    }
    assert list(templates(spec)) == [
        {"metadata": {}, "spec": spec["predictor"]},
        {"metadata": {"labels": {"x": "y"}}, "spec": inner},
    ]
    endless: Json = {}
    endless["again"] = endless
    assert list(templates(endless)) == []


def test_claims_of_volumes_are_those_of_all_pods_of_an_owner() -> None:
    def claiming(name: str) -> Json:
        volumes = [{"name": "d", "persistentVolumeClaim": {"claimName": name}}, {"name": "e", "emptyDir": {}}]
        spec = {"containers": [{"name": "x"}], "volumes": volumes}
        owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "controller": True}
        meta = {"name": f"db-{name}", "namespace": "nlp", "ownerReferences": [owner]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}

    made = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "nlp"},
        "spec": {"template": {"spec": claiming("root")["spec"]}},
    }
    found = evidence(claiming("data-1"), claiming("data-0"), made).workloads or ()
    assert {one.name: one.claims for one in found} == {"db": ("data-0", "data-1"), "web": ("root",)}
    assert all(len(one.shapes or ()) == 1 for one in found), "a claim makes no other kind of pod"
