"""Ports of the fabric: InfiniBand and RoCE, as their nodes see them."""

from __future__ import annotations

from collections import Counter, defaultdict
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from dcctl.audit.check import Fault, Unsure, check, told
from dcctl.audit.checks.gpu_nodes import no_board
from dcctl.audit.facts.pools import check_peers, has_peers, most, pools_of, profile_of
from dcctl.audit.scene import DERIVED
from dcctl.inventory.evidence.base import Subject
from dcctl.units import count, duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dcctl.audit.policy.gpu import PoolProfile
    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.boards import GpuNode
    from dcctl.inventory.evidence.fabric import FabricPort

NOT_COUNTED = "nothing was counted before"
_GBPS = 1_000_000_000
WATCHED = (
    *("symbol_error", "link_downed", "link_error_recovery", "port_rcv_errors"),
    *("port_rcv_remote_physical_errors", "local_link_integrity_errors", "excessive_buffer_overrun_errors"),
)
"""Counters of /sys/class/infiniband that a healthy port does not raise; congestion raises others."""
_ALIKE = 2
"""So many ports in one place make a usual value."""


class Place(tuple[object, ...]):
    """Ports that should be alike: one slot of the nodes of one pool."""

    __slots__ = ()


def place(port: FabricPort, scene: Scene) -> Place:
    """Return where a port is: its pools and its slot, or its name where no slot is known."""
    return Place((pools_of(scene, port.node), port.slot or port.name, port.port, port.layer))


def by_place(scene: Scene) -> Mapping[Place, list[FabricPort]]:
    """Return the ports of each place."""
    found: defaultdict[Place, list[FabricPort]] = defaultdict(list)
    for port in scene.evidence.ports or ():
        if has_peers(scene, port.node):
            found[place(port, scene)].append(port)
    return found


def peers(port: FabricPort, scene: Scene) -> Sequence[FabricPort]:
    """Return the ports in the same place of all nodes of the pool, itself among them; none: few are asked."""
    return scene.once(by_place).get(place(port, scene), ())


def _up(port: FabricPort) -> bool:
    return port.state == "ACTIVE" and port.physical in {None, "LinkUp"}


def _unused(port: FabricPort, scene: Scene) -> str:
    """A second port that no node of the pool has a cable in."""
    dark = place(port, scene) in scene.once(dark_places)
    if dark:
        check_peers(scene, port.node)
    return "ports that are down on every node of the pool" if dark else ""


def dark_places(scene: Scene) -> frozenset[Place]:
    """Return the places where the ports of enough nodes are all down."""
    return frozenset(
        where
        for where, ports in scene.once(by_place).items()
        if len(ports) >= scene.policy.gpu.least_peers
        and all(one.state is not None and not _up(one) for one in ports)
    )


class Usual(NamedTuple):
    """What more than half of the ports of a place have; None: there is no such value."""

    ports: int
    rate_bps: int | None
    lanes: int | None


_NO_PEERS = Usual(0, None, None)


def usual_rates(scene: Scene) -> Mapping[Place, Usual]:
    """Return the usual rate and lanes of each place."""
    return {
        where: Usual(len(ports), most(one.rate_bps for one in ports), most(one.lanes for one in ports))
        for where, ports in scene.once(by_place).items()
    }


