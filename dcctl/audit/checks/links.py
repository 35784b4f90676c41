"""Links of boards: PCI Express to the host, NVLink to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.audit.check import Fault, Unsure, check, told
from dcctl.audit.checks.boards import NOT_COUNTED, foreign, tells
from dcctl.audit.facts.nvlinks import links_of
from dcctl.audit.facts.pools import profile_of
from dcctl.units import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.check import Severity
    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.boards import Board

_MBPS = 8_000_000
"""Bits per second of 1 MB/s."""


def _under_load(board: Board) -> bool:
    """At full speed and not idle: an idle board lets its PCI link down to save power."""
    idle = board.busy_milli == 0 or "gpu_idle" in (board.throttle or ())
    return board.performance_state == 0 and not idle


@check(
    "GPU-10",
    "PCI Express link is narrower or slower than it could be",
    "high",
    tier="N",
    over="boards",
    needs=("pcie_width", "pcie_max_width"),
    refs=("dcctl:pcie-link", "nvsentinel:890", "imbue:pcie"),
    why="Half of the lanes is half of the way to the host and to the NIC, and no error is logged.",
    fix="Compare LnkSta with LnkCap (lspci -vv -s BUS); reseat the board or its riser, look for bent pins.",
    applies=tells("pcie_width"),
)
def trained_down(board: Board, _: Scene) -> Iterator[Fault]:
    """All lanes are in use, and under load the highest generation is."""
    width, most = told(board.pcie_width), told(board.pcie_max_width)
    if width < most:
        yield Fault(f"{width} of {most} lanes", "width")
    generation, best = board.pcie_generation, board.pcie_max_generation
    if generation is not None and best is not None and generation < best and _under_load(board):
        yield Fault(f"generation {generation} under load, could be {best}", "generation")


def _counted(board: Board, scene: Scene) -> str:
    found = board.bus_counted
    if found and all(scene.grew(board, name, value) is None for name, value in found.items()):
        return NOT_COUNTED
    return tells("pcie_replays")(board, scene) if board.aer is None else foreign(board)


@check(
    "GPU-11",
    "Errors on the PCI Express link since the last run",
    "medium",
    tier=("N", "S", "L"),
    over="boards",
    refs=("dcctl:pcie-errors",),
    why="Packets that are sent again cost bandwidth, and a link that errs will train down or drop.",
    fix="Reseat the board or its riser; when it goes on, have the board or the riser replaced.",
    applies=_counted,
)
def bus_errors(board: Board, scene: Scene) -> Iterator[Fault]:
    """No replay and no error of the port was counted since the last run."""
    found = board.bus_counted
    if not found:
        raise Unsure("neither replays nor errors of the port were told")
    for name, value in found.items():
        grew = scene.grew(board, name, value)
        if grew:
            grave: Severity | None = "high" if name in {"aer fatal", "aer nonfatal"} else None
            yield Fault(f"{count(grew)} more {name}", name, grave)


class Wanted(NamedTuple):
    """What the NVLinks of a board have to be."""

    fitted: int
    bps: int
    """0: not known."""


def wanted(board: Board, scene: Scene) -> Wanted:
    """Return what the profile of the pool says, else the model, else what there is."""
    profile, known = profile_of(scene, board.node), links_of(board.model)
    links = told(board.nvlinks)
    fitted = known.fitted if known else len(links)
    mbps = known.mbps if profile.nvlink_mbps is None and known else profile.nvlink_mbps
    fastest = max((link.speed_bps for link in links if link.speed_bps is not None), default=0)
    bps = fastest if mbps is None else mbps * _MBPS
    return Wanted(fitted if profile.nvlinks is None else profile.nvlinks, bps)


def _no_links(board: Board, scene: Scene) -> str:
    """Why NVLink does not apply to a board."""
    why = foreign(board)
    if why:
        return why
    profile = profile_of(scene, board.node)
    if profile.nvlinks == 0:
        return "pools whose profile has no NVLink"
    if board.mig_enabled:
        return "boards in MIG mode, which do not use NVLink"
    if profile.nvlinks is not None or links_of(board.model) is not None or board.nvlinks is None:
        return ""
    bridged = any(link.up is not False for link in board.nvlinks)
    return "" if bridged else "boards without NVLink, or without a bridge on it"


@check(
    "GPU-12",
    "NVLink is down or slow",
    "critical",
    tier="N",
    over="boards",
    needs=("nvlinks",),
    refs=("dcctl:nvlink", "nvsentinel:1481"),
    why="Collectives fall back to fewer links, or to PCI Express: many times slower, without an error.",
    fix="Reset the boards of the node; when a link stays down, have the board or the baseboard replaced.",
    applies=_no_links,
)
def nvlinks(board: Board, scene: Scene) -> Iterator[Fault]:
    """Every link that the model or the profile has is up, and at full speed."""
    need, links = wanted(board, scene), told(board.nvlinks)
    if any(link.up is None for link in links):
        raise Unsure("not every link tells whether it is up")
    up = [link for link in links if link.up]
    if not up:
        yield Fault(f"all {need.fitted} links are down", "all")
        return
    if len(links) < need.fitted:
        yield Fault(f"{len(links)} of {need.fitted} links are there", "missing")
    yield from (Fault(f"link {one.number} is down", f"link {one.number}") for one in links if not one.up)
    for link in up:
        if link.speed_bps is not None and link.speed_bps < need.bps:
            speeds = f"{count(link.speed_bps // _MBPS)} MB/s, should be {count(need.bps // _MBPS)} MB/s"
            yield Fault(f"link {link.number} runs at {speeds}", f"link {link.number}")


def _links_counted(board: Board, scene: Scene) -> str:
    why = _no_links(board, scene)
    found = board.links_counted
    if why or not found:
        return why
    return NOT_COUNTED if all(scene.grew(board, *one) is None for one in found.items()) else ""


@check(
    "GPU-13",
    "Errors on NVLink since the last run",
    "high",
    tier=("N", "L"),
    over="boards",
    needs=("nvlinks",),
    refs=("dcctl:nvlink-errors", "gcm:nvlink", "imbue:nvlink"),
    why="A link that sends again and again slows every collective before it goes down.",
    fix="Drain the node, reset its boards, and have the board replaced when the errors come back.",
    applies=_links_counted,
)
def nvlink_errors(board: Board, scene: Scene) -> Iterator[Fault]:
    """No CRC error, replay or recovery was counted on any link since the last run."""
    found = board.links_counted
    if not found:
        raise Unsure("no link tells its errors")
    for name, value in found.items():
        grew = scene.grew(board, name, value) if value else 0  # most are 0: there are 54 on a board
        if grew:
            yield Fault(f"{count(grew)} more: {name}", name)
