"""A small data centre, and pods made by chance from a seed: every rule about places that dcctl knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.controlplane.workloads import namespace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random

    from tests.controlplane.client import Json

HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
RACK = "topology.kubernetes.io/rack"
GPU, MIG, FPGA, SHARED = (
    "nvidia.com/gpu",
    "nvidia.com/mig-1g.10gb",
    "example.com/fpga",
    "nvidia.com/gpu.shared",
)
SPACES = {
    "red": {"team": "red"},
    "blue": {"team": "blue", "env": "prod"},
    "green": {"team": "red", "env": "prod"},
    "plain": {},
}
NODES = 60
GIB = "Gi"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
GATE = "dcctl.test/later"
HEAVY = "heavy"
"""A class of containers with overhead."""


def surroundings() -> list[Json]:
    """Namespaces, and a class of containers that takes more than its containers ask for."""
    spaces = [namespace(name) for name in SPACES]
    for each in spaces:
        each["metadata"]["labels"] = SPACES[each["metadata"]["name"]]
    heavy = {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": HEAVY},
        "handler": HEAVY,
        "overhead": {"podFixed": {"cpu": "750m", "memory": "512Mi"}},
    }
    return [*spaces, heavy]


def nodes() -> Iterator[Json]:
    """Nodes of six shapes in four zones; some are tainted, cordoned or lack a label."""
    for at in range(NODES):
        name = f"node-{at:02d}"
        spec: Json = {"taints": _taints(at), "unschedulable": at % 20 == 7}
        yield {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": name,
                "annotations": {"kwok.x-k8s.io/node": "fake"},
                "labels": _labels(at, name),
            },
            "spec": spec,
            "status": _offered(at),
        }


def _labels(at: int, name: str) -> dict[str, str]:
    labels = {HOSTNAME: name, "gen": ("1", "2", "3", "10", "x9", "5", "007")[at % 7]}
    labels |= {"disk": "ssd" if at % 3 else "hdd"} if at % 5 else {}
    labels |= {ZONE: f"z{at % 4}"} if at % 15 != 14 else {}
    labels |= {RACK: f"r{at // 5:02d}"} if at % 11 != 10 else {}
    return labels | ({f"{GPU}.product": "NVIDIA-H100-80GB-HBM3"} if at % 6 in (0, 1) else {})


def _taints(at: int) -> list[Json]:
    found = [{"key": GPU, "value": "present", "effect": "NoSchedule"}] if at % 6 == 0 else []
    found += [{"key": "dedicated", "value": "batch", "effect": "NoExecute"}] if at % 13 == 3 else []
    found += [{"key": "dedicated", "value": "web", "effect": "NoSchedule"}] if at % 13 == 5 else []
    found += [{"key": "spot", "effect": "PreferNoSchedule"}] if at % 7 == 2 else []
    return found


def _offered(at: int) -> Json:
    """What a node of each shape has, and what of it is handed out."""
    cpus = (48, 32, 16, 16, 24, 8)[at % 6]
    there = {"cpu": str(cpus), "memory": f"{cpus * 4}{GIB}", "pods": "5" if at % 10 == 4 else "32"}
    there |= {"ephemeral-storage": "200Gi"} if at % 9 != 8 else {}
    there |= ({GPU: "8"}, {GPU: "4"}, {MIG: "14"}, {FPGA: "3"}, {SHARED: "8"}, {})[at % 6]
    less = {"cpu": f"{cpus * 1000 - 500}m", "memory": f"{cpus * 4 - 2}{GIB}"}
    less |= {GPU: "6"} if at % 24 == 12 else {}  # two boards are sick
    return {"capacity": there, "allocatable": there | less}


def pod(rng: Random, name: str) -> Json:
    """One pod: what it asks for, and up to three rules about where."""
    labels = {"app": rng.choice("abcd"), "rev": rng.choice("12")}
    labels |= {"tier": rng.choice(("front", "back"))} if rng.random() < 0.6 else {}
    spec: Json = {"schedulingGates": [{"name": GATE}], "terminationGracePeriodSeconds": 0}
    _demand(rng, spec)
    for rule in rng.sample(RULES, rng.choices(range(4), (30, 40, 20, 10))[0]):
        rule(rng, spec)
    _tolerations(rng, spec)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": rng.choice(list(SPACES)), "labels": labels},
        "spec": spec,
    }


def _container(name: str, asked: Json, **more: object) -> Json:
    whole = {key: value for key, value in asked.items() if "/" in key}
    return {
        "name": name,
        "image": "registry.test/a:1",
        "resources": {"requests": asked, "limits": whole},
        **more,
    }


def _basic(rng: Random) -> Json:
    cpu = rng.choice(("250m", "1", "1500m", "2", "3", "4", "6", "12"))
    return {"cpu": cpu, "memory": rng.choice(("256Mi", "2Gi", "6Gi", "9e9", "20Gi"))}


def _devices(rng: Random) -> Json:
    name, most = rng.choice(((GPU, 4), (GPU, 8), (MIG, 5), (FPGA, 2), (SHARED, 3), ("amd.com/gpu", 1)))
    return {name: str(rng.randint(1, most))}


def _demand(rng: Random, spec: Json) -> None:
    """Containers of all sorts."""
    asked = {} if rng.random() < 0.05 else _basic(rng)
    asked |= _devices(rng) if rng.random() < 0.3 else {}
    asked |= {"ephemeral-storage": rng.choice(("1Gi", "60Gi"))} if rng.random() < 0.15 else {}
    spec["containers"] = [_container("main", asked)]
    match rng.randrange(10):
        case 0:
            spec["containers"].append(_container("second", _basic(rng)))
        case 1:
            spec["initContainers"] = [_container("init", _basic(rng) | {"cpu": "7"})]
        case 2:
            sidecar = _container("sidecar", {"cpu": "1"}, restartPolicy="Always")
            others = [_container("init", _basic(rng)), sidecar]
            spec["initContainers"] = others if rng.random() < 0.5 else others[::-1]
        case 3:
            spec["runtimeClassName"] = HEAVY
        case 4:
            spec["resources"] = {"requests": {"cpu": "13", "memory": "22Gi"}}


def _tolerations(rng: Random, spec: Json) -> None:
    """Those that a pod with GPUs mostly has, and others."""
    forms: list[Json] = [
        {"key": GPU, "operator": "Exists", "effect": "NoSchedule"},
        {"key": GPU, "value": "present"},
        {"key": GPU, "operator": "Equal", "value": "absent"},
        {"key": "dedicated", "operator": "Exists"},
        {"key": "dedicated", "operator": "Equal", "value": "batch", "effect": "NoExecute"},
        {"key": "dedicated", "value": "web", "effect": "PreferNoSchedule"},
        {"operator": "Exists", "effect": "NoSchedule"},
        {"operator": "Exists"},
        {"key": "node.kubernetes.io/unschedulable", "operator": "Exists", "effect": "NoSchedule"},
        {
            "key": "dedicated",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": 9000,
        },
    ]
    chosen = rng.sample(forms, rng.choices((0, 1, 2), (6, 3, 1))[0])
    if GPU in spec["containers"][0]["resources"]["limits"] and rng.random() < 0.6:
        chosen.append(forms[0])
    spec["tolerations"] = chosen


def _node_selector(rng: Random, spec: Json) -> None:
    wanted = ({"disk": "ssd"}, {"disk": "hdd", ZONE: "z1"}, {ZONE: "z3"}, {RACK: "r03"}, {"gen": "10"})
    spec["nodeSelector"] = rng.choice(wanted)


def _expression(rng: Random) -> Json:
    key, values = rng.choice(
        ((ZONE, ["z0", "z1", "z9"]), ("disk", ["ssd", "nvme"]), (RACK, ["r01", "r02", "r05", "r07"]))
    )
    match rng.randrange(6):
        case 0:
            return {"key": key, "operator": rng.choice(("Exists", "DoesNotExist"))}
        case 1 | 2:
            values = [rng.choice(("0", "2", "9", "ten"))]
            return {"key": "gen", "operator": rng.choice(("Gt", "Lt")), "values": values}
    operator = rng.choice(("In", "NotIn"))
    return {"key": key, "operator": operator, "values": rng.sample(values, rng.randint(1, len(values)))}


def _term(rng: Random) -> Json:
    made: Json = {}
    if count := rng.choices((0, 1, 2), (1, 6, 3))[0]:
        made["matchExpressions"] = [_expression(rng) for _ in range(count)]
    if rng.random() < 0.15:
        operator, at = rng.choice(("In", "NotIn")), rng.randrange(NODES + 5)
        made["matchFields"] = [{"key": "metadata.name", "operator": operator, "values": [f"node-{at:02d}"]}]
    return made


_DISK = {"key": "disk", "operator": "In", "values": ["ssd"]}


def _node_affinity(rng: Random, spec: Json) -> None:
    terms = [_term(rng) for _ in range(rng.choices((1, 2, 3), (5, 3, 1))[0])]
    chosen: Json = {REQUIRED: {"nodeSelectorTerms": terms}}
    if rng.random() < 0.2:
        chosen[PREFERRED] = [{"weight": 9, "preference": {"matchExpressions": [_DISK]}}]
    spec.setdefault("affinity", {})["nodeAffinity"] = chosen


def _selector(rng: Random) -> Json:
    """A selector of pods, from one that none meets to one that all meet."""
    forms: list[Callable[[], Json]] = [
        lambda: {"matchLabels": {"app": rng.choice("abcd")}},
        lambda: {"matchLabels": {"app": rng.choice("abcd"), "tier": "front"}},
        lambda: {"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "b"]}]},
        lambda: {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a", "c"]}]},
        lambda: {"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]},
        lambda: {
            "matchExpressions": [{"key": "tier", "operator": "Exists"}],
            "matchLabels": {"app": "d"},
        },
        lambda: {"matchLabels": {"app": "nobody"}},
        dict,
    ]
    return rng.choices(forms, (6, 4, 3, 2, 2, 2, 1, 2))[0]()


def _spread(rng: Random, spec: Json) -> None:
    hard = rng.random() < 0.85
    made = []
    for key in rng.sample((ZONE, RACK, HOSTNAME, "disk"), rng.choices((1, 2), (4, 1))[0]):
        each: Json = {"topologyKey": key, "maxSkew": rng.randint(1, 3)}
        each["whenUnsatisfiable"] = "DoNotSchedule" if hard else "ScheduleAnyway"
        if rng.random() < 0.95:
            each["labelSelector"] = _selector(rng)
            each |= {"matchLabelKeys": ["rev", "absent"]} if rng.random() < 0.2 else {}
        each |= {"minDomains": rng.randint(1, 6)} if hard and rng.random() < 0.25 else {}
        each |= {"nodeAffinityPolicy": rng.choice(("Honor", "Ignore"))} if rng.random() < 0.4 else {}
        each |= {"nodeTaintsPolicy": rng.choice(("Honor", "Ignore"))} if rng.random() < 0.4 else {}
        made.append(each)
    spec["topologySpreadConstraints"] = made


def _pod_term(rng: Random, keys: Sequence[str]) -> Json:
    made: Json = {"topologyKey": rng.choice(keys)}
    if rng.random() < 0.97:
        made["labelSelector"] = _selector(rng)
        made |= {"matchLabelKeys": ["rev"]} if rng.random() < 0.15 else {}
        if "matchLabelKeys" not in made and rng.random() < 0.15:
            made["mismatchLabelKeys"] = ["rev"]
    if rng.random() < 0.25:
        made["namespaces"] = rng.sample(list(SPACES), rng.randint(1, 2))
    if rng.random() < 0.25:
        labels = rng.choice(({"team": "red"}, {"env": "prod"}, {"team": "nobody"}))
        made["namespaceSelector"] = {"matchLabels": labels} if rng.random() < 0.8 else {}
    return made


def _together(rng: Random, spec: Json) -> None:
    terms = [_pod_term(rng, (ZONE, RACK, HOSTNAME, "disk")) for _ in range(rng.choices((1, 2), (5, 1))[0])]
    spec.setdefault("affinity", {})["podAffinity"] = {REQUIRED: terms}


def _apart(rng: Random, spec: Json) -> None:
    """Mostly few others far away: whoever keeps away all others from a zone leaves no room in it."""
    terms = [_pod_term(rng, (HOSTNAME, HOSTNAME, RACK, ZONE)) for _ in range(rng.choices((1, 2), (5, 1))[0])]
    chosen: Json = {REQUIRED: terms}
    if rng.random() < 0.2:
        chosen[PREFERRED] = [{"weight": 5, "podAffinityTerm": _pod_term(rng, (ZONE,))}]
    spec.setdefault("affinity", {})["podAntiAffinity"] = chosen


def _ports(rng: Random, spec: Json) -> None:
    port: Json = {"containerPort": 8000 + rng.randrange(3), "protocol": rng.choice(("TCP", "TCP", "UDP"))}
    if rng.random() < 0.3:
        spec["hostNetwork"] = True
    else:
        port["hostPort"] = 8000 + rng.randrange(3)
        port |= rng.choice(({}, {"hostIP": "0.0.0.0"}, {"hostIP": "127.0.0.1"}, {"hostIP": "10.0.0.1"}))
    kept = [each for each in spec.get("initContainers", ()) if "restartPolicy" in each]
    (kept or spec["containers"])[-1]["ports"] = [port]


RULES: tuple[Callable[[Random, Json], None], ...] = (
    _node_selector,
    _node_affinity,
    _spread,
    _spread,
    _together,
    _apart,
    _ports,
)
