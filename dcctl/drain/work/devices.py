"""One accelerator out of service while its node stays in: which one it is, who holds it, what taints it."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from msgspec.structs import replace

from dcctl.drain.campaign import Finding
from dcctl.drain.request import Board
from dcctl.drain.work.pods import named
from dcctl.errors import RefusedError, UsageError
from dcctl.inventory.folding import sort_key
from dcctl.inventory.model import ENDED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from dcctl.drain.campaign import Stay
    from dcctl.drain.request import Request
    from dcctl.inventory.devices import DeviceName
    from dcctl.inventory.model import Accelerator, Fleet, Node, Resources

Effect: TypeAlias = Literal["NoSchedule", "NoExecute"]
"""`NoSchedule`: nobody is given it any more. `NoExecute`: the cluster also deletes the pods that hold it, at
once and past their budgets."""

TAINT: Final = "dcctl.io/drain"
RUN: Final = "dcctl.io/run"
REASON: Final = "dcctl.io/reason"
KIND: Final = "DeviceTaintRule"
_NAME_CHARS: Final = 63
_ENDED_CLAIMS: Final = ("ResourceClaim", "PodGroup")
"""Kinds of what stands in a fleet for claims that hold devices without a pod."""


class Holders(NamedTuple):
    """Who has a claim on a board."""

    pods: tuple[str, ...]
    """namespace/name, in order. They leave; all others of the node stay."""
    claims: tuple[str, ...]
    """Claims, or groups of pods, that hold it without a pod: nothing can be evicted, and it is not free."""


class TaintRule(NamedTuple):
    """A DeviceTaintRule that is to be there."""

    name: str
    run: str
    device: DeviceName
    effect: Effect = "NoSchedule"
    reason: str = ""
    """Why; it stands on the rule, for whoever finds it."""
    board: str = ""
    """For people: what it keeps back."""

    @property
    def spec(self) -> dict[str, object]:
        """The device, and what keeps others from it."""
        one = self.device
        selector = {"driver": one.driver, "pool": one.pool, "device": one.device}
        return {
            "deviceSelector": selector,
            "taint": {"key": TAINT, "value": self.run, "effect": self.effect},
        }

    def body(self, version: str) -> dict[str, object]:
        """The object, in a version of resource.k8s.io."""
        meta: dict[str, object] = {"name": self.name, "labels": {RUN: self.run}}
        if self.reason:
            meta["annotations"] = {REASON: self.reason}
        return {
            "apiVersion": f"resource.k8s.io/{version}",
            "kind": KIND,
            "metadata": meta,
            "spec": self.spec,
        }


def board_of(fleet: Fleet, name: str, word: str) -> Board:
    """The accelerator of a node that `--gpu` names, by its index or its UUID (of the board or of a slice).

    UsageError: there is none. RefusedError: no taint keeps this one from being handed out.
    """
    node = next((one for one in fleet.nodes if one.name == name), None)
    if node is None:
        raise UsageError(f"node {name}", "no such node", "dcctl inventory -o name")
    found = _meant(node, word)
    title = f"{name} GPU {word}"
    for one in found:
        _demand_claimed(one, node, title)
    board = next((one.parent or one.id for one in found if one.parent or one.id), None)
    if board is None:
        why = "its driver publishes no UUID, so nobody can tell who holds it"
        raise RefusedError(title, why, f"drain the whole node: dcctl drain {name}")
    cut = [one for one in node.accelerators or () if board in (one.id, one.parent)]
    for one in cut:
        _demand_claimed(one, node, title)
    names = {one.dra for one in cut if one.dra is not None}
    return Board(name, title, board, tuple(sorted(names, key=lambda one: (one.driver, one.pool, one.device))))


def _meant(node: Node, word: str) -> list[Accelerator]:
    """The accelerators of a node that a word means."""
    if node.accelerators is None:
        raise RefusedError(
            f"node {node.name}", "nobody looked which accelerators it has", "dcctl inventory -v"
        )
    number = int(word) if word.isdecimal() and word.isascii() and len(word) < 6 else None
    found = [
        one
        for one in node.accelerators
        if (one.kind in ("whole", "shared") and one.index == number)
        or (word and word in (one.id, one.parent))
    ]
    if not found:
        known = ", ".join(str(one.index) for one in node.accelerators if one.kind in ("whole", "shared"))
        cut = any(one.parent for one in node.accelerators)
        why = (
            f"it has no GPU {word}: {known or 'no whole one'}{'; name a board that is cut by its UUID' * cut}"
        )
        raise UsageError(f"node {node.name}", why, f"dcctl inventory -w {node.name} -o json")
    return found


def _demand_claimed(one: Accelerator, node: Node, title: str) -> None:
    """Return if claims alone hand it out. RefusedError: a taint would not keep it back."""
    hint = f"drain the whole node: dcctl drain {node.name}"
    if one.dra is None:
        why = f"a device plugin hands it out as {one.resource}: a scheduler counts those, and knows none"
        raise RefusedError(title, why, hint)
    if not one.resource.startswith(one.dra.driver):
        why = f"a device plugin hands it out as {one.resource} too, and heeds no taint of {one.dra.driver}"
        raise RefusedError(title, why, hint)


def holders_of(fleet: Fleet, board: Board) -> Holders:
    """Who holds the board, or a slice of it."""
    node = next(one for one in fleet.nodes if one.name == board.node)
    ids = {one.id for one in node.accelerators or () if board.id in (one.id, one.parent)}
    pods: set[str] = set()
    claims: set[str] = set()
    for work in fleet.workloads:
        for member in work.members:
            if member.node == board.node and member.phase not in ENDED and not ids.isdisjoint(member.devices):
                loose = work.kind in _ENDED_CLAIMS and member.uid is None
                (claims if loose else pods).add(named(work, member.name))
    return Holders(tuple(sorted(pods, key=sort_key)), tuple(sorted(claims, key=sort_key)))


def held_on(fleet: Fleet, request: Request, stays: Iterable[Stay]) -> Iterator[Finding]:
    """Yield what holds the accelerators of a request and does not leave: they are not free with it."""
    standing = {one.pod for one in stays if one.why in ("daemonset", "mirror")}
    opened = request.gates.force
    for board in request.boards:
        found = holders_of(fleet, board) if board.node in request.nodes else Holders((), ())
        for claim in found.claims:
            says = f"holds {board.title} without a pod: nothing can be evicted, and it is not free"
            space = claim.partition("/")[0]
            cure = "" if opened else f"kubectl get resourceclaims --namespace {space}, or --force"
            yield Finding("device", claim, says, (board.node,), blocks=not opened, cure=cure)
        for pod in found.pods:
            if pod in standing:
                says = f"holds {board.title} and stays: it belongs to its node"
                yield Finding("device", pod, says, (board.node,), blocks=False)


def alone(fleet: Fleet, boards: Collection[Board]) -> Fleet:
    """The fleet, whose nodes have these boards and nothing else; without any as it is.

    Who else took such a node out of service does not matter: it is not drained.
    """
    ids = {one.id for one in boards}
    homes = {one.node for one in boards}
    nodes = tuple(_with_alone(node, ids) if node.name in homes else node for node in fleet.nodes)
    return replace(fleet, nodes=nodes) if boards else fleet


def _with_alone(node: Node, ids: Collection[str]) -> Node:
    kept = tuple(one for one in node.accelerators or () if one.id in ids or one.parent in ids)
    return replace(node, accelerators=kept, cordon=None, schedulable=True)


def rules_of(
    run: str,
    devices: Iterable[DeviceName],
    effect: Effect = "NoSchedule",
    reason: str = "",
    board: str = "",
) -> tuple[TaintRule, ...]:
    """One for each device: the same device gives the same name."""
    ordered = sorted(devices, key=lambda one: (one.driver, one.pool, one.device))
    return tuple(TaintRule(rule_name(run, one), run, one, effect, reason, board) for one in ordered)


def rule_name(run: str, device: DeviceName) -> str:
    """The name of a rule of a run, as an object may be named."""
    told = "/".join((device.driver, device.pool, device.device))
    end = f"-{hashlib.sha256(told.encode()).hexdigest()[:8]}"
    return f"{f'dcctl-{run.lower()}'[: _NAME_CHARS - len(end)]}{end}"


def without(fleet: Fleet, boards: Collection[Board]) -> Fleet:
    """The fleet as it is once nobody is given these any more: they are not counted where they stand."""
    ids = {one.id for one in boards}
    homes = {one.node for one in boards}
    nodes = tuple(_without(node, ids) if node.name in homes else node for node in fleet.nodes)
    return replace(fleet, nodes=nodes)


def _without(node: Node, ids: Collection[str]) -> Node:
    """Who holds one of them is counted on: only once it is gone does the rest of the node add up."""
    every = node.accelerators or ()
    kept = tuple(one for one in every if one.id not in ids and one.parent not in ids)
    fewer = Counter(one.resource for one in every if one not in kept)
    return replace(
        node,
        accelerators=kept,
        allocatable=_fewer(node.allocatable, fewer),
        capacity=_fewer(node.capacity, fewer),
    )


def _fewer(offered: Resources | None, fewer: Mapping[str, int]) -> Resources | None:
    if offered is None:
        return None
    devices = {name: max(0, count - fewer.get(name, 0)) for name, count in offered.devices.items()}
    return replace(offered, devices=devices)
