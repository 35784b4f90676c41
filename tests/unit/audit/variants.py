"""Labelled manifests, from the Kubernetes API reference and the Pod Security Standards; no check is asked.

A manifest begins as a pod that meets the restricted standard and all that the catalogue asks. A mutation
changes one thing about it and says which checks have to tell; `unclear` are those about which the standards
are silent or disagree. Each mutation is put into containers of every kind and into every kind of owner.
"""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.unit.audit.mutations import NOT_EPHEMERAL, OF_A_CONTAINER, Json, Mutation, container, labels, pod
from tests.unit.audit.mutations_pod import OF_A_POD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMES: Final = frozenset(f"POD-{number:02d}" for number in range(1, 20))


class Variant(NamedTuple):
    """A manifest, the checks that have to fail of it, and those that nobody can blame either way."""

    name: str
    manifest: Json
    fails: frozenset[str]
    unclear: frozenset[str] = frozenset()


def _owned(kind: str, version: str, spec: Json, name: str = "w") -> Json:
    return {"apiVersion": version, "kind": kind, "metadata": {"namespace": "nlp", "name": name}, "spec": spec}


Carrier = tuple[str, "Callable[[Json, Json], Json]"]
"""(kind, what makes an object of a PodSpec that is meant and one that meets everything)."""


def _template(spec: Json) -> Json:
    return {"metadata": {"labels": {"app": "w"}}, "spec": spec}


def _plain(kind: str, version: str) -> Carrier:
    return kind, lambda spec, _good: _owned(kind, version, {"replicas": 2, "template": _template(spec)})


CARRIERS: Final[tuple[Carrier, ...]] = (
    ("Pod", lambda spec, _good: _owned("Pod", "v1", spec)),
    _plain("Deployment", "apps/v1"),
    _plain("DaemonSet", "apps/v1"),
    _plain("StatefulSet", "apps/v1"),
    _plain("ReplicaSet", "apps/v1"),
    _plain("Job", "batch/v1"),
    (
        "CronJob",
        lambda spec, _good: _owned(
            "CronJob", "batch/v1", {"jobTemplate": {"spec": {"template": _template(spec)}}}
        ),
    ),
    (
        "PyTorchJob",
        lambda spec, good: _owned(
            "PyTorchJob",
            "kubeflow.org/v1",
            {
                "pytorchReplicaSpecs": {
                    "Master": {"template": _template(good)},
                    "Worker": {"template": _template(spec)},
                }
            },
        ),
    ),
    (
        "MPIJob",
        lambda spec, good: _owned(
            "MPIJob",
            "kubeflow.org/v2beta1",
            {
                "mpiReplicaSpecs": {
                    "Launcher": {"template": _template(spec)},
                    "Worker": {"template": _template(good)},
                }
            },
        ),
    ),
    (
        "RayCluster",
        lambda spec, good: _owned(
            "RayCluster",
            "ray.io/v1",
            {
                "headGroupSpec": {"template": _template(good)},
                "workerGroupSpecs": [
                    {"groupName": "a", "template": _template(good)},
                    {"groupName": "b", "template": _template(spec)},
                ],
            },
        ),
    ),
    (
        "RayJob",
        lambda spec, good: _owned(
            "RayJob",
            "ray.io/v1",
            {
                "submitterPodTemplate": _template(good),
                "rayClusterSpec": {"headGroupSpec": {"template": _template(spec)}},
            },
        ),
    ),
    (
        "JobSet",
        lambda spec, good: _owned(
            "JobSet",
            "jobset.x-k8s.io/v1alpha2",
            {
                "replicatedJobs": [
                    {"name": "driver", "template": {"spec": {"template": _template(good)}}},
                    {"name": "workers", "template": {"spec": {"template": _template(spec)}}},
                ]
            },
        ),
    ),
    (
        "LeaderWorkerSet",
        lambda spec, good: _owned(
            "LeaderWorkerSet",
            "leaderworkerset.x-k8s.io/v1",
            {"leaderWorkerTemplate": {"leaderTemplate": _template(spec), "workerTemplate": _template(good)}},
        ),
    ),
    (
        "Volcano Job",
        lambda spec, good: _owned(
            "Job",
            "batch.volcano.sh/v1alpha1",
            {
                "tasks": [
                    {"name": "ps", "template": _template(good)},
                    {"name": "worker", "template": _template(spec)},
                ]
            },
        ),
    ),
    (
        "AppWrapper",
        lambda spec, _good: _owned(
            "AppWrapper",
            "workload.codeflare.dev/v1beta2",
            {"components": [{"template": _owned("Deployment", "apps/v1", {"template": _template(spec)})}]},
        ),
    ),
    (
        "List",
        lambda spec, good: {
            "apiVersion": "v1",
            "kind": "List",
            "items": [
                _owned("Deployment", "apps/v1", {"template": _template(good)}, "good"),
                _owned("Deployment", "apps/v1", {"template": _template(spec)}),
            ],
        },
    ),
)