@check(
    "FAB-01",
    "Port is down, or slower than it should be",
    "critical",
    tier="S",
    over="ports",
    needs=("state",),
    refs=("dcctl:port", "gcm:ibstat", "nhc:check_hw_ib"),
    why="Its rail is gone: collectives stall, or all run at the pace of this port.",
    fix="Look at the cable and the switch port at its far end; reseat or replace the cable.",
    applies=_unused,
)
def port_down(port: FabricPort, scene: Scene) -> Iterator[Fault]:
    """It is active, and has the rate and the lanes of the profile, else of its peers."""
    if not _up(port):
        yield Fault(f"{port.name} is {port.state}, {port.physical or 'physical state unknown'}", "state")
        return
    profile, usual = profile_of(scene, port.node), scene.once(usual_rates).get(place(port, scene), _NO_PEERS)
    gbps = profile.port_gbps
    rate = usual.rate_bps if gbps is None else gbps * _GBPS
    lanes = usual.lanes if profile.lanes is None else profile.lanes
    if gbps is None and usual.ports < _ALIKE:
        check_peers(scene, port.node)
    if port.rate_bps is None or (gbps is None and usual.ports < _ALIKE):
        raise Unsure("its rate, or which rate it should have, is not known")
    if rate is not None and port.rate_bps < rate:
        yield Fault(f"{port.name}: {port.rate_bps / _GBPS:g} Gb/s, should be {rate / _GBPS:g}", "rate")
    elif lanes is not None and port.lanes is not None and port.lanes < lanes:
        yield Fault(f"{port.name}: {port.lanes} lanes, should be {lanes}", "lanes")
    if gbps is None or profile.lanes is None:
        check_peers(scene, port.node)


def _watched(port: FabricPort) -> dict[str, int]:
    return {name: value for name, value in (port.counters or {}).items() if name in WATCHED}


def _ports_counted(port: FabricPort, scene: Scene) -> str:
    found = _watched(port)
    return NOT_COUNTED if found and all(scene.grew(port, *one) is None for one in found.items()) else ""


@check(
    "FAB-02",
    "Errors on a port since the last run",
    "high",
    tier=("S", "L"),
    over="ports",
    needs=("counters",),
    refs=("dcctl:port-errors", "imbue:ib-counters", "gcm:ib-counters"),
    why="A dirty or bent cable costs packets long before the port goes down.",
    fix="Clean or replace the cable or the optics; look at the counters of the switch port.",
    applies=_ports_counted,
)
def port_errors(port: FabricPort, scene: Scene) -> Iterator[Fault]:
    """No counter grew by more than its limit since the last run."""
    found = _watched(port)
    if not found:
        raise Unsure("none of the counters of errors was told")
    for name, value in found.items():
        grew = scene.grew(port, name, value)
        if grew is not None and grew > scene.policy.fabric.growth.get(name, 0):
            yield Fault(f"{port.name}: {count(grew)} more {name}", name)


def _flaps_counted(port: FabricPort, scene: Scene) -> str:
    changes = port.carrier_changes
    if changes is None or scene.grew(port, "carrier_changes", changes) is not None:
        return ""
    return NOT_COUNTED


@check(
    "FAB-03",
    "Link went down and came back since the last run",
    "high",
    tier=("S", "L"),
    over="ports",
    needs=("carrier_changes",),
    refs=("dcctl:flap", "gcm:link-flap", "aznhc:link-flap"),
    why="A flap of a second kills a job of a thousand boards, and leaves a port that looks well.",
    fix="Replace the cable or the optics; look at the log of the switch for the other end.",
    applies=_flaps_counted,
)
def flaps(port: FabricPort, scene: Scene) -> Iterator[Fault]:
    """The carrier did not change since the last run."""
    grew = scene.grew(port, "carrier_changes", told(port.carrier_changes))
    if grew is not None and grew > scene.policy.fabric.flaps:
        yield Fault(f"{port.name}: the carrier changed {count(grew)} times")


class FabricNode(Subject, frozen=True, kw_only=True):
    """The ports of one node."""

    node: str
    ports: tuple[FabricPort, ...] | None = None

    @property
    def key(self) -> str:
        """Its name; empty where no node told its ports."""
        return self.node

    @property
    def stands_on(self) -> tuple[str, ...]:
        """Itself."""
        return (self.node,) if self.node else ()


def fabric_nodes(scene: Scene) -> Sequence[FabricNode]:
    """Return each node with its ports; one without a name where nobody was told any."""
    silence = scene.silence("ports")
    if silence is not None:
        return (FabricNode(node="", silent={"ports": silence}),)
    found: defaultdict[str, list[FabricPort]] = defaultdict(list)
    for port in scene.evidence.ports or ():
        found[port.node].append(port)
    return [FabricNode(node=node, ports=tuple(ports)) for node, ports in found.items()]


