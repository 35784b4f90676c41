"""Pods that stand on nodes: which stay, what they hold, and what their eviction asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from dcctl.inventory.folding import sort_key
from dcctl.inventory.model import ENDED, Budget
from dcctl.inventory.occupancy.resources import accelerators_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from dcctl.inventory.model import Disruption, Fleet, Member, Workload
    from dcctl.inventory.placement import Template

Standing: TypeAlias = Literal["daemonset", "mirror", "finished", "leaving"]
Barrier: TypeAlias = Literal["", "budget", "budget-never", "budgets-two", "budget-unhealthy"]
"""Why the server would refuse an eviction now; empty: it would not."""
_DAEMON: Final = "DaemonSet"


class Pod(NamedTuple):
    """A member of work on a node."""

    work: Workload
    member: Member
    told: Disruption | None
    leaving: bool = False
    """It is being deleted already."""

    @property
    def name(self) -> str:
        """namespace/name; the name alone where the scheduler knows no namespaces."""
        return named(self.work, self.member.name)

    @property
    def node(self) -> str:
        """Where it stands."""
        return self.member.node or ""


def named(work: Workload, name: str) -> str:
    """The name of a pod or budget beside work, with its namespace."""
    namespace, slash, _ = work.id.partition("/")
    return f"{namespace}/{name}" if slash else name


def on(fleet: Fleet, nodes: Collection[str]) -> Iterator[tuple[Workload, list[Pod]]]:
    """Yield all work of which something stands on these nodes, with that, in order of node and name.

    One pass over all members.
    """
    rank = {name: at for at, name in enumerate(sorted(nodes, key=sort_key))}
    for work in fleet.workloads:
        here = [member for member in work.members if member.node in rank]
        if here:
            here.sort(key=lambda member: (rank[member.node or ""], member.name))
            yield work, [_pod(work, member, fleet) for member in here]


def _pod(work: Workload, member: Member, fleet: Fleet) -> Pod:
    told = fleet.disruptions.get(member.disruption) if member.disruption else None
    return Pod(work, member, told, is_leaving(member, fleet.templates))


def is_leaving(member: Member, templates: Mapping[str, Template]) -> bool:
    """Tell whether a member is being deleted already."""
    template = templates.get(member.template) if member.template else None
    return template is not None and template.leaving


def standing(pod: Pod) -> Standing | None:
    """Why a pod stays; None: it leaves."""
    if pod.told is not None and pod.told.mirror:
        return "mirror"
    if pod.member.phase in ENDED:
        return "finished"
    if pod.leaving:
        return "leaving"
    if pod.work.kind == _DAEMON or (pod.told is not None and pod.told.controller == _DAEMON):
        return "daemonset"
    return None


def gpu_milli(members: Iterable[Member]) -> int:
    """Thousandths of accelerators that members hold; of whom nobody could read it, what they are seen to."""
    return sum(map(_gpu_milli, members))


def _gpu_milli(member: Member) -> int:
    asked = member.requests
    if asked is None:
        return 1000 * len(member.devices)
    return 1000 * accelerators_in(asked.devices) + (asked.gpu_milli or 0)


def asked_of(pod: Pod) -> tuple[Budget, ...]:
    """The budgets that the server asks before it evicts a pod (pods/eviction of Kubernetes 1.36).

    A pod that has not begun asks none; nor does one that is not ready under a single budget that spares such.
    One of which its work tells nothing allows nobody knows how many.
    """
    if pod.member.phase == "pending":
        return ()
    known = {one.name: one for one in pod.work.budgets}
    names = known if pod.told is None else pod.told.budgets
    found = tuple(known.get(name) or Budget(name, None) for name in names)
    if len(found) == 1 and pod.member.ready is False and _spares_unhealthy(found[0]):
        return ()
    return found


def _spares_unhealthy(budget: Budget) -> bool:
    """Whether pods that are not ready go without asking: always, or while enough others are healthy."""
    if budget.unhealthy_always:
        return True
    healthy, desired = budget.current_healthy, budget.desired_healthy
    return healthy is not None and desired is not None and healthy >= desired > 0


def barrier(pod: Pod, budgets: tuple[Budget, ...]) -> Barrier:
    """What stands before the eviction of a pod that asks these budgets."""
    if len(budgets) > 1:
        return "budgets-two"
    if not budgets or (budgets[0].allowed or 0) > 0:
        return ""
    if pod.member.ready is False:
        return "budget-unhealthy"
    return "budget-never" if can_never(budgets[0]) else "budget"


def can_never(budget: Budget) -> bool:
    """Whether a budget wants all that it covers to be healthy: then it allows none, ever."""
    return budget.desired_healthy is not None and 0 < (budget.expected or 0) <= budget.desired_healthy
