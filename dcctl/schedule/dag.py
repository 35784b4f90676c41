"""A workflow as a problem of the packing core, and the workers that an inventory has for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.folding import sort_key
from dcctl.inventory.workflow import Crew
from dcctl.packing.dag.problem import Edge, Problem, Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.inventory.model import Fleet, Node
    from dcctl.inventory.workflow import Wait, Workflow


def problem_of(workflow: Workflow) -> Problem:
    """Return the workflow as numbers: its steps and workers by position, its links by their rate."""
    rates = [rate for row in workflow.rates_bps for rate in row]
    known = sorted({rate for rate in rates if rate is not None}, reverse=True)
    unknown: list[int | None] = [None] if workflow.workers[1:] else []  # with one worker nothing is sent
    classes: list[int | None] = [*known] or unknown
    number = {rate: at for at, rate in enumerate(classes, 1)}
    position = {step.name: at for at, step in enumerate(workflow.steps)}
    return Problem(
        workflow.workers,
        tuple(
            Task(step.name, tuple(step.times_ms.get(worker) for worker in workflow.workers))
            for step in workflow.steps
        ),
        tuple(
            Edge(position[wait.task], at, (0, *(transfer_ms(wait, rate) for rate in classes)))
            for at, step in enumerate(workflow.steps)
            for wait in step.after
        ),
        tuple(
            tuple(0 if a == b else number.get(rate, 1) for b, rate in enumerate(row))
            for a, row in enumerate(workflow.rates_bps)
        ),
    )


def transfer_ms(wait: Wait, rate_bps: int | None) -> int:
    """Return how long what a step waits for takes over a link of that rate, in whole ms, rounded up."""
    if wait.size_bytes is None:
        return wait.delay_ms
    if rate_bps is None:
        raise ValueError("bytes take an unknown time over a link of unknown rate")
    return -(-wait.size_bytes * 8000 // rate_bps)


def crew(fleet: Fleet, each: str) -> Crew:
    """Return the workers of a fleet: one for each `node` that takes work, or for each `pool` that has one."""
    nodes = [node for node in fleet.nodes if takes_work(node)]
    pools: dict[str, list[str]] = {}
    for node in nodes:
        for pool in node.pools:
            pools.setdefault(pool, []).append(node.name)
    if each == "pool":
        return Crew(_sorted(list(pools)))
    groups = {f"@pool:{pool}": _sorted(names) for pool, names in pools.items()}
    return Crew(_sorted([node.name for node in nodes]), groups)


def takes_work(node: Node) -> bool:
    """Whether nothing that is known of a node keeps work away."""
    return node.ready is not False and node.schedulable is not False


def _sorted(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=sort_key))
