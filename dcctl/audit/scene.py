"""All that checks may look at: the evidence, the site's policy, and what the last run counted."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TypeVar

from dcctl.audit.check import Unsure
from dcctl.audit.counters import Counters
from dcctl.audit.policy import Policy
from dcctl.inventory.evidence.base import Silence

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from dcctl.inventory.evidence.base import Subject
    from dcctl.inventory.evidence.collected import Evidence

T = TypeVar("T")
_USUAL = Policy()
_COUNTING: Final = ("hosts", "boards", "ports")
"""Kinds of subjects that have counters."""
_NO_MORE: Final = Silence("no source of this run tells of it, as one of an earlier run did", "missing")


class Scene:
    """One audit's evidence. Checks read it and change nothing; what several of them derive is kept."""

    def __init__(
        self,
        evidence: Evidence,
        now_s: int,
        policy: Policy = _USUAL,
        counters: Counters = Counters(),  # noqa: B008  # a constant
        told_before: Container[str] = (),
    ) -> None:
        """`counters`: those of the last run. `told_before`: kinds that earlier runs were told."""
        self.evidence, self.now_s, self.policy, self.counters = evidence, now_s, policy, counters
        self.compared: set[str] = set()
        """Rows of counters that checks asked for."""
        self._told_before = told_before
        self._kept: dict[Callable[[Scene], Any], Any] = {}

    @property
    def counted_at_s(self) -> int | None:
        """When the last run counted; None: nobody did."""
        return self.counters.at_s

    def of(self, kind: str) -> Sequence[Subject]:
        """Return the subjects of a kind, those of `DERIVED` made of others; none where nobody told any."""
        made = DERIVED.get(kind)
        return self.once(made) if made else self.evidence.of(kind)

    def silence(self, kind: str) -> Silence | None:
        """Return why a kind, or one that it is made of, was not told though it was asked for, or once was."""
        found = map(self._silence, MADE_OF.get(kind, (kind,)))
        return next((one for one in found if one is not None), None)

    def _silence(self, kind: str) -> Silence | None:
        if kind in self._told_before and getattr(self.evidence, kind) is None:
            return self.evidence.silent.get(kind, _NO_MORE)
        return self.evidence.silent.get(kind)

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

    def counted(self) -> Counters:
        """Return what the next run compares with: what this one was not told stays, with its time."""
        counting = chain(*(self.of(kind) for kind in _COUNTING))
        told = ((one.object, counted) for one in counting if (counted := one.counted))
        return self.counters.after(chain(told, *(made(self) for made in COUNTED)), self.now_s)

    def since(self, row: str, names: Iterable[str]) -> dict[str, int]:
        """Return since when each of these is seen: what the last run kept of it, else now."""
        return {
            name: self.now_s if (at_s := self.counters.get(row, name)) is None else at_s for name in names
        }

    def grew(self, subject: Subject, name: str, value: int) -> int | None:
        """Return by how much a counter grew since the last run; None: nobody counted then.

        A counter that is lower than it was began anew (a restart, a new driver): all of it is new.
        """
        before = self.before(subject.object, name)
        return None if before is None else value - before if value >= before else value

    def before(self, row: str, name: str) -> int | None:
        """Return what a counter was when it was last read; None: nobody counted it."""
        self.compared.add(row)
        return self.counters.get(row, name)

    def read_at_s(self, row: str) -> int | None:
        """Return when a row was last read: longer ago than the last run if that was not told it."""
        self.compared.add(row)
        return self.counters.read_at_s(row)


COUNTED: list[Callable[[Scene], Iterable[tuple[str, Mapping[str, int]]]]] = []
"""What is kept for the next run beside the counters of the evidence, as since when something is seen:
modules of checks enter theirs. A row that is empty is forgotten."""
DERIVED: dict[str, Callable[[Scene], Sequence[Subject]]] = {}
"""Kinds of subjects that are made of others, by name: modules of checks enter theirs."""
MADE_OF: dict[str, tuple[str, ...]] = {}
"""By such a kind, the kinds that it is made of: where one of these was refused, it is not wholly known."""
