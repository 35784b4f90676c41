"""What depends on where other members stand: spread, affinity, anti-affinity, ports of the node.

The rules are kube-scheduler's (plugins PodTopologySpread, InterPodAffinity, NodePorts; Kubernetes 1.36).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from dcctl.inventory.placement import Selector
from dcctl.packing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from dcctl.inventory.placement import Expression, HostPort, Neighbours, Spread, Template
    from dcctl.packing.fit.labels import Labels

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]


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


class Relations:
    """Where members stand, as far as any rule of any template asks."""

    def __init__(self, labels: Labels, templates: Sequence[Template]) -> None:
        """`templates` are those of the classes, by position."""
        self._labels, self._templates = labels, templates
        self._where: dict[Group, Counter[int]] = {}
        self._repelling: dict[tuple[str, Group], Counter[int]] = {}
        self._together: dict[tuple[Group, ...], Counter[int]] = {}
        self._ports: dict[tuple[str, int], Counter[tuple[int, str]]] = {}
        for template in set_of(templates):
            for spread in template.spreads:
                self._where.setdefault(_spread_over(spread, template), Counter())
            if near := _near(template):
                self._together.setdefault(_groups(near, template), Counter())
            for one in _apart(template):
                group = group_of(one, template)
                self._where.setdefault(group, Counter())
                self._repelling.setdefault((one.key, group), Counter())
        self._groups = [self._groups_of(template) for template in templates]
        self._bands = [
            [band for band in self._together if all(group.selects(one) for group in band)]
            for one in templates
        ]
        self._repelled = [[key for key in self._repelling if key[1].selects(one)] for one in templates]
        self.related = [bool(self._asks(one) or self._repelled[at]) for at, one in enumerate(templates)]
        """By class: whether where it may stand depends on others."""
        self.counted = [
            self.related[at] or bool(self._groups[at] or self._bands[at]) for at in range(len(templates))
        ]

    @staticmethod
    def _asks(template: Template) -> bool:
        hard = any(one.required for one in template.spreads) or any(not n.weight for n in template.neighbours)
        return hard or bool(template.ports)

    def _groups_of(self, template: Template) -> list[Group]:
        return [group for group in self._where if group.selects(template)]

    def add(self, at: int, of: int, sign: int = 1) -> None:
        """A member of class `of` now stands in bin `at` (or, with `sign` -1, no longer)."""
        if not self.counted[of]:
            return
        for group in self._groups[of]:
            self._where[group][at] += sign
        template = self._templates[of]
        for band in self._bands[of]:
            self._together[band][at] += sign
        for one in _apart(template):
            self._repelling[one.key, group_of(one, template)][at] += sign
        for port in template.ports:
            self._ports.setdefault((port.protocol, port.port), Counter())[at, port.address] += sign

    def refusals(self, of: int) -> Ints:
        """Reasons of each bin against one more item of class `of`."""
        template = self._templates[of]
        bits = np.zeros(self._labels.count, np.int64)
        for port in template.ports:
            bits[self._taken(port)] |= Reason.PORT
        hard = [one for one in template.spreads if one.required]
        if hard:
            bits[self._uneven(hard, template)] |= Reason.SPREAD
        if near := _near(template):
            bits[~self._beside(near, template)] |= Reason.TOGETHER
        for one in _apart(template):
            bits[self._under(one.key, self._where[group_of(one, template)])] |= Reason.APART
        for key, group in self._repelled[of]:
            bits[self._under(key, self._repelling[key, group])] |= Reason.APART
        return bits

    def _taken(self, port: HostPort) -> list[int]:
        anywhere = "0.0.0.0"  # noqa: S104  # how Kubernetes writes every address
        held = self._ports.get((port.protocol, port.port), Counter())
        return [
            at
            for (at, address), count in held.items()
            if count > 0 and (address == port.address or anywhere in (address, port.address))
        ]

    def _under(self, key: str, where: Counter[int]) -> Bools:
        """Bins whose value of the label is also that of a bin where some member stands."""
        rows, _ = self._labels.column(key)
        here = _present(where)
        values = rows[here]
        return np.isin(rows, values[values >= 0])

    def _beside(self, near: Sequence[Neighbours], template: Template) -> Bools:
        """Bins that meet every required affinity.

        A member counts when it belongs to the groups of all terms and its bin has one of the labels; who
        would be the first of a group that it belongs to itself needs only the labels.
        """
        groups = _groups(near, template)
        there = self._together[groups]
        columns = [self._labels.column(one.key)[0] for one in near]
        here = _present(there)
        found = any((rows[here] >= 0).any() for rows in columns)
        if not found and all(group.selects(template) for group in groups):
            return np.logical_and.reduce([rows >= 0 for rows in columns])  # type: ignore[no-any-return]
        return np.logical_and.reduce([self._under(one.key, there) for one in near])  # type: ignore[no-any-return]

    def _uneven(self, hard: Sequence[Spread], template: Template) -> Bools:
        """Bins where some spread would exceed its skew, or that lack its label."""
        bad = np.zeros(self._labels.count, np.bool_)
        keyed = np.logical_and.reduce([self._labels.column(one.key)[0] >= 0 for one in hard])
        for one in hard:
            eligible = keyed & self._counts(one, template)
            rows, values = self._labels.column(one.key)
            group = _spread_over(one, template)
            there = _NOBODY if one.selector == Selector() else self._where[group]
            counts = _by_value(rows, eligible, there, len(values))
            domains = np.unique(rows[eligible])
            least = int(counts[domains].min()) if len(domains) else 0
            if one.min_domains is not None and len(domains) < one.min_domains:
                least = 0
            own = int(group.selects(template))
            bad |= (rows < 0) | (counts[np.maximum(rows, 0)] + own - least > one.max_skew)
        return bad

    def _counts(self, spread: Spread, template: Template) -> Bools:
        """Bins that count as domains of a spread, whatever is free in them."""
        eligible = np.ones(self._labels.count, np.bool_)
        if spread.honor_affinity:
            eligible &= self._labels.selected(template)
        if spread.honor_taints:
            eligible &= self._labels.untainted(template)
        return eligible


_NOBODY: Final[Counter[int]] = Counter()
"""Whom a spread over an empty selector counts: such a selector selects the member itself, but no other."""


def set_of(templates: Iterable[Template]) -> list[Template]:
    """Each template object once, in order."""
    return list({id(one): one for one in templates}.values())


def _spread_over(one: Spread, template: Template) -> Group:
    """The members that a spread counts."""
    return Group(one.selector, (template.namespace,), leaving=False)


def group_of(one: Neighbours, template: Template) -> Group:
    """The members that a term of affinity is about; without namespaces, those beside the member itself."""
    return Group(one.selector, one.namespaces or (template.namespace,))


def _present(where: Counter[int]) -> list[int]:
    return [at for at, count in where.items() if count > 0]


def _near(template: Template) -> list[Neighbours]:
    """Beside whom it must stand."""
    return [one for one in template.neighbours if not one.apart and not one.weight]


def _apart(template: Template) -> list[Neighbours]:
    """Beside whom it must not stand."""
    return [one for one in template.neighbours if one.apart and not one.weight]


def _groups(terms: Sequence[Neighbours], template: Template) -> tuple[Group, ...]:
    return tuple(group_of(one, template) for one in terms)


def _by_value(rows: Ints, eligible: Bools, where: Counter[int], values: int) -> Ints:
    """Members by value of the label, those in eligible bins alone."""
    counts = np.zeros(max(1, values), np.int64)
    for at, count in where.items():
        if eligible[at] and rows[at] >= 0:
            counts[rows[at]] += count
    return counts
