"""A cluster as kubeadm 1.36.3 leaves it.

Written by `kubeadm init phase` itself: the manifests, kube-proxy's objects, the kubelet's configuration,
and the modes of what it made; objects.jsonl is what the API server had after its phases upload-config,
bootstrap-token and addon, with all that the servers make by themselves. Put in by hand, as packages
usually have them: the kubelet's command line, its units and a file of a network plug-in (the last five
lines of files.txt), the digests of the two CAs, and cluster.yaml.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec.structs import fields

from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.components import Component, united
from dcctl.inventory.sources.components.document import parse as of_node
from dcctl.inventory.sources.kubernetes.evidence import components as of_api

FOLDER = Path(__file__).parents[2] / "data" / "audit" / "kubeadm"
NODE = "cp1"
STATIC = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
KUBELET = (
    *("/usr/bin/kubelet", "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf"),
    *("--kubeconfig=/etc/kubernetes/kubelet.conf", "--config=/var/lib/kubelet/config.yaml"),
)
KUBE_PROXY = (
    "/usr/local/bin/kube-proxy",
    "--config=/var/lib/kube-proxy/config.conf",
    "--hostname-override=cp1",
)
CAS = {"/etc/kubernetes/pki/ca.crt": "a" * 64, "/etc/kubernetes/pki/etcd/ca.crt": "b" * 64}


def text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def manifest(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load(text(f"{name}.yaml")))


def command(name: str) -> list[str]:
    return list(manifest(name)["spec"]["containers"][0]["command"])


def objects_of_kube_proxy() -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(text("kube-proxy.yaml")) if one]


def proxy_config() -> str:
    maps = [one for one in objects_of_kube_proxy() if one["kind"] == "ConfigMap"]
    return str(maps[0]["data"]["config.conf"])


def process(argv: list[str], texts: dict[str, str]) -> dict[str, Any]:
    digests = {
        path: digest for path, digest in CAS.items() if any(word.endswith(f"={path}") for word in argv)
    }
    return {
        "pid": 1,
        "argv": argv,
        "texts": {path: {"out": one} for path, one in texts.items()},
        "digests": digests,
    }


def document() -> dict[str, Any]:
    """What the probe would tell as root."""
    kubelet = process(list(KUBELET), {"/var/lib/kubelet/config.yaml": text("kubelet.yaml")})
    kubelet["modes"] = {"/etc/kubernetes/pki/ca.crt": {"mode": 0o644, "owner": "root:root"}}
    proxy = process(list(KUBE_PROXY), {"/var/lib/kube-proxy/config.conf": proxy_config()})
    return {
        "components": {"processes": [*(process(command(name), {}) for name in STATIC), kubelet, proxy]},
        "commands": {
            "component-files": {"out": text("files.txt")},
            "kubelet-version": {"out": "Kubernetes v1.36.3\n"},
        },
    }


def objects() -> list[dict[str, Any]]:
    """All that is in the cluster."""
    made = [json.loads(line) for line in text("objects.jsonl").splitlines()]
    return [*made, *yaml.safe_load_all(text("cluster.yaml")), *objects_of_kube_proxy(), *map(mirror, STATIC)]


def mirror(name: str) -> dict[str, Any]:
    """The pod by which a kubelet shows a static one."""
    pod = manifest(name)
    owner = {"apiVersion": "v1", "kind": "Node", "name": NODE, "controller": True}
    notes = {"kubernetes.io/config.mirror": "0", "kubernetes.io/config.source": "file"}
    meta = {**pod["metadata"], "name": f"{name}-{NODE}", "ownerReferences": [owner], "annotations": notes}
    return {**pod, "metadata": meta, "spec": {**pod["spec"], "nodeName": NODE}}


def pods() -> list[of_api.PodOf]:
    """The mirror pods of the static ones, and kube-proxy's."""
    found = [manifest(name) for name in STATIC]
    daemons = [one for one in objects_of_kube_proxy() if one["kind"] == "DaemonSet"]
    found += [{"metadata": {"name": "kube-proxy-x"}, "spec": daemons[0]["spec"]["template"]["spec"]}]
    for one in found:
        one["spec"]["nodeName"] = NODE
    return msgspec.convert(found, list[of_api.PodOf])


def nodes() -> list[of_api.NodeOf]:
    info = {"metadata": {"name": NODE}, "status": {"nodeInfo": {"kubeletVersion": "v1.36.3"}}}
    return msgspec.convert([info], list[of_api.NodeOf])


def answers() -> of_api.Answers:
    return of_api.Answers(pods(), nodes(), (), "v1.36.3", proxy_config())


@cache
def components() -> tuple[Component, ...]:
    return united([*of_node(document(), NODE), *of_api.parse(answers())])


def evidence() -> Evidence:
    """Its components. Of all else it was asked and has none: a cluster on which nothing runs yet."""
    lists: dict[str, Any] = {
        one.name: () for one in fields(Evidence) if one.default is None and one.name != "taken_at_s"
    }
    return Evidence(**{**lists, "components": components()})
