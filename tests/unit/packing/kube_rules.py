"""The rules by which kube-scheduler keeps a pod off a node, written out plainly on the objects of its API.

An oracle for tests: it shares no code with dcctl, and one node is looked at at a time. Source: the plugins
NodeUnschedulable, TaintToleration, NodeAffinity, NodePorts, NodeResourcesFit, PodTopologySpread and
InterPodAffinity of Kubernetes 1.36.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

Json = dict[str, Any]
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
CORDONED = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
"""The taint that the control plane gives a cordoned node, on which the plugin NodeUnschedulable looks."""
SUFFIXES = {"m": 1, "Mi": 1000 << 20, "Gi": 1000 << 30}


class Cluster(NamedTuple):
    """Nodes, the pods that stand on each by its name, and the labels of namespaces."""

    nodes: list[Json]
    pods: dict[str, list[Json]]
    spaces: dict[str, dict[str, str]]

    def on(self, node: Json) -> list[Json]:
        return self.pods[node["metadata"]["name"]]


def refusals(cluster: Cluster, pod: Json, node: Json) -> set[str]:
    """Every rule that keeps the pod off the node."""
    found = {"cordoned" if taint == CORDONED else "taint" for taint in untolerated(pod, node)}
    found |= set() if selected(pod["spec"], node) else {"labels"}
    there = [port for other in cluster.on(node) for port in host_ports(other)]
    found |= {"port" for mine in host_ports(pod) for other in there if clash(mine, other)}
    found |= short(pod, node, cluster.on(node))
    found |= set() if spread(cluster, pod, node) else {"spread"}
    found |= set() if together(cluster, pod, node) else {"together"}
    found |= {"apart"} if apart(cluster, pod, node) else set()
    return found


def tolerates(toleration: Json, taint: Json) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    return toleration.get("operator") == "Exists" or toleration.get("value", "") == taint.get("value", "")


def untolerated(pod: Json, node: Json) -> list[Json]:
    """The taints that keep the pod out."""
    return [
        taint
        for taint in node["spec"].get("taints", [])
        if taint["effect"] != "PreferNoSchedule"
        and not any(tolerates(each, taint) for each in pod["spec"].get("tolerations", []))
    ]


def holds(expression: Json, labels: dict[str, str]) -> bool:
    key, operator, values = expression["key"], expression["operator"], expression.get("values", [])
    if operator in ("Gt", "Lt"):
        try:
            number, bound = int(labels[key]), int(values[0])
        except (KeyError, ValueError):
            return False
        return number > bound if operator == "Gt" else number < bound
    if operator in ("In", "NotIn"):
        return bool((labels.get(key) in values) == (operator == "In"))
    return bool((key in labels) == (operator == "Exists"))


def selected(spec: Json, node: Json) -> bool:
    """Whether node selector and required node affinity are met."""
    labels = node["metadata"]["labels"]
    if any(labels.get(key) != value for key, value in spec.get("nodeSelector", {}).items()):
        return False
    required = spec.get("affinity", {}).get("nodeAffinity", {}).get(REQUIRED)
    if required is None:
        return True
    fields = {"metadata.name": node["metadata"]["name"]}
    return any(
        (term.get("matchExpressions") or term.get("matchFields"))
        and all(holds(each, labels) for each in term.get("matchExpressions", []))
        and all(holds(each, fields) for each in term.get("matchFields", []))
        for term in required["nodeSelectorTerms"]
    )


def host_ports(pod: Json) -> list[tuple[str, int, str]]:
    spec = pod["spec"]
    running = [each for each in spec.get("initContainers", []) if each.get("restartPolicy") == "Always"]
    found = []
    for each in (*spec["containers"], *running):
        for port in each.get("ports", []):
            number = port.get("hostPort") or (port["containerPort"] if spec.get("hostNetwork") else 0)
            if number:
                found.append((port["protocol"], number, port.get("hostIP") or "0.0.0.0"))
    return found


def clash(one: tuple[str, int, str], other: tuple[str, int, str]) -> bool:
    return one[:2] == other[:2] and (one[2] == other[2] or "0.0.0.0" in (one[2], other[2]))


def number(text: str) -> int:
    """A quantity, in thousandths."""
    for suffix, factor in SUFFIXES.items():
        if text.endswith(suffix):
            return int(text.removesuffix(suffix)) * factor
    return int(float(text)) * 1000


def requests(pod: Json) -> dict[str, int]:
    """What counts for a pod: all that runs at once, at its peak."""
    spec = pod["spec"]
    most: Counter[str] = Counter()
    sidecars: Counter[str] = Counter()
    for each in spec.get("initContainers", []):
        now = sidecars + asked(each)
        if each.get("restartPolicy") == "Always":
            sidecars = now
        most |= now
    running = sum((asked(each) for each in spec["containers"]), sidecars)
    total = dict(most | running) | asked(spec)
    for name, amount in spec.get("overhead", {}).items():
        total[name] = total.get(name, 0) + number(amount)
    return total


def asked(part: Json) -> Counter[str]:
    amounts = part.get("resources", {}).get("requests", {})
    return Counter({name: number(amount) for name, amount in amounts.items()})


def short(pod: Json, node: Json, there: list[Json]) -> set[str]:
    """Names of amounts of which too little is left."""
    offered = {name: number(amount) for name, amount in node["status"]["allocatable"].items()}
    wanted = requests(pod) | {"pods": 1000}
    held: Counter[str] = Counter()
    for other in there:
        held.update(requests(other) | {"pods": 1000})
    return {name for name, amount in wanted.items() if amount and amount > offered.get(name, 0) - held[name]}


def chosen(selector: Json | None, pod: Json, own: Json, keys: Json) -> bool:
    """Whether a selector, with the keys of labels whose values are those of the pod `own`, selects a pod."""
    if selector is None:
        return False
    labels, mine = pod["metadata"]["labels"], own["metadata"]["labels"]
    same, other = keys.get("matchLabelKeys", []), keys.get("mismatchLabelKeys", [])
    return (
        all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
        and all(holds(each, labels) for each in selector.get("matchExpressions", []))
        and all(labels.get(key) == mine[key] for key in same if key in mine)
        and all(labels.get(key) != mine[key] for key in other if key in mine)
    )


def spread(cluster: Cluster, pod: Json, node: Json) -> bool:
    rules = [
        each
        for each in pod["spec"].get("topologySpreadConstraints", [])
        if each["whenUnsatisfiable"] == "DoNotSchedule"
    ]
    return all(even(cluster, pod, node, each, rules) for each in rules)


def even(cluster: Cluster, pod: Json, node: Json, rule: Json, rules: list[Json]) -> bool:
    key, selector = rule["topologyKey"], rule.get("labelSelector")
    counts: Counter[str] = Counter()
    for other in cluster.nodes:
        labels = other["metadata"]["labels"]
        if any(each["topologyKey"] not in labels for each in rules):
            continue
        if rule.get("nodeAffinityPolicy") != "Ignore" and not selected(pod["spec"], other):
            continue
        if rule.get("nodeTaintsPolicy") == "Honor" and untolerated(pod, other):
            continue
        mates = [each for each in cluster.on(other) if counted(each, pod)]
        counts[labels[key]] += sum(
            chosen(selector, each, pod, rule) for each in mates if selector or rule.get("matchLabelKeys")
        )
    if key not in node["metadata"]["labels"]:
        return False
    least = min(counts.values(), default=0) if len(counts) >= rule.get("minDomains", 1) else 0
    own = chosen(selector, pod, pod, rule)
    return counts[node["metadata"]["labels"][key]] + own - least <= int(rule["maxSkew"])


def counted(one: Json, pod: Json) -> bool:
    return same_space(one, pod) and "deletionTimestamp" not in one["metadata"]


def same_space(one: Json, other: Json) -> bool:
    return bool(one["metadata"]["namespace"] == other["metadata"]["namespace"])


def terms(pod: Json, kind: str) -> list[Json]:
    return list(pod["spec"].get("affinity", {}).get(kind, {}).get(REQUIRED, []))


def about(cluster: Cluster, term: Json, own: Json, pod: Json) -> bool:
    """Whether a term of the pod `own` is about a pod."""
    named, space, wanted = (
        term.get("namespaces", []),
        pod["metadata"]["namespace"],
        term.get("namespaceSelector"),
    )
    if wanted is not None:
        labels = cluster.spaces[space]
        inside = space in named or wanted.get("matchLabels", {}).items() <= labels.items()
    else:
        inside = space in named if named else same_space(pod, own)
    return bool(inside) and chosen(term.get("labelSelector"), pod, own, term)


def together(cluster: Cluster, pod: Json, node: Json) -> bool:
    wanted = terms(pod, "podAffinity")
    pairs = set()
    for other in cluster.nodes:
        if any(all(about(cluster, term, pod, each) for term in wanted) for each in cluster.on(other)):
            keys = {term["topologyKey"] for term in wanted}
            pairs |= {pair for pair in other["metadata"]["labels"].items() if pair[0] in keys}
    labels = node["metadata"]["labels"]
    if any(term["topologyKey"] not in labels for term in wanted):
        return False
    if all((term["topologyKey"], labels[term["topologyKey"]]) in pairs for term in wanted):
        return True
    return not pairs and all(about(cluster, term, pod, pod) for term in wanted)


def apart(cluster: Cluster, pod: Json, node: Json) -> bool:
    """Whether it would stand beside whom it must not, or beside who will not have it."""
    labels = node["metadata"]["labels"]
    for other in cluster.nodes:
        for each in cluster.on(other):
            keys = [
                term["topologyKey"]
                for term in terms(pod, "podAntiAffinity")
                if about(cluster, term, pod, each)
            ]
            keys += [
                term["topologyKey"]
                for term in terms(each, "podAntiAffinity")
                if about(cluster, term, each, pod)
            ]
            theirs = other["metadata"]["labels"]
            if any(key in labels and labels[key] == theirs.get(key) for key in keys):
                return True
    return False
