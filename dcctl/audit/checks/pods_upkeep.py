"""Pods: memory, GPUs, where they are, and secrets that are written in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.audit.check import Fault, Unsure, check
from dcctl.audit.facts.exempt import containers, known_for, once
from dcctl.audit.facts.paths import GPUS, by_container
from dcctl.audit.scene import DERIVED, MADE_OF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.base import Subject
    from dcctl.inventory.evidence.pods import Config, Container, Shape, Work

_NO_DEVICES: Final = ("", "none", "void")
"""What NVIDIA_VISIBLE_DEVICES says where it gives none."""
_DEFAULT: Final = "default"


@check(
    "POD-14",
    "A container may take all memory of its node",
    "low",
    tier="A",
    over="workloads",
    needs=("shapes",),
    refs=("nsa:C-0271", "soc2:A1.1", "iso:A.8.6"),
    why="When it does, the kernel ends others: a training job loses a member for a leak in a web server.",
    fix="Set resources.limits.memory; for jobs with GPUs the same as the request (Guaranteed).",
    applies=known_for("POD-14"),
)
@once
def memory(work: Work, scene: Scene) -> Iterator[Fault]:
    """Every container that stays has a memory limit (0 is none); with a GPU, its request is its limit."""
    for shape, one in containers(work, "POD-14", scene):
        if one.turn not in ("main", "sidecar") or shape.memory_most:
            continue
        if not one.memory_most:
            yield Fault(f"{one.name} has no memory limit", one.name)
        elif one.devices_most and (one.memory_asked or one.memory_most) < one.memory_most:
            yield Fault(f"{one.name} has a GPU and is not Guaranteed its memory", one.name, "info")


@check(
    "POD-15",
    "A container reaches GPUs that it was not given",
    "medium",
    tier="A",
    over="workloads",
    needs=("shapes",),
    refs=("dcctl:unrequested-gpu", "800-53:AC-3", "soc2:CC6.1", "iso:A.8.3"),
    why="It uses the GPU of another job, which slows down or runs out of memory, and nobody bills it.",
    fix="Ask for nvidia.com/gpu in limits; take NVIDIA_VISIBLE_DEVICES and /dev/nvidia* away.",
    applies=known_for("POD-15"),
)
@once
def unasked(work: Work, scene: Scene) -> Iterator[Fault]:
    """What sees devices has a limit or a claim for them; a request of GPUs has a limit that is the same."""
    for shape, one in containers(work, "POD-15", scene):
        if one.devices_most:
            continue
        if one.devices_asked:
            yield Fault(f"{one.name} asks for {one.devices_asked[0]} and has no limit of it", one.name)
        elif (one.visible or "").strip() not in _NO_DEVICES:
            yield Fault(f"{one.name} sees GPUs by NVIDIA_VISIBLE_DEVICES, and asks for none", one.name)
        elif _has_devices(one, shape):
            yield Fault(f"{one.name} mounts devices of GPUs, and asks for none", one.name)


def _has_devices(one: Container, shape: Shape) -> bool:
    return any(path.startswith(GPUS) for path in by_container(one, shape))


@check(
    "POD-17",
    "Something runs in the namespace default",
    "info",
    tier="A",
    over="workloads",
    refs=("cis-1.12:5.6.4", "iso:A.8.22"),
    why="Rights, quotas and policies are given by namespace, and nobody has decided any for this one.",
    fix="Make a namespace for it, and move it there.",
)
def in_default(work: Work, _scene: Scene) -> Iterator[Fault]:
    """No workload is in the namespace default."""
    if work.namespace == _DEFAULT:
        yield Fault("runs in the namespace default", "namespace")


def _holders(scene: Scene) -> tuple[Subject, ...]:
    return (*scene.evidence.of("workloads"), *scene.evidence.of("configs"))


DERIVED["texts"] = _holders
MADE_OF["texts"] = ("workloads", "configs")


_ROOT_CA: Final = "kube-root-ca.crt"


def _public(one: Work | Config, _scene: Scene) -> str:
    return "the certificates that Kubernetes puts into each namespace" if one.name == _ROOT_CA else ""


@check(
    "POD-18",
    "A secret is written where everybody reads it",
    "high",
    tier="A",
    over="texts",
    refs=("cis-1.12:5.4.1", "nsa:C-0012", "800-53:IA-5", "soc2:CC6.1", "iso:A.8.24", "mlps:8.1.4.8"),
    why="Whoever may view pods or ConfigMaps has it, and it is in every backup, log and manifest.",
    fix="Change the secret; keep the new one in a Secret, or outside, and mount it as a file.",
    applies=_public,
)
def written(one: Work | Config, _scene: Scene) -> Iterator[Fault]:
    """No variable, argument or ConfigMap has a value that looks like a secret."""
    silence = one.silent.get("shapes") or one.silent.get("secrets")
    if silence is not None:
        raise Unsure(silence.reason)
    for each in one.secrets:
        yield Fault(f"{each.path} looks like a secret", each.path)