DERIVED["fabric_nodes"] = fabric_nodes


def slots_of_pools(scene: Scene) -> Mapping[object, frozenset[str]]:
    """Return the slots with a port that more than half of the nodes of a pool have."""
    slots: defaultdict[object, Counter[str]] = defaultdict(Counter)
    nodes: defaultdict[object, int] = defaultdict(int)
    for one in scene.once(fabric_nodes):
        pool = pools_of(scene, one.node)
        nodes[pool] += 1
        slots[pool].update({port.slot for port in one.ports or () if port.slot})
    return {
        pool: frozenset(slot for slot, times in found.items() if times * 2 > nodes[pool])
        for pool, found in slots.items()
    }


@check(
    "FAB-04",
    "Ports are missing, or cabled to another rail",
    "high",
    tier="S",
    over="fabric_nodes",
    needs=("ports",),
    refs=("dcctl:rails", "gcm:eth_learn_nic_swap", "imbue:ib-topology"),
    why="Two swapped cables put two boards on one rail: traffic crosses the spine, and bandwidth halves.",
    fix="Move the cable to the port that audit.gpu.profiles names; reseat a card that is missing.",
)
def rails(node: FabricNode, scene: Scene) -> Iterator[Fault]:
    """Every slot of the profile, else of most nodes of the pool, has its port, at its rail."""
    profile, here = profile_of(scene, node.node), {port.slot: port for port in told(node.ports)}
    usual = scene.once(slots_of_pools).get(pools_of(scene, node.node), frozenset())
    found = [
        Fault(f"no port in slot {slot}", slot)
        for slot in sorted(usual | set(profile.rails))
        if slot not in here
    ]
    ends = {slot: _far_end(here[slot]) for slot in profile.rails if slot in here}
    for slot, end in ends.items():
        begins = profile.rails[slot]
        if end and not any(one.startswith(begins) for one in end):
            found.append(Fault(f"{here[slot].name} leads to {end[0]}, should be {begins}", slot))
    number = len(told(node.ports))
    if profile.ports is not None and number < profile.ports:
        found.append(Fault(f"{number} of {profile.ports} ports", "count"))
    yield from found
    silent = [slot for slot, end in ends.items() if not end]
    if silent and not found:
        raise Unsure(f"what is at the far end of {', '.join(silent)} was not told")


def _far_end(port: FabricPort) -> tuple[str, ...]:
    """What tells a cable from another: the switch port by LLDP, else the port's own GUID."""
    return tuple(one for one in (port.peer, port.guid) if one)


def _settings(port: FabricPort) -> dict[str, object]:
    """The settings of a RoCE port that were told."""
    found = {
        "mtu": port.mtu_bytes,
        "trust": port.trust,
        "pfc": port.pfc,
        "ecn": port.ecn,
        "traffic class": port.traffic_class,
    }
    return {name: value for name, value in found.items() if value is not None}


def _prescribed(profile: PoolProfile) -> dict[str, object]:
    found = {
        "mtu": profile.mtu,
        "trust": profile.trust,
        "pfc": profile.pfc,
        "ecn": profile.ecn,
        "traffic class": profile.traffic_class,
    }
    return {name: value for name, value in found.items() if value is not None}


def usual_settings(scene: Scene) -> Mapping[Place, dict[str, object]]:
    """Return the settings that more than half of the RoCE ports of a place have."""
    found = {}
    for where, ports in scene.once(by_place).items():
        told = [_settings(port) for port in ports]
        names = {name for settings in told for name in settings}
        usual = {name: most(one[name] for one in told if name in one) for name in names}
        found[where] = {name: value for name, value in usual.items() if value is not None}
    return found


def _not_roce(port: FabricPort, _: Scene) -> str:
    return "ports of InfiniBand, which has flow control of its own" if port.layer == "infiniband" else ""


