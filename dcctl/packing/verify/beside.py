"""Whether members may stand where they do because of one another: for `verify` alone, pair by pair.

What a rule forbids depends on who came first. What some order of placing makes right is not wrong here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations, product
from typing import TYPE_CHECKING, NamedTuple

from dcctl.inventory.placement import Selector
from dcctl.packing.verify.where import meets, selected, untainted, value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dcctl.inventory.placement import HostPort, Neighbours, Spread, Template
    from dcctl.packing.problem import Bin, Problem


_EMPTY = Selector()
"""A spread over all members, that is, counts none."""


class Member(NamedTuple):
    """A member in its bin; one that is not placed by the plan stood there before."""

    name: str
    bin: int
    of: int
    placed: bool


def chosen(selector: Selector | None, namespaces: Sequence[str], template: Template) -> bool:
    """Whether members of this template are those that a rule is about."""
    if selector is None or not ("*" in namespaces or template.namespace in namespaces):
        return False
    labels = all(template.labels.get(key) == value for key, value in selector.labels.items())
    return labels and all(meets(one, template.labels.get(one.key)) for one in selector.expressions)


def clashes(problem: Problem, members: Sequence[Member]) -> Iterator[str]:
    """Ports that two members of a bin ask for, and members beside whom they must not stand."""
    templates = [one.template for one in problem.classes]
    yield from _ports(problem, templates, members)
    keys = {term.key for template in templates for term in _repelling(template)}
    beside: dict[tuple[str, str], list[Member]] = defaultdict(list)
    for one in members:
        for key in keys:
            value = value_of(problem.bins[one.bin], key)
            if value is not None:
                beside[key, value].append(one)
    for one in members:
        for term in _repelling(templates[one.of]):
            value = value_of(problem.bins[one.bin], term.key)
            if value is not None:
                yield from _apart(templates, one, term, beside[term.key, value])


def _ports(problem: Problem, templates: Sequence[Template], members: Iterable[Member]) -> Iterator[str]:
    inside: dict[int, list[Member]] = defaultdict(list)
    for one in members:
        if templates[one.of].ports:
            inside[one.bin].append(one)
    for there in inside.values():
        for one, other in combinations(there, 2):
            ports = product(templates[one.of].ports, templates[other.of].ports)
            if (one.placed or other.placed) and any(_same(a, b) for a, b in ports):
                yield f"{one.name} and {other.name} ask for one port of {problem.bins[one.bin].name}"


def _repelling(template: Template) -> list[Neighbours]:
    return [term for term in template.neighbours if term.apart and not term.weight]


def _same(one: HostPort, other: HostPort) -> bool:
    anywhere = "0.0.0.0"  # noqa: S104  # how Kubernetes writes every address
    return (one.protocol, one.port) == (other.protocol, other.port) and (
        one.address == other.address or anywhere in (one.address, other.address)
    )


def _apart(
    templates: Sequence[Template], one: Member, term: Neighbours, beside: Iterable[Member]
) -> Iterator[str]:
    about = term.namespaces or (templates[one.of].namespace,)
    for other in beside:
        counts = other is not one and (one.placed or other.placed)
        if counts and chosen(term.selector, about, templates[other.of]):
            yield f"{one.name} must not stand beside {other.name} under one {term.key}"


def misplaced(problem: Problem, members: Sequence[Member]) -> Iterator[str]:
    """Members that are spread unevenly, or do not stand beside whom they must."""
    every = [problem.classes[one.of].template for one in members if one.placed]
    for template in {id(one): one for one in every}.values():
        for spread in template.spreads:
            if spread.required:
                yield from _uneven(problem, template, spread, members)
        for term in template.neighbours:
            if not term.apart and not term.weight:
                yield from _lonely(problem, template, term, members)


def _uneven(problem: Problem, template: Template, spread: Spread, members: Sequence[Member]) -> Iterator[str]:
    """Domains that hold too many members of the template, whatever was placed there later by others."""
    every: Counter[str] = Counter(dict.fromkeys(_domains(problem, template, spread), 0))
    own: Counter[str] = Counter()
    mine = chosen(spread.selector, (template.namespace,), template)
    for member in members:
        where, other = problem.bins[member.bin], problem.classes[member.of].template
        value = value_of(where, spread.key)
        if other is template and member.placed and value is None:
            yield f"{member.name} is to be spread over {spread.key}, which its node lacks"
        elif value is not None and _eligible(template, spread, where):
            counts = spread.selector != _EMPTY and not other.leaving
            counts = counts and chosen(spread.selector, (template.namespace,), other)
            every[value] += counts
            own[value] += counts and (other is template or not member.placed)
    least = min(every.values(), default=0)
    if spread.min_domains is not None and len(every) < spread.min_domains:
        least = 0
    placed = {
        value_of(problem.bins[one.bin], spread.key) or ""
        for one in members
        if one.placed and problem.classes[one.of].template is template
    }
    for value in sorted(placed):
        if own[value] - least > spread.max_skew:
            what = "them" if mine else "those it is about"
            yield f"{spread.key}={value} holds {own[value]} of {what}, another value only {least}"


def _domains(problem: Problem, template: Template, spread: Spread) -> set[str]:
    every = {value_of(where, spread.key) for where in problem.bins if _eligible(template, spread, where)}
    return {value for value in every if value is not None}


def _eligible(template: Template, spread: Spread, where: Bin) -> bool:
    """Whether a bin counts for a spread."""
    keys = (other.key for other in template.spreads if other.required)
    if any(value_of(where, key) is None for key in keys):
        return False
    if spread.honor_affinity and not selected(template, where):
        return False
    return not spread.honor_taints or untainted(template, where)


def _lonely(
    problem: Problem, template: Template, term: Neighbours, members: Sequence[Member]
) -> Iterator[str]:
    """Domains where no member can have been the first.

    The first of a group that it belongs to itself may stand anywhere; all others beside somebody.
    """
    near = [one for one in template.neighbours if not one.apart and not one.weight]

    def belongs(other: Template) -> bool:
        return all(chosen(one.selector, one.namespaces or (template.namespace,), other) for one in near)

    mine, founded, held = set[str](), set[str](), False
    for member in members:
        other = problem.classes[member.of].template
        value = value_of(problem.bins[member.bin], term.key)
        if other is template and member.placed:
            if value is None:
                yield f"{member.name} needs a node with {term.key}"
            else:
                mine.add(value)
        elif belongs(other):
            labelled = any(value_of(problem.bins[member.bin], one.key) is not None for one in near)
            held |= labelled and not member.placed
            founded.update(() if value is None else (value,))
    alone = sorted(mine - founded)
    first = 0 if held or not belongs(template) else 1
    if len(alone) > first:
        yield f"members stand under {term.key}={', '.join(alone)} without whom they must stand beside"
