"""Fixtures of checks, `tests/data/audit/<ID>.yaml`: cases with the evidence and what has to come of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import yaml
from msgspec import Struct, field

from dcctl.audit.counters import Counters
from dcctl.audit.evaluate import evaluate
from dcctl.audit.parts import parts_of
from dcctl.audit.policy import Policy
from dcctl.audit.scene import Scene
from dcctl.inventory.evidence.collected import Evidence

if TYPE_CHECKING:
    from dcctl.audit.check import Check
    from dcctl.audit.evaluate import Tally

FOLDER = Path(__file__).parents[2] / "data" / "audit"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NOW_S = 1_750_000_000


class Flat(Counters, frozen=True):
    """Counters as fixtures have them: `row name`."""

    flat: dict[str, int] = field(default_factory=dict)

    def get(self, row: str, name: str) -> int | None:
        return self.flat.get(f"{row} {name}")

    def read_at_s(self, row: str) -> int | None:
        return self.at_s


class Before(Struct, frozen=True, forbid_unknown_fields=True):
    """What the last run kept."""

    taken_at_s: int | None = None
    counters: dict[str, int] = {}


class Case(Struct, frozen=True, forbid_unknown_fields=True, rename={"passed": "pass"}):
    """What is told, and what has to come of it. What is not there has to be nothing."""

    case: str
    evidence: Evidence = Evidence()
    before: Before = Before()
    policy: Policy = Policy()
    now_s: int = NOW_S
    fail: tuple[tuple[str, str], ...] = ()
    """(key of the subject, where), in order."""
    says: tuple[str, ...] | None = None
    """A part of what each of those says, in the same order; None: not looked at."""
    severities: tuple[str, ...] | None = None
    parts: tuple[tuple[str, str, str], ...] | None = None
    """(key of the subject, where, state) of all that it looked at, in order; None: not looked at."""
    passed: int = 0
    na: int = 0
    unknown: int = 0
    manual: int = 0

    def tally(self, one: Check) -> Tally:
        return evaluate(self.scene(), [one])[0]

    def looked_at(self, one: Check) -> tuple[tuple[str, str, str], ...]:
        """As `parts`: what a control of a standard is decided by."""
        scene = self.scene()
        subjects = scene.of(one.over)
        return tuple(
            (each.object, part.where, part.state)
            for each in subjects
            for part in parts_of(one.id, each, scene) or ()
        )

    def scene(self) -> Scene:
        counters = Flat(at_s=self.before.taken_at_s, flat=self.before.counters)
        return Scene(self.evidence, self.now_s, self.policy, counters)


@cache
def cases(name: str) -> tuple[Case, ...]:
    path = FOLDER / f"{name}.yaml"
    return tuple(msgspec.convert(yaml.load(path.read_text(), LOADER), list[Case])) if path.exists() else ()


def differences(case: Case, found: Tally) -> dict[str, tuple[object, object]]:
    """By what: (wanted, found)."""
    faults = [one for one in found.outcomes if one.state == "fail"]
    failed = tuple((one.subject, one.where) for one in faults)
    wanted: dict[str, object] = {"fail": case.fail, "error": 0}
    there: dict[str, object] = {"fail": failed, "error": found.counts.get("error", 0)}
    if case.severities is not None:
        wanted["severities"] = case.severities
        there["severities"] = tuple(one.severity for one in faults)
    for part, one in zip(case.says or (), faults, strict=False):
        wanted[f"says {part}"], there[f"says {part}"] = True, part in one.says or one.says
    for state in ("pass", "na", "unknown", "manual"):
        wanted[state] = case.passed if state == "pass" else getattr(case, state)
        there[state] = found.counts.get(state, 0)
    if case.parts is not None:
        wanted["parts"], there["parts"] = case.parts, case.looked_at(found.check)
    return {name: (value, there[name]) for name, value in wanted.items() if value != there[name]}
