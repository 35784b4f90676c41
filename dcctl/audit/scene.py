"""All that checks may look at: subjects by kind, the site's policy, and what the last run counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from dcctl.audit.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dcctl.inventory.evidence.base import Silence, Subject
    from dcctl.inventory.model import Fleet


class Scene(Struct, frozen=True):
    """One audit's evidence. Checks read it and change nothing."""

    fleet: Fleet
    now_s: int
    subjects: Mapping[str, Sequence[Subject]] = {}
    """By kind: the name that a check is `over`."""
    silent: Mapping[str, Silence] = {}
    """Kinds that were asked for and not told, as a list that was refused: their checks are unknown."""
    policy: Policy = Policy()
    counters: Mapping[str, int] = {}
    """What the last run counted, by subject and counter (`counter_key`): only what grew since is a fault."""
    counted_at_s: int | None = None

    def of(self, kind: str) -> Sequence[Subject]:
        """Return the subjects of a kind; none where nobody told any."""
        return self.subjects.get(kind, ())


def counter_key(subject: Subject, name: str) -> str:
    """Return the name of a counter of a subject among those that are kept from run to run."""
    return f"{subject.key} {name}"
