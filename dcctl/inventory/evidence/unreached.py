"""What Ctrl-C or a deadline kept an audit from asking: named once, as a gap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import fields, replace

from dcctl.inventory.evidence.base import Silence, Subject
from dcctl.inventory.folding import fold
from dcctl.inventory.model import Gap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.inventory.evidence.collected import Evidence
    from dcctl.inventory.model import Cause

CUT: Final = Silence("interrupted by Ctrl-C", "interrupted")


def named(evidence: Evidence) -> Evidence:
    """Return evidence that was cut short with a gap that names all that was not reached."""
    gaps = evidence.fleet.gaps
    nodes = {gap.node for gap in gaps if gap.node and _cut(gap.cause)}
    nodes.update(name for one in _subjects(evidence) if _dark(one) for name in one.stands_on)
    others = {gap.subject for gap in gaps if not gap.node and _cut(gap.cause)}
    others.update(name.replace("_", " ") for name, why in evidence.silent.items() if _cut(why.cause))
    told = [*([fold(nodes)] if nodes else []), *sorted(others)]
    gap = Gap("audit", ", ".join(told) or "the end of the asking", CUT.reason, CUT.cause)
    return replace(evidence, fleet=replace(evidence.fleet, gaps=(*gaps, gap)))


def because(evidence: Evidence, why: Silence) -> Evidence:
    """Return evidence that was cut short, with another reason for that than Ctrl-C."""
    changed: dict[str, object] = {"silent": _told(evidence.silent, why)}
    for one in fields(evidence):
        value = getattr(evidence, one.name)
        if isinstance(value, tuple) and value and isinstance(value[0], Subject):
            changed[one.name] = tuple(
                replace(each, silent=_told(each.silent, why)) if _dark(each) else each for each in value
            )
    gaps = tuple(
        replace(gap, reason=why.reason, cause=why.cause) if _cut(gap.cause) else gap
        for gap in evidence.fleet.gaps
    )
    return replace(evidence, fleet=replace(evidence.fleet, gaps=gaps), **changed)


def _subjects(evidence: Evidence) -> Iterator[Subject]:
    for one in fields(evidence):
        value = getattr(evidence, one.name)
        if isinstance(value, tuple):
            yield from (each for each in value if isinstance(each, Subject))


def _cut(cause: Cause) -> bool:
    return cause == CUT.cause


def _dark(one: Subject) -> bool:
    return any(_cut(each.cause) for each in one.silent.values())


def _told(silent: dict[str, Silence], why: Silence) -> dict[str, Silence]:
    return {name: why if _cut(each.cause) else each for name, each in silent.items()}
