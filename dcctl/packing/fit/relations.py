"""What depends on where other members stand: spread, affinity, anti-affinity, ports of the node.

The rules are kube-scheduler's (plugins PodTopologySpread, InterPodAffinity, NodePorts; Kubernetes 1.36).
"""

from __future__ import annotations

from collections import Counter
from functools import cache, cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from dcctl.inventory.placement import Selector
from dcctl.packing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from dcctl.inventory.placement import Expression, HostPort, Neighbours, Spread, Template
    from dcctl.packing.fit.labels import Labels

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]


_ANY: Final = 1 << 62
"""More items than any bin holds."""


class Group(NamedTuple):
    """Members that a rule is about."""

    selector: Selector | None
    namespaces: tuple[str, ...]
    leaving: bool = True
    """Whether members that are being deleted belong to it."""

    def __hash__(self) -> int:
        labels = () if self.selector is None else tuple(sorted(self.selector.labels.items()))
        return hash((labels, self.namespaces))

    def selects(self, template: Template) -> bool:
        """Whether members of this template belong to it."""
        if template.leaving and not self.leaving:
            return False
        if self.selector is None or not ("*" in self.namespaces or template.namespace in self.namespaces):
            return False
        return selects(self.selector, template.labels)


def selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches (LabelSelector: all of matchLabels and matchExpressions)."""
    if any(labels.get(key) != value for key, value in selector.labels.items()):
        return False
    return all(_meets(one, labels.get(one.key)) for one in selector.expressions)


def _meets(expression: Expression, value: str | None) -> bool:
    match expression.operator:
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "In":
            return value in expression.values
    return value not in expression.values


class _Tally:
    """Members of some group by the value that their bin has of one label."""

    __slots__ = ("_bins", "_counts", "_eligible", "_rows", "_size")

    def __init__(self, rows: Ints, size: int, eligible: Callable[[], Bools] | None = None) -> None:
        """`rows`: the value of each bin, -1 for none, of `size` values; `eligible`: bins that count."""
        self._rows, self._size, self._eligible = rows, size, eligible
        self._bins: Counter[int] = Counter()
        self._counts: Ints | None = None

    @property
    def told(self) -> Bools:
        """Bins that have the label."""
        return self._rows >= 0

    @property
    def widest(self) -> int:
        """Most bins under one value."""
        return int(np.bincount(self._rows + 1, minlength=2)[1:].max())

    def add(self, at: int, sign: int) -> None:
        """A member more stands in that bin, or one less."""
        if self._counts is None:
            self._bins[at] += sign
        elif self._rows[at] >= 0 and (self._eligible is None or self._eligible()[at]):
            self._counts[self._rows[at]] += sign

    def counts(self) -> Ints:
        """Members by value; the last one, for bins without the label, is 0."""
        if self._counts is None:
            self._counts = np.zeros(self._size + 1, np.int64)
            for at, count in self._bins.items():
                if self._rows[at] >= 0 and (self._eligible is None or self._eligible()[at]):
                    self._counts[self._rows[at]] += count
        return self._counts

    def beside(self) -> Bools:
        """Bins under whose value some member stands."""
        return (self.counts() > 0)[self._rows]


class _Evenly:
    """One spread of one template: which bins count, and who stands where."""

    def __init__(
        self, spread: Spread, own: int, tally: _Tally, rows: Ints, eligible: Callable[[], Bools]
    ) -> None:
        self._spread, self._own, self.tally, self._rows = spread, own, tally, rows
        self._eligible = eligible
        self._domains: Ints | None = None

    def _found(self) -> Ints:
        """Values under which bins count."""
        if self._domains is None:
            found = np.unique(self._rows[self._eligible()])
            self._domains = found[found >= 0]
        return self._domains

    def domains(self) -> list[Bools] | None:
        """Bins of each domain; None: there are fewer than asked for, or the skew allows nobody."""
        found, spread = self._found(), self._spread
        if not len(found) or spread.max_skew < 1 or len(found) < (spread.min_domains or 0):
            return None
        return [self._rows == one for one in found.tolist()]

    def exceeded(self) -> Bools:
        """Bins where one member more would exceed the skew, or that lack the label."""
        domains = self._found()
        counts, few = self.tally.counts(), self._spread.min_domains
        least = int(counts[domains].min()) if len(domains) else 0
        if few is not None and len(domains) < few:
            least = 0
        bad = counts + self._own - least > self._spread.max_skew
        bad[-1] = True
        return bad[self._rows]


class _Rules(NamedTuple):
    """What one template asks of those who stand somewhere already."""

    evenly: tuple[_Evenly, ...] = ()
    near: tuple[_Tally, ...] = ()
    near_rows: tuple[Ints, ...] = ()
    first_may: bool = False
    """Whether the first of the group may stand wherever the labels are."""
    apart: tuple[_Tally, ...] = ()
    ports: tuple[HostPort, ...] = ()


class Relations:
    """Where members stand, as far as any rule of any template asks."""

    def __init__(self, labels: Labels, templates: Sequence[Template]) -> None:
        """`templates` are those of the classes, by position."""
        self._labels, self._templates = labels, templates
        self._distinct = set_of(templates)
        self._ports: dict[tuple[str, int], Counter[tuple[int, str]]] = {}
        self._of_group: dict[tuple[Group, ...], dict[object, _Tally]] = {}
        self._repelling: dict[tuple[str, Group], _Tally] = {}
        rules = {id(one): self._rules_of(one) for one in self._distinct}
        counting, repelled = self._who_counts(), self._who_is_repelled()
        self._rules = {
            key: one._replace(apart=(*one.apart, *repelled.get(key, ()))) for key, one in rules.items()
        }
        self._adds = {
            id(one): (*counting.get(id(one), ()), *(self._repels(term, one) for term in apart(one)))
            for one in self._distinct
        }
        self.related = [self._rules[id(one)] != _Rules() for one in templates]
        """By class: whether where it may stand depends on others."""
        self.counted = [self.related[at] or bool(self._adds[id(one)]) for at, one in enumerate(templates)]
        """By class: whether where it, or others because of it, may stand is a matter of rules."""

    def add(self, at: int, of: int, sign: int = 1) -> None:
        """A member of class `of` now stands in bin `at` (or, with `sign` -1, no longer)."""
        if not self.counted[of]:
            return
        template = self._templates[of]
        for tally in self._adds[id(template)]:
            tally.add(at, sign)
        for port in template.ports:
            self._ports.setdefault((port.protocol, port.port), Counter())[at, port.address] += sign

    def swayed_by(self, of: int) -> frozenset[int]:
        """Classes of which it matters to rules of class `of` where their members stand, ports left aside."""
        rules = self._rules[id(self._templates[of])]
        tallies = (*(each.tally for each in rules.evenly), *rules.near, *rules.apart)
        return frozenset(one for tally in tallies for one in self._adding.get(id(tally), ()))

    @cached_property
    def _adding(self) -> dict[int, list[int]]:
        """By id of a tally: classes whose members stand in it."""
        found: dict[int, list[int]] = {}
        for of, template in enumerate(self._templates):
            for tally in self._adds[id(template)]:
                found.setdefault(id(tally), []).append(of)
        return found

    def width(self, of: int) -> int | None:
        """How many bins one member more can close to class `of` by its rules; None: nobody can tell."""
        rules = self._rules[id(self._templates[of])]
        tallies = (*(each.tally for each in rules.evenly), *rules.apart)
        return None if rules.near else max((tally.widest for tally in tallies), default=1)

    def domains(self, of: int) -> list[Bools] | None:
        """Bins of each domain of the one spread that is the only rule of class `of`; None: it is not.

        The domain with the fewest members takes one more, whatever the others hold.
        """
        rules = self._rules[id(self._templates[of])]
        if len(rules.evenly) != 1 or rules.near or rules.apart or rules.ports:
            return None
        return rules.evenly[0].domains()

    def most(self, of: int, joining: Iterable[int]) -> Ints | None:
        """How many items of class `of` each bin holds at most, whatever is placed next; None: any number.

        `joining`: classes of what is placed next.
        """
        if not self.related[of]:
            return None
        bits = self.refusals(of)
        if not self.swayed_by(of).isdisjoint(joining):
            bits &= Reason.PORT | Reason.APART  # those who come never lift these
        template = self._templates[of]
        rules, own = self._rules[id(template)], {id(tally) for tally in self._adds[id(template)]}
        alone = np.full(len(bits), bool(rules.ports))
        for tally in rules.apart:
            if id(tally) in own:
                alone |= tally.told
        return np.where(bits, 0, np.where(alone, 1, _ANY))

    def refusals(self, of: int) -> Ints:
        """Reasons of each bin against one more item of class `of`."""
        rules = self._rules[id(self._templates[of])]
        bits = np.zeros(self._labels.count, np.int64)
        for port in rules.ports:
            bits[self._taken(port)] |= Reason.PORT
        for evenly in rules.evenly:
            bits |= evenly.exceeded() * int(Reason.SPREAD)
        if rules.near:
            bits |= ~self._beside(rules) * int(Reason.TOGETHER)
        for tally in rules.apart:
            bits |= tally.beside() * int(Reason.APART)
        return bits

    def _rules_of(self, template: Template) -> _Rules:
        hard = [one for one in template.spreads if one.required]
        near = _near(template)
        groups = _groups(near, template)
        return _Rules(
            evenly=tuple(self._evenly(one, hard, template) for one in hard),
            near=tuple(self._tally(one.key, groups) for one in near),
            near_rows=tuple(self._labels.column(one.key)[0] for one in near),
            first_may=bool(near) and all(group.selects(template) for group in groups),
            apart=tuple(self._tally(one.key, (group_of(one, template),)) for one in apart(template)),
            ports=template.ports,
        )

    def _tally(self, key: str, groups: tuple[Group, ...]) -> _Tally:
        """Those who belong to all groups, by one label."""
        known = self._of_group.setdefault(groups, {})
        if key not in known:
            rows, values = self._labels.column(key)
            known[key] = _Tally(rows, len(values))
        return known[key]

    def _evenly(self, spread: Spread, hard: Sequence[Spread], template: Template) -> _Evenly:
        rows, values = self._labels.column(spread.key)
        group = _spread_over(spread, template)

        @cache
        def eligible() -> Bools:
            keyed = np.logical_and.reduce([self._labels.column(one.key)[0] >= 0 for one in hard])
            return keyed & self._counts(spread, template)  # type: ignore[no-any-return]

        tally = _Tally(rows, len(values), eligible)
        if spread.selector != Selector():  # an empty one selects the member itself, but no other
            self._of_group.setdefault((group,), {})[id(template), spread.key, id(spread)] = tally
        return _Evenly(spread, int(group.selects(template)), tally, rows, eligible)

    def _repels(self, term: Neighbours, template: Template) -> _Tally:
        key = (term.key, group_of(term, template))
        if key not in self._repelling:
            rows, values = self._labels.column(term.key)
            self._repelling[key] = _Tally(rows, len(values))
        return self._repelling[key]

    def _who_counts(self) -> dict[int, list[_Tally]]:
        """By template: the tallies that its members stand in."""
        found: dict[int, list[_Tally]] = {}
        wanted = {group for groups in self._of_group for group in groups}
        members = _members(wanted, self._distinct)
        for groups, tallies in self._of_group.items():
            inside = set.intersection(*(members[group] for group in groups))
            for key in inside:
                found.setdefault(key, []).extend(tallies.values())
        return found

    def _who_is_repelled(self) -> dict[int, list[_Tally]]:
        """By template: the tallies of those who do not want it beside them."""
        terms = [(term, one) for one in self._distinct for term in apart(one)]
        members = _members({group_of(term, one) for term, one in terms}, self._distinct)
        found: dict[int, dict[int, _Tally]] = {}
        for term, one in terms:
            tally = self._repels(term, one)
            for key in members[group_of(term, one)]:
                found.setdefault(key, {})[id(tally)] = tally
        return {key: list(tallies.values()) for key, tallies in found.items()}

    def _taken(self, port: HostPort) -> list[int]:
        anywhere = "0.0.0.0"  # noqa: S104  # how Kubernetes writes every address
        held = self._ports.get((port.protocol, port.port), Counter())
        return [
            at
            for (at, address), count in held.items()
            if count > 0 and (address == port.address or anywhere in (address, port.address))
        ]

    def _beside(self, rules: _Rules) -> Bools:
        """Bins that meet every required affinity.

        A member counts when it belongs to the groups of all terms and its bin has one of the labels; who
        would be the first of a group that it belongs to itself needs only the labels.
        """
        if rules.first_may and not any(tally.counts().any() for tally in rules.near):
            return np.logical_and.reduce([rows >= 0 for rows in rules.near_rows])  # type: ignore[no-any-return]
        return np.logical_and.reduce([tally.beside() for tally in rules.near])  # type: ignore[no-any-return]

    def _counts(self, spread: Spread, template: Template) -> Bools:
        """Bins that count as domains of a spread, whatever is free in them."""
        eligible = np.ones(self._labels.count, np.bool_)
        if spread.honor_affinity:
            eligible &= self._labels.selected(template)
        if spread.honor_taints:
            eligible &= self._labels.untainted(template)
        return eligible


def _members(groups: Iterable[Group], templates: Sequence[Template]) -> dict[Group, set[int]]:
    """Ids of the templates that belong to each group; a group is held only against those it could select."""
    by_label: dict[tuple[str, str], list[Template]] = {}
    for template in templates:
        for label in template.labels.items():
            by_label.setdefault(label, []).append(template)
    found = {}
    for group in groups:
        labels = {} if group.selector is None else group.selector.labels
        few = min((by_label.get(label, []) for label in labels.items()), key=len, default=templates)
        found[group] = {id(one) for one in few if group.selects(one)}
    return found


def set_of(templates: Iterable[Template]) -> list[Template]:
    """Each template object once, in order."""
    return list({id(one): one for one in templates}.values())


def _spread_over(one: Spread, template: Template) -> Group:
    """The members that a spread counts."""
    return Group(one.selector, (template.namespace,), leaving=False)


def group_of(one: Neighbours, template: Template) -> Group:
    """The members that a term of affinity is about; without namespaces, those beside the member itself."""
    return Group(one.selector, one.namespaces or (template.namespace,))


def _near(template: Template) -> list[Neighbours]:
    """Beside whom it must stand."""
    return [one for one in template.neighbours if not one.apart and not one.weight]


def apart(template: Template) -> list[Neighbours]:
    """Beside whom it must not stand."""
    return [one for one in template.neighbours if one.apart and not one.weight]


def _groups(terms: Sequence[Neighbours], template: Template) -> tuple[Group, ...]:
    return tuple(group_of(one, template) for one in terms)
