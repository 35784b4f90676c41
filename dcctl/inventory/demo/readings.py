"""What the demo's boards and nodes were measured to be doing, from the work that is on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.demo.hardware import GIB, Kind, host, noise
from dcctl.inventory.demo.members import member_name, uid
from dcctl.inventory.demo.work import PLAIN, SERVING, TRAINING, Effort, Job
from dcctl.inventory.model import Accelerator, Ecc, Node, NodeUse, Process

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class _Level:
    """Ranges in thousandths."""

    busy: tuple[int, int]
    traffic: tuple[int, int]
    memory: tuple[int, int]
    power: tuple[int, int]
    """Of the cap."""


_LEVELS: dict[Effort, _Level] = {
    "hard": _Level((880, 990), (380, 560), (820, 890), (860, 970)),
    "serving": _Level((420, 760), (620, 780), (910, 950), (480, 640)),
    "light": _Level((60, 180), (20, 90), (150, 450), (180, 260)),
    "idle": _Level((0, 0), (0, 0), (300, 700), (110, 170)),
}
HEALTHY = Ecc(
    enabled=True,
    volatile_corrected=0,
    volatile_uncorrected=0,
    aggregate_corrected=0,
    aggregate_uncorrected=0,
    remapped_corrected_rows=0,
    remapped_uncorrected_rows=0,
    remap_pending=False,
    remap_failed=False,
)
_REST = _Level((0, 0), (0, 0), (0, 4), (95, 115))


@dataclass(frozen=True, slots=True)
class Held:
    """One device in the hands of one member."""

    job: Job
    uid: str
    pid: int


def holders(kinds: Mapping[str, Kind]) -> dict[str, list[Held]]:
    """Node name -> who holds its devices, in the order in which they are handed out."""
    found: dict[str, list[Held]] = {}
    for job in (*TRAINING, *SERVING):
        position = 0
        for number in job.where:
            name = host(job.prefix, number)
            for _ in range(job.per_node):
                own = uid(member_name(job, position))
                held = found.setdefault(name, [])
                held += [Held(job, own, 20_000 + 7 * len(held) + i) for i in range(job.each)]
                position += 1
            if len(found[name]) > kinds[name].units:
                raise AssertionError(name)
    return found


def device_ids(node: Node, kind: Kind, held: list[Held]) -> dict[str, list[str]]:
    """UID of a member -> ids of the devices that it holds on this node."""
    ids: dict[str, list[str]] = {}
    for position, one in enumerate(held):
        ids.setdefault(one.uid, []).append(_device(node, kind, position).id or "")
    return ids


def _device(node: Node, kind: Kind, position: int) -> Accelerator:
    """Slices follow the boards in the list; shares go round the boards."""
    devices = node.accelerators or ()
    if kind.slices:
        return devices[kind.boards + position]
    return devices[position % kind.boards]


def measured(node: Node, kind: Kind, held: list[Held]) -> Node:
    """The node with a reading of every device and of itself."""
    users: dict[str | None, list[Held]] = {}
    for position, one in enumerate(held):
        users.setdefault(_device(node, kind, position).id, []).append(one)
    devices = tuple(_reading(kind, device, users.get(device.id, [])) for device in node.accelerators or ())
    return replace(node, accelerators=devices, use=_use(node, kind, held))


def _reading(kind: Kind, device: Accelerator, users: list[Held]) -> Accelerator:
    if device.kind == "mig":
        return _slice_reading(device, users)
    level = _LEVELS[users[0].job.effort] if users else _REST
    key = device.id or ""
    total = device.memory_bytes or 0
    used = total // 1000 * noise(f"{key}/memory", *level.memory)
    cap = device.power_cap_mw or 0
    power = cap // 1000 * noise(f"{key}/power", *level.power)
    busy = noise(f"{key}/busy", *level.busy)
    return replace(
        device,
        memory_used_bytes=used,
        busy_milli=None if kind.profile else busy,  # NVML reads no utilisation of a board in MIG mode
        memory_busy_milli=None if kind.profile else noise(f"{key}/traffic", *level.traffic),
        power_mw=power,
        energy_mj=power * noise(f"{key}/since", 100_000, 4_000_000),
        sm_clock_hz=(device.sm_clock_max_hz or 0) * (95 if busy else 17) // 100,
        temperature_c=31 + 42 * power // max(1, cap),
        memory_temperature_c=35 + 46 * power // max(1, cap),
        throttle=(),
        performance_state=0 if users else 8,
        ecc=HEALTHY,
        processes=_processes(users, used) if not kind.profile else None,
    )


def _slice_reading(device: Accelerator, users: list[Held]) -> Accelerator:
    """A slice tells its memory and its processes, not how busy it is."""
    working = [one for one in users if one.job.effort != "idle"]
    used = (device.memory_bytes or 0) // 1000 * noise(f"{device.id}/memory", 300, 900) if working else 0
    return replace(device, memory_used_bytes=used, processes=_processes(working, used))


def _processes(users: list[Held], used: int) -> tuple[Process, ...]:
    return tuple(Process(one.pid, "python3", "nobody", used // len(users), pod_uid=one.uid) for one in users)


def _use(node: Node, kind: Kind, held: list[Held]) -> NodeUse:
    cpu = 1500 + sum(
        one.job.cpus * noise(f"{one.uid}/cpu", 200, 550) for one in held if one.job.effort != "idle"
    )
    memory = 9 * GIB + sum(
        one.job.memory_gib * GIB * noise(f"{one.uid}/mem", 300, 700) // 1000 for one in held
    )
    for _, _, _, where, cpu_milli, memory_gib, _ in PLAIN:
        if node.name in {host("gpu", number) for number in where}:
            cpu, memory = cpu + cpu_milli * 9 // 10, memory + memory_gib * GIB // 2
    hard = sum(1 for one in held if one.job.effort in {"hard", "serving"})
    return NodeUse(
        cpu_milli=min(cpu, kind.threads * 990),
        memory_bytes=min(memory, kind.memory_gib * GIB * 95 // 100),
        load1_milli=min(cpu, kind.threads * 1000) * 21 // 20,
        cpu_pressure_milli=noise(f"{node.name}/cpu", 0, 25),
        memory_pressure_milli=noise(f"{node.name}/memory", 0, 5),
        io_pressure_milli=noise(f"{node.name}/io", 1, 45),
        power_mw=1_100_000 + sum(_draw(kind, one) for one in held) + hard * 30_000,
    )


def _draw(kind: Kind, one: Held) -> int:
    low, high = _LEVELS[one.job.effort].power
    return kind.board.power_w * (low + high) // 2 // max(1, kind.slices or kind.replicas)
