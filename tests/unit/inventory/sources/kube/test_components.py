"""Components as the API server shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.sources.kubernetes.evidence.components import (
    Answers,
    NodeOf,
    PodOf,
    RequestOf,
    of_configz,
    parse,
)
from dcctl.inventory.sources.kubernetes.evidence.managed import Sign, control_plane
from tests.unit.audit import kubeadm

if TYPE_CHECKING:
    from dcctl.inventory.evidence.components import Component

DENIED = Silence("pods: 403", "denied")


def nodes(version: str = "v1.36.3", **labels: str) -> list[NodeOf]:
    one = {
        "metadata": {
            "name": "n1",
            "labels": {key.replace("__", "/"): value for key, value in labels.items()},
        },
        "status": {"nodeInfo": {"kubeletVersion": version}},
    }
    return msgspec.convert([one], list[NodeOf])


def pods(*command: str, image: str = "", args: list[str] | None = None) -> list[PodOf]:
    container = {"image": image, "command": list(command), "args": args}
    return msgspec.convert([{"spec": {"nodeName": "n1", "containers": [container]}}], list[PodOf])


def requests(*specs: dict[str, Any]) -> list[RequestOf]:
    return msgspec.convert(
        [
            {
                "metadata": {"name": f"csr-{number}"},
                "spec": {"signerName": "kubernetes.io/kube-apiserver-client", **spec},
                "status": {"certificate": spec.get("certificate", "c")},
            }
            for number, spec in enumerate(specs)
        ],
        list[RequestOf],
    )


def by_name(answers: Answers, cluster: str = "", provider: str = "") -> dict[str, Component]:
    return {one.name: one for one in parse(answers, cluster, provider)}


def provider_of(version: str, seen: list[NodeOf], apis: tuple[str, ...] = ()) -> str | None:
    sign = control_plane(version, apis, Answers((), seen, ()).seen())
    return sign.provider if sign else None


def test_the_pods_of_kubeadm_are_its_components() -> None:
    found = by_name(kubeadm.answers(), "prod")
    assert set(found) == {*kubeadm.STATIC, "kubelet", "kube-proxy"}
    assert all(one.node == "cp1" and one.cluster == "prod" for one in found.values())
    assert (found["kube-apiserver"].flags or {})["authorization-mode"] == ("Node,RBAC",)
    assert {name: one.version for name, one in found.items()} == {
        **dict.fromkeys(found, "1.36.3"),
        "etcd": "3.6.8",
    }


def test_what_a_pod_does_not_show_is_silent() -> None:
    found = by_name(kubeadm.answers())
    server, kubelet = found["kube-apiserver"], found["kubelet"]
    assert (server.files, server.encryption, server.audit_policy) == (None, None, None)
    assert {"files", "encryption", "audit_policy", "authentication", "authorizers"} <= set(server.silent)
    assert (kubelet.flags, kubelet.config) == (None, None)
    assert {"flags", "config", "files"} <= set(kubelet.silent)


def test_the_file_of_kube_proxy_is_a_config_map() -> None:
    config = by_name(kubeadm.answers())["kube-proxy"].config or {}
    assert config["mode"] == ""
    assert config["metricsBindAddress"] == ""


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (Silence("ConfigMap kube-proxy: 403", "denied"), "ConfigMap kube-proxy: 403"),
        (None, "it is told by the node alone: read it over SSH"),
        ("- a", "ConfigMap kube-proxy: holds no mapping"),
    ],
)
def test_a_config_map_that_was_not_read_is_silent(told: str | Silence | None, why: str) -> None:
    answers = Answers(pods("kube-proxy", "--config=/var/lib/kube-proxy/config.conf"), [], [], "", told)
    proxy = by_name(answers)["kube-proxy"]
    assert proxy.config is None
    assert why in proxy.silent["config"].reason


def test_arguments_may_stand_beside_the_command() -> None:
    found = by_name(Answers(pods("etcd", args=["--auto-tls"]), [], []))["etcd"]
    assert found.flags == {"auto-tls": ("true",)}
    assert found.config == {}
    assert found.silent.keys() == {"files", "digests"}


def test_a_pod_that_runs_nowhere_is_passed_over() -> None:
    one = msgspec.convert([{"spec": {"containers": [{"command": ["etcd"]}]}}, {"spec": {}}, {}], list[PodOf])
    assert by_name(Answers(one, [], []))["etcd"].node == ""


def test_a_control_plane_without_pods_is_unknown() -> None:
    found = by_name(Answers([], nodes(), [], "v1.36.3"))
    for name in kubeadm.STATIC:
        assert (found[name].node, found[name].managed) == ("", "")
        assert found[name].silent["flags"].cause == "missing"
    assert found.keys() == {*kubeadm.STATIC, "kubelet"}


def test_a_refusal_is_passed_on() -> None:
    nobody = Silence("nodes: 403", "denied")
    assert by_name(Answers(DENIED, nobody, [])) == {}
    assert Answers(DENIED, nobody, []).silence == DENIED
    assert Answers([], nobody, []).silence == nobody
    assert Answers([], [], Silence("requests: 403")).silence is None


def test_a_provider_s_control_plane_is_no_gap() -> None:
    found = by_name(Answers([], nodes("v1.33.1-eks-abc"), [], "v1.33.2-eks-abc"), provider="EKS")
    assert {name: one.managed for name, one in found.items() if name != "kubelet"} == dict.fromkeys(
        kubeadm.STATIC, "EKS"
    )
    assert found["kube-apiserver"].silent == {}
    refused = by_name(Answers(DENIED, nodes(), [], "v1.33.2-eks-abc"), provider="EKS")
    assert (refused["etcd"].managed, refused["etcd"].silent) == ("EKS", {})


@pytest.mark.parametrize(
    ("told", "provider"),
    [
        (nodes("v1.33.1-eks-abc"), "EKS"),
        (nodes("v1.33.1-gke.100"), "GKE"),
        (nodes("v1.33.1-aliyun.1"), "ACK"),
        (nodes(**{"kubernetes.azure.com__cluster": "x"}), "AKS"),
        (nodes(**{"eks.amazonaws.com__nodegroup": "x"}), "EKS"),
        (nodes(**{"cloud.google.com__gke-nodepool": "x"}), "GKE"),
        (nodes(**{"kubernetes.io__hostname": "eks"}), None),
        (nodes("v1.33.1+k3s1"), None),
        (nodes("v1.33.1+rke2r1"), None),
        (nodes(**{"node-role.kubernetes.io__control-plane": ""}), ""),
        (nodes("v1.33.1-eks-abc", **{"node-role.kubernetes.io__control-plane": ""}), ""),
        ([], None),
    ],
)
def test_who_runs_the_control_plane_is_told_by_nodes(told: list[NodeOf], provider: str | None) -> None:
    assert provider_of("v1.33.1", told) == provider


def test_a_provider_is_told_by_the_version_of_the_server_and_by_its_apis() -> None:
    assert provider_of("v1.33.1-eks-abc", []) == "EKS"
    assert provider_of("v1.33.1", [], ("apps", "managedclusters.aks.azure.com")) == "AKS"
    assert provider_of("v1.33.1", [], ("networking.gke.io.example.com",)) is None
    sign = control_plane("v1.33.1-gke.7", (), ())
    assert sign == Sign("GKE", "version v1.33.1-gke.7")


def test_certificates_of_persons_are_those_that_were_granted_to_them() -> None:
    found = requests(
        {"username": "wu"},
        {"username": "li", "certificate": None},
        {"username": "system:node:n1"},
        {"username": "ma", "signerName": "kubernetes.io/kubelet-serving"},
    )
    server = by_name(Answers(pods("kube-apiserver"), [], found))["kube-apiserver"]
    assert server.certified == ("csr-0",)


def test_requests_that_were_refused_are_silent() -> None:
    refused = Silence("certificatesigningrequests: 403", "denied")
    server = by_name(Answers(pods("kube-apiserver"), [], refused))["kube-apiserver"]
    assert server.certified is None
    assert server.silent["certified"] == refused


def test_a_kubelet_may_tell_its_settings_itself() -> None:
    kubelet = by_name(Answers([], nodes(), []))["kubelet"]
    told = of_configz(kubelet, '{"kubeletconfig": {"readOnlyPort": 0, "authorization": {"mode": "Webhook"}}}')
    assert (told.flags, told.config_file) == ({}, "configz")
    assert told.config == {"readOnlyPort": "0", "authorization.mode": "Webhook"}
    assert told.silent.keys() == {"files", "digests"}


@pytest.mark.parametrize("text", ["", "[]", "{", "{}"])
def test_an_answer_that_is_none_leaves_it_silent(text: str) -> None:
    kubelet = by_name(Answers([], nodes(), []))["kubelet"]
    told = of_configz(kubelet, text)
    assert told.flags is None
    assert told.silent["flags"].cause == "invalid"
