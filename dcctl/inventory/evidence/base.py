"""What all evidence has in common: a key that survives restarts, and why something was not told."""

from msgspec import field

from dcctl.inventory.devices import Fact
from dcctl.inventory.model import Cause


class Silence(Fact, frozen=True):
    """Why something was not told: 403, a time-out, a binary that is not there."""

    reason: str
    """One line for a person."""
    cause: Cause = "failed"


class Subject(Fact, frozen=True, kw_only=True):
    """Base of what a check is about. A field that is None was not told, and `silent` has why, by its name."""

    silent: dict[str, Silence] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What it is called where it is, the same in every run: an owner, not a pod; a slot, not an index."""
        raise NotImplementedError

    @property
    def object(self) -> str:
        """What findings call it: its key, behind the name of its cluster where the run is about several."""
        cluster: str = getattr(self, "cluster", "")
        return f"{cluster}:{self.key}" if cluster else self.key

    @property
    def counted(self) -> dict[str, int]:
        """Every counter that an audit compares with the last run, by name."""
        return {}

    @property
    def stands_on(self) -> tuple[str, ...]:
        """The nodes that a finding about it names, for who asks what to drain; empty: none in particular."""
        return ()
