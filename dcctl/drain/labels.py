"""Nodes chosen by their labels, as `kubectl -l` has it: `a=b,c!=d,e,!f,g in (h,i),j notin (k)`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY: Final = r"[A-Za-z0-9][-A-Za-z0-9_./]*"
_VALUE: Final = r"[-A-Za-z0-9_.]*"
_TERM: Final = re.compile(
    rf"\s*(?:(?P<key>{_KEY})\s*(?:(?P<sign>==?|!=)\s*(?P<value>{_VALUE})"
    rf"|\s+(?P<word>in|notin)\s*\((?P<values>[^()]*)\))?|!\s*(?P<no>{_KEY}))\s*(?:,|$)",
    re.ASCII,
)


class Term(NamedTuple):
    """One condition on the labels of a node."""

    key: str
    values: tuple[str, ...] | None = None
    """Any of these; None: whatever it is."""
    holds: bool = True
    """False: it must not be so. A node without the label meets `!=` and `notin`, as Kubernetes has it."""


def terms(text: str) -> tuple[Term, ...]:
    """Read a selector. UsageError: it is none."""
    found, at = [], 0
    while at < len(text):
        match = _TERM.match(text, at)
        if match is None or match.end() == at:
            break
        found.append(_term(match))
        at = match.end()
    if at < len(text) or not found or text.rstrip().endswith(","):
        raise UsageError(f"-l {text}", "must read like a=b,c!=d,e,!f or 'g in (h,i)'", "kubectl get nodes --show-labels")
    return tuple(found)


def _term(match: re.Match[str]) -> Term:
    if match["no"]:
        return Term(match["no"], holds=False)
    if match["sign"]:
        return Term(match["key"], (match["value"],), match["sign"] != "!=")
    if match["word"]:
        return Term(match["key"], tuple(one.strip() for one in match["values"].split(",")), match["word"] == "in")
    return Term(match["key"])


def met(conditions: tuple[Term, ...], labels: Mapping[str, str]) -> bool:
    """Tell whether the labels of a node meet all conditions."""
    return all(_met(one, labels) for one in conditions)


def _met(one: Term, labels: Mapping[str, str]) -> bool:
    has = one.key in labels if one.values is None else labels.get(one.key) in one.values
    return has == one.holds
