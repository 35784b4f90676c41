"""Evidence of a large site for benchmarks: the demo with its faults, and much more that is healthy."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from dcctl import collectors, config
from dcctl.inventory.demo.hardware import noise
from dcctl.inventory.devices import Ecc, Pcie
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.document import encode, merged
from dcctl.inventory.evidence.network import Service
from dcctl.inventory.evidence.pods import Config
from dcctl.inventory.evidence.rbac import Account, Binding, Bound, Role, Rule
from dcctl.inventory.evidence.secrets import SecretNote
from dcctl.inventory.evidence.storage import Claim, Volume
from dcctl.inventory.folding import fold
from dcctl.inventory.model import Fleet, Member, Pool, Resources, Workload
from dcctl.inventory.sources.demo import build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.inventory.devices import Accelerator
    from dcctl.inventory.evidence.boards import Board
    from dcctl.inventory.evidence.fabric import FabricPort
    from dcctl.inventory.model import Node

NOW_S: Final = 1_750_000_000
_TEMPLATE: Final = "gpu002"
"""A healthy node of eight H100."""
_TENANTS: Final = 300
_READ: Final = ("get", "list", "watch")
_WANTS: Final = Resources(2_000, 8 << 30, 0, 1, {})


def evidence(nodes: int = 5_000, pods: int = 50_000) -> Evidence:
    """Return what an audit sees of a site with so many nodes and pods."""
    fleet = _fleet(nodes, pods)
    settings = config.resolve({"inventory": ("demo",)}, {}, None)
    found = merged((collectors.Collection(settings).gather(fleet, NOW_S), _tenants(fleet)))
    boards, ports = map(_counted, found.boards or ()), map(_transferred, found.ports or ())
    return replace(found, boards=tuple(boards), ports=tuple(ports))


def _counted(board: Board) -> Board:
    """A board that has run for a while."""
    held = {name: noise(f"{board.key}/{name}", 0, 10**9) for name in board.violations_ns or ()}
    return replace(board, violations_ns=held or board.violations_ns)


def _transferred(port: FabricPort) -> FabricPort:
    """A port that has moved data."""
    moved = {name: noise(f"{port.key}/{name}", 0, 10**15) for name in ("port_rcv_data", "port_xmit_data")}
    return replace(port, counters=None if port.counters is None else {**port.counters, **moved})


def _fleet(nodes: int, pods: int) -> Fleet:
    demo = build(NOW_S)
    pattern = next(one for one in demo.nodes if one.name == _TEMPLATE)
    more = tuple(_node(pattern, number) for number in range(1_000, 1_000 + nodes - len(demo.nodes)))
    every = (*demo.nodes, *more)
    pools = tuple(_with(pool, more) if pool.name in pattern.pools else pool for pool in demo.pools)
    known = tuple(_everywhere(one, more) if one.kind == "DaemonSet" else one for one in demo.workloads)
    left = pods - sum(len(one.members) for one in known)
    works = (*known, *_works(left, [one.name for one in more] or [_TEMPLATE]))
    return replace(demo, nodes=every, pools=pools, workloads=tuple(sorted(works, key=lambda one: one.id)))


def _node(pattern: Node, number: int) -> Node:
    """Another node of the same kind: its names and numbers are its own."""
    boards = tuple(_board(one, number) for one in pattern.accelerators or ())
    nics = tuple(
        replace(one, guid=f"0x{number:08x}{at:08x}") if one.guid else one
        for at, one in enumerate(pattern.nics or ())
    )
    uuid = f"4c4c4544-0000-4000-8000-{number:012x}"
    name = f"gpu{number}"
    return replace(
        pattern, name=name, rack=f"r{number // 8}", system_uuid=uuid, accelerators=boards, nics=nics
    )


def _board(pattern: Accelerator, number: int) -> Accelerator:
    """Another board, with readings of its own."""
    name = f"GPU-{number:08x}-0000-4000-8000-{pattern.index:012x}"
    ecc = replace(pattern.ecc or Ecc(), volatile_corrected=noise(f"{name}/ecc", 0, 9))
    slot = f"0000:{0x10 + pattern.index:02x}:00.0"
    return replace(
        pattern,
        id=name,
        busy_milli=noise(f"{name}/busy", 700, 999),
        power_mw=noise(f"{name}/power", 400_000, 700_000),
        temperature_c=noise(f"{name}/temperature", 45, 70),
        memory_used_bytes=noise(f"{name}/memory", 1 << 34, 1 << 36),
        ecc=ecc,
        pcie=replace(pattern.pcie or Pcie(), address=slot),
    )


def _with(pool: Pool, nodes: tuple[Node, ...]) -> Pool:
    return replace(pool, nodes=fold((*pool.nodes.split(","), *(one.name for one in nodes))))


def _everywhere(work: Workload, nodes: tuple[Node, ...]) -> Workload:
    """A DaemonSet with a pod on each of these nodes too."""
    return replace(
        work, members=(*work.members, *(_member(work.id, one.name, at) for at, one in enumerate(nodes)))
    )


def _member(work: str, node: str, at: int) -> Member:
    name = f"{work.partition('/')[2]}-{at:05x}"
    return Member(name, node, "running", _WANTS, uid=f"uid-{work}-{at}", started_at_s=NOW_S - 86_400)


def _works(pods: int, nodes: list[str]) -> Iterator[Workload]:
    """Deployments of about ten pods in the namespaces of many tenants."""
    at = 0
    while pods > 0:
        size = min(pods, 2 + at * 7 % 17)
        name = f"tenant-{at % _TENANTS:03d}/service-{at // _TENANTS:03d}"
        members = tuple(_member(name, nodes[(at * 31 + each) % len(nodes)], each) for each in range(size))
        yield Workload(id=name, kind="Deployment", source="kubernetes:demo", members=members)
        pods, at = pods - size, at + 1


def _tenants(fleet: Fleet) -> Evidence:
    """What stands beside the work of each tenant: accounts with small rights, services, claims."""
    spaces = sorted({one.id.partition("/")[0] for one in fleet.workloads if one.id.startswith("tenant-")})
    rules = (Rule(_READ, ("",), ("pods", "configmaps")), Rule(("create",), ("batch",), ("jobs",)))
    names = [(space, f"bot-{at}") for space in spaces for at in range(5)]
    return Evidence(
        roles=tuple(Role(namespace=space, name="bots", rules=rules) for space in spaces),
        bindings=tuple(
            Binding(
                namespace=space,
                name=name,
                role_kind="Role",
                role="bots",
                subjects=(Bound("ServiceAccount", name, space),),
            )
            for space, name in names
        ),
        accounts=tuple(Account(namespace=space, name=name, automount=False) for space, name in names),
        services=tuple(
            Service(
                namespace=one.id.partition("/")[0],
                name=one.id.partition("/")[2],
                ports=("http",),
                selector={"app": one.id.partition("/")[2]},
            )
            for one in fleet.workloads
            if one.id.startswith("tenant-")
        ),
        configs=tuple(Config(namespace=space, name=f"settings-{at}") for space in spaces for at in range(10)),
        secrets=tuple(
            SecretNote(namespace=space, name="registry", kind="pull", made_at_s=NOW_S) for space in spaces
        ),
        claims=tuple(
            Claim(namespace=space, name="data", phase="Bound", volume=f"pvc-{space}", made_at_s=NOW_S)
            for space in spaces
        ),
        volumes=tuple(
            Volume(name=f"pvc-{space}", phase="Bound", claim=f"{space}/data", since_s=NOW_S)
            for space in spaces
        ),
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(encode(evidence(*map(int, sys.argv[2:]))))
