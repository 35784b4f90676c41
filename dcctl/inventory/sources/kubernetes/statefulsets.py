"""StatefulSets: from which revision of its template each would make a pod anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import field

from dcctl.inventory.sources.kubernetes.owners import controller
from dcctl.inventory.sources.kubernetes.types import Meta, Wire

if TYPE_CHECKING:
    from dcctl.inventory.sources.kubernetes.owners import Parents


class RollingUpdate(Wire):
    """An update that spares the pods below an ordinal."""

    partition: int | None = None


class UpdateStrategy(Wire):
    """How pods get a new template; OnDelete: when somebody deletes them."""

    type: str = ""
    rolling_update: RollingUpdate | None = None


class Ordinals(Wire):
    """How pods are counted."""

    start: int = 0


class SetSpec(Wire):
    """Which pods get a new template."""

    update_strategy: UpdateStrategy | None = None
    ordinals: Ordinals | None = None

    @property
    def updated_from(self) -> int:
        """The first ordinal that is made from the new template; those before are from the old one."""
        update = self.update_strategy.rolling_update if self.update_strategy is not None else None
        partition = (update.partition if update is not None else None) or 0
        return partition + (self.ordinals.start if self.ordinals is not None else 0)


class SetStatus(Wire):
    """Names of the old and the new revision of the template."""

    current_revision: str = ""
    update_revision: str = ""


class SetObject(Wire):
    """A StatefulSet."""

    metadata: Meta = field(default_factory=Meta)
    spec: SetSpec = field(default_factory=SetSpec)
    status: SetStatus = field(default_factory=SetStatus)


class _Row(NamedTuple):
    current: str
    update: str
    updated_from: int


class StatefulSets:
    """From what each StatefulSet makes its pods. A sink for pages of them."""

    def __init__(self, parents: Parents) -> None:
        """`parents` are told of them too."""
        self._parents = parents
        self._of: dict[str, _Row] = {}

    def add(self, items: list[SetObject]) -> None:
        """Read one page."""
        for item in items:
            meta, status = item.metadata, item.status
            self._parents.put(meta.uid, controller(meta.namespace, meta.owner_references))
            self._of[meta.uid] = _Row(status.current_revision, status.update_revision, item.spec.updated_from)

    def clear(self) -> None:
        """Forget all."""
        self._of.clear()

    def changed(self, uid: str, pod: str, revision: str | None) -> bool:
        """Whether the set would make this pod from another revision than it was; False where nobody tells."""
        row, ordinal = self._of.get(uid), pod.rpartition("-")[2]
        if row is None or not revision or not ordinal.isdecimal():
            return False
        made = row.current if int(ordinal) < row.updated_from else row.update
        return bool(made) and made != revision
