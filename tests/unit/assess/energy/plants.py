"""Small fleets with meters, for tests of energy."""

from __future__ import annotations

from dcctl.inventory.model import (
    Accelerator,
    Fleet,
    Member,
    Node,
    NodeUse,
    PowerMeter,
    Resources,
    SourceRun,
    Workload,
)

HOUR_S = 3600
KW = 1_000_000
KWH = 3_600_000_000


def node(name: str, power_mw: int | None, *boards_mw: int | None, site: str | None = "dc1") -> Node:
    """A node of 64 CPUs with as many boards as readings are given."""
    boards = tuple(
        Accelerator(at, f"{name}-{at}", model="H100", power_mw=power, power_cap_mw=700_000)
        for at, power in enumerate(boards_mw)
    )
    offered = Resources(64_000, 1 << 40, pods=110, devices={"nvidia.com/gpu": len(boards_mw)})
    use = None if power_mw is None else NodeUse(power_mw=power_mw)
    return Node(
        name, site=site, sources=("kubernetes:x",), capacity=offered, allocatable=offered, use=use,
        accelerators=boards,
    )  # fmt: skip


def work(id_: str, on: str, *devices: str, cpu_milli: int = 0, **more: object) -> Workload:
    """A workload of one member that holds these boards."""
    asked = Resources(cpu_milli, devices={"nvidia.com/gpu": len(devices)} if devices else {})
    member = Member(f"{id_}-0", on, "running", asked, devices)
    return Workload(id_, source="kubernetes:x", members=(member,), **more)  # type: ignore[arg-type]


def fleet(*nodes: Node, meters: tuple[PowerMeter, ...] = (), works: tuple[Workload, ...] = ()) -> Fleet:
    """A fleet that one cluster told of."""
    run = SourceRun("kubernetes:x", "kubernetes", True, 1, len(nodes))
    return Fleet("test", 1000, nodes=nodes, meters=meters, workloads=works, sources=(run,))
