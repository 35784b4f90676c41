"""One machine from every view of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from dcctl.inventory.folding import sort_key
from dcctl.inventory.kinds import SCHEDULERS
from dcctl.inventory.merge import boards
from dcctl.inventory.merge.precedence import Known, by_trust, coalesce
from dcctl.inventory.model import Fact, Node, NodeUse, Resources, System
from dcctl.inventory.uuids import uuid_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

F = TypeVar("F", bound=Fact)

_ONE_WORD = ("site", "rack", "provider_id", "system_uuid", "address", "login_user", "login_port", "state")
_WHOLE_LISTS = ("nics", "disks", "mounts")
"""Taken from one view as they are: half of one list and half of another would describe no machine."""


def unite(name: str, views: Sequence[Known]) -> Node:
    """Return the machine under its name; a machine that one source alone knows stays as that source said."""
    if len(views) == 1 and views[0].node.name == name and views[0].node.sources:
        return views[0].node
    spoken = _schedulers(views)
    node = Node(
        name=name,
        aliases=_aliases(name, views),
        pools=tuple(sorted({pool for view in views for pool in view.node.pools})),
        sources=_sources(views),
        ready=_all("ready", spoken),
        schedulable=_all("schedulable", spoken),
        cordon=next((one.node.cordon for one in by_trust("cordon", spoken) if one.node.cordon), None),
        labels=_labels(views),
        taints=tuple(dict.fromkeys(t for view in by_trust("taints", spoken) for t in view.node.taints)),
        capacity=_resources("capacity", views),
        allocatable=_resources("allocatable", views),
        use=_struct("use", NodeUse, views),
        system=_struct("system", System, views),
        accelerators=boards.unite(views),
        accelerator_counts=_counts(views),
    )
    node = replace(node, **{fact: _stated(fact, views) for fact in _ONE_WORD + _WHOLE_LISTS})
    real = [view for view in views if uuid_key(view.node.system_uuid)]
    return replace(node, system_uuid=by_trust("system_uuid", real)[0].node.system_uuid) if real else node


def _sources(views: Iterable[Known]) -> tuple[str, ...]:
    return tuple(sorted({name for view in views for name in view.node.sources or (view.source,)}))


def _aliases(name: str, views: Iterable[Known]) -> tuple[str, ...]:
    names = {other for view in views for other in (view.node.name, *view.node.aliases)}
    return tuple(sorted(names - {name}, key=sort_key))


def _stated(fact: str, views: Iterable[Known]) -> object:
    """Return the word of the most trusted source that has one."""
    said = (getattr(view.node, fact) for view in by_trust(fact, views))
    return next((value for value in said if value is not None), None)


def _schedulers(views: Sequence[Known]) -> list[Known]:
    """Return the newest view of each scheduler; others speak only where none does.

    An old file must not cordon a node, nor taint it again.
    """
    newest: dict[str, int] = {}
    spoken = []
    for view in sorted(views, key=lambda view: view.fleet):
        names = [name for name, kind in zip(view.sources, view.kinds, strict=True) if kind in SCHEDULERS]
        heard = [newest.setdefault(name, view.fleet) == view.fleet for name in names]
        if any(heard):
            spoken.append(view)
    return spoken or list(views)


def _all(fact: str, views: Iterable[Known]) -> bool | None:
    """Return False if anyone says so: a node of two schedulers is free for work when both say it is."""
    said = {value for view in views if (value := getattr(view.node, fact)) is not None}
    return min(said) if said else None


def _labels(views: Iterable[Known]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for view in reversed(by_trust("labels", views)):
        labels |= view.node.labels
    return dict(sorted(labels.items()))


def _counts(views: Iterable[Known]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for view in reversed(by_trust("accelerators", views)):
        counts |= view.node.accelerator_counts
    return dict(sorted(counts.items()))


def _struct(fact: str, kind: type[F], views: Iterable[Known]) -> F | None:
    """Return one struct with each field from the most trusted source that knows it."""
    parts = [part for view in by_trust(fact, views) if isinstance(part := getattr(view.node, fact), kind)]
    return coalesce(parts) if parts else None


def _resources(fact: str, views: Iterable[Known]) -> Resources | None:
    parts = [
        part for view in by_trust(fact, views) if isinstance(part := getattr(view.node, fact), Resources)
    ]
    if not parts:
        return None
    devices: dict[str, int] = {}
    for part in reversed(parts):
        devices |= part.devices
    return replace(coalesce(parts), devices=dict(sorted(devices.items())))
