"""The result of every solver: who stands where, who does not and why, and how good it is."""

from __future__ import annotations

from msgspec import field

from dcctl.inventory.devices import Fact


class Assignment(Fact, frozen=True):
    """One member on one node."""

    job: str
    member: str
    node: str
    devices: tuple[int, ...] = ()
    """Numbers of the accelerators on the node."""
    share_milli: int = 0
    """Thousandths of the one accelerator, where it does not get all of it."""
    start_s: int | None = None
    """Unix time; None: at once."""
    end_s: int | None = None


class Unplaced(Fact, frozen=True):
    """Members of one job that stand nowhere, and why no node takes one of them."""

    job: str
    members: int
    why: dict[str, int] = field(default_factory=dict)
    """Reason in words -> nodes; the counts add up to all nodes."""
    fits: int = 0
    """Nodes that would take one member: the gang as a whole does not fit, or its quota is spent."""
    earliest_end_s: int | None = None
    """When it could have ended, in Unix time, where that is after its deadline."""
    says: str = ""
    """What else keeps it from being planned, in words."""


class Cut(Fact, frozen=True):
    """A board that is to be cut into slices, or made whole again, before the plan can be carried out."""

    node: str
    device: int
    """Its number on the node."""
    model: str = ""
    id: str | None = None
    """None: nobody told which board has which number, so any idle one of the model will do."""
    before: tuple[str, ...] = ()
    """Names of the resources of its slices now; empty: it is whole."""
    after: tuple[str, ...] = ()
    """The same after it; empty: it is whole again."""
    must_be_idle: tuple[int, ...] = ()
    """Numbers of the boards on which nothing may run meanwhile."""
    others_held: int = 0
    """Other boards of the node on which work runs: it would stop if the node had to be started again."""
    reset: bool = False
    """Whether the board is reset when MIG mode is switched."""


class Supply(Fact, frozen=True):
    """Accelerators in thousandths of a board, shares and slices as the parts of a board that they are."""

    total_milli: int = 0
    held_milli: int = 0
    """Held by somebody."""
    free_milli: int = 0
    """May be had."""

    @property
    def out_milli(self) -> int:
        """Neither held nor to be had: out of order, on nodes that take no work, or nobody knows."""
        return self.total_milli - self.held_milli - self.free_milli


class Plan(Fact, frozen=True):
    """Assignments that hold all at once."""

    assignments: tuple[Assignment, ...] = ()
    unplaced: tuple[Unplaced, ...] = ()
    policy: str = ""
    seed: int = 0
    snapshot: str = ""
    """Digest of the fleet that it was made for."""
    clusters: tuple[str, ...] = ()
    """What tells the clusters of that fleet from all others (SourceRun.cluster)."""
    placed: int = 0
    """Members."""
    gpu_milli: int = 0
    """Accelerators that the assignments ask for, in thousandths: a share of a board as one, no slices."""
    before: Supply = Supply()
    """Before anything is done."""
    held_after_gpu_milli: int = 0
    """Held once it is carried out and nothing has ended yet, in thousandths of a board."""
    bound_gpu_milli: int | None = None
    """No plan that places as many members takes more of them; None: no bound was computed."""
    bound_end_s: int | None = None
    """No plan of the same members ends all of them before, in Unix time; None: no bound was computed."""
    cuts: tuple[Cut, ...] = ()
    """What has to be done to boards before the assignments hold."""

    @property
    def gap_gpu_milli(self) -> int | None:
        """How far from the bound at most."""
        return None if self.bound_gpu_milli is None else max(0, self.bound_gpu_milli - self.gpu_milli)
