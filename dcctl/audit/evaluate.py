"""Every check over every subject that it is about."""

from __future__ import annotations

import traceback
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.audit.attest import attested
from dcctl.audit.check import CATALOGUE, Unattested, Unsure, unknown
from dcctl.audit.scene import DERIVED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dcctl.audit.check import Check, Fault, Severity, State
    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.base import Subject


_DARK: Final = ("unknown", "error", "manual")


class Outcome(NamedTuple):
    """What a check says of one subject; of those that passed by themselves, only the number is kept."""

    check: Check
    state: State
    subject: str
    """Key of the subject; empty: of all of them."""
    says: str
    where: str = ""
    severity: Severity = "info"
    nodes: tuple[str, ...] = ()


class Tally(NamedTuple):
    """What came of one check."""

    check: Check
    counts: Mapping[State, int]
    """Subjects by state."""
    outcomes: tuple[Outcome, ...]
    """Faults, what is not known, and what somebody attested; why it does not apply, once for each reason."""
    error: str = ""
    """The traceback of a check that broke, for the file of defects."""

    @property
    def dark(self) -> frozenset[str]:
        """The subjects of which it can tell nothing; empty text: more than it knows of."""
        return frozenset(one.subject for one in self.outcomes if one.state in _DARK)


def evaluate(scene: Scene, checks: Iterable[Check] | None = None) -> list[Tally]:
    """Run the checks, all of the catalogue when none are named, in its order."""
    return [_tally(one, scene) for one in (CATALOGUE.values() if checks is None else checks)]


def _tally(one: Check, scene: Scene) -> Tally:
    counts: Counter[State] = Counter()
    found: list[Outcome] = []
    silence = scene.silence(one.over)
    if silence is not None:  # what was told all the same is looked at, and the rest is unknown
        counts["unknown"] = 1
        found.append(Outcome(one, "unknown", "", silence.reason, "", one.severity))
    reasons: Counter[str] = Counter()
    error = ""
    for subject in scene.of(one.over):
        try:
            state, outcomes, why = _judge(one, subject, scene)
        except Exception as broken:  # noqa: BLE001  # a check that breaks must not hide what the others found
            error = error or traceback.format_exc()
            why = f"{type(broken).__name__}: {broken}"
            state, outcomes = "error", [_outcome(one, "error", subject, why)]
        counts[state] += 1
        found += outcomes
        if state == "na":
            reasons[why] += 1
    if not counts:
        asked = one.over in DERIVED or getattr(scene.evidence, one.over) is not None
        counts["na"], reasons["there is none" if asked else "no source of this run tells of it"] = 1, 1
    found += [Outcome(one, "na", "", why) for why in reasons]
    return Tally(one, counts, tuple(found), error)


def _judge(one: Check, subject: Subject, scene: Scene) -> tuple[State, list[Outcome], str]:
    """(state, what to tell of it, why it does not apply). A doubt takes no fault back."""
    found: list[Outcome] = []
    try:
        why = one.applies(subject, scene) if one.applies else ""
        if why:
            return "na", [], why
        silence = unknown(subject, one.needs)
        if silence is not None:
            return "unknown", [_outcome(one, "unknown", subject, silence.reason)], ""
        found += (_fault(one, subject, fault) for fault in one.run(subject, scene))
    except Unsure as doubt:
        by = attested(one.id, subject.object, scene) if isinstance(doubt, Unattested) and not found else ""
        if by:
            return "pass", [_outcome(one, "pass", subject, by)], ""
        state: State = "fail" if found else doubt.state
        return state, [*found, _outcome(one, doubt.state, subject, doubt.reason)], ""
    return ("fail" if found else "pass"), found, ""


def _fault(one: Check, subject: Subject, fault: Fault) -> Outcome:
    grave = fault.severity or one.severity
    return Outcome(one, "fail", subject.object, fault.says, fault.where, grave, subject.stands_on)


def _outcome(one: Check, state: State, subject: Subject, says: str) -> Outcome:
    return Outcome(one, state, subject.object, says, "", one.severity, subject.stands_on)


def failures(tallies: Iterable[Tally]) -> Iterator[Outcome]:
    """Yield what failed, in the order of the catalogue."""
    return (one for tally in tallies for one in tally.outcomes if one.state == "fail")
