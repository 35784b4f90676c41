"""What became of a campaign: data only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from dcctl.drain.campaign import Campaign  # noqa: TC001  # msgspec reads it
from dcctl.drain.request import Request  # noqa: TC001  # the same
from dcctl.errors import UnfinishedError
from dcctl.inventory.devices import Fact, Natural

if TYPE_CHECKING:
    from dcctl.journal import Header

Holder: TypeAlias = Literal[
    "budget", "checkpoint", "wait", "refused", "dying", "uncordoned", "marked", "left"
]
"""Why something was not moved. `dying`: it was evicted and does not go. `uncordoned`, `marked`: somebody else
gave the node back, or took charge of it. `wait`: it did not end in time. `refused`: the server says never.
`left`: it is not as it was, and an `--undo` left it so."""


class Approved(Fact, frozen=True):
    """What was asked for, and the plan that was agreed to: saved before any write."""

    request: Request
    campaign: Campaign


class Held(Fact, frozen=True):
    """A pod or node that keeps a node from being drained."""

    kind: Holder
    subject: str
    """namespace/pod, or the name of a node."""
    node: str
    says: str
    """Why, in the words of the server where it has some."""
    wave: Natural = 0


class Ended(Fact, frozen=True):
    """One wave that is over."""

    number: Natural
    nodes: tuple[str, ...]
    """Those that are drained."""
    evicted: Natural = 0
    ended_at_s: Natural = 0
    waiting: tuple[str, ...] = ()
    """Ids of work that did not stand again in the time that is waited for it."""


class Outcome(Fact, frozen=True):
    """How a run ended, or how it stands."""

    run: str
    journal: str
    state: Literal["drained", "undone", "planned", "unfinished", "under way", "refused"]
    nodes: tuple[str, ...] = ()
    """Drained, or (undone) given back; (planned) to be given back."""
    waves: tuple[Ended, ...] = ()
    evicted: Natural = 0
    """Pods in all."""
    lasting: tuple[str, ...] = ()
    """Pods that were evicted: what no `--undo` brings back."""
    held: tuple[Held, ...] = ()
    boards: tuple[str, ...] = ()
    """`gpu017 GPU 3`: these alone were taken out of service, or may have been."""


class Known(Fact, frozen=True):
    """One run that has a journal."""

    header: Header
    path: str
    outcome: Outcome
    touched: tuple[str, ...] = ()
    """Nodes that it took out of service, or may have."""
    returned: tuple[str, ...] = ()
    """What `--return` gave back of it on this machine: nodes, or single accelerators."""
    reason: str = ""

    @property
    def nodes(self) -> tuple[str, ...]:
        """Those of the run: of one that did not finish all that may be out of service."""
        over = self.outcome.state in ("drained", "undone")
        return self.outcome.nodes if over else self.touched

    @property
    def state(self) -> str:
        """How it stands, as the journals of this machine tell."""
        taken = set(self.outcome.boards or self.outcome.nodes)
        back = taken.intersection(self.returned)
        if self.outcome.state != "drained" or not back:
            return self.outcome.state
        return "returned" if back == taken else "partly returned"


class NotDrainedError(UnfinishedError):
    """A campaign that began and is not at its end."""

    def __init__(self, what: str, why: str, hint: str, outcome: Outcome) -> None:
        """`outcome` is what was done so far, and what keeps the rest."""
        super().__init__(what, why, hint)
        self.outcome = outcome
