"""Whether a bin may hold an item at all, by what is written on both: for `verify` alone, bin by bin."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from dcctl.inventory.placement import level_of
from dcctl.packing.problem import LEVELS
from dcctl.packing.reasons import words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.inventory.model import Taint
    from dcctl.inventory.placement import Expression, NodeTerm, Template, Toleration
    from dcctl.packing.problem import Bin, ItemClass, Kind, Need, Problem

_level_of = cache(level_of)


def refused(problem: Problem, one: ItemClass, where: Bin) -> str:
    """Why items of this class never stand in this bin, in words; empty if they may."""
    template = one.template
    if where.closed:
        return ", ".join(words(int(where.closed)))
    if one.cluster and one.cluster != where.scheduler:
        return "it is a node of another cluster"
    implied = frozenset() if template.namespace else problem.tolerated  # pods tell what they tolerate
    if not untainted(template, where, implied):
        return "a taint is not tolerated"
    if not selected(template, where):
        return "its labels are not as asked"
    if template.bound_to is not None and not _any(template.bound_to, where):
        return "a volume cannot be mounted there"
    return ""


def untainted(template: Template, where: Bin, implied: frozenset[str] = frozenset()) -> bool:
    """Whether no taint keeps members of this template out. `implied`: keys that keep nobody out."""
    barring = (
        taint
        for taint in where.taints
        if taint.effect in ("NoSchedule", "NoExecute") and taint.key not in implied
    )
    return all(any(_tolerates(one, taint) for one in template.tolerations) for taint in barring)


def _tolerates(one: Toleration, taint: Taint) -> bool:
    if one.effect not in ("", taint.effect) or one.key not in ("", taint.key):
        return False
    return one.operator == "Exists" or (one.key != "" and one.value == taint.value)


def selected(template: Template, where: Bin) -> bool:
    """Whether the bin meets node selector and required node affinity."""
    named = all(value_of(where, key) == text for key, text in template.node_selector.items())
    return named and (template.required is None or _any(template.required, where))


def _any(terms: Iterable[NodeTerm], where: Bin) -> bool:
    return any(_holds(term, where) for term in terms)


def _holds(term: NodeTerm, where: Bin) -> bool:
    if not (term.labels or term.names):
        return False
    labels = all(meets(one, value_of(where, one.key)) for one in term.labels)
    return labels and all((where.name in one.values) == (one.operator != "NotIn") for one in term.names)


def value_of(where: Bin, key: str) -> str | None:
    """What a bin has under a key: the value of its label, or the part of that level that it lies in.

    None where it has none. Parts of one name that lie in different sites are different.
    """
    level = _level_of(key)
    if level is None:
        return where.labels.get(key)
    if level == "node":
        return where.name
    name, site = where.path[LEVELS.index(level)], where.path[-1]
    if not name:
        return None
    return f"{site}/{name}" if site and level != "site" else name


def meets(one: Expression, value: str | None) -> bool:
    """Whether the value of a label (None: it is not there) is as the expression asks."""
    match one.operator:
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "In":
            return value in one.values
        case "NotIn":
            return value not in one.values
    bound = _number(one.values[0]) if len(one.values) == 1 else None
    number = None if value is None else _number(value)
    if bound is None or number is None:
        return False
    return number > bound if one.operator == "Gt" else number < bound


def _number(text: str) -> int | None:
    """A whole number of 64 bits, as Kubernetes reads it; None if it is none."""
    digits = text[1:] if text[:1] in ("-", "+") else text
    number = int(text) if digits.isascii() and digits.isdecimal() and len(digits) < 100 else 1 << 63
    return number if -(1 << 63) <= number < 1 << 63 else None


def wanted(need: Need, kind: Kind) -> bool:
    """Whether devices of this kind will do."""
    if need.resource not in ("", kind.resource) or (need.share_milli and kind.shares > 1):
        return False
    have = _words(kind.model)
    return not need.models or any(all(word in have for word in _words(one)) for one in need.models)


def _words(model: str) -> list[str]:
    """Runs of ASCII letters and digits, in small letters."""
    return "".join(one if one.isascii() and one.isalnum() else " " for one in model.casefold()).split()
