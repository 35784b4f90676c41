"""Small fleets for the tests of the inventory."""

from __future__ import annotations

from dcctl.inventory.model import (
    Accelerator,
    Conflict,
    Fleet,
    Gap,
    Link,
    Member,
    Node,
    Pool,
    PowerMeter,
    Rack,
    Resources,
    Site,
    SourceRun,
    Workload,
)

UUID = "4c4c4544-0035-3010-8056-b7c04f4b5931"
UUID_SWAPPED = "44454c4c-3500-1030-8056-b7c04f4b5931"
OTHER_UUID = "4c4c4544-0035-3010-8056-b7c04f4b5932"


def source(name: str, *nodes: Node, **rest: object) -> Fleet:
    """Return what one source says; its kind is the part of the name before the colon."""
    run = SourceRun(name=name, kind=name.partition(":")[0], ok=True, duration_ms=1, items=len(nodes))
    return Fleet(nodes=nodes, sources=(run,), **rest)  # type: ignore[arg-type]


def boards(
    count: int, *, uuids: bool = True, model: str = "NVIDIA H100 80GB HBM3"
) -> tuple[Accelerator, ...]:
    return tuple(Accelerator(index=i, id=f"GPU-{i}" if uuids else None, model=model) for i in range(count))


def small() -> Fleet:
    """Two sites, three racks, five nodes, one of them with a name that no node set can hold."""
    nodes = (
        Node("gpu001", site="dc1", rack="rack7", pools=("train",), accelerators=boards(2), ready=True),
        Node("gpu002", site="dc1", rack="rack7", pools=("train",), schedulable=False),
        Node("gpu009", site="dc1", rack="rack8", pools=("infer",), aliases=("10.0.0.9",)),
        Node("cpu1.dc2.example.com", site="dc2", rack="rack9"),
        Node("odd [1],x", site="dc2"),
    )
    return Fleet(
        name="small",
        taken_at_s=1_700_000_000,
        nodes=nodes,
        sites=(Site("dc1"), Site("dc2")),
        racks=(Rack("rack7", "dc1"), Rack("rack8", "dc1"), Rack("rack9", "dc2")),
        pools=(Pool("train", "gpu[001-002]", kind="nodepool"), Pool("infer", "gpu009")),
        links=(Link("gpu001", "p0", "leaf1", "1"), Link("gpu009", "p0", "leaf1", "2")),
        workloads=(
            Workload("nlp/a", members=(Member("a-0", "gpu001"), Member("a-1", "gpu009"))),
            Workload("nlp/b", members=(Member("b-0", "gpu009", requests=Resources(cpu_milli=1)),)),
        ),
        meters=(
            PowerMeter("pdu-7", "pdu", site="dc1", nodes="gpu[001-002]"),
            PowerMeter("pdu-8", "pdu", site="dc1", nodes="gpu009"),
            PowerMeter("meter", "facility", site="dc2"),
        ),
        gaps=(
            Gap("ssh", "gpu009 mount /data", "timed out", node="gpu009"),
            Gap("kubernetes", "nodes", "denied"),
            Gap("kubernetes", "gpu009", "a list that is called like a node"),
        ),
        conflicts=(Conflict("gpu009", "rack", (("a", "1"), ("b", "2"))),),
    )
