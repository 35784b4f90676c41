"""How far each task is from the start and from the end of a workflow, in mean times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.packing.dag.graph import mean_transfer, weighed

if TYPE_CHECKING:
    from dcctl.packing.dag.graph import Graph


def upward(graph: Graph) -> list[float]:
    """Return the mean time in ms from the start of each task to the end of the workflow.

    rank_u of Topcuoglu et al., Performance-effective and low-complexity task scheduling for heterogeneous
    computing, IEEE TPDS 13(3), 2002.
    """
    shares = mean_transfer(graph.problem)
    ranks = [0.0] * len(graph.order)
    for task in reversed(graph.order):
        tail = (weighed(transfer_ms, shares) + ranks[after] for after, transfer_ms in graph.after[task])
        ranks[task] = graph.mean_ms(task) + max(tail, default=0.0)
    return ranks


def downward(graph: Graph) -> list[float]:
    """Return the mean time in ms from the start of the workflow to that of each task (rank_d)."""
    shares = mean_transfer(graph.problem)
    ranks = [0.0] * len(graph.order)
    for task in graph.order:
        head = (
            ranks[before] + graph.mean_ms(before) + weighed(transfer_ms, shares)
            for before, transfer_ms in graph.before[task]
        )
        ranks[task] = max(head, default=0.0)
    return ranks
