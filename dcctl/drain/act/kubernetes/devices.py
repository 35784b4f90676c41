"""Single devices kept back: DeviceTaintRules of a run, made and deleted again."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from msgspec import field

from dcctl.drain.backends import Kept
from dcctl.drain.work.devices import KIND, REASON, RUN, TAINT, rules_of
from dcctl.errors import RefusedError
from dcctl.inventory.devices import DeviceName
from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.kubernetes.dra import SliceObject, Slices
from dcctl.inventory.sources.kubernetes.objects import Live
from dcctl.inventory.sources.kubernetes.types import Wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.drain.request import Board
    from dcctl.drain.work.devices import Effect, TaintRule
    from dcctl.inventory.sources.kubernetes.objects import Objects

_VERSIONS: Final = ("v1", "v1beta2", "v1alpha3")
"""Of resource.k8s.io, in which a DeviceTaintRule reads alike: 1.37, 1.36, 1.33."""
_SLICE_VERSIONS: Final = ("v1", "v1beta2", "v1beta1")


class _Selector(Wire):
    driver: str | None = None
    pool: str | None = None
    device: str | None = None


class _Taint(Wire):
    key: str = ""
    value: str = ""
    effect: str = ""


class _RuleSpec(Wire):
    device_selector: _Selector = field(default_factory=_Selector)
    taint: _Taint = field(default_factory=_Taint)


class _Rule(Live):
    spec: _RuleSpec = field(default_factory=_RuleSpec)


class _SliceList(Wire):
    items: list[SliceObject] | None = None


class _RuleList(Wire):
    items: list[_Rule] | None = None


class DeviceTaints:
    """The rules of one cluster. Every method raises Failure for what the server refuses."""

    def __init__(self, objects: Objects) -> None:
        """Nothing is asked yet."""
        self._objects = objects

    def rules(
        self, boards: Iterable[Board], run: str, reason: str = "", effect: Effect = "NoSchedule"
    ) -> tuple[TaintRule, ...]:
        """What has to be made, each to be journalled before.

        RefusedError: no device is kept back here, or another run does so with one of these.
        """
        others = {one.device: one for one in self._there() if one.run != run}
        found: list[TaintRule] = []
        for board in boards:
            devices = self._all_of(board)
            held = next((others[one] for one in devices if one in others), None)
            if held is not None:
                why = f"the run {held.run} keeps it back{f': {held.reason}' if held.reason else ''}"
                raise RefusedError(board.title, why, "dcctl drain --status")
            found += rules_of(run, devices, effect, reason, board.title)
        return tuple(found)

    def make(self, rule: TaintRule) -> None:
        """The rule is there. RefusedError: another of its name is."""
        version, collection = self._served
        path = f"{collection}/{rule.name}"
        try:
            self._objects.create(collection, rule.body(version))
        except Failure as failure:
            if failure.status != 409:
                raise
            found = self._objects.read(path, _Rule)
            if not _is(found.spec, rule):
                hint = f"kubectl get devicetaintrule {rule.name} -o yaml"
                raise RefusedError(f"{KIND} {rule.name}", "another of this name is there", hint) from failure

    def made(self, run: str = "", board: Board | None = None) -> tuple[Kept, ...]:
        """The rules that are there: of a run, and of a board, where they are named.

        None where the cluster knows no such thing any more.
        """
        try:
            found = self._there(run)
        except RefusedError:
            return ()
        devices = self._all_of(board) if board is not None else ()
        return tuple(one for one in found if board is None or one.device in devices)

    def _there(self, run: str = "") -> tuple[Kept, ...]:
        _, collection = self._served
        selector = quote(f"{RUN}={run}" if run else RUN, safe="")
        found = self._objects.read(f"{collection}?labelSelector={selector}", _RuleList).items or []
        return tuple(_kept(one, collection) for one in found)

    def lift(self, rule: Kept) -> None:
        """The rule is gone: the device may be handed out again. One of its name that is not it stays."""
        try:
            self._objects.delete(rule.path, rule.uid)
        except Failure as failure:
            if failure.status not in (404, 409):
                raise

    @cached_property
    def _served(self) -> tuple[str, str]:
        """The version in which rules are made, and their path."""
        found = self._path(_VERSIONS, KIND)
        if found is None:
            why = "this cluster has no DeviceTaintRules: it hands devices out and cannot keep one back"
            hint = "drain the whole node, or turn on DRADeviceTaintRules (Kubernetes 1.33 and later)"
            raise RefusedError("one GPU", why, hint)
        return found

    def _path(self, versions: Sequence[str], kind: str) -> tuple[str, str] | None:
        for version in versions:
            try:
                return version, self._objects.path(f"resource.k8s.io/{version}", kind, "")
            except Failure as failure:
                if failure.status != 404:
                    raise
        return None

    def _all_of(self, board: Board) -> set[DeviceName]:
        return {*board.devices, *self._slices_of(board)}

    def _slices_of(self, board: Board) -> set[DeviceName]:
        """All ways to cut the board, also those that are not cut yet: each could be handed out."""
        found = self._path(_SLICE_VERSIONS, "ResourceSlice")
        if found is None:
            return set()
        where = quote(f"spec.nodeName={board.node}", safe="")
        slices = Slices()
        slices.add(self._objects.read(f"{found[1]}?fieldSelector={where}", _SliceList).items or [])
        return {
            DeviceName(*key)
            for key, one in slices.published().items()
            if board.id in (one.accelerator.id, one.accelerator.parent)
        }


def _kept(found: _Rule, collection: str) -> Kept:
    meta, chosen = found.metadata, found.spec.device_selector
    return Kept(
        DeviceName(chosen.driver or "", chosen.pool or "", chosen.device or ""),
        (meta.labels or {}).get(RUN, ""),
        (meta.annotations or {}).get(REASON, ""),
        f"{collection}/{meta.name}",
        meta.uid,
    )


def _is(found: _RuleSpec, rule: TaintRule) -> bool:
    """Whether what is there is what was to be made."""
    chosen, taint = found.device_selector, found.taint
    named = (chosen.driver, chosen.pool, chosen.device) == (
        rule.device.driver, rule.device.pool, rule.device.device
    )  # fmt: skip
    return named and (taint.key, taint.value, taint.effect) == (TAINT, rule.run, rule.effect)
