"""Dynamic resource allocation: the devices that nodes publish and the claims that hold them."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import field
from msgspec.structs import replace

from dcctl.inventory.devices import DeviceName
from dcctl.inventory.model import Accelerator
from dcctl.inventory.sources.kubernetes.asked import ClaimName, ClaimSpec, Wanted, wanted
from dcctl.inventory.sources.kubernetes.quantity import units
from dcctl.inventory.sources.kubernetes.types import Meta, Wire
from dcctl.inventory.vendors import dra_vendor

Key = tuple[str, str, str]
"""(driver, pool, device): the name of a device in the cluster."""


class Attribute(Wire):
    """A value of one of four types."""

    int_: int | None = field(default=None, name="int")
    bool_: bool | None = field(default=None, name="bool")
    string: str | None = None
    version: str | None = None


class Capacity(Wire):
    """An amount, as a quantity."""

    value: str = "0"


class DeviceTaint(Wire):
    """What keeps claims from a device, such as a driver that found it sick."""

    key: str = ""
    effect: str = ""


class Basic(Wire):
    """A device as resource.k8s.io/v1beta1 wraps it."""

    attributes: dict[str, Attribute] | None = None
    capacity: dict[str, Capacity] | None = None
    taints: list[DeviceTaint] | None = None


class Counters(Wire):
    """Counters that a device draws on: it is one of several ways to cut a board."""

    counter_set: str = ""


class Device(Wire):
    """One device of a slice."""

    name: str = ""
    basic: Basic | None = None
    attributes: dict[str, Attribute] | None = None
    capacity: dict[str, Capacity] | None = None
    taints: list[DeviceTaint] | None = None
    consumes_counters: list[Counters] | None = None
    node_name: str | None = None


class PoolRef(Wire):
    """The pool that a slice is a part of. Only slices of the newest generation count."""

    name: str = ""
    generation: int = 0
    resource_slice_count: int = 1


class SliceSpec(Wire):
    """What a ResourceSlice says."""

    driver: str = ""
    pool: PoolRef = field(default_factory=PoolRef)
    node_name: str | None = None
    devices: list[Device] | None = None


class SliceObject(Wire):
    """A ResourceSlice."""

    spec: SliceSpec = field(default_factory=SliceSpec)


class Result(Wire):
    """One device given to a claim."""

    driver: str = ""
    pool: str = ""
    device: str = ""
    admin_access: bool | None = None


class Devices(Wire):
    """The devices given to a claim."""

    results: list[Result] | None = None


class Allocation(Wire):
    """What a claim was given."""

    devices: Devices = field(default_factory=Devices)


class Consumer(Wire):
    """Who may use a claim."""

    resource: str = ""
    name: str = ""
    uid: str = ""


class ClaimStatus(Wire):
    """How a claim fares."""

    allocation: Allocation | None = None
    reserved_for: list[Consumer] | None = None


class ClaimObject(Wire):
    """A ResourceClaim."""

    metadata: Meta = field(default_factory=Meta)
    spec: ClaimSpec = field(default_factory=ClaimSpec)
    status: ClaimStatus = field(default_factory=ClaimStatus)


class Published(NamedTuple):
    """A device, where it is and as what it counts."""

    node: str
    accelerator: Accelerator
    potential: bool
    """One of several ways to cut a board: it exists once it is allocated."""
    tainted: bool = False
    """Nobody is given it: it has a taint of effect NoSchedule or NoExecute."""


class Slices:
    """Devices by pool; the newest generation of each. A sink for pages of ResourceSlices."""

    def __init__(self) -> None:
        self._pools: dict[tuple[str, str], _Pool] = {}

    def add(self, items: list[SliceObject]) -> None:
        """Read one page."""
        for item in items:
            spec = item.spec
            if dra_vendor(spec.driver) is None:
                continue
            key = (spec.driver, spec.pool.name)
            pool = self._pools.get(key)
            if pool is None or spec.pool.generation > pool.generation:
                pool = self._pools[key] = _Pool(spec.pool.generation, spec.pool.resource_slice_count)
            if spec.pool.generation == pool.generation:
                pool.add(spec)

    def clear(self) -> None:
        """Forget all."""
        self._pools.clear()

    def incomplete(self) -> list[str]:
        """Pools of which slices are missing: their driver is about to publish the rest."""
        return sorted(
            f"{driver}/{name}" for (driver, name), pool in self._pools.items() if pool.seen < pool.expected
        )

    def published(self) -> dict[Key, Published]:
        """Every accelerator that is bound to a node. Raises ValueError for a capacity that is no quantity."""
        found: dict[Key, Published] = {}
        for (driver, name), pool in sorted(self._pools.items()):
            for index, (node, device) in enumerate(sorted(pool.devices, key=_order)):
                made = parse_device(driver, device, index)
                if made is not None:
                    made = replace(made, dra=DeviceName(driver, name, device.name))
                    potential = device.consumes_counters is not None and made.kind != "whole"
                    tainted = _is_tainted(device)
                    found[driver, name, device.name] = Published(node, made, potential, tainted)
        return found

    def loose(self) -> dict[str, int]:
        """By pool, how many accelerators are bound to no single node. Raises ValueError as `published`."""
        counts = {
            f"{driver}/{name}": sum(parse_device(driver, device, 0) is not None for device in pool.loose)
            for (driver, name), pool in sorted(self._pools.items())
        }
        return {pool: count for pool, count in counts.items() if count}


class _Pool:
    """The devices of one generation of a pool."""

    def __init__(self, generation: int, expected: int) -> None:
        self.generation, self.expected, self.seen = generation, expected, 0
        self.devices: list[tuple[str, Device]] = []
        self.loose: list[Device] = []

    def add(self, spec: SliceSpec) -> None:
        self.seen += 1
        for device in spec.devices or ():
            node = device.node_name or spec.node_name
            if node:
                self.devices.append((node, device))
            else:
                self.loose.append(device)


def _is_tainted(device: Device) -> bool:
    taints = (device.basic or device).taints or ()
    return any(each.effect in ("NoSchedule", "NoExecute") for each in taints)


def _order(row: tuple[str, Device]) -> tuple[str, int, str]:
    """By node, then as numbers: gpu-2 before gpu-10."""
    node, device = row
    digits = "".join(letter for letter in device.name if letter.isdecimal())
    return node, int(digits[:18] or "0"), device.name


def parse_device(driver: str, device: Device, index: int) -> Accelerator | None:
    """The accelerator that a device is; None for what is none, such as a channel or a control daemon.

    Attribute names: those of NVIDIA's, AMD's and Intel's drivers, with or without the driver's domain.
    """
    attributes, capacity = _flat(device)
    word = _text(attributes, "type")
    if word is not None and word not in ("gpu", "mig", "vgpu", "vf", "pf", "accelerator"):
        return None
    profile = _text(attributes, "profile", "partitionProfile")
    sliced = word in ("mig", "vgpu", "vf")
    memory = next((capacity[name] for name in ("memory", "vram", "hbm") if name in capacity), None)
    return Accelerator(
        index=index if sliced else _number(attributes, index, "index", "minor"),
        id=_text(attributes, "uuid", "serial", "deviceID"),
        vendor=dra_vendor(driver) or driver,
        resource=f"{driver}/{word}-{profile}" if sliced and profile else driver,
        kind="whole" if not sliced else "mig" if word == "mig" else "vgpu",
        parent=_text(attributes, "parentUUID") if sliced else None,
        profile=profile if sliced else None,
        model=_text(attributes, "productName", "model", "product"),
        memory_bytes=None if memory is None else units(memory.value),
    )


def _flat(device: Device) -> tuple[dict[str, Attribute], dict[str, Capacity]]:
    """Attributes and capacity without their domains, from either form of the API."""
    source = device.basic or device
    attributes = {name.rpartition("/")[2]: value for name, value in (source.attributes or {}).items()}
    capacity = {name.rpartition("/")[2]: value for name, value in (source.capacity or {}).items()}
    return attributes, capacity


def _text(attributes: dict[str, Attribute], *names: str) -> str | None:
    for name in names:
        if name in attributes and attributes[name].string:
            return attributes[name].string
    return None


def _number(attributes: dict[str, Attribute], default: int, *names: str) -> int:
    for name in names:
        found = attributes[name].int_ if name in attributes else None
        if found is not None and found >= 0:
            return found
    return default


class Claimed(NamedTuple):
    """One claim that was given devices."""

    namespace: str
    name: str
    pods: tuple[tuple[str, str], ...]
    """(name, UID) of those it is reserved for, in order."""
    group: str
    """The group of pods it is reserved for, or empty."""
    keys: tuple[Key, ...]


class Claims:
    """Who holds which device. A sink for pages of ResourceClaims."""

    def __init__(self) -> None:
        self._rows: list[Claimed] = []
        self.wanted: dict[ClaimName, Wanted] = {}
        """What each claim still asks for: nothing once it was given its devices."""

    def add(self, items: list[ClaimObject]) -> None:
        """Read one page; claims of administrators hold nothing."""
        for item in items:
            status, meta = item.status, item.metadata
            self.wanted[meta.namespace, meta.name] = {} if status.allocation else wanted(item.spec)
            users = status.reserved_for or ()
            pods = tuple(sorted((each.name, each.uid) for each in users if each.resource == "pods"))
            group = next((each.name for each in users if each.resource == "podgroups"), "")
            results = status.allocation.devices.results or () if status.allocation else ()
            keys = tuple((each.driver, each.pool, each.device) for each in results if not each.admin_access)
            if keys:
                self._rows.append(Claimed(meta.namespace, meta.name, pods, group, keys))

    def clear(self) -> None:
        """Forget all."""
        self._rows.clear()
        self.wanted.clear()

    def holdings(
        self, published: dict[Key, Published], living: frozenset[str] | None = None
    ) -> dict[str, Holding]:
        """By UID of pod. A device that several pods share is counted once, for the first pod by name.

        Only pods in `living` hold anything; None: all do.
        """
        held: dict[str, Holding] = {}
        counted: set[Key] = set()
        for claim in sorted(self._rows):
            for uid in _users(claim, living):
                holding = held.setdefault(uid, Holding([], {}))
                for key in claim.keys:
                    if key in published:
                        _hold(holding, published[key].accelerator, counts=key not in counted)
                        counted.add(key)
        return held

    def unheld(self, living: frozenset[str]) -> tuple[list[Claimed], set[Key]]:
        """The claims that no living pod uses, and the devices of all others."""
        idle = [claim for claim in self._rows if not _users(claim, living)]
        return idle, {key for claim in self._rows if _users(claim, living) for key in claim.keys}

    def allocated(self) -> set[Key]:
        """Every device that is in use."""
        return {key for claim in self._rows for key in claim.keys}


def _users(claim: Claimed, living: frozenset[str] | None) -> list[str]:
    return [uid for _, uid in claim.pods if living is None or uid in living]


def _hold(holding: Holding, device: Accelerator, *, counts: bool) -> None:
    if device.id is not None and device.id not in holding.ids:
        holding.ids.append(device.id)
    if counts:
        holding.counts[device.resource] = holding.counts.get(device.resource, 0) + 1


class Holding(NamedTuple):
    """What a pod holds or waits for by its claims: ids, and devices by resource name."""

    ids: list[str]
    counts: dict[str, int]
    known: bool = True
    """False: nobody can tell how many it waits for."""
