"""Sentences on what makes the numbers doubtful: facts that contradict each other, or that are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.assess.fleet.details import conflicts
from dcctl.inventory.folding import fold, sort_key
from dcctl.inventory.model import ENDED
from dcctl.inventory.occupancy.boards import units_of
from dcctl.inventory.occupancy.resources import accelerators_in, is_accelerator
from dcctl.render.report import Note
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcctl.assess.fleet.details import Evidence
    from dcctl.assess.fleet.nodes import NodeState

_TOLD = 3
"""So many of a kind are told in a sentence."""
_READABLE = 100
"""Characters of a folded node set in a sentence."""


def sources_disagree(evidence: Evidence) -> Note | None:
    """The facts of which sources state different values."""
    found = conflicts(evidence)
    if not found:
        return None
    about = _listed(dict.fromkeys(one.subject for one in found))
    return Note("sources disagree", f"on {plural(len(found), 'fact')} about {about}", "warn", "", "conflicts")


def over_requested(evidence: Evidence) -> Note | None:
    """The nodes on which work asks for more accelerators than they have, of any one resource."""
    told = [f"{node}: {said}" for state in evidence.states for node, said in _beyond(state)]
    if not told:
        return None
    return Note("requests", f"more requested than there is on {_listed(told, '; ')}", "warn")


def _beyond(state: NodeState) -> Iterator[tuple[str, str]]:
    """(node, `8 of 4 nvidia.com/gpu`) of each resource of which too much is asked for."""
    asked, capacity = state.demand.devices if state.demand is not None else {}, state.node.capacity
    if not asked or capacity is None or not state.boards_known:
        return
    for resource, units in sorted(asked.items()):
        if units <= capacity.devices.get(resource, 0) or not is_accelerator(resource):
            continue
        there = max(capacity.devices.get(resource, 0), _handed_out(state, resource))
        if units > there and (there or not accelerators_in(capacity.devices)):
            # With other names for its boards on the node, a name that it lacks may mean the same ones.
            yield state.node.name, f"{units:,} of {there:,} {resource}"


def _handed_out(state: NodeState, resource: str) -> int:
    return sum(units_of(board).get(resource, 0) for board in state.boards)


def bound_to_unlisted(evidence: Evidence) -> Note | None:
    """Members bound to nodes that no source lists.

    Only of work that has no member on a listed node: that of other work may be on nodes not asked for.
    """
    nodes: list[str] = []
    for work in evidence.fleet.workloads:
        if not any(one.node in evidence.listed and one.phase not in ENDED for one in work.members):
            nodes += [one.node for one in work.members if one.node and one.phase not in ENDED]
    if not nodes:
        return None
    text = f"{plural(len(nodes), 'pod')} bound to {_some(set(nodes))}, which no source lists: not counted"
    return Note("requests", text, "warn")


def counts_not_believed(evidence: Evidence) -> Note | None:
    """Counts that no machine has: what would follow from them is unknown."""
    told = [f"{', '.join(s.not_believed)} on {s.node.name}" for s in evidence.states if s.not_believed]
    return Note("not believed", _listed(told, "; "), "warn") if told else None


def unknown_amounts(evidence: Evidence) -> Note | None:
    """On how many nodes CPU or memory are not known, when the sums are those of the others."""
    silent: dict[int, list[str]] = {}
    for dimension, word in (("cpu_milli", "CPU"), ("memory_bytes", "memory")):
        amounts = [getattr(state.node.capacity, dimension, None) for state in evidence.states]
        if 0 < amounts.count(None) < len(amounts):
            silent.setdefault(amounts.count(None), []).append(word)
    of = plural(len(evidence.states), "node")
    told = [f"{' and '.join(words)} unknown on {count:,} of {of}" for count, words in silent.items()]
    return Note("sums", f"{', '.join(told)}: left out") if told else None


def _some(nodes: set[str]) -> str:
    """The nodes folded, or the first few where that is too long to read."""
    folded = fold(nodes)
    if len(folded) <= _READABLE:
        return folded
    first = sorted(nodes, key=sort_key)[:_TOLD]
    return f"{fold(first)} and {len(nodes) - len(first):,} more"


def _listed(parts: Iterable[str], between: str = ", ") -> str:
    """The first few, and how many more there are."""
    told = list(parts)
    more = len(told) - _TOLD
    return between.join(told[:_TOLD]) + (f"{between}and {more:,} more" if more > 0 else "")
