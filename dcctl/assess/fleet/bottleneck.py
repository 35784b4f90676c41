"""What runs out first: by what the scheduler counts, and by what running work was measured to wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.assess.fleet.machine import PRESSURE_MILLI, surroundings
from dcctl.assess.fleet.stranded import DIMENSIONS, WORDS
from dcctl.inventory.occupancy.health import slowed_by

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.assess.fleet.capacity import Totals
    from dcctl.assess.fleet.nodes import NodeState
    from dcctl.inventory.model import Accelerator
    from dcctl.inventory.occupancy.boards import Board

FULL_MILLI = 900
"""Memory of a board in use from which work is taken to be short of it."""
MEMORY_BOUND_MILLI = 600
"""Share of time with memory traffic from which a busy board is taken to wait for its memory."""
COMMON_MILLI = 50
"""What fewer of the working boards wait for is no limit of the pool; a board that is slowed is a fault."""


def first_limit(totals: Totals) -> str:
    """The dimension that stops the next job first, in words; empty when nothing is known.

    With accelerators: what strands most of them; when nothing does, every other dimension has its share
    left for each free one, so that they run out first. Without: the dimension of which most is gone.
    """
    stranding = _stranding(totals.states)
    if stranding:
        return f"{WORDS[stranding]} on nodes"
    if totals.boards:
        return "" if totals.unknown == totals.boards else "accelerators"
    shares = _shares(totals)
    return max(shares, key=lambda pair: pair[1])[0] if shares else ""


def _stranding(states: Iterable[NodeState]) -> str:
    counts = dict.fromkeys(DIMENSIONS, 0)
    for state in states:
        if state.shortage.units:
            counts[state.shortage.dimension] += state.count("stranded")
    worst = max(counts.items(), key=lambda pair: pair[1])
    return worst[0] if worst[1] else ""


def _shares(totals: Totals) -> list[tuple[str, float]]:
    """(word, share gone) of all that is known."""
    shares = []
    for dimension, sums in totals.dimensions.items():
        whole = sums.allocatable if sums.allocatable is not None else sums.capacity
        gone = sums.used if sums.requested is None else sums.requested
        if whole and gone is not None:
            shares.append((WORDS[dimension], gone / whole))
    return shares + _disk(totals.states)


def _disk(states: Iterable[NodeState]) -> list[tuple[str, float]]:
    """The share of the nodes' own file systems that is gone."""
    around = surroundings(states)
    if not around.disk_capacity or around.disk_free is None:
        return []
    return [("disk", 1 - around.disk_free / around.disk_capacity)]


def running_limit(totals: Totals) -> str:
    """What running work was measured to wait for, the most widespread first; empty: nothing."""
    waits: dict[str, int] = {}
    weight = 0
    for state in totals.states:
        weight += _weight(state)
        for word, count in state.waits:
            waits[word] = waits.get(word, 0) + count
    common = [pair for pair in waits.items() if pair[1] * 1000 >= weight * COMMON_MILLI]
    ordered = sorted(common, key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(word for word, _ in ordered[:2])


def _weight(state: NodeState) -> int:
    """Boards at work; a node without any weighs one."""
    return max(1, state.count("allocated"))


def waits_of(state: NodeState) -> list[tuple[str, int]]:
    """(what work was measured to wait for, on how many boards); a node without boards weighs one."""
    found = _pressure(state)
    for board in state.boards:
        reading = board.reading
        if reading is not None and board.state == "allocated":
            word = _board_waits(reading, board)
            if word:
                found.append((word, 1))
    return found


def _pressure(state: NodeState) -> list[tuple[str, int]]:
    use = state.node.use
    if use is None:
        return []
    readings = (
        ("CPU", use.cpu_pressure_milli),
        ("memory", use.memory_pressure_milli),
        ("I/O", use.io_pressure_milli),
    )
    return [
        (word, _weight(state)) for word, milli in readings if milli is not None and milli >= PRESSURE_MILLI
    ]


def _board_waits(reading: Accelerator, board: Board) -> str:
    """The first of: throttled, memory full, memory traffic."""
    if reading.throttle and (slowed := slowed_by(reading.throttle)):
        return slowed
    total, used = reading.memory_bytes, reading.memory_used_bytes
    if total and used is not None and used * 1000 >= total * FULL_MILLI:
        return "GPU memory"
    traffic = reading.memory_busy_milli or 0
    return "GPU memory bandwidth" if traffic >= MEMORY_BOUND_MILLI and board.idle is False else ""
