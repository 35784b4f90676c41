"""What a run takes: energy, its price and its carbon, by the curves of the site it runs at.

Energy is the power of its accelerators (their limits) times its duration times the limit of the site's PUE;
where nobody knows the limit of an accelerator, the power that the job asks for. All of it is an upper bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.inventory.conditions import curve_of
from dcctl.packing.problem import POWER, WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.inventory.conditions import Curves
    from dcctl.packing.plan import Assignment
    from dcctl.packing.problem import Bin, Device, Need, Problem

_CARBON: Final = 1000 * 3_600_000_000
"""Of `weight` a milligram: g/kWh in thousandths times millijoules times the PUE in thousandths."""
MONEY: Final = 1000 * _CARBON
"""Of `weight` a thousandth of the currency: of a MWh in thousandths."""


class Bill(NamedTuple):
    """Of one run, or of several together. None: not known."""

    energy_mj: int | None = 0
    cost_milli: int | None = 0
    """Thousandths of the currency of the prices."""
    carbon_mg: int | None = 0

    def plus(self, other: Bill) -> Bill:
        """Both together; what is not known of one is not known of both."""
        return Bill(*(None if a is None or b is None else a + b for a, b in zip(self, other, strict=True)))


def power_mw(need: Need, devices: Iterable[Device]) -> int | None:
    """What one member draws at most; None: nobody knows."""
    limits = [one.power_mw for one in devices]
    if limits and None not in limits:
        total = sum(limit for limit in limits if limit is not None)
        return total * need.share_milli // WHOLE if need.share_milli else total
    return need.amounts[POWER] or None


def run(problem: Problem, site: str, draws_mw: int | None, start_s: int, end_s: int) -> Bill:
    """What drawing so much at a site from start to end takes."""
    if draws_mw is None:
        return Bill(None, None, None)
    pue = problem.pue_milli.get(site, 1000)
    price = weight(problem, problem.prices, site, draws_mw, start_s, end_s)
    carbon = weight(problem, problem.carbon, site, draws_mw, start_s, end_s)
    return Bill(
        draws_mw * pue * (end_s - start_s) // 1000,
        None if price is None else price // MONEY,
        None if carbon is None else carbon // _CARBON,
    )


def weight(
    problem: Problem, curves: Curves, site: str, draws_mw: int, start_s: int, end_s: int
) -> int | None:
    """Value of a curve times energy, in the finest unit there is; None: not known."""
    curve = curve_of(curves, site)
    whole = None if curve is None else curve.integral(start_s, end_s)
    return None if whole is None else whole * draws_mw * problem.pue_milli.get(site, 1000)


def bills(problem: Problem, assignments: Iterable[Assignment]) -> dict[str, Bill]:
    """What each job takes, by id. What runs without a known end takes nobody knows how much."""
    bins = {one.name: one for one in problem.bins}
    needs = {
        (job.id, name): problem.classes[task.of].need
        for job in problem.jobs
        for task in job.tasks
        for name in task.members
    }
    found: dict[str, Bill] = {}
    for one in assignments:
        bill = _of(problem, one, bins[one.node], needs[one.job, one.member])
        found[one.job] = found.get(one.job, Bill()).plus(bill)
    return found


def _of(problem: Problem, one: Assignment, where: Bin, need: Need) -> Bill:
    if one.end_s is None:
        return Bill(None, None, None)
    devices = [device for device in where.devices if device.index in one.devices]
    start_s = problem.now_s if one.start_s is None else one.start_s
    draws = power_mw(need, devices[: max(1, need.devices)])
    return run(problem, where.path[-1], draws, start_s, one.end_s)
