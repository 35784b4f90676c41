"""How many accelerators there are, held and free. An accelerator is a board, however it is handed out.

A share of a board that is handed out several times is that part of it, and so is a slice. What nobody holds
and nobody can have (boards out of order, on nodes that take no work, of which nothing is known) is out of
service, so free, held and out of service are always all there is.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from dcctl.inventory.vendors import parts_of
from dcctl.packing.fit.labels import takes_work
from dcctl.packing.plan import Supply
from dcctl.packing.problem import UNLIMITED, WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dcctl.packing.plan import Assignment
    from dcctl.packing.problem import Bin, Problem, Space


class Unit(NamedTuple):
    """One thing that can be asked for."""

    resource: str
    model: str
    shares: int = 1
    """How many times the board is handed out; 1: whole, or a slice."""
    slice: bool = False

    @property
    def is_board(self) -> bool:
        """Whether it is a board as a whole."""
        return self.shares == 1 and not self.slice


class Free(NamedTuple):
    """How much of it is free."""

    units: int
    """Of which nobody holds anything."""
    milli: int
    """In thousandths of a board, with what is left of others."""


def supply_of(problem: Problem) -> Supply:
    """What the bins of a problem have, in thousandths of a board."""
    total, held, free = 0, Fraction(0), Fraction(0)
    for one in problem.bins:
        total += one.device_count * WHOLE
        mine, left = _of_bin(one, problem.space)
        held += mine
        free += left if takes_work(one, problem.tolerated) else Fraction(0)
    taken = min(total, round(held))
    return Supply(total, taken, min(total - taken, round(free)))


def _of_bin(one: Bin, space: Space) -> tuple[Fraction, Fraction]:
    """What is held of its boards, and what is not."""
    units, milli = Counter[int](), Counter[int]()
    for each in one.devices:
        shares = space.kinds[each.kind].shares
        units[shares] += 1
        milli[shares] += each.free_milli
    every = sum((Fraction(units[shares] * WHOLE, shares) for shares in units), Fraction(0))
    free = sum((Fraction(milli[shares], shares) for shares in milli), Fraction(0))
    if not one.sliced:
        return every - free, free
    count, sizes, left = _counts(one), _sizes(one), _free_slices(one, space.dimensions)
    every += sum(count[name] * sizes[name] for name in count)
    free += sum(left[name] * sizes[name] for name in count)
    return every - free, free


def _counts(one: Bin) -> Counter[str]:
    return Counter(name for board in one.sliced for name in board.resources)


def _free_slices(one: Bin, dimensions: Sequence[str]) -> Counter[str]:
    """How many of each resource may be had; where nobody counts them, those of boards that nobody uses."""
    amounts = dict(zip(dimensions, one.free, strict=True))
    idle = Counter(name for board in one.sliced if board.free for name in board.resources)
    found: Counter[str] = Counter()
    for name, count in _counts(one).items():
        amount = amounts.get(name, count if one.scheduler else UNLIMITED)
        found[name] = idle[name] if amount >= UNLIMITED else min(count, max(0, amount))
    return found


def _sizes(one: Bin) -> Mapping[str, Fraction]:
    """Thousandths of a board by resource: the mean where boards of the node are cut in several ways."""
    sums: dict[str, Fraction] = {}
    for board in one.sliced:
        widths = [_width(name) for name in board.resources]
        for name, width in zip(board.resources, widths, strict=True):
            sums[name] = sums.get(name, Fraction(0)) + Fraction(WHOLE * width, sum(widths))
    counts = _counts(one)
    return {name: size / counts[name] for name, size in sums.items()}


@lru_cache(maxsize=256)
def _width(resource: str) -> int:
    """Parts of a board that a slice takes; slices of which it is not known count alike."""
    return (parts_of(resource, None) or (1, 1))[0]


def on_offer(problem: Problem) -> dict[Unit, Free]:
    """What can be asked for and is free on bins that take work, the most first: boards, shares, slices."""
    found: dict[Unit, tuple[int, Fraction]] = {}
    for one in problem.bins:
        if takes_work(one, problem.tolerated):
            for unit, count, milli in _offered(one, problem.space):
                before = found.get(unit, (0, Fraction(0)))
                found[unit] = before[0] + count, before[1] + milli
    rows = ((unit, Free(count, round(milli))) for unit, (count, milli) in found.items() if milli)
    return dict(sorted(rows, key=lambda row: (-row[1].milli, row[0])))


def _offered(one: Bin, space: Space) -> Iterable[tuple[Unit, int, Fraction]]:
    for each in one.devices:
        unit = Unit(*space.kinds[each.kind])
        yield unit, int(each.free_milli == WHOLE), Fraction(each.free_milli, unit.shares)
    if one.sliced:
        model = {name: space.kinds[board.kind].model for board in one.sliced for name in board.resources}
        sizes = _sizes(one)
        for name, count in _free_slices(one, space.dimensions).items():
            yield Unit(name, model[name], slice=True), count, count * sizes[name]


def boards_milli(problem: Problem, assignments: Iterable[Assignment]) -> int:
    """What the assignments take of boards, in thousandths. The boards are cut as the plan says."""
    needs = {
        (job.id, member): problem.classes[task.of].need
        for job in problem.jobs
        for task in job.tasks
        for member in task.members
    }
    bins = {one.name: one for one in problem.bins}
    dimensions, total = problem.space.dimensions, Fraction(0)
    for one in assignments:
        home = bins[one.node]
        shares = {each.index: problem.space.kinds[each.kind].shares for each in home.devices}
        total += sum(Fraction(one.share_milli or WHOLE, shares.get(at, 1)) for at in one.devices)
        if home.sliced:
            amounts = dict(zip(dimensions, needs[one.job, one.member].amounts, strict=True))
            total += sum(amounts.get(name, 0) * size for name, size in _sizes(home).items())
    return round(total)
