"""Work that is moved as one, and in which order; how many turns its budgets need."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.drain.campaign import Leave, Unit
from dcctl.drain.work.checkpoints import leader_of
from dcctl.drain.work.pods import asked_of, barrier, gpu_milli, named
from dcctl.inventory.folding import sort_key
from dcctl.inventory.model import ENDED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from dcctl.drain.campaign import How
    from dcctl.drain.request import Done, Gates, Request, Rule
    from dcctl.drain.work.pods import Barrier, Pod
    from dcctl.inventory.model import Budget, Member, Workload

SERVED: Final = frozenset(("Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"))
"""Kinds whose members do the same: while one is moved the others serve."""
_TOGETHER: Final = frozenset(
    (
        "JAXJob", "JobSet", "LeaderWorkerSet", "MPIJob", "PaddleJob", "PodGroup", "PyTorchJob", "RayCluster",
        "RayJob", "TFJob", "TrainJob", "XGBoostJob",
    )
)  # fmt: skip
"""Kinds that stop as a whole when one member does, though no scheduler holds them together."""
_ORDER: Final = ("Job", "StatefulSet", "Deployment", "ReplicaSet", "ReplicationController")


class Turn(NamedTuple):
    """How long work is waited for."""

    until_s: int | None = None
    """None: nobody knows."""
    ends: bool = False
    """It has ended by then."""
    over: bool = False
    """What may be waited for is over, and it still runs."""


class Asked(NamedTuple):
    """The budgets that an eviction asks, and what they answer."""

    budgets: tuple[Budget, ...]
    barrier: Barrier
    opened: bool
    """They may be broken."""


class Moved(NamedTuple):
    """Work of which something leaves, and the rule that holds for it."""

    work: Workload
    pods: tuple[Pod, ...]
    """Those that leave, in order of node and name."""
    asked: tuple[Asked, ...]
    """Of each pod."""
    rule: Rule
    turn: Turn
    waived: str
    """Why it may go without a checkpoint; empty: it may not."""

    @property
    def evicted(self) -> bool:
        """Whether it may come to an eviction: neither left alone, nor waited for alone."""
        return self.rule.mode == "evict" or (self.rule.mode == "wait" and self.rule.after_wait == "evict")

    @property
    def runs(self) -> bool:
        """Whether any of it has begun."""
        return any(pod.member.phase != "pending" for pod in self.pods)


def moved(work: Workload, pods: Iterable[Pod], rule: Rule, request: Request, done: Done, now_s: int) -> Moved:
    """Put together what is moved as one. `pods`: in order of node and name."""
    leaving, gates = tuple(pods), request.gates
    asked = tuple(_asked(pod, gates) for pod in leaving)
    return Moved(work, leaving, asked, rule, _turn(work, rule, done, now_s), _waived(work, rule, gates))


def _asked(pod: Pod, gates: Gates) -> Asked:
    budgets = asked_of(pod)
    before = barrier(pod, budgets)
    opened = bool(before) and all(named(pod.work, one.name) in gates.allow_pdb_violation for one in budgets)
    return Asked(budgets, before, opened)


def _turn(work: Workload, rule: Rule, done: Done, now_s: int) -> Turn:
    """Waits are counted from when the campaign began."""
    if rule.mode != "wait":
        return Turn()
    started, lasts = work.started_at_s, work.duration_s
    ends_s = None if started is None or lasts is None else max(now_s, started + lasts)
    if rule.wait_s is None:
        return Turn(ends_s, ends=True)
    limit_s = (now_s if done.begun_s is None else done.begun_s) + rule.wait_s
    ends = ends_s is not None and ends_s <= limit_s
    return Turn(ends_s if ends else limit_s, ends, limit_s <= now_s)


def _waived(work: Workload, rule: Rule, gates: Gates) -> str:
    opened = next((one for one in gates.waive_checkpoint if fnmatchcase(work.id, one)), "")
    return rule.waived or (f"--waive-checkpoint {opened}" if opened else "")


def unit(one: Moved, request: Request, done: Done) -> Unit:
    """The unit of a plan: without a wave, a verdict, or what it loses."""
    work, rule = one.work, one.rule
    hook = rule.hook if one.evicted and one.runs and not one.waived else None
    waits = rule.mode == "wait" and not (one.turn.over and rule.after_wait == "evict")
    gang = is_gang(work, one.pods)
    stop = _stopping(work, one.pods) if gang else [pod.member for pod in one.pods]
    return Unit(
        workload=work.id,
        kind=work.kind,
        leaves=tuple(
            _leave(pod, told, request, waits=waits or rule.mode == "never")
            for pod, told in zip(one.pods, one.asked, strict=True)
        ),
        gang=gang,
        stops=len(stop),
        gpu_milli=gpu_milli(stop),
        changed=one.evicted and any(pod.told is not None and pod.told.changed for pod in one.pods),
        hook=hook,
        leader=leader_of(work) if hook is not None and gang else "",
        proved=hook is not None and work.id in done.proved,
        waits_until_s=one.turn.until_s if waits else None,
        after_wait=rule.after_wait,
        restarts=0 if not one.evicted or (waits and one.turn.ends) else restarts(one),
    )


def _leave(pod: Pod, told: Asked, request: Request, *, waits: bool) -> Leave:
    how: How = "wait" if waits else "delete" if told.opened else "evict"
    own = pod.told.grace_s if pod.told is not None else None
    return Leave(
        pod=pod.name,
        node=pod.node,
        uid=pod.member.uid,
        how=how,
        grace_s=own if request.grace_s is None else request.grace_s,
        budgets=tuple(named(pod.work, budget.name) for budget in told.budgets),
        gpu_milli=gpu_milli((pod.member,)),
    )


def is_gang(work: Workload, pods: Iterable[Pod]) -> bool:
    """Tell whether work stops as a whole when too many members do. `pods`: any of it."""
    if work.gang_min is not None:
        return work.gang_min > 1
    ranks = any(pod.told is not None and pod.told.indexed for pod in pods)
    return len(work.members) > 1 and (ranks or work.kind in _TOGETHER)


def _stopping(work: Workload, pods: Collection[Pod]) -> list[Member]:
    """Members of a gang that stop when these pods leave: all, where it falls below its minimum."""
    leaving = [pod.member for pod in pods]
    names = {member.name for member in leaving}
    others = [one for one in work.members if one.node and one.phase not in ENDED and one.name not in names]
    least = len(others) + len(leaving) if work.gang_min is None else work.gang_min
    return leaving + others if len(others) < least else leaving


def restarts(one: Moved) -> int:
    """How often it starts again: 0 for what nobody makes anew, or what others serve meanwhile."""
    if all(pod.told is not None and not pod.told.controller for pod in one.pods):
        return 0
    return 0 if one.work.kind in SERVED and _is_served(one) else 1


def _is_served(one: Moved) -> bool:
    """Whether a member that does not leave is up."""
    names = {pod.member.name for pod in one.pods}
    return any(
        member.name not in names and member.phase == "running" and member.ready is not False
        for member in one.work.members
    )


def order(unit: Unit) -> tuple[int, int, tuple[tuple[str | int, ...], str]]:
    """Sort by it: what is hardest to place goes first, while most is free.

    Gangs, then Jobs, StatefulSets, what is served by several, bare pods, and what is waited for last; of one
    kind the largest first, then by name.
    """
    if unit.waits:
        rank = len(_ORDER) + 2
    elif unit.gang:
        rank = 0
    else:
        rank = 1 + (_ORDER.index(unit.kind) if unit.kind in _ORDER else len(_ORDER) * (unit.kind == "Pod"))
    return rank, -unit.gpu_milli, sort_key(unit.workload)


def rounds(leaves: Iterable[Leave], budgets: Mapping[str, Budget]) -> int:
    """Return in how many turns budgets let these pods go; each turn waits until their successors are ready.

    A budget that allows none now, or nobody knows how many, lets them go one by one at best. Pods that are
    deleted, or that are waited for, ask none. `budgets`: by namespace/name.
    """
    counts = Counter(name for leave in leaves if leave.how == "evict" for name in leave.budgets)
    needed = (-(-count // _at_once(budgets.get(name))) for name, count in counts.items())
    return max(needed, default=1)


def _at_once(budget: Budget | None) -> int:
    return max(1, 0 if budget is None else budget.allowed or 0)
