"""Which devices stand behind a capacity: each board under one name, a shared one once, whoever asks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from dcctl.inventory.vendors import DEVICE_NAMES, device, labels_of, per_board

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.inventory.devices import AcceleratorKind
    from dcctl.inventory.vendors import DeviceName

MIG_IN_MODEL = re.compile(r"-MIG-(\d+g\.\d+gb(?:\.me|\+me)?)$")
MOST_DEVICES = 4096
"""A node that claims more is not believed: the resource counts shares of something, not boards."""
_PLACE_IN_TABLE = {row.name: place for place, row in enumerate(DEVICE_NAMES)}


class Counted(NamedTuple):
    """One resource of a capacity that counts boards, or slices of them."""

    resource: str
    known: DeviceName
    kind: AcceleratorKind
    devices: int
    """Boards, or slices where `kind` is one of slices."""
    replicas: int | None = None
    """How many times each is handed out; None: once."""
    profile: str | None = None
    """Of slices, where the labels or the name tell it."""
    per_board: int | None = None
    """Of slices, how many one board holds at most; None: not known."""


def counted(devices: Mapping[str, int], labels: Mapping[str, str]) -> list[Counted]:
    """The devices behind a node's capacity, by resource name, no board under two names.

    Shares and slices are told by names and labels: GPU feature discovery's for NVIDIA. What is not believed
    is left out.
    """
    doubted = disputed(devices, labels)
    rows = [
        (name, known, count)
        for name, count in sorted(devices.items())
        if 0 < count <= MOST_DEVICES and name not in doubted and (known := device(name)) is not None
    ]
    if any(known.same_as != "-" for _, known, _ in rows):
        rows = _each_once(rows)
    return [_counted(name, known, count, labels) for name, known, count in rows]


def disputed(devices: Mapping[str, int], labels: Mapping[str, str]) -> dict[str, int]:
    """Counts that no number of shares of the boards that a label tells can make: neither is believed."""
    found = {}
    for name, count in devices.items():
        known = device(name)
        told = _boards(known, labels) if known is not None else None
        if known and told and count > told and count % told and _hands_out_boards(known, labels):
            found[name] = count
    return found


def _hands_out_boards(known: DeviceName, labels: Mapping[str, str]) -> bool:
    """Whether the resource counts boards, or shares of them that no label tells the number of."""
    return known.kind in ("whole", "shared") and _profile(known, labels) is None and not _times(known, labels)


def _boards(known: DeviceName, labels: Mapping[str, str]) -> int | None:
    """How many boards the node has, whatever is made of them, where a label tells."""
    found = (integer(labels.get(label)) for label in labels_of(known.vendor).boards)
    return next((each for each in found if each), None)


def _profile(known: DeviceName, labels: Mapping[str, str]) -> str | None:
    """Of slices under the name of their board, as the model tells it."""
    cut = MIG_IN_MODEL.search(first(labels, labels_of(known.vendor).model) or "")
    return cut[1] if cut else None


def _times(known: DeviceName, labels: Mapping[str, str]) -> int | None:
    """How many times each board is handed out, where a label tells that it is more than once."""
    replicas = _replicas(known, labels)
    return replicas if replicas is not None and replicas > 1 else None


def _each_once(rows: list[tuple[str, DeviceName, int]]) -> list[tuple[str, DeviceName, int]]:
    """Of several names of the same boards, the one that stands first in the table of vendors."""
    best: dict[str, int] = {}
    for name, known, _ in rows:
        place = _PLACE_IN_TABLE[known.name]
        boards = _boards_name(name, known)
        best[boards] = min(place, best.get(boards, place))
    return [row for row in rows if best[_boards_name(row[0], row[1])] == _PLACE_IN_TABLE[row[1].name]]


def _boards_name(name: str, known: DeviceName) -> str:
    return name if known.same_as == "-" else known.same_as


def _counted(resource: str, known: DeviceName, count: int, labels: Mapping[str, str]) -> Counted:
    if known.kind == "mig":
        profile = resource.removeprefix(known.name) or None
        replicas = integer(labels.get(f"{resource}.replicas"))
        times = replicas if replicas is not None and replicas > 1 else None
    else:
        profile, times = _profile(known, labels), _times(known, labels)
        told = _boards(known, labels)
        if told and count > told and _hands_out_boards(known, labels):
            times = count // told  # by software that shares boards and says so nowhere, such as HAMi
    kind = known.kind
    if kind != "mig" and (profile or times):
        kind = "mig" if profile else "shared"
    behind = _behind(known, kind, count, times, labels)
    most = per_board(resource, profile) if kind == "mig" else None
    return Counted(resource, known, kind, behind, times, profile, most)


def _replicas(known: DeviceName, labels: Mapping[str, str]) -> int | None:
    """How often a board is handed out. 1 where sharing is switched off."""
    names = labels_of(known.vendor)
    if names.sharing and labels.get(names.sharing) == "none" and known.kind != "shared":
        return 1
    return integer(labels.get(names.replicas))


def _behind(
    known: DeviceName, kind: AcceleratorKind, count: int, replicas: int | None, labels: Mapping[str, str]
) -> int:
    """How many devices a count comes from: a shared one is counted once per replica."""
    if replicas is None:
        return count
    physical = _boards(known, labels) if kind == "shared" else None
    return physical if physical is not None and physical <= count else max(1, count // replicas)


def first(labels: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    """The value of the first of these labels that has one."""
    return next((labels[name] for name in names if labels.get(name)), None)


def integer(text: str | None) -> int | None:
    """The number that a label tells; None for what is none."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else None
