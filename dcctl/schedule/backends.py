"""What carrying out a plan needs of a kind of scheduler. Only what implements it knows the scheduler.

What acts (`dcctl.schedule.act`) knows no more than this. A run goes from a plan and its files to what they
come to (`Intended`, nothing is contacted), to what is to be written after a look at the cluster (`Ready`),
and to the writes, each a step of the journal. A step reads `VERB WHAT`: `create` makes an object, which
`undo` can delete again (`kept`: it was there before), `place` and `bind` bring a member to its node, `delete`
undoes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from dcctl.runs import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.interrupts import Interrupts
    from dcctl.inventory.asked import Asked
    from dcctl.journal import Entry, Journal
    from dcctl.packing.plan import Assignment, Plan
    from dcctl.progress import Progress
    from dcctl.render.report import Note


class Loaded(NamedTuple):
    """A plan and the work that it was made from, read."""

    plan: Plan
    asked: Asked
    texts: tuple[tuple[str, str], ...]
    """The files of the work: path and text."""
    digests: dict[str, str]
    """Of all files, by path; the plan comes first."""


class Left(NamedTuple):
    """Something that is not carried out, and why."""

    what: str
    why: str
    hint: str = ""
    by_plan: bool = False
    """The plan itself leaves it out: it was carried out all the same, and this is a finding."""
    hint_once_made: str = ""
    """The hint once the run has made what is there of it; empty: the same."""


class Step(NamedTuple):
    """One object of a run."""

    verb: str
    """create, keep, place, bind, delete."""
    what: str
    places: tuple[Assignment, ...] = ()
    stands: int = 0
    elsewhere: int = 0


class Run(NamedTuple):
    """One run under way: what it writes with, and what has become of it."""

    journal: Journal
    interrupts: Interrupts
    progress: Progress
    stands: dict[str, str]
    """By id of member at the scheduler, the node that it stands on."""
    left: list[Left]
    """What could not be placed, though everything else can."""


class Ready(Protocol):
    """What one run is to write, after a look at the cluster."""

    @property
    def left(self) -> tuple[Left, ...]:
        """What of the plan is not carried out."""

    @property
    def new(self) -> tuple[Assignment, ...]:
        """Where members will stand that the run makes."""

    @property
    def there(self) -> tuple[Assignment, ...]:
        """Where members will stand that wait there already."""

    def caveats(self) -> tuple[Note, ...]:
        """What follows from carrying it out that is not plain from its writes."""

    def try_on_server(self) -> tuple[Step, ...]:
        """What every write would do, asked before any is sent.

        RefusedError, DeniedError: the server would refuse one; nothing was changed.
        """

    def carry_out(self, run: Run) -> tuple[Step, ...]:
        """Everything is written, and all members stand but those in `run.left`; returns where.

        KeyboardInterrupt between two steps. DcctlError: a write failed, or the time is over.
        """


class Intended(Protocol):
    """What a plan and its files come to."""

    def render(self) -> tuple[str, tuple[Left, ...]]:
        """The plan in the scheduler's own form, as text, and what it cannot tell. Nothing is contacted."""

    def look_up(self, run: str, steps: Mapping[str, Entry]) -> Ready:
        """What the run of this name is to write; `steps` are those that it wrote before it stopped.

        Other errors than UsageError tell that the cluster does not answer, or refuses to.
        """


class Backend(Target, Protocol):
    """One kind of scheduler. Nothing is contacted before it must be."""

    def intended(self, loaded: Loaded, now_s: int) -> Intended:
        """What is to be made, and where it is to stand. Nothing is contacted.

        UsageError: a file holds no work of this scheduler.
        """

    def lasting(self, steps: Mapping[str, Entry]) -> tuple[Left, ...]:
        """What of these steps cannot be undone, or may not be."""

    def undo(self, made: Entry, run: str) -> None:
        """What a step `create` of this run made is being deleted, if it still is that.

        RefusedError: it stays. DcctlError: nobody knows.
        """
