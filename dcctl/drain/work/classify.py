"""Every pod on the nodes of a campaign: it leaves or it stays, and what has to be known before the start."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.drain.campaign import Stay
from dcctl.drain.policy.rules import rule_of
from dcctl.drain.request import Done, Rule
from dcctl.drain.work.barriers import budgets_of
from dcctl.drain.work.blind import node_hazards
from dcctl.drain.work.devices import alone, held_on, holders_of
from dcctl.drain.work.findings import about, ordered
from dcctl.drain.work.hazards import finalizers, hazards
from dcctl.drain.work.pods import on, standing
from dcctl.drain.work.taints import taint_findings
from dcctl.drain.work.units import is_gang, moved, order, unit
from dcctl.inventory.folding import sort_key

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from dcctl.drain.campaign import Finding, Unit
    from dcctl.drain.request import Hook, Request
    from dcctl.drain.work.pods import Pod
    from dcctl.inventory.model import Budget, Fleet, Workload

_LEFT_ALONE = Rule(mode="never")
_STRENGTH = {"never": 0, "wait": 1, "evict": 2}


class Classified(NamedTuple):
    """What stands on the nodes of a request."""

    units: tuple[Unit, ...]
    """What leaves, in the order in which it is moved; without waves, verdicts and what is lost."""
    stays: tuple[Stay, ...]
    findings: tuple[Finding, ...]
    """Those that block first."""
    budgets: Mapping[str, Budget]
    """Of the work that leaves, by namespace/name."""


def classify(fleet: Fleet, request: Request, done: Done, now_s: int) -> Classified:
    """Sort all that stands on the nodes of the request: each pod is either of a unit, or stays.

    Pods that must not be evicted are of units too: a finding that blocks says so.
    """
    units: list[Unit] = []
    stays: list[Stay] = []
    findings: list[Finding] = []
    works: list[Workload] = []
    by_node: dict[str, list[Pod]] = {}
    targets = frozenset(request.nodes)
    among = _holding(fleet, request)
    for work, pods in on(fleet, targets):
        for pod in pods:
            by_node.setdefault(pod.node, []).append(pod)
        leaving = _split(pods, stays, among)
        findings += finalizers([pod for pod in pods if standing(pod) != "mirror" and _is(pod, among)])
        if leaving:
            rule, unread = _rule(work, leaving, request, fleet)
            one = moved(work, leaving, rule, request, done, now_s)
            findings += unread or hazards(one, request, done, now_s)
            units.append(unit(one, request, done))
            works.append(work)
    findings += node_hazards(alone(fleet, request.boards), targets, by_node, request.gates)
    findings += held_on(fleet, request, stays)
    findings += () if request.boards else taint_findings(fleet, request.nodes)
    rank = {name: at for at, name in enumerate(sorted(targets, key=sort_key))}
    stays.sort(key=lambda stay: (rank[stay.node], stay.pod))
    return Classified(tuple(sorted(units, key=order)), tuple(stays), ordered(findings), budgets_of(works))


def _holding(fleet: Fleet, request: Request) -> frozenset[str] | None:
    """The pods that hold the accelerators that are asked about; None: whole nodes are."""
    boards = [one for one in request.boards if one.node in request.nodes]
    if not request.boards:
        return None
    return frozenset(pod for board in boards for pod in holders_of(fleet, board).pods)


def _is(pod: Pod, among: Collection[str] | None) -> bool:
    return among is None or pod.name in among


def _split(pods: Sequence[Pod], stays: list[Stay], among: Collection[str] | None) -> list[Pod]:
    """Return the pods that leave; those that stay are added to the others."""
    leaving = []
    for pod in pods:
        why = standing(pod) if _is(pod, among) else "elsewhere"
        if why is None:
            leaving.append(pod)
        else:
            stays.append(Stay(pod.name, pod.node, why))
    return leaving


def _rule(work: Workload, pods: Sequence[Pod], request: Request, fleet: Fleet) -> tuple[Rule, list[Finding]]:
    """The rule of work that is moved as one: of what its pods say, what leaves them alone longest.

    The hook is that of the first that has one; of a gang wherever it stands: all of it stops. Where
    annotations cannot be read, nothing is evicted.
    """
    found: list[Rule] = []
    unread: list[Finding] = []
    for key in dict.fromkeys(pod.member.disruption for pod in pods):
        group = [pod for pod in pods if pod.member.disruption == key]
        try:
            found.append(rule_of(work, group[0].told, request.rules))
        except ValueError as error:
            unread.append(about("annotation", group, str(error), _CORRECT))
    if unread:
        return _LEFT_ALONE, unread
    strictest = min(found, key=lambda rule: _STRENGTH[rule.mode])
    hook = next((rule.hook for rule in found if rule.hook is not None), None)
    if hook is None and is_gang(work, pods):
        hook = _hook_elsewhere(work, request, fleet)
    return replace(strictest, hook=hook), []


_CORRECT = "correct the annotation on its pods, or --policy FILE with a rule for it"


def _hook_elsewhere(work: Workload, request: Request, fleet: Fleet) -> Hook | None:
    """The hook of a gang whose leader stands on no node of the campaign."""
    for key in dict.fromkeys(member.disruption for member in work.members if member.node):
        with suppress(ValueError):  # what cannot be read leaves its pod alone, and that one is not moved
            told = fleet.disruptions.get(key) if key else None
            hook = rule_of(work, told, request.rules).hook
            if hook is not None:
                return hook
    return None