def _placed(mutation: Mutation, turn: str) -> Json:
    """A pod with one more container that has the mutation."""
    spec = pod()
    one = container("odd")
    if turn == "ephemeral":
        one.pop("resources")
    mutation.change(one)
    if turn == "sidecar":
        one["restartPolicy"] = "Always"
    where = {"init": "initContainers", "sidecar": "initContainers", "ephemeral": "ephemeralContainers"}
    if turn == "main":
        spec["containers"][0] = one
    else:
        spec.setdefault(where.get(turn, "containers"), []).append(one)
    return spec


def _specs() -> Iterator[tuple[str, Json, frozenset[str], frozenset[str], bool]]:
    """(name, PodSpec, what fails, what is unclear, whether it can be a template)."""
    for each in OF_A_CONTAINER:
        for turn in each.turns:
            yield f"{turn}: {each.name}", _placed(each, turn), each.fails, each.unclear, turn != "ephemeral"
    for each in OF_A_POD:
        spec = pod()
        each.change(spec)
        yield each.name, spec, each.fails, each.unclear, True


def _default_account_of(manifest: Json, namespace: str) -> Json:
    moved = deepcopy(manifest)
    for one in moved.get("items", [moved]):
        one["metadata"]["namespace"] = namespace
    return moved


def variants(seed: int = 5, each: int = 6) -> Iterator[Variant]:
    """Yield every mutation in some of the carriers, and pairs of them; the same ones for a seed."""
    chance = Random(seed)
    good = pod()
    for name, spec, fails, unclear, templated in _specs():
        some = chance.sample(CARRIERS, each) if templated else CARRIERS[:1]
        for kind, carry in some:
            yield Variant(f"{kind} {name}", carry(spec, good), fails, unclear)
    for _ in range(400):
        one, other = chance.sample(OF_A_CONTAINER, 2)
        first, second = chance.choice(NOT_EPHEMERAL), chance.choice(NOT_EPHEMERAL)
        if first not in one.turns or second not in other.turns:
            continue
        spec = _placed(one, first)
        more = _placed(other, second)
        _merge(spec, more, second)
        kind, carry = chance.choice(CARRIERS)
        name = f"{kind} {first}: {one.name} + {second}: {other.name}"
        unclear = (one.unclear | other.unclear) - one.fails - other.fails
        yield Variant(name, carry(spec, good), one.fails | other.fails, unclear)
    for kind, carry in CARRIERS:
        moved = _default_account_of(carry(good, good), "default")
        yield Variant(f"{kind} in the default namespace", moved, labels("17"))


def _merge(spec: Json, more: Json, turn: str) -> None:
    """Put the odd container of one pod into another, under a name of its own."""
    where = "initContainers" if turn in ("init", "sidecar") else "containers"
    odd = next(one for one in more[where] if one["name"] == "odd")
    odd["name"] = "odder"
    spec.setdefault(where, []).append(odd)
