"""The controls of a standard as a table: what an auditor asks for."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from dcctl.audit.coverage import STATES
from dcctl.audit.shape import CONTROLS
from dcctl.audit.standards import compliance
from dcctl.errors import UsageError
from dcctl.render.report import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.audit.evaluate import Tally
    from dcctl.audit.scene import Scene
    from dcctl.audit.standards import Judged, Standard
    from dcctl.render.report import Row

_EVIDENCE: Final = 3
"""So many sentences are evidence; the findings have the rest."""


def named(name: str, standards: Iterable[Standard]) -> Standard:
    """Return the standard of that name. UsageError names those that there are."""
    by = {one.id: one for one in standards}
    if name not in by:
        raise UsageError(f"--standard {name}", f"known: {', '.join(by)}", "dcctl audit list")
    return by[name]


def controls(standard: Standard, tallies: Sequence[Tally], scene: Scene) -> tuple[str, Table]:
    """Return (the answer in one line, one row per control): its state is the gravest of what decides it."""
    rows = tuple(map(_row, compliance(standard, tallies, scene)))
    counts = Counter(row[1] for row in rows)
    told = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    return f"{standard.title}: {len(rows)} controls: {told or 'none'}", Table("items", CONTROLS.items, rows)


def _row(one: Judged) -> Row:
    says = [
        f"{proof.subject}: {proof.says}".removeprefix(": ")
        for proof in one.proofs
        if proof.state == one.state
    ]
    says = list(dict.fromkeys(says))
    more = [f"{len(says) - _EVIDENCE} more"] if len(says) > _EVIDENCE else []
    return one.control.id, one.state, one.control.title, one.checks, "; ".join([*says[:_EVIDENCE], *more])
