"""Which pods of a node `kubectl drain` evicts, which it skips, and which make it refuse the node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dcctl.drain.compat.flags import Flags


class _Wire(Struct, rename="camel"):
    """Decoded from JSON of the API."""


class Owner(_Wire):
    """Who made a pod, or claims to."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    controller: bool | None = None


class Meta(_Wire):
    """What tells a pod from every other."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    annotations: dict[str, str] | None = None
    owner_references: list[Owner] | None = None
    deletion_timestamp: str | None = None


class Volume(_Wire):
    """What counts of a volume: whether it is an emptyDir."""

    empty_dir: dict[str, object] | None = None


class Spec(_Wire):
    """What counts of what a pod asks for."""

    volumes: list[Volume] | None = None


class Status(_Wire):
    """How a pod is."""

    phase: str = ""


class Pod(_Wire):
    """What a drain looks at."""

    metadata: Meta = field(default_factory=Meta)
    spec: Spec = field(default_factory=Spec)
    status: Status = field(default_factory=Status)

    @property
    def title(self) -> str:
        """namespace/name."""
        return f"{self.metadata.namespace}/{self.metadata.name}"

    @property
    def is_over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.status.phase in ("Succeeded", "Failed")

    @property
    def controller(self) -> Owner | None:
        """The one owner that controls it."""
        return next((each for each in self.metadata.owner_references or () if each.controller), None)


DaemonSet = tuple[str, str]
"""(namespace, name)."""


class Lookup(NamedTuple):
    """What the server says of a DaemonSet."""

    missing: bool = False
    error: str = ""
    """Empty: it is there."""


class Decision(NamedTuple):
    """What becomes of the pods of a node. With errors none of them is evicted."""

    evict: tuple[Pod, ...]
    warnings: tuple[str, ...]
    errors: tuple[str, ...]


class _Said(NamedTuple):
    """What one rule says of one pod."""

    delete: bool
    how: Literal["", "warning", "error"] = ""
    message: str = ""


_GO: Final = _Said(delete=True)
_SKIP: Final = _Said(delete=False)
MIRROR: Final = "kubernetes.io/config.mirror"


def decide(
    pods: Iterable[Pod], sets: Mapping[DaemonSet, Lookup], flags: Flags, old: Callable[[Pod], bool]
) -> Decision:
    """What a drain with these flags does with the pods of a node.

    `sets` has all that `daemon_sets` names. `old`: whether a pod is being deleted for longer than
    --skip-wait-for-delete-timeout. Each pod is told of by the last rule that looked at it.
    """
    told = [(pod, _verdict(pod, sets, flags, old)) for pod in pods]
    return Decision(
        tuple(pod for pod, said in told if said.delete),
        tuple(_grouped(told, "warning")),
        tuple(f"cannot delete {each}" for each in _grouped(told, "error")),
    )


def daemon_sets(pods: Iterable[Pod], old: Callable[[Pod], bool]) -> tuple[DaemonSet, ...]:
    """The DaemonSets that have to be looked up, each once."""
    found = ((pod, _daemon_set(pod)) for pod in pods if not old(pod) and not pod.is_over)
    return tuple(dict.fromkeys((pod.metadata.namespace, owner.name) for pod, owner in found if owner))


def _daemon_set(pod: Pod) -> Owner | None:
    owner = pod.controller
    is_one = owner is not None and (owner.kind, owner.api_version) == ("DaemonSet", "apps/v1")
    return owner if is_one else None


def _verdict(pod: Pod, sets: Mapping[DaemonSet, Lookup], flags: Flags, old: Callable[[Pod], bool]) -> _Said:
    """The word of the last rule, or of the first that keeps the pod."""
    if old(pod):
        return _SKIP
    said = _of_a_daemon_set(pod, sets, flags)
    for rule in (_mirror, _local_storage, _unmanaged):
        if not said.delete:
            return said
        said = rule(pod, flags)
    return said


def _of_a_daemon_set(pod: Pod, sets: Mapping[DaemonSet, Lookup], flags: Flags) -> _Said:
    owner = _daemon_set(pod)
    if owner is None or pod.is_over:
        return _GO
    found = sets[pod.metadata.namespace, owner.name]
    if found.error:
        orphan = found.missing and flags.force
        return _Said(orphan, "warning" if orphan else "error", found.error)
    if not flags.ignore_daemonsets:
        return _Said(False, "error", "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)")
    return _Said(False, "warning", "ignoring DaemonSet-managed Pods")


def _mirror(pod: Pod, _flags: Flags) -> _Said:
    return _SKIP if MIRROR in (pod.metadata.annotations or {}) else _GO


def _local_storage(pod: Pod, flags: Flags) -> _Said:
    if pod.is_over or all(volume.empty_dir is None for volume in pod.spec.volumes or ()):
        return _GO
    if flags.delete_emptydir_data:
        return _Said(True, "warning", "deleting Pods with local storage")
    return _Said(False, "error", "Pods with local storage (use --delete-emptydir-data to override)")


def _unmanaged(pod: Pod, flags: Flags) -> _Said:
    if pod.is_over or pod.controller is not None:
        return _GO
    if flags.force:
        return _Said(True, "warning", "deleting Pods that declare no controller")
    return _Said(False, "error", "Pods that declare no controller (use --force to override)")


def _grouped(told: Iterable[tuple[Pod, _Said]], how: str) -> list[str]:
    """One text for all pods of which the same is said, in the order of the pods."""
    found: dict[str, list[str]] = {}
    for pod, said in told:
        if said.how == how:
            found.setdefault(said.message or "unexpected error", []).append(pod.title)
    return [f"{message}: {', '.join(titles)}" for message, titles in found.items()]
