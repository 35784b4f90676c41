"""What is to be packed: bins with what is free in them, and jobs of interned classes of items.

Amounts are integers in SI units, by the dimensions of one `Space`. Nothing here decides anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct, field

from dcctl.inventory.placement import BARE
from dcctl.packing.reasons import NONE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.inventory.model import Dataset, Taint
    from dcctl.inventory.placement import Level, Template
    from dcctl.packing.reasons import Reason

UNLIMITED: Final = 1 << 62
"""Free where nobody counts a dimension. No sum of requests comes near it."""

WHOLE: Final = 1000
"""Thousandths of one device."""

BASIC: Final = ("cpu_milli", "memory_bytes", "storage_bytes", "pods", "bandwidth_bps", "power_mw")
"""The dimensions that every space begins with; the others are names of resources."""

LEVELS: Final[tuple[Level, ...]] = ("domain", "leaf", "rack", "zone", "site")
"""Parts of a data centre above the node, the narrowest first."""


class Kind(NamedTuple):
    """One sort of device."""

    resource: str
    model: str
    """Empty: nobody tells."""


class Space(Struct, frozen=True):
    """The dimensions of all amounts of a problem, and the kinds of devices in it."""

    resources: tuple[str, ...] = ()
    """Named resources: dimensions after the basic ones."""
    kinds: tuple[Kind, ...] = ()

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of all dimensions, in order."""
        return (*BASIC, *self.resources)


class Device(Struct, frozen=True, gc=False):
    """One device that a scheduler hands out, or one share of it."""

    kind: int
    """Position in `Space.kinds`."""
    index: int = 0
    """Its number on the node."""
    free_milli: int = WHOLE
    memory_bytes: int | None = None
    """None: nobody tells; then no demand for memory is met by it."""
    numa: int | None = None
    id: str | None = None
    holder: str = ""
    """The job that is known to hold it; empty: none, several, or nobody knows."""


class Bin(Struct, frozen=True, gc=False):
    """One node with what is free on it."""

    name: str
    free: tuple[int, ...]
    """By dimension. Below zero where more was promised than there is."""
    total: tuple[int, ...]
    """What there would be without any work."""
    devices: tuple[Device, ...] = ()
    """Those that are handed out whole or in shares, held or free; not those out of order."""
    device_count: int = 0
    """How many there are, free or not."""
    held_count: int = 0
    """How many of them somebody holds, wholly or in part."""
    kinds: tuple[int, ...] = ()
    """Of all its devices, free or not."""
    closed: Reason = NONE
    """Why nothing at all is placed here."""
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    path: tuple[str, ...] = ("",) * len(LEVELS)
    """The part of each of LEVELS that it lies in; empty: not known, so in none."""
    scheduler: str = ""
    """The source that hands out what it has."""


class Need(Struct, frozen=True):
    """How much one item asks for."""

    amounts: tuple[int, ...]
    """By dimension."""
    devices: int = 0
    """Whole devices, all of them in one bin."""
    share_milli: int = 0
    """Of one device; never together with whole ones."""
    device_memory_bytes: int = 0
    """Of each of its devices, or of the share."""
    resource: str = ""
    """Name of the devices; empty: any accelerator."""
    models: tuple[str, ...] = ()
    """Models that will do; empty: any."""

    @property
    def gpu_milli(self) -> int:
        """All that it takes of devices, in thousandths of one."""
        return self.devices * WHOLE + self.share_milli


class ItemClass(Struct, frozen=True):
    """Identical items: what each asks for, and where it may stand."""

    need: Need
    template: Template = BARE


class Task(Struct, frozen=True):
    """Items of one class that belong to one job."""

    of: int
    """Position in `Problem.classes`."""
    members: tuple[str, ...]
    """Their names."""


class Job(Struct, frozen=True):
    """Items that are decided about together."""

    id: str
    tasks: tuple[Task, ...]
    minimum: int = 0
    """Fewer placed members are worth nothing: 0 and 1 mean that each member is by itself."""
    within: Level | None = None
    """All members lie in one part of this kind."""
    priority: int = 0
    preemptible: bool = False
    owner: str = ""
    duration_s: int | None = None
    deadline_s: int | None = None
    earliest_s: int | None = None
    after: tuple[str, ...] = ()
    data: tuple[Dataset, ...] = ()

    @property
    def size(self) -> int:
        """How many members it has."""
        return sum(len(task.members) for task in self.tasks)


class Held(Struct, frozen=True, gc=False):
    """An item that stands in a bin already. Its demand is not in the bin's free amounts any more."""

    job: str
    member: str
    bin: int
    of: int
    """Position in `Problem.classes`."""
    devices: tuple[int, ...] = ()
    """Positions, in the bin, of the devices that it holds; told or likely."""


class Running(Struct, frozen=True):
    """What is true of all items that one job holds already."""

    minimum: int = 0
    """With fewer members it stops as a whole: 0 and 1 mean that each member is by itself."""
    within: Level | None = None
    priority: int = 0
    preemptible: bool = False
    owner: str = ""
    ends_s: int | None = None
    """Unix time at which it ends at the latest; None: nobody knows."""
    fixed: bool = False
    """It belongs to its node (a DaemonSet): it cannot stand elsewhere."""
    may_miss: int | None = None
    """How many members may be taken away at once; None: no budget says."""


class Quota(Struct, frozen=True):
    """The most that one owner may hold of each dimension, and of devices in thousandths."""

    owner: str
    amounts: Mapping[str, int]
    used: Mapping[str, int] = field(default_factory=dict)


class Problem(Struct, frozen=True):
    """All that a plan depends on."""

    space: Space
    bins: tuple[Bin, ...]
    """In order of their names: the last tie is broken by it."""
    classes: tuple[ItemClass, ...]
    jobs: tuple[Job, ...]
    held: tuple[Held, ...] = ()
    running: Mapping[str, Running] = field(default_factory=dict)
    """What is known of the jobs of `held`, by id."""
    quotas: tuple[Quota, ...] = ()
    tolerated: frozenset[str] = frozenset()
    """Keys of taints that dedicate a pool: they keep out nobody who says nothing of taints."""
    unreadable: tuple[tuple[str, str], ...] = ()
    """(job, member) of work that asks for nobody knows what: it cannot be planned."""
    now_s: int = 0
    snapshot: str = ""
    """Digest of the fleet that it was made of."""
