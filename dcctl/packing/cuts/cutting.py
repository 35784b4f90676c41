"""Which boards to cut into slices, or to make whole again, so that more of the waiting work fits.

Only boards that a plan without cuts leaves free are touched, so nothing that it places is given up.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.packing.changed import with_cuts
from dcctl.packing.cuts.slicing import Slicer
from dcctl.packing.cuts.spare import Spares, cut_of
from dcctl.packing.cuts.whole import made_whole
from dcctl.packing.problem import WHOLE
from dcctl.packing.solve import solved

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.packing.greedy.place import Placed
    from dcctl.packing.plan import Cut
    from dcctl.packing.problem import Problem
    from dcctl.packing.solve import Options, Solution

    Wish = tuple[tuple[int, int], ...]
    """(class, members) of those who stand together or not at all."""


def solved_with_cuts(problem: Problem, options: Options) -> Solution:
    """As `solved`, with boards cut where that lets more members stand, and no job fewer."""
    best = base = solved(problem, options)
    cuts = _chosen(base)
    while cuts:
        again = solved(with_cuts(problem, cuts), options)
        if not _gains(base, again):
            break
        best = again._replace(plan=replace(again.plan, cuts=cuts))
        needed = _needed(again, cuts)
        if needed == cuts:
            break
        cuts = needed
    return best


def _chosen(base: Solution) -> tuple[Cut, ...]:
    """Boards made whole for those who want whole ones; of the rest, boards cut for those who want slices."""
    wishes = [wish for found in base.placed if found.missing and not found.quota for wish in _wishes(found)]
    if not wishes or not any(one.resource.startswith("nvidia.com/") for one in base.problem.space.kinds):
        return ()
    classes, spares = base.problem.classes, Spares(base)
    joined = made_whole(
        base, spares, [wish for wish in wishes if any(classes[of].need.devices for of, _ in wish)]
    )
    slicer = Slicer(base, spares)
    sliced = [wish for wish in wishes if any(slicer.slices(of) for of, _ in wish)]
    chosen = slicer.choose(_sum(_possible(sliced, slicer), slicer)) or []
    found = [cut_of(base.problem, spare, after) for spare, after in (*((one, ()) for one in joined), *chosen)]
    return tuple(sorted(found, key=lambda one: (one.node, one.device)))


def _wishes(found: Placed) -> Iterator[Wish]:
    """The missing members of a job: a gang as one wish, else each by itself."""
    missing = Counter({task.of: len(task.members) for task in found.job.tasks})
    missing.subtract(Counter(stand.of for stand in found.stands))
    if found.job.minimum > 1 and not found.stands:
        yield tuple((+missing).items())
        return
    for of, count in missing.items():
        yield from [((of, 1),)] * count


def _sum(wishes: Sequence[Wish], slicer: Slicer) -> Counter[int]:
    """How many members of each class that asks for slices."""
    total: Counter[int] = Counter()
    for wish in wishes:
        total.update({of: count for of, count in wish if slicer.slices(of)})
    return total


def _possible(wishes: Sequence[Wish], slicer: Slicer) -> list[Wish]:
    """Those that can be met together, in order of urgency; one that cannot be is passed over."""
    met: list[Wish] = []
    while wishes:
        count = _most(met, wishes, slicer)
        met += wishes[:count]
        refused, wishes = wishes[count : count + 1], wishes[count + 1 :]
        wishes = [wish for wish in wishes if wish not in refused]
    return met


def _most(met: Sequence[Wish], wishes: Sequence[Wish], slicer: Slicer) -> int:
    """How many of the first can be met beside those that are: all, or found by halving."""

    def possible(count: int) -> bool:
        return slicer.choose(_sum([*met, *wishes[:count]], slicer)) is not None

    if possible(len(wishes)):
        return len(wishes)
    low, high = 0, len(wishes)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if possible(middle) else (low, middle)
    return low


def _gains(base: Solution, again: Solution) -> bool:
    """Whether more members stand, and of no job fewer."""
    before = {found.job.id: len(found.stands) for found in base.placed}
    after = {found.job.id: len(found.stands) for found in again.placed}
    return again.plan.placed > base.plan.placed and all(after[job] >= count for job, count in before.items())


def _needed(made: Solution, cuts: Sequence[Cut]) -> tuple[Cut, ...]:
    """The cuts without those whose slices, or board, the plan leaves free."""
    state, problem = made.placer.engine.state, made.problem
    positions = {one.name: at for at, one in enumerate(problem.bins)}
    free = {name: state.free[at].tolist() for name, at in positions.items()}
    needed = []
    for cut in cuts:
        at = positions[cut.node]
        counts = [cut.after.count(name) for name in problem.space.dimensions]
        if cut.after:
            idle = all(have >= count for have, count in zip(free[cut.node], counts, strict=True) if count)
        else:
            idle = any(
                device.index == cut.device and milli == WHOLE
                for device, milli in zip(problem.bins[at].devices, state.milli[at].tolist(), strict=False)
            )
        if idle:
            free[cut.node] = [have - count for have, count in zip(free[cut.node], counts, strict=True)]
        else:
            needed.append(cut)
    return tuple(needed)
