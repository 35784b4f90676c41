"""Disruption budgets that stand before an eviction, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.drain.work.findings import about
from dcctl.drain.work.pods import named
from dcctl.drain.work.units import SERVED
from dcctl.inventory.model import ENDED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dcctl.drain.campaign import Finding
    from dcctl.drain.work.pods import Barrier, Pod
    from dcctl.drain.work.units import Asked, Moved
    from dcctl.inventory.model import Budget, Workload


def budget_hazards(one: Moved, *, begun: bool) -> Iterator[Finding]:
    """Yield why budgets would refuse evictions, once for each budget. `begun`: the campaign has.

    A campaign that has begun waits for a budget that allows none at the moment: its own evictions used it up.
    """
    groups: dict[tuple[Barrier, tuple[str, ...]], tuple[Asked, list[Pod]]] = {}
    for pod, told in zip(one.pods, one.asked, strict=True):
        if told.barrier:
            names = tuple(sorted(budget.name for budget in told.budgets))
            groups.setdefault((told.barrier, names), (told, []))[1].append(pod)
    for told, pods in groups.values():
        yield _finding(told, pods, begun=begun)


def _finding(told: Asked, pods: Sequence[Pod], *, begun: bool) -> Finding:
    work, budgets, before = pods[0].work, told.budgets, told.barrier
    opens = " ".join(f"--allow-pdb-violation {named(work, budget.name)}" for budget in budgets)
    if before == "":
        raise AssertionError("nothing stands before it")
    if before == "budgets-two":
        names = " and ".join(named(work, budget.name) for budget in budgets)
        says = f"{len(budgets)} PDBs cover it, {names}: the server evicts no such pod"
        cure = f"{_kubectl('edit pdb', work, budgets[-1].name)}, or {opens}"
        return about(before, pods, says, cure, opened=told.opened)
    budget = budgets[0]
    says, cure = _SAYS[before](work, budget)
    waits = begun and before == "budget" and budget.allowed is not None
    says += "; it is waited for" if waits else ""
    return about(before, pods, says, f"{cure}, or {opens}", opened=told.opened, blocks=not waits)


def _never(work: Workload, budget: Budget) -> tuple[str, str]:
    name, covered = named(work, budget.name), budget.expected or 0
    says = f"PDB {name} allows 0 of {covered:,}, and never more: it wants {budget.desired_healthy:,} healthy"
    up = sum(member.phase not in ENDED for member in work.members)
    if work.kind in SERVED and up == covered:  # it covers nothing else: one more is one that may go
        name = work.id.rpartition("/")[2]
        return says, f"{_kubectl('scale', work, f'{work.kind.lower()}/{name}')} --replicas={covered + 1}"
    return says, _kubectl("edit pdb", work, budget.name)


def _now(work: Workload, budget: Budget) -> tuple[str, str]:
    name, cure = named(work, budget.name), _kubectl("describe pdb", work, budget.name)
    if budget.allowed is None:
        return f"nobody knows how many PDB {name} allows to go", cure
    of = f" of {budget.expected:,}" if budget.expected is not None else ""
    says = f"PDB {name} allows 0{of} now"
    if budget.current_healthy is not None and budget.desired_healthy is not None:
        says += f": {budget.current_healthy:,} are healthy, and it wants {budget.desired_healthy:,}"
    return says, cure


def _unhealthy(work: Workload, budget: Budget) -> tuple[str, str]:
    name = named(work, budget.name)
    says = f"not ready, and PDB {name} lets such pods go only while enough others are healthy"
    if budget.current_healthy is not None and budget.desired_healthy is not None:
        says += f": it wants {budget.desired_healthy:,}, and {budget.current_healthy:,} are"
    patch = """ --patch '{"spec":{"unhealthyPodEvictionPolicy":"AlwaysAllow"}}'"""
    return says, _kubectl("patch pdb", work, budget.name) + patch


_SAYS = {"budget": _now, "budget-never": _never, "budget-unhealthy": _unhealthy}


def _kubectl(what: str, work: Workload, name: str) -> str:
    """A command about an object beside work: `kubectl edit pdb pg --namespace db`."""
    return f"kubectl {what} {name} --namespace {work.id.partition('/')[0]}"


def budgets_of(works: Iterable[Workload]) -> Mapping[str, Budget]:
    """The budgets of work by namespace/name; of two with one name the one that allows less.

    Nobody knowing how many counts as none.
    """
    found: dict[str, Budget] = {}
    for work in works:
        for budget in work.budgets:
            name = named(work, budget.name)
            other = found.get(name)
            if other is None or (budget.allowed or 0) < (other.allowed or 0):
                found[name] = budget
    return found
