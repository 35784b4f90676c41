"""What failed, with an identity that is the same in every run."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from dcctl.audit.check import SEVERITIES, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.audit.evaluate import Outcome, Tally


class Finding(Struct, frozen=True, omit_defaults=True):
    """One fault of one subject."""

    id: str
    """The first 16 hexadecimal digits of a SHA-256 over check, object and where."""
    check: str
    object: str
    """Key of the subject."""
    severity: Severity
    says: str
    where: str = ""
    nodes: tuple[str, ...] = ()


def identity(check: str, key: str, where: str) -> str:
    """Return the id of a finding. It does not change with what the finding says, nor how grave it is."""
    return hashlib.sha256("\0".join((check, key, where)).encode()).hexdigest()[:16]


def findings(tallies: Iterable[Tally]) -> list[Finding]:
    """Return what failed, in the order of the catalogue; of equal ones the gravest, on the nodes of all."""
    found: dict[str, Finding] = {}
    for tally in tallies:
        for outcome in tally.outcomes:
            if outcome.state == "fail":
                one = _finding(outcome)
                found[one.id] = _joined(found[one.id], one) if one.id in found else one
    return list(found.values())


def _finding(one: Outcome) -> Finding:
    name = one.check.id
    key = identity(name, one.subject, one.where)
    return Finding(key, name, one.subject, one.severity, one.says, one.where, one.nodes)


def _joined(first: Finding, second: Finding) -> Finding:
    grave = min(first, second, key=lambda one: rank(one.severity))
    return replace(grave, nodes=tuple(dict.fromkeys(first.nodes + second.nodes)))


def rank(severity: Severity) -> int:
    """Return its place in the order of severities: 0 is the gravest."""
    return SEVERITIES.index(severity)
