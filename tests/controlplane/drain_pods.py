"""Pods of a node made by chance, with all that `kubectl drain` looks at, and flags for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from tests.controlplane.client import Json

SPACES = ("drain-a", "drain-b", "drain-c")
THERE, GONE = "agent", "forgotten"
"""Names of a DaemonSet that every namespace has, and of one that none has."""
SETS = tuple(f"{space}/{THERE}" for space in SPACES)
HELD = "dcctl.test/held"
"""A finalizer: without it a pod that is deleted at once would be gone."""
MIRROR = "kubernetes.io/config.mirror"
_KINDS = (
    ("apps/v1", "ReplicaSet", "web"),
    ("batch/v1", "Job", "train"),
    ("apps/v1", "StatefulSet", "db"),
    ("v1", "ReplicationController", "old"),
    ("apps/v1", "DaemonSet", THERE),
    ("apps/v1", "DaemonSet", THERE),
    ("apps/v1", "DaemonSet", GONE),
    ("extensions/v1beta1", "DaemonSet", THERE),
)
_VOLUMES: tuple[Json, ...] = (
    {"emptyDir": {}},
    {"emptyDir": {"medium": "Memory"}},
    {"emptyDir": {"sizeLimit": "1Gi"}},
    {"configMap": {"name": "c"}},
    {"hostPath": {"path": "/dev/shm"}},
)


def pods(rng: Random, node: str) -> list[Json]:
    """Up to nine pods in the order in which a server lists them; some sets have no trouble in them."""
    calm = rng.random() < 0.3
    made = [pod(rng, f"{node}-{number}", node, calm=calm) for number in range(rng.choice((0, 1, 2, 3, 5, 9)))]
    return sorted(made, key=lambda one: (one["metadata"]["namespace"], one["metadata"]["name"]))


def pod(rng: Random, name: str, node: str, *, calm: bool) -> Json:
    """One pod; a calm one has a controller that is no DaemonSet, and no files of its own."""
    meta: Json = {"name": name, "namespace": rng.choice(SPACES), "uid": f"uid-{name}"}
    meta["labels"] = {"app": rng.choice("abc"), "tier": rng.choice(("front", "back"))}
    meta["ownerReferences"] = [_owner(_KINDS[rng.randrange(4)], True)] if calm else _owners(rng)
    if rng.random() < 0.12:
        meta["annotations"] = {MIRROR: rng.choice(("", "0123abcd"))}
    if rng.random() < 0.2:
        meta |= {"deletionTimestamp": _dying(rng), "finalizers": [HELD], "deletionGracePeriodSeconds": 0}
    if not calm and rng.random() < 0.35:
        volumes = [rng.choice(_VOLUMES) for _ in range(rng.randint(1, 2))]
    else:
        volumes = rng.sample(_VOLUMES[3:], rng.randint(0, 1))
    phase = rng.choices(("Running", "Pending", "Unknown", "Succeeded", "Failed"), (6, 1, 1, 1, 1))[0]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {
            "nodeName": node,
            "containers": [{"name": "main", "image": "a:1"}],
            "terminationGracePeriodSeconds": 0,
            "volumes": [{"name": f"v{at}", **each} for at, each in enumerate(volumes)],
        },
        "status": {"phase": phase},
    }


def _owners(rng: Random) -> list[Json]:
    """None to three, of which one at most controls the pod."""
    count = rng.choices((0, 1, 2, 3), (2, 6, 2, 1))[0]
    kinds = [rng.choice(_KINDS) for _ in range(count)]
    boss = rng.randrange(count + 1) if rng.random() < 0.3 else 0
    return [_owner(kind, at == boss or rng.choice((False, None))) for at, kind in enumerate(kinds)]


def _owner(kind: tuple[str, str, str], controls: bool | None) -> Json:
    version, name_of_kind, name = kind
    made = {"apiVersion": version, "kind": name_of_kind, "name": name, "uid": f"uid-{name}"}
    return made | ({} if controls is None else {"controller": controls})


def _dying(rng: Random) -> str:
    """When it was deleted: long ago, lately, or it has time until then."""
    since_s = rng.choice((7 * 86400, 4000, 700, 200, 0, -200, -4000))
    moment = datetime.now(UTC) - timedelta(seconds=since_s)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def flags(rng: Random) -> list[str]:
    """Those that decide about pods."""
    found = [
        each for each in ("--force", "--ignore-daemonsets", "--delete-emptydir-data") if rng.random() < 0.65
    ]
    if rng.random() < 0.4:
        found.append(f"--skip-wait-for-delete-timeout={rng.choice((-5, 0, 60, 500, 3600))}")
    if rng.random() < 0.25:
        selectors = ("app=a", "app!=b", "app in (a,b),tier=front", "!tier", "tier", "app notin (c)")
        found.append(f"--pod-selector={rng.choice(selectors)}")
    return found
