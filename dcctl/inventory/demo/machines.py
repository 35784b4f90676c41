"""Nodes of the demo fleet at rest: hardware, racks and what the scheduler is offered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.demo.hardware import (
    GBPS,
    GIB,
    LAYOUT,
    NODES_PER_RACK,
    RACKS_PER_SITE,
    TB,
    Kind,
    host,
    noise,
)
from dcctl.inventory.model import (
    Accelerator,
    Disk,
    Mount,
    Nic,
    Node,
    NvLink,
    Pcie,
    Resources,
    System,
    Taint,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

KIND, HOSTNAME, RACK = "node.demo/kind", "kubernetes.io/hostname", "topology.kubernetes.io/rack"
"""Labels of every node."""
_OPEN_POOLS = ("infer",)
"""Where whoever comes may stand; the other pools are for work that says so."""
_SOURCES = ("kubernetes:demo", "ssh:demo")
_LINKS = {count: tuple(NvLink(i, up=True, version=4) for i in range(count)) for count in (0, 12, 18)}


def machines() -> tuple[Node, ...]:
    """All nodes, idle and healthy, in the order of the racks."""
    return tuple(_node(kind, name, place) for place, (kind, name) in enumerate(_names()))


def _names() -> Iterator[tuple[Kind, str]]:
    for kind, prefix, numbers in LAYOUT:
        for number in numbers:
            yield kind, host(prefix, number)


def kinds() -> dict[str, Kind]:
    """Node name -> kind."""
    return {name: kind for kind, name in _names()}


def rack_name(place: int) -> str:
    """The rack of the node at this place."""
    return f"rack{place // NODES_PER_RACK + 1:02d}"


def site_name(place: int) -> str:
    """The site of the node at this place."""
    return f"dc{place // NODES_PER_RACK // RACKS_PER_SITE + 1}"


def taints(kind: Kind) -> tuple[Taint, ...]:
    """What keeps the pool of this kind for its own work."""
    return () if kind.pool in _OPEN_POOLS else (Taint(kind.board.resource, "NoSchedule", kind.pool),)


def _node(kind: Kind, name: str, place: int) -> Node:
    devices = {kind.resource: kind.units}
    capacity = Resources(kind.threads * 1000, kind.memory_gib * GIB, kind.disk_tb * TB, 110, devices)
    kept_back = Resources(
        (kind.threads - 4) * 1000, (kind.memory_gib - 32) * GIB, (kind.disk_tb * 9) * TB // 10, 110, devices
    )
    return Node(
        name=name,
        site=site_name(place),
        rack=rack_name(place),
        pools=(kind.pool,),
        sources=_SOURCES,
        provider_id=f"demo://{name}",
        address=f"192.0.2.{place + 1}",
        ready=True,
        schedulable=True,
        state="Ready",
        labels={KIND: kind.name, HOSTNAME: name, RACK: rack_name(place)},
        taints=taints(kind),
        capacity=capacity,
        allocatable=kept_back,
        system=_system(kind, name),
        accelerators=_accelerators(kind, name),
        accelerator_counts={"kubernetes": kind.boards, "nvml": kind.boards, "pci": kind.boards},
        nics=_nics(kind, name),
        disks=_disks(kind),
        mounts=_mounts(kind, name),
    )


def _system(kind: Kind, name: str) -> System:
    nvidia = kind.board.vendor == "nvidia"
    return System(
        vendor="demo",
        product=kind.product,
        serial=f"DEMO-{name.upper()}",
        cpu_model=kind.cpu,
        sockets=2,
        cores=kind.threads // 2,
        threads=kind.threads,
        numa_nodes=2,
        architecture="x86_64" if nvidia else "aarch64",
        kernel="6.1.0-28-amd64" if nvidia else "5.10.0-182.0.0",
        os="Debian GNU/Linux 12" if nvidia else "openEuler 22.03 LTS",
        uptime_s=noise(f"{name}/uptime", 3, 90) * 86_400,
        driver="550.127.05" if nvidia else "24.1.rc3",
        cuda="12.4" if nvidia else None,
        runtime="containerd://1.7.24",
        agent="v1.31.4",
    )


def _accelerators(kind: Kind, name: str) -> tuple[Accelerator, ...]:
    boards = [_board(kind, name, index) for index in range(kind.boards)]
    slices = [_slice(kind, board, position) for board in boards for position in range(kind.slices)]
    return (*boards, *slices)


def _board(kind: Kind, name: str, index: int) -> Accelerator:
    board = kind.board
    return Accelerator(
        index=index,
        id=f"{'NPU' if board.vendor == 'huawei' else 'GPU'}-demo-{name}-{index}",
        vendor=board.vendor,
        resource=board.resource if kind.profile else kind.resource,
        kind="shared" if kind.replicas else "whole",
        replicas=kind.replicas or None,
        model=board.model,
        serial=f"DEMO-{name}-{index}",
        memory_bytes=board.memory_gib * GIB,
        power_cap_mw=board.power_w * 1000,
        power_default_cap_mw=board.power_w * 1000,
        sm_clock_max_hz=board.clock_mhz * 10**6,
        temperature_limit_c=board.limit_c,
        numa_node=index * 2 // kind.boards,
        mig_enabled=bool(kind.profile) if board.vendor == "nvidia" else None,
        pcie=Pcie(f"0000:{16 + index * 8:02x}:00.0", board.pcie_generation, 16, board.pcie_generation, 16, 0),
        nvlinks=_LINKS[board.nvlinks],
    )


def _slice(kind: Kind, board: Accelerator, position: int) -> Accelerator:
    memory = int(kind.profile.split(".")[1].removesuffix("gb")) * GIB
    return Accelerator(
        index=board.index * kind.slices + position,
        id=f"MIG-{board.id}-{position}",
        resource=kind.resource,
        kind="mig",
        parent=board.id,
        profile=kind.profile,
        model=board.model,
        memory_bytes=memory,
    )


def _nics(kind: Kind, name: str) -> tuple[Nic, ...]:
    fast = kind.nics == 8
    fabric = tuple(
        Nic(
            name=f"mlx5_{rail}",
            kind="infiniband" if fast else "roce",
            up=True,
            speed_bps=(400 if fast else 200) * GBPS,
            mtu_bytes=4096,
            numa_node=rail * 2 // kind.nics,
            driver="mlx5_core",
            firmware="28.42.1000",
            rx_errors=0,
            tx_errors=0,
        )
        for rail in range(kind.nics)
    )
    mac = f"02:00:00:{noise(name, 0, 255):02x}:{noise(name + 'b', 0, 255):02x}:01"
    return (
        *fabric,
        Nic("eth0", "ethernet", up=True, speed_bps=25 * GBPS, mtu_bytes=9000, mac=mac, driver="ice"),
    )


def _disks(kind: Kind) -> tuple[Disk, ...]:
    system = Disk("nvme0n1", 960 * 10**9, "demo M.2", rotational=False, kind="nvme")
    count = 4
    scratch = (
        Disk(f"nvme{i + 1}n1", kind.disk_tb * TB // count, "demo U.2", rotational=False, kind="nvme")
        for i in range(count)
    )
    return (system, *scratch)


def _mounts(kind: Kind, name: str) -> tuple[Mount, ...]:
    root, scratch = 960 * 10**9, kind.disk_tb * TB
    return (
        Mount("/", "/dev/nvme0n1p2", "ext4", root, root * noise(f"{name}/root", 40, 80) // 100),
        Mount("/scratch", "/dev/md0", "xfs", scratch, scratch * noise(f"{name}/scratch", 15, 90) // 100),
    )
