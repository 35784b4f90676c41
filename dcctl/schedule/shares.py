"""Elastic demand and what there is for it, as claims on a supply: from files, and from an inventory.

Amounts are integers by dimension, a field of Resources (`cpu_milli`) or the name of a device, in thousandths.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

from dcctl.inventory.asked import Asked
from dcctl.inventory.model import Member, Resources, Workload
from dcctl.packing.fit.labels import takes_work
from dcctl.packing.intake.fleet import problem_of
from dcctl.packing.problem import BASIC, UNLIMITED
from dcctl.packing.sharing.bilinear import train_x_infer
from dcctl.packing.sharing.shares import Claim, fair, max_min

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dcctl.inventory.asked import Elastic, Rate
    from dcctl.inventory.model import Fleet, Node
    from dcctl.packing.problem import Bin, Problem
    from dcctl.packing.sharing.shares import Shares, Supply

Objective: TypeAlias = Literal["fair", "train-x-infer", "max-min"]
SOLVERS: dict[Objective, Callable[[Sequence[Claim], Supply], Shares]] = {
    "fair": fair,
    "train-x-infer": train_x_infer,
    "max-min": max_min,
}
DIVISIBLE = ("cpu_milli", "memory_bytes", "storage_bytes", "bandwidth_bps", "power_mw")
"""Fields of Resources that are shared out."""
_MILLI = 1000
GPU = "nvidia.com/gpu"
"""What a share of a GPU is a share of: what `gpu` stands for in a file."""


class Available(Struct, frozen=True):
    """What there is to share out."""

    supply: dict[str, int | None]
    """By dimension; None: nobody tells."""
    nodes: tuple[dict[str, int], ...] = ()
    """What each node of it has, where the file says."""
    partly: dict[str, int] = {}
    """Dimensions that some nodes do not tell, and how many: the supply is that of the others."""
    summed: int = 0
    """Nodes of an inventory that take work: what is free on them is in the supply."""
    closed: int = 0
    """Nodes that take no work, or of which nobody knows what is held: their amounts are not in it."""


def claims_of(asked: Asked) -> tuple[Claim, ...]:
    """Return the models that files ask for, and each job as a model that trains with all of its members.

    Work that asks for no amount is left out: it has all that it wants.
    """
    models = [_claim(one) for one in asked.elastic]
    jobs = [
        Claim(one.id, training=_sum(amounts_of(member.requests) for member in one.members))
        for one in asked.workloads
    ]
    return tuple(one for one in (*models, *jobs) if one.wanted("training") or one.wanted("inference"))


def _claim(one: Elastic) -> Claim:
    return Claim(
        name=one.name,
        training=amounts_of(one.training),
        inference=amounts_of(one.inference),
        weight=Fraction(one.weight_milli, _MILLI),
        minimum=amounts_of(one.minimum),
        quota=amounts_of(one.quota),
    )


def amounts_of(resources: Resources | None) -> dict[str, int]:
    """Return what is told of resources, by dimension; devices in thousandths, with a share of a GPU."""
    if resources is None:
        return {}
    told = {name: amount for name in DIVISIBLE if (amount := getattr(resources, name)) is not None}
    devices = {name: count * _MILLI for name, count in resources.devices.items()}
    if resources.gpu_milli:
        devices[GPU] = devices.get(GPU, 0) + resources.gpu_milli
    return told | devices


def _sum(amounts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in amounts:
        for name, amount in one.items():
            total[name] = total.get(name, 0) + amount
    return total


def prices_of(rates: dict[str, Rate]) -> dict[str, Fraction]:
    """Return the price of one unit of each dimension in a year."""
    return {
        name: Fraction(rate.cost_milli, _MILLI * rate.per * (1 if name in BASIC else _MILLI))
        for name, rate in rates.items()
    }


def told(asked: Asked, claims: Iterable[Claim]) -> Available | None:
    """Return the supply that files tell: its nodes and what is in no node, together. None: they tell none."""
    supply = asked.supply
    if supply is None or (supply.total is None and not supply.nodes):
        return None
    nodes = tuple(amounts_of(node.allocatable) for node in supply.nodes)
    loose = amounts_of(supply.total)
    found: dict[str, int | None] = {}
    partly = {}
    for name in _dimensions(claims):
        counts = [node[name] for node in nodes if name in node]
        if nodes and name not in DIVISIBLE:
            counts.append(0)  # a node that is described has the devices that are listed, and no others
        elif 0 < len(counts) < len(nodes):
            partly[name] = len(nodes) - len(counts)
        counts += [loose[name]] if name in loose else []
        found[name] = sum(counts) if counts else None
    return Available(found, nodes, partly)


def free(whole: Fleet, nodes: Iterable[Node], claims: Iterable[Claim]) -> Available:
    """Return what is free on the nodes of an inventory for these claims."""
    names = _dimensions(claims)
    devices = {name: 1 for name in names if name not in DIVISIBLE}
    wanting = Member("all", phase="pending", requests=Resources(devices=devices))
    work = Asked(workloads=(Workload("all", members=(wanting,)),))
    problem = problem_of(whole, nodes, work)
    bins = [one for one in problem.bins if takes_work(one, problem.tolerated)]
    found: dict[str, int | None] = {}
    partly = {}
    for name in names:
        known = [amount for one in bins if (amount := _free(problem, one, name)) is not None]
        found[name] = sum(known) if known or not bins else None
        if 0 < len(known) < len(bins):
            partly[name] = len(bins) - len(known)
    return Available(found, partly=partly, summed=len(bins), closed=len(problem.bins) - len(bins))


def _free(problem: Problem, one: Bin, name: str) -> int | None:
    """What is free in a bin; of devices what their scheduler still has, less what is held of shared ones."""
    amount = one.free[problem.space.dimensions.index(name)]
    if name in DIVISIBLE:
        return None if amount >= UNLIMITED else max(0, amount)
    boards = [device for device in one.devices if problem.space.kinds[device.kind].resource == name]
    if boards or any(problem.space.kinds[kind].resource == name for kind in one.kinds):
        return sum(device.free_milli for device in boards)
    return 0 if amount >= UNLIMITED else max(0, amount) * _MILLI


def _dimensions(claims: Iterable[Claim]) -> list[str]:
    """Every dimension of which somebody wants something, in the order in which they are told."""
    wanted = {name for claim in claims for part in (claim.training, claim.inference) for name in part}
    return sorted(wanted, key=lambda name: (DIVISIBLE.index(name) if name in DIVISIBLE else -1, name))
