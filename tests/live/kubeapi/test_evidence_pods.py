"""Pods, what owns them and networks, as an audit reads them of the emulated API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dcctl.inventory.sources.http.client import Patience
from dcctl.inventory.sources.kubernetes.evidence.source import KubernetesEvidence
from tests.kubeapi import ApiServer, kinds

if TYPE_CHECKING:
    from pathlib import Path

    from dcctl.inventory.evidence.collected import Evidence
    from dcctl.inventory.evidence.pods import Work

Json = dict[str, Any]
JOBS = kinds.custom("kubeflow.org", "v1", "pytorchjobs", "PyTorchJob")
PASSWORD = "Tr0ub4dor&3"  # nobody's


def meta(name: str, owner: tuple[str, str, str] | None = None, **more: Any) -> Json:
    told: Json = {"namespace": "nlp", "name": name, **more}
    if owner:
        version, kind, owned_by = owner
        told["ownerReferences"] = [
            {"apiVersion": version, "kind": kind, "name": owned_by, "uid": owned_by, "controller": True}
        ]
    return told


def spec(*images: str, **more: Any) -> Json:
    return {"containers": [{"name": f"c{n}", "image": image} for n, image in enumerate(images)], **more}


def pod(name: str, owner: tuple[str, str, str] | None, body: Json, **more: Any) -> Json:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta(name, owner, **more), "spec": body}


def owned(kind: str, version: str, name: str, body: Json, owner: tuple[str, str, str] | None = None) -> Json:
    return {"apiVersion": version, "kind": kind, "metadata": meta(name, owner), "spec": body}


def gathered(server: ApiServer, folder: Path, *objects: Json, page_size: int = 3) -> Evidence:
    server.load(objects)
    config = str(server.kubeconfig(folder / "config"))
    patience = Patience(tries=2, backoff_s=0.01)
    return KubernetesEvidence(kubeconfig=config, page_size=page_size, patience=patience).gather()


def works(evidence: Evidence) -> dict[str, Work]:
    assert "workloads" not in evidence.silent
    return {one.key: one for one in evidence.workloads or ()}


def test_a_thousand_pods_of_one_owner_are_one_subject(server: ApiServer, tmp_path: Path) -> None:
    owner = ("apps/v1", "DaemonSet", "agent")
    template = {"template": {"spec": spec("agent:1", serviceAccountName="agent")}}
    found = works(
        gathered(
            server,
            tmp_path,
            owned("DaemonSet", "apps/v1", "agent", template),
            *(pod(f"agent-{n}", owner, spec("agent:1", serviceAccountName="agent")) for n in range(20)),
        )
    )
    (one,) = found.values()
    assert (one.key, one.pods, one.account, one.images) == (
        "nlp/DaemonSet/agent",
        20,
        "agent",
        {"c0": "agent:1"},
    )
    assert len(one.shapes or ()) == 1
    assert one.bare == ("c0",)


def test_owners_are_followed_to_the_one_that_nobody_owns(server: ApiServer, tmp_path: Path) -> None:
    template = {"template": {"spec": spec("web:1")}}
    nightly = {"schedule": "0 2 * * *", "jobTemplate": {"spec": {"template": {"spec": spec("job:1")}}}}
    found = works(
        gathered(
            server,
            tmp_path,
            owned("Deployment", "apps/v1", "web", template),
            owned("ReplicaSet", "apps/v1", "web-7d4", template, ("apps/v1", "Deployment", "web")),
            pod("web-7d4-x", ("apps/v1", "ReplicaSet", "web-7d4"), spec("web:1")),
            owned("CronJob", "batch/v1", "nightly", nightly),
            owned(
                "Job",
                "batch/v1",
                "nightly-1",
                {"template": {"spec": spec("job:1")}},
                ("batch/v1", "CronJob", "nightly"),
            ),
            pod("nightly-1-x", ("batch/v1", "Job", "nightly-1"), spec("job:1")),
            pod("kube-apiserver-cp-1", ("v1", "Node", "cp-1"), spec("api:1", nodeName="cp-1")),
            pod("kube-apiserver-cp-2", ("v1", "Node", "cp-2"), spec("api:1", nodeName="cp-2")),
            pod("spark-x7f2k", None, spec("spark:1"), generateName="spark-"),
            pod("alone", None, spec("x:1")),
            pod("odd-1", ("example.com/v1", "Robot", "r2"), spec("x:1")),
        )
    )
    assert {key: one.pods for key, one in found.items()} == {
        "nlp/CronJob/nightly": 1,
        "nlp/Deployment/web": 1,
        "nlp/Pod/alone": 1,
        "nlp/Pod/spark": 1,
        "nlp/Robot/r2": 1,
        "nlp/Static/kube-apiserver": 2,
    }


def test_what_admission_and_people_put_into_pods_is_seen(server: ApiServer, tmp_path: Path) -> None:
    owner = ("apps/v1", "DaemonSet", "agent")
    limited = spec("agent:1")
    limited["containers"][0]["resources"] = {"limits": {"memory": "1Gi"}}
    debugged = spec("agent:1")
    debugged["ephemeralContainers"] = [{"name": "debugger", "securityContext": {"privileged": True}}]
    found = works(
        gathered(
            server,
            tmp_path,
            owned("DaemonSet", "apps/v1", "agent", {"template": {"spec": spec("agent:1")}}),
            pod("agent-1", owner, limited),
            pod("agent-2", owner, debugged),
            owned("DaemonSet", "apps/v1", "next", {"template": {"spec": spec("agent:2")}}),
            pod("next-1", ("apps/v1", "DaemonSet", "next"), spec("agent:1")),
        )
    )
    shapes = found["nlp/DaemonSet/agent"].shapes or ()
    assert sorted(len(one.containers) for one in shapes) == [1, 2]
    assert {one.containers[0].memory_most for one in shapes} == {None, 1 << 30}
    images = [one.containers[0].image for one in found["nlp/DaemonSet/next"].shapes or ()]
    assert sorted(images) == ["agent:1", "agent:2"]


def test_new_names_of_pods_change_nothing(tmp_path: Path) -> None:
    owner = ("batch/v1", "Job", "eval")
    looks = (spec("a:1"), spec("b:1"), spec("c:1", hostPID=True))
    seen = []
    for names in (("x", "y", "z"), ("z", "x", "y")):
        with ApiServer() as server:
            pods = [pod(f"eval-{name}", owner, look) for name, look in zip(names, looks, strict=True)]
            seen.append(works(gathered(server, tmp_path, *pods)))
    assert seen[0] == seen[1]


def test_templates_inside_custom_objects_and_two_accounts_of_one_owner(tmp_path: Path) -> None:
    job = {
        "pytorchReplicaSpecs": {
            "Master": {"template": {"spec": spec("t:1", serviceAccountName="head", hostNetwork=True)}},
            "Worker": {"template": {"spec": spec("t:1", automountServiceAccountToken=False)}},
        }
    }
    with ApiServer(custom=[JOBS]) as server:
        found = works(gathered(server, tmp_path, owned("PyTorchJob", "kubeflow.org/v1", "llama", job)))
    assert {key: (one.account, one.automount) for key, one in found.items()} == {
        "nlp/PyTorchJob/llama": ("head", None),
        "nlp/PyTorchJob/llama/default": ("default", False),
    }


def test_a_template_that_is_not_understood_is_silent_and_hides_no_other(tmp_path: Path) -> None:
    broken = {"pytorchReplicaSpecs": {"Master": {"template": {"spec": spec("t:1", hostNetwork="maybe")}}}}
    fine = {"pytorchReplicaSpecs": {"Master": {"template": {"spec": spec("t:1", hostNetwork=True)}}}}
    with ApiServer(custom=[JOBS]) as server:
        found = works(
            gathered(
                server,
                tmp_path,
                owned("PyTorchJob", "kubeflow.org/v1", "broken", broken),
                owned("PyTorchJob", "kubeflow.org/v1", "fine", fine),
            )
        )
    assert found["nlp/PyTorchJob/broken"].shapes is None
    assert "hostNetwork" in found["nlp/PyTorchJob/broken"].silent["shapes"].reason
    assert [one.host_network for one in found["nlp/PyTorchJob/fine"].shapes or ()] == [True]


def test_values_of_secrets_are_nowhere_in_evidence(server: ApiServer, tmp_path: Path) -> None:
    told = spec("x:1")
    told["containers"][0]["env"] = [{"name": "DB_PASSWORD", "value": PASSWORD}]
    told["containers"][0]["args"] = ["--api-token", PASSWORD]
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": "nlp", "name": "app"},
        "data": {"app.yaml": f"user: app\npassword: {PASSWORD}\n", "plain": "yes"},
    }
    seen = gathered(server, tmp_path, pod("a", None, told), config)
    (one,) = works(seen).values()
    assert [each.path for each in one.secrets] == ["c0/env/DB_PASSWORD", "c0/args/--api-token"]
    found = {each.name: [note.path for note in each.secrets] for each in seen.configs or ()}
    assert found["app"] == ["app.yaml/password"]
    assert PASSWORD not in repr(seen)


def test_networks_are_read(server: ApiServer, tmp_path: Path) -> None:
    group = "networking.k8s.io/v1"
    policy = {
        "podSelector": {"matchLabels": {"app": "web"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {"from": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}], "ports": [{"port": 80}]}
        ],
    }
    gate = {
        "ingressClassName": "nginx",
        "defaultBackend": {"service": {"name": "rest", "port": {"number": 80}}},
        "rules": [
            {"host": "a.example.com", "http": {"paths": [{"backend": {"service": {"name": "web"}}}]}},
            {"host": "b.example.com"},
        ],
        "tls": [{"hosts": ["a.example.com"], "secretName": "a"}],
    }
    door = {
        "type": "LoadBalancer",
        "selector": {"app": "web"},
        "ports": [{"port": 80}, {"name": "https", "port": 443}],
    }
    seen = gathered(
        server,
        tmp_path,
        owned("NetworkPolicy", group, "p", policy),
        owned("NetworkPolicy", group, "deny", {"podSelector": {}}),
        owned("Ingress", group, "web", gate),
        owned("Service", "v1", "web", door),
    )
    deny, one = seen.network_policies or ()
    assert (deny.ingress, deny.egress) == ((), None)
    assert (one.pods.labels, one.egress) == ({"app": "web"}, ())
    (rule,) = one.ingress or ()
    assert (rule.ports, rule.peers[0].addresses, rule.peers[0].excepted) == (True, "0.0.0.0/0", True)
    (ingress,) = seen.ingresses or ()
    assert ingress.hosts == ("a.example.com", "b.example.com", "")
    assert (ingress.secured, ingress.services, ingress.class_name) == (
        ("a.example.com",),
        ("rest", "web"),
        "nginx",
    )
    service = next(each for each in seen.services or () if each.name == "web")
    assert (service.type, service.ports, service.selector) == (
        "LoadBalancer",
        ("80", "https"),
        {"app": "web"},
    )
