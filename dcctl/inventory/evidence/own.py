"""What an audit knows of itself: waivers, the chain of its runs, how much it was told."""

from __future__ import annotations

from dcctl.inventory.evidence.base import Subject
from dcctl.inventory.model import Moment  # noqa: TC001  # msgspec reads it


class Waiver(Subject, frozen=True, kw_only=True):
    """Somebody bears a finding, or attests what no program can decide, for a time and a reason."""

    check: str
    objects: str
    """A pattern of keys: `*` stands for any text, `?` for one character; or a node set of several."""
    owner: str = ""
    ticket: str = ""
    reason: str = ""
    created_at_s: Moment
    expires_at_s: Moment
    place: str = ""
    """File and line."""
    used: int | None = None
    """Findings that it covers now; None: none, and its check did not look at all that it names."""
    finding: str = ""
    """The id of the one finding that is meant, where it is one."""
    attests: bool = False
    """It is an attestation: nothing is borne, somebody looked."""

    @property
    def key(self) -> str:
        """The check and the objects, and the one finding of them that is meant."""
        what = "Attestation" if self.attests else "Waiver"
        return f"{what}/{self.check}/{self.objects}" + (f" {self.finding}" if self.finding else "")


class Told(Subject, frozen=True, kw_only=True):
    """How much the checks of this run were told."""

    name: str = "coverage"
    unknown_milli: int | None = None
    """Share of what was asked and not told; None: no check applies."""
    broken: tuple[str, ...] = ()
    """Checks that broke."""
    untold_nodes: tuple[str, ...] = ()
    """Nodes that gave no answer."""

    @property
    def key(self) -> str:
        """Its name."""
        return f"Audit/{self.name}"


class Chain(Subject, frozen=True, kw_only=True):
    """The history of runs as it stood before this one."""

    name: str = "history"
    flaws: tuple[tuple[int, str], ...] | None = None
    """(number of the run, what is wrong with it); 0: with the chain itself."""
    last_at_s: Moment | None = None
    every_s: int | None = None
    """How often the audit is to run; None: nobody says."""
    at_s: Moment | None = None
    """When this run began, whenever what it looks at was seen."""

    @property
    def key(self) -> str:
        """Its name."""
        return f"Audit/{self.name}"
