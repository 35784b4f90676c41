"""Whose word counts for which fact. A table, and how to apply it.

Hardware is believed from those who touch it, scheduling from the scheduler, the place and the way in from
whoever keeps the list. A saved file comes after everything that was asked just now.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from msgspec.structs import fields, replace

from dcctl.inventory.kinds import kind_of, kinds_of
from dcctl.inventory.model import Fact, Fleet, Node

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

F = TypeVar("F", bound=Fact)

_HARDWARE: Final = (
    *("nvml", "local", "ssh", "redfish", "ipmi"),
    *("kubernetes", "slurm", "yarn", "prometheus", "terraform", "ansible", "file", "demo"),
)
_SCHEDULING: Final = (
    *("kubernetes", "slurm", "yarn", "prometheus"),
    *("local", "ssh", "terraform", "ansible", "file", "demo"),
)
_MEASURED: Final = ("local", "ssh", "nvml", "redfish", "ipmi", "prometheus", "kubernetes", "file", "demo")
_PLACE: Final = ("kubernetes", "slurm", "terraform", "ansible", "redfish", "ssh", "local", "file", "demo")
_ACCESS: Final = ("ansible", "ssh", "local", "terraform", "kubernetes", "slurm", "file", "demo")

ORDER: Final[dict[str, tuple[str, ...]]] = {
    "name": _SCHEDULING,
    "site": _PLACE,
    "rack": _PLACE,
    "provider_id": _SCHEDULING,
    "system_uuid": _HARDWARE,
    "address": _ACCESS,
    "login_user": _ACCESS,
    "login_port": _ACCESS,
    "ready": _SCHEDULING,
    "schedulable": _SCHEDULING,
    "cordon": _SCHEDULING,
    "state": _SCHEDULING,
    "labels": _SCHEDULING,
    "taints": _SCHEDULING,
    "capacity": _SCHEDULING,
    "allocatable": _SCHEDULING,
    "use": _MEASURED,
    "system": _HARDWARE,
    "accelerators": _HARDWARE,
    "handed_out": _SCHEDULING,
    "nics": _HARDWARE,
    "disks": _HARDWARE,
    "mounts": _HARDWARE,
}
"""Fact -> kinds of source, the most trusted first; kinds not named come last, in order of their names."""


class Known(NamedTuple):
    """What one source (or one earlier merge) says of one node."""

    fleet: int
    """Where it stands among the fleets: what was asked just now, then the newest, comes first."""
    node: Node
    sources: tuple[str, ...]
    kinds: tuple[str, ...]

    @property
    def source(self) -> str:
        """For people: the source's name, or several joined by `+`."""
        return "+".join(self.sources)


def known(fleets: Sequence[Fleet]) -> list[Known]:
    """Return every node of every fleet with where it comes from."""
    kinds = kinds_of(fleets)
    views = []
    for at, fleet in enumerate(fleets):
        # The one source of a fleet vouches for all in it, even for what it repeats.
        vouches = (fleet.sources[0].name,) if len(fleet.sources) == 1 else ()
        for node in fleet.nodes:
            names = vouches or node.sources or (fleet.name or "file",)
            views.append(Known(at, node, names, tuple(kind_of(name, kinds) for name in names)))
    return views


def rank(fact: str, kinds: Iterable[str]) -> int:
    """Return the position of the most trusted of these kinds for a fact; lower is better."""
    order = ORDER[fact]
    return min((order.index(kind) if kind in order else len(order) for kind in kinds), default=len(order))


def by_trust(fact: str, views: Iterable[Known]) -> list[Known]:
    """Return the views, the most trusted for this fact first; ties go to the newer, then the lower name."""
    return sorted(views, key=lambda view: (rank(fact, view.kinds), view.fleet, view.sources, view.node.name))


def coalesce(parts: Sequence[F]) -> F:
    """Return one struct with each field from the first part that knows it: that has not just the default."""
    first, *others = parts
    changed = {}
    for name, default in _defaults(type(first)):
        if getattr(first, name) == default:
            for part in others:
                value = getattr(part, name)
                if value != default:
                    changed[name] = value
                    break
    return replace(first, **changed) if changed else first


@cache
def _defaults(kind: type[Fact]) -> tuple[tuple[str, object], ...]:
    """Return the fields that may be left out, each with the value that then stands for unknown."""
    return tuple(
        (field.name, field.default_factory() if callable(field.default_factory) else field.default)
        for field in fields(kind)
        if not field.required
    )
