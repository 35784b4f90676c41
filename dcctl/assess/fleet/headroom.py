"""What the packing core is asked about judged nodes: how many more jobs of one size fit on them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dcctl.packing.headroom import Room
from dcctl.packing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.assess.fleet.nodes import NodeState

_SHORT = {
    "cpu_milli": Reason.CPU,
    "memory_bytes": Reason.MEMORY,
    "storage_bytes": Reason.STORAGE,
    "pods": Reason.PODS,
    "": Reason.RESOURCE,
}
"""The core's reason for each dimension that strands accelerators."""


def rooms(state: NodeState, pool: str | None = None) -> Iterator[Room]:
    """What a judged node has, resource by resource. `pool` stands for its first one."""
    place = (state.scheduler, state.node.site or "", state.pool if pool is None else pool)
    known, short_of = state.tally, _SHORT[state.shortage.dimension]
    if len(known.resources) == 1:
        stranded = known.by_state.get("stranded", 0)
        yield Room(place, next(iter(known.resources)), known.whole, known.whole_free, stranded, short_of)
        return
    boards = [board for board in state.boards if board.whole()]
    states = Counter((board.resource, board.state) for board in boards)
    for resource, count in Counter(board.resource for board in boards).items():
        yield Room(place, resource, count, states[resource, "free"], states[resource, "stranded"], short_of)
