"""Reports to show: one like `dcctl assess`, one of hostile strings."""

from __future__ import annotations

from dcctl.inventory.model import Gap
from dcctl.render.report import Column, HeatMap, Note, Report, Row, Sample, Shape, Table, Tile

NODES = (
    Column("node", "NODES", "nodes", keep=9),
    Column("pool", "POOL", "text", keep=6),
    Column("state", "STATE", "state", keep=8),
    Column("gpus", "GPUS", "count", keep=8),
    Column("model", "MODEL", "text", keep=5),
    Column("allocated_milli", "ALLOCATED", "percent_milli", keep=7),
    Column("busy_milli", "BUSY", "percent_milli", keep=7),
    Column("memory_bytes", "MEMORY", "memory", keep=4),
    Column("scratch_bytes", "SCRATCH", "bytes", keep=3),
    Column("power_mw", "POWER", "power_mw", keep=4),
    Column("up_s", "UP", "duration_s", keep=2),
    Column("owner", "OWNER", "text", keep=3),
    Column("serial", "SERIAL", "text", keep=1, wide=True),
)
IDLE = (
    Column("workload", "WORKLOAD", "text", keep=9),
    Column("gpus", "GPUS", "count", keep=8),
    Column("node", "NODES", "nodes", keep=7),
    Column("idle_s", "IDLE", "duration_s", keep=6),
    Column("energy_mj", "ENERGY", "energy_mj", keep=3),
)
SHAPE = Shape(
    kind="assess",
    description="What there is and what it is doing",
    items=NODES,
    details=(("idle", IDLE),),
    summary=(
        Column("nodes", "Nodes", "count"),
        Column("gpus", "GPUs by model", "count"),
        Column("busy_milli", "Busy", "percent_milli"),
    ),
)
GIB, DAY = 1024**3, 86400


def node(number: int, state: str, busy: int | None, owner: str | None = "nlp") -> Row:
    name = f"gpu{number:03d}"
    power = None if busy is None else 1_200_000 + busy * 5_000
    return (
        *(name, "train", state, 8, "H100 80GB HBM3", 1000, busy, 2048 * GIB, 15_360_000_000_000),
        *(power, 97 * DAY, owner, f"SN-{number:06d}"),
    )


def rows() -> tuple[Row, ...]:
    plain = [node(number, "ready", 870) for number in range(1, 121)]
    odd = [node(121, "degraded", 412, "视觉 / vision-研究"), node(122, "cordoned", 0, None)]
    silent: Row = ("gpu123", "train", "unknown", None, None, None, None, None, None, None, None, None, None)
    return (*plain, *odd, silent)


def tiles(number: int) -> tuple[Tile, ...]:
    if number % 16 == 7:
        return tuple(Tile(None, "unknown") for _ in range(8))
    if number % 16 == 9:
        return (
            Tile(0, "idle"),
            Tile(0, "free"),
            Tile(500, "fault"),
            *(Tile(i * 200, "busy") for i in range(1, 6)),
        )
    return tuple(Tile(900, "busy") for _ in range(8))


def fleet_map() -> HeatMap:
    numbers = range(1, 65)
    return HeatMap(
        name="busy",
        title="busy, one square per GPU",
        rows=tuple((f"gpu{number:03d}", tiles(number)) for number in numbers),
        groups=tuple((f"rack{rack}", 16) for rack in range(1, 5)),
    )


def report() -> Report:
    idle: tuple[Row, ...] = (
        ("nlp/notebook-7", 8, "gpu014", 26 * 3600, 5_400_000_000_000),
        ("vision/eval-sweep", 16, ("gpu031", "gpu032"), 3 * 3600, 720_000_000_000),
        ("研究/评测", 4, "gpu099", None, None),
    )
    refused = [
        Gap(source="ssh", subject=f"gpu{n}", reason="permission denied (publickey)") for n in (124, 125, 126)
    ]
    slow = Gap(
        source="ssh",
        subject="gpu123",
        reason="ssh timed out after 10 s, 3 tries",
        cause="timeout",
        hint="dcctl netcheck -w gpu123",
    )
    return Report(
        kind="assess",
        headline="prod  2 sites  123 nodes  984 GPUs   87 % allocated, 71 % busy",
        items=Table("nodes", NODES, rows()),
        details=(Table("idle", IDLE, idle, title="idle: 61 GPUs held for over an hour", total=10),),
        summary={"nodes": 123, "gpus": {"H100 80GB HBM3": 976, "unknown": None}, "busy_milli": 710},
        maps=(fleet_map(),),
        notes=(
            Note(
                "stranded",
                "16 GPUs on gpu[050-057]: 0 of 96 CPUs left; moving 2 pods frees them",
                "warn",
                "dcctl schedule defrag",
            ),
            Note("bound by", "CPU on nodes of pool train"),
        ),
        samples=(
            Sample("dcctl_gpus", 976.0, (("model", "H100 80GB HBM3"),), "Accelerators known."),
            Sample("dcctl_gpus_busy_ratio", 0.71, (), "Share of accelerators at work."),
        ),
        gaps=(slow, *refused),
    )


EVIL = "a\x1b[31mred\x1b]0;owned\x07\nroot: ok\t\u202egpj.exe\u200b\x9b2J\ud800=cmd"


def hostile() -> Report:
    columns = (
        Column("node", "NODES", "nodes", keep=9),
        Column("owner", "OWNER"),
        Column("state", "STATE", "state"),
    )
    table = Table("nodes", columns, ((EVIL, EVIL, EVIL), ("=1+1", "<script>alert(1)</script>", "ok")))
    return Report(
        kind="assess",
        headline=EVIL,
        items=table,
        details=(Table("more", columns, ((EVIL, EVIL, EVIL),), title=EVIL),),
        maps=(HeatMap("m", EVIL, ((EVIL, (Tile(None, EVIL), Tile(3, EVIL))),), ((EVIL, 1),)),),
        summary={EVIL: EVIL},
        notes=(Note(EVIL, EVIL, "crit", EVIL),),
        samples=(Sample("dcctl_up", 1.0, (("node", EVIL),), EVIL),),
        gaps=(Gap(source=EVIL, subject=EVIL, reason=EVIL, hint=EVIL),),
    )
