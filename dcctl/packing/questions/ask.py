"""A what-if as a whole: nodes lost or added, work evicted; what becomes of all who run and who wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.packing.changed import empty_copy, with_bins
from dcctl.packing.scene import Scene
from dcctl.packing.solve import solved, urgent_first

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from dcctl.packing.greedy.place import Placed
    from dcctl.packing.problem import Job, Problem
    from dcctl.packing.scene import Loss
    from dcctl.packing.solve import Options


class Change(NamedTuple):
    """What is different."""

    added: tuple[tuple[int, int], ...] = ()
    """(how many, position of the bin that they are like)."""
    removed: frozenset[int] = frozenset()
    """Bins that are lost."""
    evicted: frozenset[str] = frozenset()
    """Jobs that no longer hold anything."""


class Answer(NamedTuple):
    """What the change does."""

    problem: Problem
    """With the added bins."""
    loss: Loss
    """What becomes of those who stood on the removed bins."""
    before: tuple[Placed, ...]
    """The waiting jobs without the change, in the order in which they are placed."""
    after: tuple[Placed, ...]
    """The same jobs with it."""


def ask(problem: Problem, change: Change, options: Options) -> Answer:
    """What the change does to work that runs, and to work that waits."""
    added = [
        empty_copy(problem.bins[like], f"new-{problem.bins[like].name}-{number}")
        for count, like in change.added
        for number in range(1, count + 1)
    ]
    wider = with_bins(problem, added)
    scene = Scene(solved(replace(wider, jobs=()), options))
    waiting = urgent_first(wider)
    before = _placed(scene, waiting, close=range(len(problem.bins), len(wider.bins)))
    mark = scene.placer.mark()
    scene.release([one for job in sorted(change.evicted) for one in scene.of(job)])
    loss = scene.lose(change.removed, keep=True)
    after = tuple(scene.placer.place_all(waiting))
    scene.placer.undo(mark)
    return Answer(wider, loss, before, after)


def _placed(scene: Scene, waiting: Sequence[Job], close: Collection[int]) -> tuple[Placed, ...]:
    mark = scene.placer.mark()
    scene.close(close)
    found = tuple(scene.placer.place_all(waiting))
    scene.placer.undo(mark)
    return found
