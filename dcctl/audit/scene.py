"""All that checks may look at: the evidence, the site's policy, and what the last run counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from dcctl.audit.check import Unsure
from dcctl.audit.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dcctl.inventory.evidence.base import Silence, Subject
    from dcctl.inventory.evidence.collected import Evidence

T = TypeVar("T")
_USUAL = Policy()


class Scene:
    """One audit's evidence. Checks read it and change nothing; what several of them derive is kept."""

    def __init__(
        self,
        evidence: Evidence,
        now_s: int,
        policy: Policy = _USUAL,
        before: Evidence | None = None,
    ) -> None:
        """`before`: the evidence of the last run, of which the counters are enough."""
        self.evidence, self.now_s, self.policy = evidence, now_s, policy
        self.counters: Mapping[str, int] = before.counters if before else {}
        self.counted_at_s = before.taken_at_s if before else None
        self._kept: dict[Callable[[Scene], Any], Any] = {}

    def of(self, kind: str) -> Sequence[Subject]:
        """Return the subjects of a kind, those of `DERIVED` made of others; none where nobody told any."""
        made = DERIVED.get(kind)
        return self.once(made) if made else self.evidence.of(kind)

    def silence(self, kind: str) -> Silence | None:
        """Return why a kind, or one that it is made of, was not told though it was asked for."""
        silent = self.evidence.silent
        return next((silent[each] for each in MADE_OF.get(kind, (kind,)) if each in silent), None)

    def told(self, kind: str) -> Sequence[Subject]:
        """Return the subjects of a kind that a check needs. Raises Unsure where they were not told."""
        silence = self.silence(kind)
        if silence is not None:
            raise Unsure(silence.reason)
        if kind not in DERIVED and getattr(self.evidence, kind) is None:
            raise Unsure(f"nobody told {kind.replace('_', ' ')}")
        return self.of(kind)

    def once(self, made: Callable[[Scene], T]) -> T:
        """Return what a function makes of this scene; it is called once."""
        if made not in self._kept:
            self._kept[made] = made(self)
        found: T = self._kept[made]
        return found

    def counted(self) -> dict[str, int]:
        """Return what the next run compares with."""
        kept = dict(self.evidence.counters)
        for made in COUNTED:
            kept |= made(self)
        return kept

    def grew(self, subject: Subject, name: str, value: int) -> int | None:
        """Return by how much a counter grew since the last run; None: nobody counted then.

        A counter that is lower than it was began anew (a restart, a new driver): all of it is new.
        """
        before = self.counters.get(counter_key(subject, name))
        return None if before is None else value - before if value >= before else value


COUNTED: list[Callable[[Scene], Mapping[str, int]]] = []
"""What is kept for the next run beside the counters of the evidence, as since when something is seen:
modules of checks enter theirs."""
DERIVED: dict[str, Callable[[Scene], Sequence[Subject]]] = {}
"""Kinds of subjects that are made of others, by name: modules of checks enter theirs."""
MADE_OF: dict[str, tuple[str, ...]] = {}
"""By such a kind, the kinds that it is made of: where one of these was refused, it is not wholly known."""


def counter_key(subject: Subject, name: str) -> str:
    """Return the name of a counter of a subject among those that are kept from run to run."""
    return f"{subject.object} {name}"
