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

    from dcctl.inventory.conditions import Curve, SiteLink
    from dcctl.inventory.model import Dataset, Taint
    from dcctl.inventory.placement import Level, Template
    from dcctl.packing.reasons import Reason

UNLIMITED: Final = 1 << 62
"""Free where nobody counts a dimension. No sum of requests comes near it."""

WHOLE: Final = 1000
"""Thousandths of one device."""

BASIC: Final = ("cpu_milli", "memory_bytes", "storage_bytes", "pods", "bandwidth_bps", "power_mw")
"""The dimensions that every space begins with; the others are names of resources."""
CPU, MEMORY, STORAGE, PODS, BANDWIDTH, POWER = range(len(BASIC))
"""Their positions in all amounts."""

LEVELS: Final[tuple[Level, ...]] = ("domain", "leaf", "rack", "zone", "site")
"""Parts of a data centre above the node, the narrowest first."""


class Kind(NamedTuple):
    """One sort of device."""

    resource: str
    model: str
    """Empty: nobody tells."""
    shares: int = 1
    """How many times each board is handed out (time-slicing, MPS): a device is one of these replicas."""


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
    """One device that a scheduler hands out, or one replica of it."""

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
    power_mw: int | None = None
    """The most that it draws; None: nobody tells."""
    held_memory_bytes: int = 0
    """Of its memory, what shares of it hold, as far as they say."""

    @property
    def free_memory_bytes(self) -> int | None:
        """None: nobody tells. Below zero where more was promised than there is."""
        return None if self.memory_bytes is None else self.memory_bytes - self.held_memory_bytes


class Sliced(Struct, frozen=True, gc=False):
    """A board that is cut into slices, which are amounts of named resources."""

    kind: int
    """Position in `Space.kinds`, of the board as a whole."""
    index: int
    """Its number on the node; -1: nobody tells, so it stays as it is."""
    resources: tuple[str, ...]
    """Names, one for each slice."""
    free: bool = False
    """Whether nobody holds any of them."""
    memory_bytes: int | None = None
    id: str | None = None


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
    closed_windows: tuple[tuple[int, int], ...] = ()
    """(from, to) in Unix time: nothing runs here in between, as during maintenance."""
    sliced: tuple[Sliced, ...] = ()
    """Devices that are handed out in slices."""

    def part(self, level: Level) -> str:
        """The part of a level of LEVELS that it lies in; empty: not known."""
        return self.path[LEVELS.index(level)]

    def part_of_site(self, level: Level) -> str:
        """The same by a name that no other part has: r07 of dc1 is not r07 of dc2. Empty: not known.

        What lies between them does not count: one node may tell its zone, and the next of its rack may not.
        """
        name, site = self.part(level), self.path[-1]
        return f"{site}/{name}" if name and site and level != "site" else name


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

    @property
    def each_milli(self) -> int:
        """What it takes of each device that it gets, in thousandths; 0: it asks for none."""
        return WHOLE if self.devices else self.share_milli

    @property
    def each_memory_bytes(self) -> int:
        """What a share takes of the memory of its device; a whole device has all of it to itself."""
        return self.device_memory_bytes if self.share_milli else 0


class ItemClass(Struct, frozen=True):
    """Identical items: what each asks for, and where it may stand."""

    need: Need
    template: Template = BARE
    cluster: str = ""
    """The source whose nodes alone it can stand on; empty: any."""


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
    quotas: tuple[str, ...] = ()
    """Ids of those that its members count for; all of them hold."""
    duration_s: int | None = None
    deadline_s: int | None = None
    earliest_s: int | None = None
    after: tuple[str, ...] = ()
    data: tuple[Dataset, ...] = ()
    sites: tuple[str, ...] = ()
    """Two sites over which it was split when it ran: it may be again, whatever their link."""
    homes: tuple[int, ...] = ()
    """With `within`, bins in which members of it stand: it holds for those and these together."""

    @property
    def size(self) -> int:
        """How many members it has."""
        return sum(len(task.members) for task in self.tasks)


class Held(Struct, frozen=True, gc=False):
    """An item that stands in a bin already. Its demand is not in the bin's free amounts any more.

    So whoever gives it back adds all of it, and nothing comes to have more free than there is in all.
    """

    job: str
    member: str
    bin: int
    of: int
    """Position in `Problem.classes`."""
    devices: tuple[int, ...] = ()
    """Positions, in the bin, of the devices that it holds; told or likely."""


class Allowance(Struct, frozen=True, gc=False):
    """A disruption budget: how many of all members it covers may be missing; it may cover several jobs."""

    name: str
    """`nlp/pg`: with its namespace."""
    allowed: int | None
    """None: nobody knows, so nobody is sure to be allowed."""
    source: str = ""


class Running(Struct, frozen=True):
    """What is true of all items that one job holds already."""

    minimum: int = 0
    """With fewer members it stops as a whole: 0 and 1 mean that each member is by itself."""
    within: Level | None = None
    priority: int = 0
    preemptible: bool = False
    spared: bool = False
    """It was told that it must not be pushed out."""
    owner: str = ""
    quotas: tuple[str, ...] = ()
    """Ids of those that its members count for."""
    ends_s: int | None = None
    """Unix time at which it ends at the latest; None: nobody knows."""
    duration_s: int | None = None
    """How long it runs from its start, at most; None: nobody knows."""
    deadline_s: int | None = None
    data: tuple[Dataset, ...] = ()
    fixed: bool = False
    """It belongs to its node (a DaemonSet): it cannot stand elsewhere."""
    made_anew: bool = True
    """Whether somebody makes a member anew where it has to go; not so of a bare pod."""
    budgets: tuple[Allowance, ...] = ()
    """Those that cover its members, each of them all."""


class Quota(Struct, frozen=True):
    """The most that the jobs which name it may hold together."""

    id: str
    amounts: Mapping[str, int]
    """By dimension, and of all devices, in thousandths, as `gpu`. What is not there is not limited."""
    used: Mapping[str, int] = field(default_factory=dict)
    """What is held already, by those that stand and by others."""
    name: str = "quota"
    """What a person calls it: `quota compute of nlp`."""


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
    ended: frozenset[str] = frozenset()
    """Ids of work that has ended: who waits for it waits no longer."""
    prices: Mapping[str, Curve] = field(default_factory=dict)
    """Of a MWh, in thousandths of the currency, by site; under the empty name that of all others."""
    carbon: Mapping[str, Curve] = field(default_factory=dict)
    """Grams of CO2 for a kWh, in thousandths, by site."""
    links: tuple[SiteLink, ...] = ()
    """Between sites."""
    pue_milli: Mapping[str, int] = field(default_factory=dict)
    """By site: all power over that of the machines, in thousandths."""
    now_s: int = 0
    snapshot: str = ""
    """Digest of the fleet that it was made of."""
    clusters: tuple[str, ...] = ()
    """What tells the clusters of that fleet from all others (SourceRun.cluster)."""
