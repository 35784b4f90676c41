"""Components as the API server shows them: pods of kube-system, nodes, who runs the control plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from dcctl.errors import UsageError
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.components import CONFIGZ, CONTROL_PLANE, Component
from dcctl.inventory.sources.components import configs
from dcctl.inventory.sources.components.flags import command_of, parse_flags, version_of
from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.kubernetes.paging import read_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dcctl.inventory.sources.files.documents import Tree
    from dcctl.inventory.sources.http.client import Client

T = TypeVar("T")
PODS: Final = "/api/v1/namespaces/kube-system/pods"
NODES: Final = "/api/v1/nodes"
PROXY: Final = "/api/v1/namespaces/kube-system/configmaps/kube-proxy"
REQUESTS: Final = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
_CLIENT_SIGNER: Final = "kubernetes.io/kube-apiserver-client"
_ON_THE_NODE: Final = Silence("it is told by the node alone: read it over SSH", "missing")
_NOBODY: Final = Silence("no pod of kube-system runs it, and no node told of it", "missing")
_PROXY_CONFIG: Final = "config.conf"
"""The key of kubeadm's ConfigMap, and the file that the pods are told to read."""

MANAGED_VERSIONS: Final = {"-eks-": "EKS", "-gke.": "GKE", "-aliyun.": "ACK", "-tke.": "TKE", "-cce": "CCE"}
"""What providers write into the version of their nodes."""
MANAGED_LABELS: Final = {
    "eks.amazonaws.com/": "EKS",
    "cloud.google.com/gke-": "GKE",
    "kubernetes.azure.com/cluster": "AKS",
    "doks.digitalocean.com/": "DOKS",
    "lke.linode.com/": "LKE",
    "ibm-cloud.kubernetes.io/": "IKS",
    "oke.oraclecloud.com/": "OKE",
    "k8s.scaleway.com/": "Kapsule",
    "nodepool.ovh/": "OVHcloud",
    "vke.vultr.com/": "VKE",
}
"""Beginnings of labels that providers put on nodes of clusters of which they run the control plane."""


class _Meta(Struct):
    name: str = ""
    labels: dict[str, str] | None = None


class _Container(Struct):
    image: str = ""
    command: list[str] | None = None
    args: list[str] | None = None


class _PodSpec(Struct, rename="camel"):
    node_name: str = ""
    containers: list[_Container] | None = None


class PodOf(Struct):
    """A pod by its commands."""

    metadata: _Meta = field(default_factory=_Meta)
    spec: _PodSpec = field(default_factory=_PodSpec)


class _NodeInfo(Struct, rename="camel"):
    kubelet_version: str = ""


class _NodeStatus(Struct, rename="camel"):
    node_info: _NodeInfo = field(default_factory=_NodeInfo)


class NodeOf(Struct):
    """A node by its version."""

    metadata: _Meta = field(default_factory=_Meta)
    status: _NodeStatus = field(default_factory=_NodeStatus)


class _RequestSpec(Struct, rename="camel"):
    signer_name: str = ""
    username: str = ""


class _RequestStatus(Struct):
    certificate: str | None = None


class RequestOf(Struct):
    """A CertificateSigningRequest by who asked for what; its certificate is only ever there or not."""

    metadata: _Meta = field(default_factory=_Meta)
    spec: _RequestSpec = field(default_factory=_RequestSpec)
    status: _RequestStatus = field(default_factory=_RequestStatus)


class Answers(NamedTuple):
    """What the API server told; a Silence where it refused."""

    pods: Sequence[PodOf] | Silence
    nodes: Sequence[NodeOf] | Silence
    requests: Sequence[RequestOf] | Silence
    version: str = ""
    """`gitVersion` of /version; empty: not told."""
    proxy_config: str | Silence | None = None
    """The file that kube-proxy's pods read; None: there is none."""


def parse(answers: Answers, cluster: str = "") -> tuple[Component, ...]:
    """Return what pods run, a kubelet for each node, and what of the control plane has no pod.

    What a pod does not show is silent: files, and what configuration files say.
    """
    nodes = () if isinstance(answers.nodes, Silence) else answers.nodes
    found = [*_of_pods(answers, cluster), *(_kubelet(node, cluster) for node in nodes)]
    there = {one.name for one in found}
    provider = managed_by(nodes, answers.version)
    unseen = (name for name in CONTROL_PLANE if name not in there)
    return (*found, *(_unseen(name, provider, answers, cluster) for name in unseen))


def managed_by(nodes: Iterable[NodeOf], version: str = "") -> str:
    """Return the provider that runs the control plane, by labels and versions of nodes; empty: none."""
    for text in (version, *(one.status.node_info.kubelet_version for one in nodes)):
        for mark, name in MANAGED_VERSIONS.items():
            if mark in text.lower():
                return name
    for node in nodes:
        for label in node.metadata.labels or ():
            for beginning, name in MANAGED_LABELS.items():
                if label.startswith(beginning):
                    return name
    return ""


def _of_pods(answers: Answers, cluster: str) -> Iterator[Component]:
    if isinstance(answers.pods, Silence):
        return
    for pod in answers.pods:
        for container in pod.spec.containers or ():
            command = command_of([*(container.command or ()), *(container.args or ())])
            if command is not None and pod.spec.node_name:
                yield _of_container(pod.spec.node_name, container, *command, answers, cluster)


