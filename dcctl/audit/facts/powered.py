"""UPSes, PDUs, racks and sites as subjects of checks: meters of the fleet with what evidence adds to them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, cast

from dcctl.audit.facts.stored import joined
from dcctl.audit.scene import COUNTED, DERIVED, MADE_OF
from dcctl.inventory.evidence.base import Subject
from dcctl.inventory.evidence.plant import Plant
from dcctl.inventory.model import Node, PowerMeter, Rack, Site  # noqa: TC001  # msgspec reads them
from dcctl.inventory.nodeexpr import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.scene import Scene
    from dcctl.inventory.devices import Accelerator

IT: Final = ("pdu", "ups", "bmc")
"""Meters of IT power, those nearest to it that cover a whole site first."""
_ELSEWHERE: Final = "\0"
"""Where nodes stand that are not in this run."""


class PowerSite(Subject, frozen=True, kw_only=True):
    """A site with its meters, each once, and its nodes."""

    site: Site
    meters: tuple[PowerMeter, ...] = ()
    nodes: int = 0
    boards: tuple[tuple[str, Accelerator], ...] = ()
    """Whole boards of its nodes, with the node's name."""
    unread: tuple[str, ...] = ()
    """Nodes that have boards, or may have some, and of which nobody told them."""
    cut: bool = False
    """Nodes of it are left out of this run."""

    @property
    def key(self) -> str:
        """`Site/dc1`."""
        return f"Site/{self.site.name}"

    def of(self, kind: str) -> tuple[PowerMeter, ...]:
        """Its meters of a kind."""
        return tuple(one for one in self.meters if one.kind == kind)


class PowerRack(Subject, frozen=True, kw_only=True):
    """A rack with the feeds of its nodes."""

    rack: Rack
    feeds: tuple[Plant, ...] = ()
    cut: bool = False
    """Nodes of it are left out of this run."""

    @property
    def key(self) -> str:
        """`Rack/rack07`."""
        return f"Rack/{self.rack.name}"

    @property
    def stands_on(self) -> tuple[str, ...]:
        """The nodes that it feeds."""
        return tuple(dict.fromkeys(name for one in self.feeds for name in one.nodes))


def _only(places: set[str]) -> str:
    """The place that all nodes stand in; none where they stand in several, or this run leaves one out."""
    return next(iter(places)) if len(places) == 1 and _ELSEWHERE not in places else ""


def _from_meter(meter: PowerMeter, sites: dict[str, str], racks: dict[str, str]) -> Plant:
    nodes = tuple(sorted(plain(meter.nodes))) if meter.nodes else ()
    stands_in = {racks.get(name, _ELSEWHERE) for name in nodes} - {""}
    lies_in = {sites.get(name, _ELSEWHERE) for name in nodes} - {""}
    return Plant(
        name=meter.name,
        kind="ups" if meter.kind == "ups" else "pdu",
        site=meter.site or _only(lies_in),
        rack=_only(stands_in),
        nodes=nodes,
        power_mw=meter.power_mw,
        nominal_mw=meter.nominal_mw,
        load_milli=meter.load_milli,
        efficiency_milli=meter.efficiency_milli,
        read_at_s=meter.read_at_s,
    )


def _feeds(scene: Scene) -> tuple[Plant, ...]:
    """UPSes and PDUs, by their meters and by what else is told of them."""
    nodes = scene.evidence.fleet.nodes
    sites = {one.name: one.site or "" for one in nodes}
    racks = {one.name: one.rack or "" for one in nodes}
    metered = [
        _from_meter(one, sites, racks) for one in scene.evidence.fleet.meters if one.kind in ("ups", "pdu")
    ]
    return joined((*metered, *cast("tuple[Plant, ...]", scene.of("plants"))))


def _supplies(scene: Scene) -> tuple[Plant, ...]:
    return tuple(one for one in scene.once(_feeds) if one.kind == "ups")


def _racks(scene: Scene) -> tuple[Subject, ...]:
    """PDUs by themselves, then racks that know what they may draw, with theirs."""
    pdus = tuple(one for one in scene.once(_feeds) if one.kind == "pdu")
    by_rack: dict[tuple[str, str], list[Plant]] = defaultdict(list)
    for one in pdus:
        by_rack[one.site, one.rack].append(one)
    racks, cut = scene.evidence.fleet.racks, set(scene.evidence.fleet.left_out.racks)
    return (
        *pdus,
        *(
            PowerRack(rack=one, feeds=tuple(by_rack.get(place, ())), cut=place in cut)
            for one in racks
            for place in [(one.site or "", one.name)]
        ),
    )


def _unread(node: Node, silent: set[str]) -> bool:
    return node.accelerators is None and (node.name in silent or any(node.accelerator_counts.values()))


def _sites(scene: Scene) -> tuple[PowerSite, ...]:
    fleet = scene.evidence.fleet
    cut = set(fleet.left_out.sites)
    known_sites = {one.name for one in fleet.sites} | (cut - {""})
    only = next(iter(known_sites)) if len(known_sites) == 1 else ""
    of_node = {one.name: one.site or only for one in fleet.nodes}
    silent = {gap.node for gap in fleet.gaps if gap.node == gap.subject}

    def place(meter: PowerMeter) -> str:
        known = {of_node.get(name, "") for name in plain(meter.nodes)} if meter.nodes else {only}
        return meter.site or (known.pop() if len(known) == 1 else "")

    found = []
    for site in fleet.sites:
        nodes = [one for one in fleet.nodes if of_node[one.name] == site.name]
        boards = tuple(
            (node.name, board) for node in nodes for board in node.accelerators or () if board.kind == "whole"
        )
        meters = tuple(one for one in fleet.meters if place(one) == site.name)
        found.append(
            PowerSite(
                site=site,
                meters=meters,
                nodes=len(nodes),
                boards=boards,
                unread=tuple(node.name for node in nodes if _unread(node, silent)),
                cut=site.name in cut or (site.name == only and "" in cut),
            )
        )
    return tuple(found)


def _sensed(scene: Scene) -> tuple[Plant, ...]:
    """Whatever has sensors of temperature, or was asked for them."""
    told = joined(cast("tuple[Plant, ...]", scene.of("plants")))
    return tuple(one for one in told if one.temperatures is not None or "temperatures" in one.silent)


def is_idle(board: Accelerator, idle_milli: int) -> bool:
    """True for a board that tells how busy it is, and is not."""
    return board.busy_milli is not None and board.busy_milli < idle_milli


def idle_counter(site: PowerSite, node: str, board: Accelerator) -> tuple[str, str]:
    """Return the row and the name under which since when a board is idle is kept."""
    return f"{site.key} idle {node}", str(board.index)


def idle_since(scene: Scene) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield, for the counters of this run, since when each board that is idle was seen so."""
    least = scene.policy.energy.idle_milli
    rows: defaultdict[str, list[str]] = defaultdict(list)
    for site in scene.once(_sites):
        for node, board in site.boards:
            row, name = idle_counter(site, node, board)
            if board.busy_milli is not None:
                rows[row] += [name] if is_idle(board, least) else []
    for row, names in rows.items():
        yield row, scene.since(row, names)


for _kind in ("power_supplies", "power_feeds", "sensed_plants"):
    MADE_OF[_kind] = ("plants",)
DERIVED.update(power_sites=_sites, power_supplies=_supplies, power_feeds=_racks, sensed_plants=_sensed)
COUNTED.append(idle_since)
