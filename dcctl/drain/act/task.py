"""One pod that is to go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from dcctl.drain.campaign import Leave, Unit

_GRACE_S: Final = 30.0
"""What Kubernetes gives a pod that says nothing."""


@dataclass
class Task:
    """A pod, and how it was asked to go so far."""

    leave: Leave
    unit: Unit
    since_s: float = 0.0
    """When it was asked first."""
    due_s: float = 0.0
    tries: int = 0
    unsure: int = 0
    no_sooner: bool = False
    """The server said when."""
    why: str = ""
    evicted: bool = False

    @property
    def uid(self) -> str:
        """What tells the pod from another of its name."""
        return self.leave.uid or ""

    @property
    def step(self) -> str:
        """Its name in the journal."""
        return f"evict {self.leave.pod} {self.leave.uid}"

    @property
    def patience_s(self) -> float:
        """How long it may take to end."""
        return _GRACE_S if self.leave.grace_s is None else float(self.leave.grace_s)

    @property
    def stuck(self) -> str:
        """Why it holds its node, once its time is over."""
        return (
            f"it was evicted and is still there after its {self.patience_s:.0f} s of grace: it is not forced"
        )
