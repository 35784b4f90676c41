"""Boards that a plan leaves free: whole ones, and those of which nobody holds a slice."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from dcctl.packing.mig import PREFIX, WHOLE_BOARD, geometry
from dcctl.packing.plan import Cut
from dcctl.packing.problem import UNLIMITED, WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.packing.mig import Geometry
    from dcctl.packing.problem import Bin, Device, Problem, Sliced
    from dcctl.packing.solve import Solution

CUT_ALREADY, ON_A_USED_NODE, ON_A_FREE_NODE = range(3)
"""What is lost when a board is cut, the least first: nothing, a board, a node that was free as a whole."""


class Spare(NamedTuple):
    """A board that may be cut in another way, or made whole."""

    bin: int
    board: Device | Sliced
    rank: int
    geometry: Geometry | None
    """None: nobody knows how it can be cut."""
    before: tuple[str, ...] = ()
    """Resources of its slices now."""


class Spares:
    """The spare boards of each bin, by its position, in order of their number. `take` removes one."""

    def __init__(self, base: Solution) -> None:
        """Those that the solution leaves free, on bins whose slices somebody counts."""
        problem = base.problem
        self.by_bin: dict[int, list[Spare]] = {}
        for at, one in enumerate(problem.bins):
            if not one.closed and _counts_slices(problem, one):
                found = sorted(_of_bin(base, at, one), key=lambda spare: (spare.rank, spare.board.index))
                if found:
                    self.by_bin[at] = found

    def take(self, spare: Spare) -> None:
        """It is not spare any more."""
        self.by_bin[spare.bin].remove(spare)


def _counts_slices(problem: Problem, one: Bin) -> bool:
    named = zip(problem.space.dimensions, one.total, strict=True)
    return not any(name.startswith(PREFIX) and amount >= UNLIMITED for name, amount in named)


def _of_bin(base: Solution, at: int, one: Bin) -> Iterator[Spare]:
    state, kinds = base.placer.engine.state, base.problem.space.kinds
    free = dict(zip(base.problem.space.dimensions, state.free[at].tolist(), strict=True))
    numbers = Counter(device.index for device in one.devices)
    idle = [
        device
        for device, milli in zip(one.devices, state.milli[at].tolist(), strict=False)
        if milli == WHOLE and numbers[device.index] == 1 and kinds[device.kind].resource == WHOLE_BOARD
    ][: max(0, free.get(WHOLE_BOARD, len(one.devices)))]
    rank = ON_A_FREE_NODE if len(idle) == one.device_count else ON_A_USED_NODE
    for device in idle:
        yield Spare(at, device, rank, geometry(kinds[device.kind].model, device.memory_bytes))
    for board in one.sliced:
        counts = {name: count for name, count in Counter(board.resources).items() if name in free}
        held = any(free[name] < count for name, count in counts.items())
        if board.free and board.index >= 0 and not held and kinds[board.kind].resource == WHOLE_BOARD:
            free.update({name: free[name] - count for name, count in counts.items()})
            known = geometry(kinds[board.kind].model, board.memory_bytes)
            yield Spare(at, board, CUT_ALREADY, known, board.resources)


def cut_of(problem: Problem, spare: Spare, after: tuple[str, ...]) -> Cut:
    """What has to be done to the board."""
    one, board = problem.bins[spare.bin], spare.board
    return Cut(
        node=one.name,
        device=board.index,
        model=problem.space.kinds[board.kind].model,
        id=board.id,
        before=spare.before,
        after=after,
        must_be_idle=(board.index,),
        others_held=one.held_count,
        reset=spare.geometry is not None and spare.geometry.reset and not (spare.before and after),
    )
