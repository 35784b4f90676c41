"""How many more jobs fit: a simple count. A packing engine can take the place of `more_jobs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def more_jobs(nodes: Iterable[tuple[int, int]], accelerators: int) -> int:
    """How many more jobs of so many accelerators fit. `nodes`: (boards, of them free) of each node.

    A job no larger than a node must fit on one; a larger one takes whole nodes that are entirely free.
    """
    if accelerators < 1:
        return 0
    within, whole = 0, 0
    for boards, free in nodes:
        if accelerators <= boards:
            within += free // accelerators
        elif boards and free == boards:
            whole += boards
    return within + whole // accelerators
