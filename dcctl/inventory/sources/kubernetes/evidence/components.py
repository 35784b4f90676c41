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
from dcctl.inventory.sources.kubernetes.evidence.managed import Seen
from dcctl.inventory.sources.kubernetes.listed import NODES, PODS, Listed
from dcctl.inventory.sources.kubernetes.paging import read_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dcctl.inventory.sources.files.documents import Tree
    from dcctl.inventory.sources.http.client import Client

T = TypeVar("T")
_SYSTEM: Final = "kube-system"
_MAPS: Final = Listed("", ("v1",), "configmaps", "how kube-proxy is configured")
_REQUESTS: Final = Listed(
    "certificates.k8s.io",
    ("v1",),
    "certificatesigningrequests",
    "client certificates of persons",
    namespaced=False,
)
LISTS: Final = (PODS, NODES, _MAPS, _REQUESTS)
"""What is asked for, beside the version."""
_CLIENT_SIGNER: Final = "kubernetes.io/kube-apiserver-client"
_ON_THE_NODE: Final = Silence("it is told by the node alone: read it over SSH", "missing")
_NOBODY: Final = Silence("no pod of kube-system runs it, and no node told of it", "missing")
_WHOLE: Final = ("flags", "config", "files", "digests")
"""What says how a component is configured."""
_PROXY_CONFIG: Final = "config.conf"
"""The key of kubeadm's ConfigMap, and the file that the pods are told to read."""


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
    version: str | Silence = ""
    """`gitVersion` of /version; empty: not told."""
    proxy_config: str | Silence | None = None
    """The file that kube-proxy's pods read; None: there is none."""

    @property
    def told_version(self) -> str:
        """The version of the API server; empty: not told."""
        return "" if isinstance(self.version, Silence) else self.version

    @property
    def silence(self) -> Silence | None:
        """Why there may be components that nobody showed."""
        return next((one for one in (self.pods, self.nodes) if isinstance(one, Silence)), None)

    def seen(self) -> list[Seen]:
        """The nodes by what providers leave on them."""
        nodes = () if isinstance(self.nodes, Silence) else self.nodes
        return [
            Seen(one.metadata.name, one.status.node_info.kubelet_version, one.metadata.labels or {})
            for one in nodes
        ]


def parse(answers: Answers, cluster: str = "", provider: str = "") -> tuple[Component, ...]:
    """Return what pods run, a kubelet for each node, and what of the control plane has no pod.

    What a pod does not show is silent: files, and what configuration files say. `provider`: who runs the
    control plane, where that is not the site itself.
    """
    nodes = () if isinstance(answers.nodes, Silence) else answers.nodes
    found = [*_of_pods(answers, cluster), *(_kubelet(node, cluster) for node in nodes)]
    there = {one.name for one in found}
    if isinstance(answers.pods, Silence) and not provider:
        return tuple(found)
    unseen = (name for name in CONTROL_PLANE if name not in there)
    return (*found, *(_unseen(name, provider, cluster) for name in unseen))


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
        fields["version"] = fields["version"] or version_of(answers.told_version)
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
        silent=dict.fromkeys(_WHOLE, _ON_THE_NODE),
    )


def _unseen(name: str, provider: str, cluster: str) -> Component:
    """A part of the control plane of which there is no pod: a provider runs it, or it runs without one."""
    silent = {} if provider else dict.fromkeys(_WHOLE, _NOBODY)
    return Component(cluster=cluster, name=name, managed=provider, silent=silent)


def ask(client: Client, page_size: int = 500) -> Answers:
    """Return what the API server tells of its components; what is refused is silent."""
    return Answers(
        pods=_listed(client, PODS, PodOf, page_size),
        nodes=_listed(client, NODES, NodeOf, page_size),
        requests=_listed(client, _REQUESTS, RequestOf, page_size),
        version=_version(client),
        proxy_config=_proxy_config(client),
    )


def with_configz(client: Client, found: Iterable[Component]) -> tuple[Component, ...]:
    """Return the components, each kubelet with what it tells of itself, one after another.

    It takes nodes/proxy, which RBAC-10 finds fault with.
    """
    return tuple(_asked(client, one) if one.name == "kubelet" else one for one in found)


def _asked(client: Client, kubelet: Component) -> Component:
    """A kubelet with what it tells of itself; where it tells nothing, with why."""
    try:
        text = client.get(f"{NODES.path('v1', None)}/{kubelet.node}/proxy/configz").decode()
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


def _listed(
    client: Client, listed: Listed, of: type[T], page_size: int, query: Mapping[str, str] | None = None
) -> Sequence[T] | Silence:
    """All of a list, of the system's namespace where it has one."""
    kept = _Kept[T]()
    try:
        read_list(client, listed.path(listed.versions[0], _SYSTEM), of, kept, page_size, query=query)
    except Failure as failure:
        return Silence(f"{listed.title}: {failure.reason}", failure.cause)
    return kept


def _silence(what: str, failure: Failure) -> Silence:
    return Silence(f"{what}: {failure.reason}", failure.cause)


class _Version(Struct, rename="camel"):
    git_version: str = ""


class _ConfigMap(Struct):
    data: dict[str, str] | None = None


def _version(client: Client) -> str | Silence:
    try:
        return msgspec.json.decode(client.get("/version"), type=_Version).git_version
    except Failure as failure:
        return _silence("version", failure)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Silence(f"version: {error}", "invalid")


def _proxy_config(client: Client) -> str | Silence | None:
    """The file of kube-proxy, by the list that an audit reads anyway: no right to get it is needed."""
    found = _listed(client, _MAPS, _ConfigMap, 1, {"fieldSelector": "metadata.name=kube-proxy"})
    if isinstance(found, Silence):
        return found
    return next(((one.data or {}).get(_PROXY_CONFIG) for one in found), None)
