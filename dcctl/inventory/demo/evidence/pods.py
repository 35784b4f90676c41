"""Pods of the demo fleet: a notebook that has the container runtime, a token in a variable, an old image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from dcctl.inventory.demo.evidence.rbac import NOTEBOOKS
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.pods import Config, Container, HostPath, Literally, Mount, Shape, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dcctl.inventory.model import Fleet, Workload

GIB: Final = 1 << 30
_DIGEST: Final = "@sha256:" + "5d" * 32
_GPU: Final = ("nvidia.com/gpu",)
_GOOD: Final = Container(
    name="main",
    escalates=False,
    non_root=True,
    drops=("ALL",),
    read_only=True,
    seccomp="RuntimeDefault",
    memory_asked=64 * GIB,
    memory_most=64 * GIB,
    devices_asked=_GPU,
    devices_most=_GPU,
    says=True,
)
_ROOT: Final = Container(name="main", privileged=True, says=True)
_FOLDERS: Final = (HostPath("run", "/run/cilium"), HostPath("bpf", "/sys/fs/bpf"))
_SYSTEM: Final[dict[str, tuple[str, str, Shape]]] = {
    "kube-system/cilium": (
        "cilium",
        f"quay.io/cilium/cilium:v1.18.2{_DIGEST}",
        Shape(containers=(_ROOT,), host_network=True, volumes=_FOLDERS),
    ),
    "kube-system/device-plugin": (
        "default",
        f"nvcr.io/nvidia/k8s-device-plugin:v0.18.0{_DIGEST}",
        Shape(containers=(_ROOT,), volumes=(HostPath("plugins", "/var/lib/kubelet/device-plugins"),)),
    ),
    "monitoring/dcgm-exporter": (
        "dcgm-exporter",
        f"nvcr.io/nvidia/k8s/dcgm-exporter:4.4.1{_DIGEST}",
        Shape(containers=(replace(_GOOD, devices_asked=(), devices_most=(), visible="all", user=0),)),
    ),
    "monitoring/node-exporter": (
        "node-exporter",
        f"quay.io/prometheus/node-exporter:v1.9.1{_DIGEST}",
        Shape(containers=(_GOOD,), host_network=True, host_pid=True, volumes=(HostPath("root", "/"),)),
    ),
}
"""By workload, (account, image, shape) of what sets up or measures the nodes."""


def _plain(work: Work) -> Work:
    return work


def _built(work: Work) -> Work:
    """Somebody builds images in a notebook, with the runtime of the node."""
    mounting = replace(_GOOD, mounts=(Mount("runtime"),))
    socket = HostPath("runtime", "/var/run/docker.sock", "Socket")
    return replace(work, shapes=(Shape(containers=(mounting,), volumes=(socket,)),))


def _told(work: Work) -> Work:
    """Somebody was in a hurry."""
    return replace(work, secrets=(Literally("main/env/HF_TOKEN"),))


def _old(work: Work) -> Work:
    """Made before anybody asked."""
    main = replace(_GOOD, escalates=None, non_root=None, drops=(), read_only=None, seccomp=None, says=False)
    return replace(work, shapes=(Shape(containers=(main,), says=True),))


def _hosted(work: Work) -> Work:
    """A Ray cluster that was set up before there was a second network."""
    return replace(work, shapes=(Shape(containers=(_GOOD,), host_network=True),))


def _notebook(work: Work) -> Work:
    return replace(work, account=NOTEBOOKS, automount=None)


_ODD: Final[dict[str, Callable[[Work], Work]]] = {
    "edu/notebook-lab": _built,
    "search/rerank-canary": _told,
    "nlp/translate-old": _old,
    "rl/ppo-lab": _hosted,
    "nlp/notebook-7": _notebook,
}


def part(fleet: Fleet) -> Evidence:
    """Return the workloads of the fleet with their pods."""
    found = sorted((_work(one) for one in fleet.workloads if "/" in one.id), key=lambda one: one.key)
    return Evidence(workloads=tuple(found), configs=tuple(_configs(found)))


def _work(one: Workload) -> Work:
    namespace, _, name = one.id.partition("/")
    image = f"registry.example.com/{namespace}/{name}{_DIGEST}"
    account, image, shape = _SYSTEM.get(one.id, ("default", image, Shape(containers=(_GOOD,))))
    work = Work(
        namespace=namespace,
        name=name,
        kind=one.kind,
        account=account,
        automount=False,
        images={"main": image},
        pods=len(one.members),
        shapes=(shape,),
        labels=({"app": name},),
    )
    made = _ODD.get(one.id, _plain)(work)
    return replace(made, shapes=tuple(_with_image(each, image) for each in made.shapes or ()))


def _with_image(shape: Shape, image: str) -> Shape:
    return replace(shape, containers=tuple(replace(one, image=image) for one in shape.containers))


def _configs(works: list[Work]) -> Iterator[Config]:
    for space in sorted({one.namespace for one in works}):
        yield Config(namespace=space, name="kube-root-ca.crt")
