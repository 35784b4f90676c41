"""Standards: each control of one, the checks that decide it, its state and the evidence for it."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from dcctl.audit.attest import attested
from dcctl.audit.check import CATALOGUE, OWN, STATES
from dcctl.audit.parts import PARTS, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dcctl.audit.check import Check, State
    from dcctl.audit.evaluate import Tally
    from dcctl.audit.parts import Part
    from dcctl.audit.scene import Scene


class Decider(Struct, frozen=True, forbid_unknown_fields=True):
    """A check, or the parts of it, that decide a control."""

    check: str
    of: str = "*"
    """A pattern of subjects' keys."""
    where: tuple[str, ...] = ("*",)
    """Patterns of the places in a subject."""

    def means(self, subject: str, where: str) -> bool:
        """Return whether an outcome is about it; one of the whole subject is."""
        if self.of != "*" and not fnmatchcase(subject, self.of):
            return False
        return not where or any(fnmatchcase(where, one) for one in self.where)


class Control(Struct, frozen=True, forbid_unknown_fields=True):
    """One control of a standard, in our words."""

    id: str
    title: str
    level: int | None = None
    checks: tuple[Decider, ...] = ()
    """Of a standard that names none: those checks that refer to the control."""
    manual: str = ""
    """Why a person has to attest it where no check can tell."""


class Standard(Struct, frozen=True, forbid_unknown_fields=True):
    """A standard, with the controls that dcctl tells something of."""

    id: str
    """Before the colon of references: `cis-1.12`."""
    title: str
    controls: tuple[Control, ...]


class Proof(NamedTuple):
    """What one check says of a control about one subject."""

    check: str
    state: State
    subject: str
    """Empty: of all of them."""
    where: str = ""
    says: str = ""


class Judged(NamedTuple):
    """A control with its state."""

    control: Control
    state: State
    checks: tuple[str, ...]
    counts: Mapping[State, int]
    """Subjects, or parts of them, by state."""
    proofs: tuple[Proof, ...]
    """What is wrong or not known, and why it does not apply."""


def deciders(standard: Standard, control: Control) -> tuple[Decider, ...]:
    """Return what decides a control: what it names, else all checks that refer to it."""
    if control.checks:
        return control.checks
    name = f"{standard.id}:{control.id}"
    return tuple(Decider(one.id) for one in CATALOGUE.values() if name in one.refs)


def compliance(standard: Standard, tallies: Iterable[Tally], scene: Scene) -> list[Judged]:
    """Return every control of a standard that something decides, with its state and the evidence for it."""
    found = _Found({one.check.id: one for one in tallies}, scene)
    judged = (_judged(one, deciders(standard, one), found) for one in standard.controls)
    return [one for one in judged if one.checks or one.control.manual]


class _Found:
    """What the checks found, and the parts of those that have some, each made once."""

    def __init__(self, tallies: Mapping[str, Tally], scene: Scene) -> None:
        self.tallies, self.scene = tallies, scene
        self._parts: dict[str, list[tuple[str, tuple[Part, ...]]]] = {}

    def parts(self, one: Check) -> list[tuple[str, tuple[Part, ...]]]:
        """(key of the subject, its parts)."""
        if one.id not in self._parts:
            subjects = self.scene.of(one.over)
            self._parts[one.id] = [
                (each.object, parts_of(one.id, each, self.scene) or ()) for each in subjects
            ]
        return self._parts[one.id]


def _judged(control: Control, by: Sequence[Decider], all_found: _Found) -> Judged:
    proofs: list[Proof] = []
    counts: Counter[State] = Counter()
    for decider in by:
        found, more = _decided(decider, all_found)
        proofs += found
        counts.update(more)
    states = [state for state in STATES if counts[state]]
    state: State = states[0] if states else "na"
    if control.manual and state == "na":
        attests = next(filter(None, (attested(one.check, "", all_found.scene) for one in by)), "")
        state = "pass" if attests else "manual"
        proofs = [Proof("", state, "", "", attests or control.manual)]
    return Judged(control, state, tuple(dict.fromkeys(one.check for one in by)), dict(counts), tuple(proofs))


def _decided(decider: Decider, found: _Found) -> tuple[list[Proof], Counter[State]]:
    """What a check says, and how often each state."""
    tally = found.tallies.get(decider.check)
    if tally is None:
        return [Proof(decider.check, "unknown", "", "", "the check did not run")], Counter({"unknown": 1})
    one = tally.check
    asked = one.id in OWN or getattr(found.scene.evidence, one.over, ()) is not None
    if not asked and one.over not in found.scene.evidence.silent:
        why = f"nobody was asked for {one.over.replace('_', ' ')}"
        return [Proof(one.id, "unknown", "", "", why)], Counter({"unknown": 1})
    if one.id in PARTS and not tally.counts.get("error") and found.scene.silence(one.over) is None:
        return _of_parts(decider, one.id, found.parts(one))
    return _of_tally(decider, tally)


def _of_parts(
    decider: Decider, check: str, found: Iterable[tuple[str, tuple[Part, ...]]]
) -> tuple[list[Proof], Counter[State]]:
    proofs: dict[Proof, None] = {}
    counts: Counter[State] = Counter()
    for key, parts in found:
        for part in parts:
            if not decider.means(key, part.where):
                continue
            counts[part.state] += 1
            if part.state != "pass" or part.says:
                told = "" if part.state == "na" else key
                proofs[Proof(check, part.state, told, part.where, part.says)] = None
    if any(counts[state] for state in ("pass", "fail", "manual")):
        proofs = {proof: None for proof in proofs if proof.state != "na"}
    if not counts:
        return [Proof(check, "na", "", "", "there is none")], Counter({"na": 1})
    return list(proofs), counts


def _of_tally(decider: Decider, tally: Tally) -> tuple[list[Proof], Counter[State]]:
    """By its outcomes; those that passed are counted, not named, so a pattern takes them all."""
    found = [one for one in tally.outcomes if not one.subject or decider.means(one.subject, one.where)]
    counts: Counter[State] = Counter(
        {state: count for state, count in tally.counts.items() if state in ("pass", "na")}
    )
    states: dict[str, State] = {one.subject: one.state for one in found if one.state not in ("pass", "na")}
    counts.update(states.values())
    proofs = [Proof(one.check.id, one.state, one.subject, one.where, one.says) for one in found]
    return proofs, counts
