"""Paths of a node, as a pod reaches them."""

from __future__ import annotations

from posixpath import join, normpath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcctl.inventory.evidence.pods import Container, HostPath, Shape

RUNTIMES: Final = (
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/cri-dockerd.sock",
    "/run/dockershim.sock",
    "/run/podman/podman.sock",
)
"""Sockets of container runtimes: whoever may write to one starts any container."""
_GRAVE: Final = (
    "/etc",
    "/dev",
    "/proc",
    "/root",
    "/boot",
    "/var/lib/kubelet",
    "/var/lib/etcd",
    "/run/containerd",
)
"""Below these is what makes a pod root on its node."""
_LESSER: Final = ("/dev/infiniband", "/dev/shm", "/dev/hugepages", "/dev/nvidia")  # noqa: S108  # not written to
"""Of those, what does not."""
GPUS: Final = "/dev/nvidia"


def normal(path: str) -> str:
    """Return a path without `.`, `..`, doubled and last slashes; `/var/run` is `/run` on every node."""
    clean = normpath(f"/{path.lstrip('/')}")
    return clean.removeprefix("/var") if clean == "/var/run" or clean.startswith("/var/run/") else clean


def is_below(path: str, folder: str) -> bool:
    """Return whether a path is a folder or in it: whole steps, not letters."""
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def contains(path: str, places: Iterable[str]) -> bool:
    """Return whether one of these places is that path, or somewhere below it."""
    return any(is_below(each, path) or (path == "/var" and is_below(each, "/run")) for each in places)


def is_grave(volume: HostPath) -> bool:
    """Return whether who has this path of the node has the node."""
    path = normal(volume.path)
    if path.endswith(".sock") or volume.kind == "Socket" or contains(path, (*_GRAVE, *RUNTIMES)):
        return True
    return any(is_below(path, each) for each in _GRAVE) and not path.startswith(_LESSER)


def reached(volume: HostPath, shape: Shape) -> Iterator[str]:
    """Yield the paths of the node that containers see of a volume; all of it where nobody mounts it."""
    parts = [
        mount.sub_path for one in shape.containers for mount in one.mounts if mount.volume == volume.name
    ]
    for part in parts or ("",):
        yield normal(join(volume.path, part))


def by_container(one: Container, shape: Shape) -> Iterator[str]:
    """Yield the paths of the node that a container sees."""
    for mount in one.mounts:
        for volume in shape.volumes:
            if volume.name == mount.volume:
                yield normal(join(volume.path, mount.sub_path))


def is_read_only(volume: HostPath, shape: Shape) -> bool:
    """Return whether no container can write to it."""
    return all(
        mount.read_only for one in shape.containers for mount in one.mounts if mount.volume == volume.name
    )