@check(
    "FAB-05",
    "RoCE port: MTU, PFC, ECN or trust deviate",
    "medium",
    tier="S",
    over="ports",
    needs=("layer",),
    refs=("dcctl:roce",),
    why="One port without flow control drops packets under load, and RoCE goes back to the first one lost.",
    fix="mlnx_qos -i PORT --trust dscp --pfc 0,0,0,1,0,0,0,0 and the MTU, as its peers have them.",
    applies=_not_roce,
)
def roce(port: FabricPort, scene: Scene) -> Iterator[Fault]:
    """Each setting is that of the profile, else of its peers."""
    here, prescribed = _settings(port), _prescribed(profile_of(scene, port.node))
    usual = scene.once(usual_settings)[place(port, scene)] if len(peers(port, scene)) >= _ALIKE else {}
    should = usual | prescribed
    found = [
        Fault(f"{port.name}: {name} {_shown(here[name])}, should be {_shown(value)}", name)
        for name, value in should.items()
        if name in here and here[name] != value
    ]
    yield from found
    if here.keys() - prescribed.keys():
        check_peers(scene, port.node)
    untold = sorted(should.keys() - here.keys()) or ([] if should else ["what it should have"])
    if not found and untold:
        raise Unsure(f"{', '.join(untold)} was not told")


def _shown(value: object) -> str:
    return (",".join(map(str, value)) or "none") if isinstance(value, tuple) else str(value)


def usual_bandwidth(scene: Scene) -> Mapping[object, float]:
    """Return the median of the newest all-reduce of the nodes of each pool."""
    found: defaultdict[object, list[int]] = defaultdict(list)
    for node in scene.evidence.gpu_nodes or ():
        if node.bandwidths and has_peers(scene, node.node):
            found[pools_of(scene, node.node), node.model].append(_newest(node)[1])
    least = scene.policy.gpu.least_peers
    return {pool: median(values) for pool, values in found.items() if len(values) >= least}


def _newest(node: GpuNode) -> tuple[int, int]:
    """(when, bits per second) of the newest record; of several at one moment the fastest."""
    return max((one.at_s, one.bps) for one in told(node.bandwidths))


def _single(node: GpuNode, scene: Scene) -> str:
    if why := no_board(node, scene):
        return why
    return "nodes with one board" if max((node.counts or {}).values(), default=0) == 1 else ""


@check(
    "FAB-06",
    "No recent NCCL baseline, or below its floor",
    "medium",
    tier="L",
    over="gpu_nodes",
    needs=("bandwidths",),
    refs=("dcctl:nccl-baseline", "aznhc:nccl_allreduce", "gcm:nccl"),
    why="Each part can look well while all together reach half of their bandwidth.",
    fix="Run all_reduce_perf of nccl-tests on the drained node, and keep its output among the records.",
    applies=_single,
)
def baseline(node: GpuNode, scene: Scene) -> Iterator[Fault]:
    """The newest all-reduce is recent, and reaches the floor of the profile, else its peers' median."""
    if not node.bandwidths:
        yield Fault("no record of an all-reduce", "none")
        return
    at_s, bps = _newest(node)
    age_s = scene.now_s - at_s
    if age_s > scene.policy.fabric.bandwidth_age_s:
        yield Fault(f"the last all-reduce was {duration(age_s)} ago", "age")
    floor_gbs = profile_of(scene, node.node).bus_bandwidth_gbs
    usual = scene.once(usual_bandwidth).get((pools_of(scene, node.node), node.model))
    floor = floor_gbs * 8 * _GBPS if floor_gbs is not None else 0.0
    if floor_gbs is None and usual is not None:
        floor = usual * scene.policy.fabric.bandwidth_share_milli / 1000
    if bps < floor:
        yield Fault(f"{bps / 8 / _GBPS:.0f} GB/s, floor {floor / 8 / _GBPS:.0f}", "bandwidth")
    if floor_gbs is None:
        check_peers(scene, node.node)
