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


class Plan(Fact, frozen=True):
    """Assignments that hold all at once."""

    assignments: tuple[Assignment, ...] = ()
    unplaced: tuple[Unplaced, ...] = ()
    policy: str = ""
    seed: int = 0
    snapshot: str = ""
    """Digest of the fleet that it was made for."""
    placed: int = 0
    """Members."""
    gpu_milli: int = 0
    """Accelerators that the assignments take, in thousandths."""
    held_gpu_milli: int = 0
    """Accelerators that somebody held before, in thousandths."""
    free_gpu_milli: int = 0
    """Accelerators that were free before, in thousandths."""
    total_gpu_milli: int = 0
    """Accelerators that there are, in thousandths."""
    bound_gpu_milli: int | None = None
    """No plan that places as many members takes more of them; None: no bound was computed."""

    @property
    def gap_gpu_milli(self) -> int | None:
        """How far from the bound at most."""
        return None if self.bound_gpu_milli is None else max(0, self.bound_gpu_milli - self.gpu_milli)
