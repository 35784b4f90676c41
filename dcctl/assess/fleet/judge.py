"""Every node of a fleet judged, with what is usual in its pool taken from the fleet itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.assess.fleet.bottleneck import waits_of
from dcctl.assess.fleet.faults import signs_of
from dcctl.assess.fleet.idle import Rule, mark_idle
from dcctl.assess.fleet.nodes import Habits, NodeState, judge
from dcctl.assess.fleet.stranded import Shares, typical
from dcctl.assess.fleet.tally import tally
from dcctl.inventory.kinds import kinds_of
from dcctl.inventory.occupancy.demand import demand_of
from dcctl.inventory.occupancy.unavailable import common_taints

if TYPE_CHECKING:
    from dcctl.inventory.model import Fleet, Node
    from dcctl.inventory.occupancy.demand import Demand

_NO_HABITS = Habits(Shares(), frozenset())


def judge_fleet(fleet: Fleet, rule: Rule, now_s: int, whole: Fleet | None = None) -> list[NodeState]:
    """One state per node, in the order of the fleet. `now_s` is Unix time.

    What is usual in a pool is learned from `whole`, of which `fleet` is a part, or else from the fleet.
    All that needs the boards of a node is done before the next node: 80,000 boards do not fit into the caches
    of a processor, and every further walk over them costs as much as the work itself.
    """
    of_all = whole or fleet
    demand = demand_of(of_all)
    habits, kinds = _habits(of_all.nodes, demand), kinds_of([of_all])
    states = []
    for node in fleet.nodes:
        state = judge(node, demand[node.name], habits.get(_pool(node), _NO_HABITS), kinds)
        if state.boards:
            mark_idle(state.boards, rule, now_s)
            state.tally = tally(state.boards)
        state.waits = waits_of(state)
        state.signs = tuple(signs_of(state))
        states.append(state)
    return states


def _pool(node: Node) -> str:
    return node.pools[0] if node.pools else ""


def _habits(nodes: tuple[Node, ...], demand: dict[str, Demand | None]) -> dict[str, Habits]:
    pools: dict[str, list[Node]] = {}
    for node in nodes:
        pools.setdefault(_pool(node), []).append(node)
    return {pool: _habits_of(members, demand) for pool, members in pools.items()}


def _habits_of(nodes: list[Node], demand: dict[str, Demand | None]) -> Habits:
    known = {node.name: one for node in nodes if (one := demand[node.name]) is not None}
    working = {name for name, one in known.items() if one.holding}
    usual = typical(placed for one in known.values() for placed in one.holding)
    return Habits(usual, common_taints(nodes, working))