def _of_container(
    node: str, container: _Container, name: str, arguments: Sequence[str], answers: Answers, cluster: str
) -> Component:
    flags, silent = parse_flags(arguments), {"files": _ON_THE_NODE, "digests": _ON_THE_NODE}
    fields: dict[str, Any] = {"version": version_of(container.image.rpartition(":")[2])}
    if name == "kube-apiserver":
        fields["version"] = fields["version"] or version_of(answers.version)
        fields["certified"] = _certified(answers.requests, silent)
        silent |= dict.fromkeys(("authentication", "authorizers", "encryption", "audit_policy"), _ON_THE_NODE)
    path = "".join([*flags.get("config", ())[-1:], *flags.get("config-file", ())[-1:]])
    fields["config"] = _config(name, path, answers, silent)
    return Component(
        cluster=cluster, node=node, name=name, flags=flags, config_file=path, silent=silent, **fields
    )


def _config(name: str, path: str, answers: Answers, silent: dict[str, Silence]) -> dict[str, str] | None:
    """What its configuration file says: none has no settings; kube-proxy's is a ConfigMap."""
    if not path:
        return {}
    found = answers.proxy_config
    if name == "kube-proxy" and path.endswith(_PROXY_CONFIG) and isinstance(found, str):
        try:
            return configs.flat(configs.document(found, "ConfigMap kube-proxy"))
        except UsageError as error:
            found = Silence(str(error), "invalid")
    silent["config"] = found if name == "kube-proxy" and isinstance(found, Silence) else _ON_THE_NODE
    return None


def _certified(requests: Sequence[RequestOf] | Silence, silent: dict[str, Silence]) -> tuple[str, ...] | None:
    """Requests for client certificates that were granted to someone who is no part of the cluster."""
    if isinstance(requests, Silence):
        silent["certified"] = requests
        return None
    return tuple(
        one.metadata.name
        for one in requests
        if one.spec.signer_name == _CLIENT_SIGNER
        and one.status.certificate
        and not one.spec.username.startswith("system:")
    )


def _kubelet(node: NodeOf, cluster: str) -> Component:
    return Component(
        cluster=cluster,
        node=node.metadata.name,
        name="kubelet",
        version=version_of(node.status.node_info.kubelet_version),
        silent=dict.fromkeys(("flags", "config", "files", "digests"), _ON_THE_NODE),
    )


def _unseen(name: str, provider: str, answers: Answers, cluster: str) -> Component:
    """A part of the control plane of which there is no pod: a provider runs it, or nobody may see it."""
    why = answers.pods if isinstance(answers.pods, Silence) else _NOBODY
    version = version_of(answers.version) if name == "kube-apiserver" else None
    silent = {} if provider else dict.fromkeys(("flags", "config", "files", "digests"), why)
    return Component(cluster=cluster, name=name, managed=provider, version=version, silent=silent)


def gather(
    client: Client, cluster: str = "", page_size: int = 500, *, configz: bool = False
) -> tuple[Component, ...]:
    """Ask for the lists that `parse` needs and return the components; what is refused is silent.

    `configz` asks every kubelet too, one after another: it takes nodes/proxy, which RBAC-10 finds fault with.
    """
    found = parse(
        Answers(
            pods=_listed(client, PODS, PodOf, page_size),
            nodes=_listed(client, NODES, NodeOf, page_size),
            requests=_listed(client, REQUESTS, RequestOf, page_size),
            version=_version(client),
            proxy_config=_proxy_config(client),
        ),
        cluster,
    )
    return tuple(_asked(client, one) if configz and one.name == "kubelet" else one for one in found)


def _asked(client: Client, kubelet: Component) -> Component:
    """A kubelet with what it tells of itself; where it tells nothing, with why."""
    try:
        text = client.get(f"{NODES}/{kubelet.node}/proxy/configz").decode()
    except Failure as failure:
        why = _silence("configz", failure)
        return replace(kubelet, silent={**kubelet.silent, "flags": why, "config": why})
    return of_configz(kubelet, text)


def _of_kubelet(answer: dict[str, Tree]) -> Tree:
    told = answer.get("kubeletconfig")
    if not isinstance(told, dict):
        raise UsageError(CONFIGZ, "tells no settings")
    return told


def of_configz(kubelet: Component, text: str) -> Component:
    """Return a kubelet with the settings of its answer, in which flags and defaults are applied."""
    try:
        told = _of_kubelet(configs.document(text, CONFIGZ))
    except UsageError as error:
        why = Silence(str(error), "invalid")
        return replace(kubelet, silent={**kubelet.silent, "flags": why, "config": why})
    silent = {name: why for name, why in kubelet.silent.items() if name not in ("flags", "config")}
    return replace(kubelet, flags={}, config=configs.flat(told), config_file=CONFIGZ, silent=silent)


class _Kept(list[T]):
    """A sink that keeps all."""

    def add(self, items: list[T]) -> None:
        self.extend(items)


def _listed(client: Client, path: str, of: type[T], page_size: int) -> Sequence[T] | Silence:
    kept = _Kept[T]()
    try:
        read_list(client, path, of, kept, page_size)
    except Failure as failure:
        return _silence(path.rpartition("/")[2], failure)
    return kept


def _silence(what: str, failure: Failure) -> Silence:
    return Silence(f"{what}: {failure.reason}", failure.cause)


class _Version(Struct, rename="camel"):
    git_version: str = ""


class _ConfigMap(Struct):
    data: dict[str, str] | None = None


def _version(client: Client) -> str:
    try:
        return msgspec.json.decode(client.get("/version"), type=_Version).git_version
    except (Failure, msgspec.DecodeError):
        return ""


def _proxy_config(client: Client) -> str | Silence | None:
    try:
        found = msgspec.json.decode(client.get(PROXY), type=_ConfigMap)
    except Failure as failure:
        return None if failure.cause == "missing" else _silence("ConfigMap kube-proxy", failure)
    except msgspec.DecodeError as error:
        return Silence(f"ConfigMap kube-proxy: {error}", "invalid")
    return (found.data or {}).get(_PROXY_CONFIG)
