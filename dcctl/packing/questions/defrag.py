"""Few moves after which whole nodes are free: each can be done by itself, one after the other.

Only members that stand by themselves move: not those of a gang, which would stop, nor of work that must stay
within one part; not those of a DaemonSet; no bare pods, which nobody makes anew; and none of which a
disruption budget allows none to be missing. One member moves at a time, so a budget that allows one is
enough. No move needs room that only a later one makes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dcctl.packing.problem import WHOLE, Job, Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from dcctl.packing.problem import Held
    from dcctl.packing.scene import Scene

    Bools = NDArray[np.bool_]


class Step(NamedTuple):
    """One member goes from its bin to another."""

    member: Held
    to: int
    devices: tuple[int, ...]
    """Positions in the bin's row."""
    frees: int | None = None
    """The bin that is wholly free after it."""


class Moves(NamedTuple):
    """Steps in the order in which they are done."""

    steps: tuple[Step, ...]
    free_before: int = 0
    """Bins of which every device was free."""
    free_after: int = 0
    stuck: int = 0
    """Bins in use of which somebody may not move."""
    more_moves: int = 0
    """With so many moves in all, as far as was tried,"""
    more_free: int = 0
    """so many more bins would be wholly free."""

    @property
    def gain(self) -> int:
        """Bins that become wholly free."""
        return self.free_after - self.free_before


_FURTHER = 3
"""Times the moves that are allowed: so many are tried to tell what more of them would do."""


def defragment(scene: Scene, most: int) -> Moves:
    """At most so many moves, those that free most bins for each first. The scene is as before afterwards."""
    mark = scene.placer.mark()
    before = int(whole(scene).sum())
    rows, stuck = _in_use(scene)
    order = sorted(rows.items(), key=lambda row: (len(row[1]), -_idle(scene, row[0]), row[0]))
    steps: list[Step] = []
    rest = _empty(scene, order, steps, most)
    count, after = len(steps), int(whole(scene).sum())
    _empty(scene, rest, steps, most * _FURTHER)
    more = int(whole(scene).sum()) - after
    scene.placer.undo(mark)
    return Moves(tuple(steps[:count]), before, after, stuck, len(steps) if more else 0, more)


def _empty(
    scene: Scene, order: Sequence[tuple[int, list[Held]]], steps: list[Step], most: int
) -> Sequence[tuple[int, list[Held]]]:
    """Empty bins in this order, with `steps` in all; those for which too few moves are left."""
    for number, (at, members) in enumerate(order):
        if len(steps) + len(members) > most:
            return order[number:]
        if not _has_arrived(steps, at):
            steps += _emptied(scene, at, members)
    return ()


def whole(scene: Scene) -> Bools:
    """Bins that take work and whose devices are all free."""
    milli = scene.placer.engine.state.milli
    return (milli >= 0).any(axis=1) & scene.takes_work & ((milli == WHOLE) | (milli < 0)).all(axis=1)  # type: ignore[no-any-return]


def movable(scene: Scene, one: Held) -> bool:
    """Whether a member may go elsewhere by itself."""
    known = scene.running(one.job)
    by_itself = known.minimum < 2 and known.within is None
    return by_itself and known.made_anew and not known.fixed and all(one.allowed for one in known.budgets)


def _in_use(scene: Scene) -> tuple[dict[int, list[Held]], int]:
    """Bins whose devices are held by members that may all move, with those; and how many others there are."""
    rows: dict[int, list[Held]] = {}
    stuck = 0
    for at, one in enumerate(scene.problem.bins):
        holding = [each for each in scene.on(at) if scene.problem.classes[each.of].need.gpu_milli]
        if not holding or one.closed:
            continue
        if all(movable(scene, each) and each.devices for each in holding):
            rows[at] = holding
        else:
            stuck += 1
    return rows, stuck


def _idle(scene: Scene, at: int) -> int:
    return int(np.maximum(scene.placer.engine.state.milli[at], 0).sum())


def _has_arrived(steps: Iterable[Step], at: int) -> bool:
    """Whether somebody was moved there."""
    return any(step.to == at for step in steps)


def _emptied(scene: Scene, at: int, members: Sequence[Held]) -> list[Step]:
    """Move all members of a bin to bins in use; nobody moves if one finds no room."""
    start = scene.placer.mark()
    scene.close((at,))
    steps: list[Step] = []
    for one in _largest_first(scene, members):
        step = move(scene, one, ~whole(scene))
        if step is None:
            scene.placer.undo(start)
            return []
        steps.append(step)
    if not whole(scene)[at]:  # somebody holds devices of it whom no scheduler told
        scene.placer.undo(start)
        return []
    return [*steps[:-1], steps[-1]._replace(frees=at)]


def _largest_first(scene: Scene, members: Iterable[Held]) -> list[Held]:
    needs = scene.problem.classes
    return sorted(members, key=lambda one: (-needs[one.of].need.gpu_milli, one.job, one.member))


def move(scene: Scene, one: Held, allowed: Bools | None) -> Step | None:
    """The member now stands in another of these bins, or where it was if none has room."""
    placer = scene.placer
    mark = placer.mark()
    scene.release((one,))
    away = np.ones(len(scene.problem.bins), np.bool_) if allowed is None else allowed.copy()
    away[one.bin] = False
    job = Job(one.job, (Task(one.of, (one.member,)),), quotas=scene.running(one.job).quotas)
    found = placer.place_within(job, away)
    if found.missing:
        placer.undo(mark)
        return None
    placer.spend(job, found)
    put = found.stands[0].put
    return Step(one, put.bin, put.devices)


def in_order(scene: Scene, members: Sequence[Held]) -> tuple[Step, ...] | None:
    """Steps that take these members elsewhere, each with room at its time; None if one finds none."""
    mark, bins = scene.placer.mark(), {one.bin for one in members}
    scene.close(bins)
    steps = [move(scene, one, None) for one in _largest_first(scene, members)]
    scene.placer.undo(mark)
    done = tuple(step for step in steps if step is not None)
    return done if len(done) == len(members) else None
