"""Nodes taken out of service and given back: each patch holds only for the version that was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import field

from dcctl.drain.backends import Mark, NodeNow
from dcctl.errors import DcctlError
from dcctl.inventory.marks import holders
from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.kubernetes.cordons import DRAIN, DrainNote
from dcctl.inventory.sources.kubernetes.paths import node_path
from dcctl.inventory.sources.kubernetes.types import Wire

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from dcctl.inventory.sources.kubernetes.objects import Objects

PLANNED: Final = {"key": DRAIN, "value": "planned", "effect": "PreferNoSchedule"}
"""Taint of nodes that are drained later."""
_CONFLICTS = 20
"""How often a node that somebody else changes meanwhile is read again."""
_FEW = 20
"""So many nodes are read one by one; more, all together."""


class _Meta(Wire):
    name: str = ""
    resource_version: str = ""
    annotations: dict[str, str] | None = None
    labels: dict[str, str] | None = None


class _Spec(Wire):
    unschedulable: bool = False
    taints: list[dict[str, object]] | None = None


class Node(Wire):
    """What counts of a node."""

    metadata: _Meta = field(default_factory=_Meta)
    spec: _Spec = field(default_factory=_Spec)


class Nodes:
    """The nodes of one cluster. Every method raises Failure for what the server refuses."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def now(self, names: Collection[str]) -> Mapping[str, NodeNow]:
        """Those of these names that there are."""
        if len(names) > _FEW:
            wanted, nodes = set(names), self._objects.all_of("/api/v1/nodes", Node)
            return {one.metadata.name: _now(one) for one in nodes if one.metadata.name in wanted}
        found = {name: self._find(name) for name in names}
        return {name: _now(one) for name, one in found.items() if one is not None}

    def cordon(self, name: str, mark: Mark, over: Collection[str] = ()) -> NodeNow:
        """As `Backend.cordon`."""
        for _ in range(_CONFLICTS):
            node = self._objects.read(node_path(name), Node)
            known = _mark(node)
            if known is not None and known.run not in over:
                return _now(node)
            before = known is not None and known.was_schedulable
            told = mark._replace(was_schedulable=before or not node.spec.unschedulable)
            spec = {"unschedulable": True, **_without_plan(node)}
            if self._patched(node, {DRAIN: _note(told)}, spec):
                return NodeNow(name, schedulable=False, mark=told)
        raise _busy(name)

    def tell_drained(self, name: str, run: str) -> None:
        """As `Backend.tell_drained`."""
        for _ in range(_CONFLICTS):
            node = self._find(name)
            known = None if node is None else _mark(node)
            if node is None or known is None or known.run != run or known.drained:
                return
            if self._patched(node, {DRAIN: _note(known._replace(drained=True))}, {}):
                return
        raise _busy(name)

    def announce(self, name: str) -> None:
        """As `Backend.announce`."""
        for _ in range(_CONFLICTS):
            node = self._objects.read(node_path(name), Node)
            taints = node.spec.taints or []
            if _is_planned(node) or self._patched(node, {}, {"taints": [*taints, PLANNED]}):
                return
        raise _busy(name)

    def give_back(self, name: str, run: str) -> str:
        """As `Backend.give_back`."""
        for _ in range(_CONFLICTS):
            node = self._find(name)
            if node is None:
                return "it is gone"
            mark, spec = _mark(node), dict[str, object](_without_plan(node))
            if mark is not None and mark.run == run:
                held = _held_by_others(node)
                if held:
                    return held
                why = _restored(node, mark, spec)
                if self._patched(node, {DRAIN: None}, spec):
                    return why
            elif not spec or self._patched(node, {}, spec):
                return "" if mark is None else f"it has the mark of the run {mark.run or 'of somebody else'}"
        raise _busy(name)

    def _patched(self, node: Node, annotations: Mapping[str, str | None], spec: Mapping[str, object]) -> bool:
        """Whether the node has these now; False: it is not the one that was read any more."""
        meta = {"resourceVersion": node.metadata.resource_version, "annotations": annotations}
        try:
            self._objects.patch(node_path(node.metadata.name), {"metadata": meta, "spec": spec})
        except Failure as failure:
            if failure.status != 409:
                raise
            return False
        return True

    def _find(self, name: str) -> Node | None:
        try:
            return self._objects.read(node_path(name), Node)
        except Failure as failure:
            if failure.status != 404:
                raise
            return None


def _mark(node: Node) -> Mark | None:
    text = (node.metadata.annotations or {}).get(DRAIN)
    if text is None:
        return None
    note = DrainNote.decode(text)
    was = note.was_schedulable is not False
    return Mark(note.run, note.who, note.reason, was, note.at, note.drained)


def _note(mark: Mark) -> str:
    return DrainNote(
        mark.run, mark.who, mark.reason, mark.was_schedulable, mark.at, drained=mark.drained
    ).encode()


def _held_by_others(node: Node) -> str:
    """Why a node that another tool works on now is left alone; empty: none does."""
    taints = {str(one.get("key")): str(one.get("value") or "") for one in node.spec.taints or ()}
    found = holders(node.metadata.annotations or {}, node.metadata.labels or {}, taints)
    return f"{' and '.join(found)} works on it now" if found else ""


def _now(node: Node) -> NodeNow:
    schedulable = not node.spec.unschedulable
    return NodeNow(node.metadata.name, schedulable, _mark(node), _is_planned(node))


def _is_planned(node: Node) -> bool:
    return any(_is_plan(one) for one in node.spec.taints or ())


def _is_plan(taint: Mapping[str, object]) -> bool:
    return (taint.get("key"), taint.get("value")) == (DRAIN, PLANNED["value"])


def _without_plan(node: Node) -> dict[str, object]:
    """The taints without ours, if it is there."""
    if not _is_planned(node):
        return {}
    return {"taints": [one for one in node.spec.taints or () if not _is_plan(one)]}


def _restored(node: Node, mark: Mark, spec: dict[str, object]) -> str:
    """Put into `spec` what the node was before; why somebody else's word stands instead."""
    if not node.spec.unschedulable:
        return "" if mark.was_schedulable else "somebody took it back into service meanwhile"
    spec["unschedulable"] = not mark.was_schedulable
    return ""


def _busy(name: str) -> DcctlError:
    return DcctlError(f"node {name}", f"somebody else changed it {_CONFLICTS} times meanwhile")
