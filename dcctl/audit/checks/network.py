"""NetworkPolicies: who of the cluster may reach whom."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, cast

from dcctl.audit.check import Fault, Unsure, check
from dcctl.audit.facts.images import image
from dcctl.audit.facts.reach import ANYWHERE, selects
from dcctl.audit.facts.telling import some
from dcctl.audit.facts.trusted import is_tenant
from dcctl.audit.facts.works import by_namespace
from dcctl.inventory.placement import Selector

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.admission import Namespace
    from dcctl.inventory.evidence.cluster import Cluster
    from dcctl.inventory.evidence.network import Allowed, Attachment, NetworkPolicy, Peer
    from dcctl.inventory.evidence.pods import Work

_SYSTEM: Final = "namespaces of the system, and of what sets up its nodes"
_EVERYTHING: Final = Selector()
_ENFORCING: Final = re.compile(
    r"/(?:calico/node|cilium/cilium|cilium|antrea/antrea-agent\w*|antrea-agent|weave-npc|kube-router"
    r"|ovn-kubernetes|ovn-kube\w*|azure-npm|canal)$"
)
"""Images of networks that hold to policies."""
_LAX: Final = re.compile(r"/(?:flannel|mirrored-flannel|mirrored-flannelcni-flannel|kube-ovn-none)$")
"""Images of networks that take policies and do nothing."""
_TELLING_APART: Final = ("-name", "-index", "-hash", "-uid", "-key")
"""Ends of labels that tell the pods of one workload apart; no workload has them in evidence."""
_ON_THE_NODE: Final = ("bridge", "ptp", "loopback", "dummy", "tuning")


def _by_space(scene: Scene) -> dict[tuple[str, str], list[NetworkPolicy]]:
    """The policies by (cluster, namespace). Raises Unsure where they were not told."""
    found: dict[tuple[str, str], list[NetworkPolicy]] = {}
    for one in cast("tuple[NetworkPolicy, ...]", scene.told("network_policies")):
        found.setdefault((one.cluster, one.namespace), []).append(one)
    return found


def _policies(cluster: str, namespace: str, scene: Scene) -> Sequence[NetworkPolicy]:
    return scene.once(_by_space).get((cluster, namespace), ())


def _no_tenant(one: Namespace, scene: Scene) -> str:
    return "" if is_tenant(one.name, scene) else _SYSTEM


@check(
    "NET-01",
    "Any pod may reach the pods of a namespace",
    "medium",
    tier="A",
    over="namespaces",
    refs=("cis-1.12:5.3.2", "nsa:C-0054", "800-53:AC-4", "soc2:CC6.6", "iso:A.8.22", "mlps:8.1.4.2"),
    why="One pod that is broken into reaches the databases, notebooks and dashboards of all other tenants.",
    fix="Add a NetworkPolicy with podSelector: {} and policyTypes: [Ingress], then allow what is needed.",
    applies=_no_tenant,
)
def no_default(one: Namespace, scene: Scene) -> Iterator[Fault]:
    """A policy selects all pods of each namespace of tenants, and closes the way in."""
    found = _policies(one.cluster, one.name, scene)
    if not found:
        yield Fault("has no NetworkPolicy", "ingress")
    elif not any(each.pods == _EVERYTHING and each.ingress == () for each in found):
        yield Fault("no policy selects all of its pods and closes the way in", "ingress")


def _not_policed(work: Work, scene: Scene) -> str:
    if not is_tenant(work.namespace, scene):
        return _SYSTEM
    if work.shapes and all(shape.host_network for shape in work.shapes):
        return "pods in the network of their node, for which no policy holds (POD-04)"
    if not _policies(work.cluster, work.namespace, scene):
        return "namespaces without any policy (NET-01)"
    return ""


@check(
    "NET-02",
    "No policy is about the pods of a workload",
    "low",
    tier="A",
    over="workloads",
    needs=("shapes",),
    refs=("dcctl:unpoliced-pods", "cis-1.12:5.3.2", "800-53:AC-4", "soc2:CC6.6", "iso:A.8.22"),
    why="What nobody selects is open in that direction: the data of a job can leave to any address.",
    fix="Add policies that select its labels, one for what comes in and one for what goes out.",
    applies=_not_policed,
)
def unpoliced(work: Work, scene: Scene) -> Iterator[Fault]:
    """Some policy selects the pods for what comes in, and some for what goes out."""
    found = _policies(work.cluster, work.namespace, scene)
    for way in ("ingress", "egress"):
        held = [each.pods for each in found if getattr(each, way) is not None]
        if any(not any(selects(each, labels) for each in held) for labels in work.labels):
            yield Fault(f"no policy is about its {way}", way)


def _elsewhere(one: NetworkPolicy, scene: Scene) -> str:
    return "" if is_tenant(one.namespace, scene) else _SYSTEM


@check(
    "NET-03",
    "A policy selects nothing, or lets everything through",
    "low",
    tier="A",
    over="network_policies",
    refs=("dcctl:idle-policy", "800-53:CM-6", "soc2:CC6.6", "iso:A.8.20"),
    why="Whoever sees it believes that there is a boundary.",
    fix="Correct its podSelector; name who may pass, or the ports; or delete it.",
    applies=_elsewhere,
)
def idle(one: NetworkPolicy, scene: Scene) -> Iterator[Fault]:
    """Every policy selects some pod, and no rule of it has neither peers nor ports."""
    scene.told("workloads")
    works = scene.once(by_namespace).get((one.cluster, one.namespace), ())
    if _is_told(one.pods) and not any(selects(one.pods, labels) for work in works for labels in work.labels):
        yield Fault("selects no pod", "podSelector")
    for way, rules in (("ingress", one.ingress), ("egress", one.egress)):
        if any(map(_lets_all, rules or ())):
            yield Fault(f"lets everything through ({way})", way)


def _is_told(selector: Selector) -> bool:
    """Whether it selects by labels that workloads have in evidence, if by any."""
    keys = (*selector.labels, *(each.key for each in selector.expressions))
    return bool(keys) and not any(key.endswith(_TELLING_APART) for key in keys)


def _lets_all(rule: Allowed) -> bool:
    return not rule.ports and (not rule.peers or any(map(_is_everybody, rule.peers)))


def _is_everybody(peer: Peer) -> bool:
    if peer.addresses:
        return peer.addresses in ANYWHERE and not peer.excepted
    return peer.namespaces == _EVERYTHING and peer.pods in (None, _EVERYTHING)


@check(
    "NET-04",
    "The network does not hold to policies",
    "high",
    tier="A",
    over="clusters",
    refs=("cis-1.12:5.3.1", "800-53:SC-7", "soc2:CC6.6", "iso:A.8.20"),
    why="The API server takes NetworkPolicies, and nothing happens: all pods reach all others.",
    fix="Use a network that enforces them (Calico, Cilium, Antrea), or add one beside (Canal).",
)
def lax(cluster: Cluster, scene: Scene) -> Iterator[Fault]:
    """A DaemonSet of the cluster is of a network that is known to enforce policies."""
    scene.told("workloads")
    sets = cast("tuple[Work, ...]", scene.of("workloads"))
    names = {
        image(text).name
        for work in sets
        if work.cluster == cluster.cluster and work.kind == "DaemonSet"
        for text in work.images.values()
    }
    if any(map(_ENFORCING.search, names)):
        return
    found = sorted(name for name in names if _LAX.search(name))
    if not found:
        raise Unsure("no DaemonSet is of a network that dcctl knows")
    yield Fault(f"{found[0]} enforces no NetworkPolicy", "cni")


def _stays(one: Attachment, _scene: Scene) -> str:
    here = one.type in _ON_THE_NODE and not one.resource
    return "networks that do not leave their node" if here else ""


@check(
    "NET-08",
    "Pods of a tenant are in a network for RDMA or storage",
    "medium",
    tier="A",
    over="attachments",
    refs=("dcctl:foreign-attachment", "800-53:SC-7", "soc2:CC6.6", "iso:A.8.22", "mlps:8.1.4.2"),
    why="No NetworkPolicy holds there: what reads and writes memory or file servers by address is in reach.",
    fix="Name the namespaces that may join in audit.network.approved, and take the others out.",
    applies=_stays,
)
def joined(one: Attachment, scene: Scene) -> Iterator[Fault]:
    """Pods join second networks of their own namespace, and others where the policy approves."""
    scene.told("workloads")
    network = f"{one.namespace}/{one.name}"
    users: dict[str, list[str]] = {}
    for work in cast("tuple[Work, ...]", scene.of("workloads")):
        if work.cluster == one.cluster and network in work.networks:
            users.setdefault(work.namespace, []).append(work.name)
    for space, names in sorted(users.items()):
        if space != one.namespace and is_tenant(space, scene) and not _approved(network, space, scene):
            yield Fault(f"{some(names)} of {space} may reach it", space)


def _approved(network: str, space: str, scene: Scene) -> bool:
    return any(
        fnmatchcase(network, one.network) and any(fnmatchcase(space, each) for each in one.namespaces)
        for one in scene.policy.network.approved
    )
