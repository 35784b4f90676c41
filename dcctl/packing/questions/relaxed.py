"""Conditions of a job that may be dropped: the smallest of each sort first, then all of that sort."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.inventory.occupancy.unavailable import is_upkeep
from dcctl.inventory.placement import Toleration
from dcctl.packing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from dcctl.inventory.model import Taint
    from dcctl.inventory.placement import Expression, NodeTerm, Template
    from dcctl.packing.fit.feasibility import Feasibility
    from dcctl.packing.problem import ItemClass

_TAINTS = 8
"""Sets of taints of which each is tried by itself."""


class Relaxed(NamedTuple):
    """Items that ask for less."""

    what: str
    """The condition that is dropped, or the taints that are tolerated."""
    change: Callable[[ItemClass], ItemClass]
    nodes: int = 0
    """How many nodes have those taints; 0: it is another condition."""
    all_of_them: bool = False
    """Whether it is all of its sort, where each was told by itself before."""


def relaxations(items: Feasibility, of: int, one: ItemClass) -> Iterator[tuple[Relaxed, ...]]:
    """Sorts of conditions of class `of`, each as what may be dropped of it: the smallest change first."""
    template = one.template
    if one.need.models:
        yield (Relaxed(f"models {', '.join(one.need.models)}", _any_model),)
    yield tuple(_selectors(template))
    yield tuple(_affinities(template.required or ()))
    if any(each.required for each in template.spreads):
        yield (Relaxed("topology spread", _retemplated(lambda t: replace(t, spreads=()))),)
    for apart, word in ((True, "anti-affinity"), (False, "affinity")):
        if any(each.apart is apart and not each.weight for each in template.neighbours):
            yield (Relaxed(word, _retemplated(partial(_alone, apart=apart))),)
    yield tuple(_taints(items, of, one))


def _any_model(one: ItemClass) -> ItemClass:
    return replace(one, need=replace(one.need, models=()), template=replace(one.template, models=()))


def _retemplated(change: Callable[[Template], Template]) -> Callable[[ItemClass], ItemClass]:
    return lambda one: replace(one, template=change(one.template))


def _alone(template: Template, apart: bool) -> Template:
    return replace(template, neighbours=tuple(one for one in template.neighbours if one.apart is not apart))


def _selectors(template: Template) -> Iterator[Relaxed]:
    """Each label, then all of them."""
    labels = [f"{key}={value}" for key, value in template.node_selector.items()]
    for key, told in zip(template.node_selector, labels, strict=True):
        yield Relaxed(f"node selector {told}", _retemplated(partial(_unselected, keys=(key,))))
    if len(labels) > 1:
        every = partial(_unselected, keys=tuple(template.node_selector))
        yield Relaxed(f"node selector {', '.join(labels)}", _retemplated(every), all_of_them=True)


def _unselected(template: Template, keys: tuple[str, ...]) -> Template:
    kept = {name: value for name, value in template.node_selector.items() if name not in keys}
    return replace(template, node_selector=kept)


def _affinities(terms: Iterable[NodeTerm]) -> Iterator[Relaxed]:
    """Each expression of required node affinity, then all of them."""
    known = dict.fromkeys(
        (name, one)
        for term in terms
        for name, several in (("", term.labels), ("name", term.names))
        for one in several
    )
    told = [_expression(one, name) for name, one in known]
    for (_, one), text in zip(known, told, strict=True):
        yield Relaxed(f"node affinity {text}", _retemplated(partial(_without_expression, gone=one)))
    if len(told) > 1:
        every = _retemplated(lambda template: replace(template, required=None))
        yield Relaxed(f"node affinity {', '.join(told)}", every, all_of_them=True)


def _expression(one: Expression, name: str) -> str:
    """`zone In (a, b)`."""
    values = f" ({', '.join(one.values)})" if one.values else ""
    return f"{name or one.key} {one.operator}{values}"


def _without_expression(template: Template, gone: Expression) -> Template:
    terms = tuple(
        replace(
            term,
            labels=tuple(one for one in term.labels if one != gone),
            names=tuple(one for one in term.names if one != gone),
        )
        for term in template.required or ()
    )
    all_of_them = all(term.labels or term.names for term in terms)
    return replace(template, required=terms if all_of_them else None)


def _taints(items: Feasibility, of: int, one: ItemClass) -> Iterator[Relaxed]:
    """Taints that alone keep members out of nodes: the fewest and commonest first, then all of them.

    Never those of nodes that are cordoned, not ready, going or being worked on.
    """
    fixed = items.wanted[of].fixed
    found = Counter(
        items.barring(one.template, at) for at in (fixed == int(Reason.TAINT)).nonzero()[0].tolist()
    )
    sets = {
        taints: nodes for taints, nodes in found.items() if not any(is_upkeep(each.key) for each in taints)
    }
    order = sorted(sets, key=lambda taints: (len(taints), -sets[taints], _told(taints)))
    for taints in order[:_TAINTS]:
        there = sum(nodes for other, nodes in sets.items() if other <= taints)
        yield Relaxed(_told(taints), _retemplated(partial(_tolerant, taints=taints)), there)
    every = frozenset(chain.from_iterable(order))
    if len(order) > 1 and every not in sets:
        change = _retemplated(partial(_tolerant, taints=every))
        yield Relaxed(_told(every), change, sum(sets.values()), all_of_them=True)


def _told(taints: Iterable[Taint]) -> str:
    """`nvidia.com/gpu=present:NoSchedule`, as kubectl writes it."""
    return ", ".join(
        sorted(f"{one.key}{f'={one.value}' if one.value else ''}:{one.effect}" for one in taints)
    )


def _tolerant(template: Template, taints: Iterable[Taint]) -> Template:
    more = (Toleration(one.key, "Equal", one.value, one.effect) for one in taints)
    return replace(template, tolerations=(*template.tolerations, *more))
