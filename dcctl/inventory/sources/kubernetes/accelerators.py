"""The accelerators of a node from its capacity and labels, where no driver publishes them one by one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.model import Accelerator
from dcctl.inventory.sources.kubernetes.quantity import units
from dcctl.inventory.vendors import MIB, DeviceName, device, labels_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from dcctl.inventory.vendors import Labels

_MIG_IN_MODEL = re.compile(r"-MIG-(\d+g\.\d+gb(?:\.me|\+me)?)$")
_SHARED_SUFFIX = "-SHARED"
_MOST_DEVICES = 4096
"""A node that claims more is not believed: the resource counts shares of something, not boards."""


class Boards:
    """Makes the accelerators of nodes. Nodes that are alike share one tuple."""

    def __init__(self) -> None:
        self._parts: dict[Hashable, tuple[Accelerator, ...]] = {}
        self._wholes: dict[tuple[int, ...], tuple[Accelerator, ...]] = {}

    def of_node(self, devices: Mapping[str, int], labels: Mapping[str, str]) -> tuple[Accelerator, ...]:
        """One accelerator per board or slice that the node's capacity counts; ids are not known here."""
        parts = [
            self._of_resource(resource, known, count, labels)
            for resource, known, count in _countable(devices)
        ]
        identity = tuple(id(part) for part in parts)  # parts live as long as this object: ids stay theirs
        whole = self._wholes.get(identity)
        if whole is None:
            whole = self._wholes[identity] = tuple(each for part in parts for each in part)
        return whole

    def _of_resource(
        self, resource: str, known: DeviceName, count: int, labels: Mapping[str, str]
    ) -> tuple[Accelerator, ...]:
        one = describe(resource, known, labels)
        boards = _boards(one, count, labels)
        key = (
            resource,
            boards,
            one.kind,
            one.model,
            one.memory_bytes,
            one.replicas,
            one.nvlink_domain,
            one.profile,
        )
        made = self._parts.get(key)
        if made is None:
            made = self._parts[key] = tuple(replace(one, index=index) for index in range(boards))
        return made


def _countable(devices: Mapping[str, int]) -> list[tuple[str, DeviceName, int]]:
    """The resources that count boards, each board under one name only."""
    rows = [
        (name, known, count) for name, count in sorted(devices.items()) if (known := device(name)) is not None
    ]
    return [row for row in rows if 0 < row[2] <= _MOST_DEVICES and row[1].same_as not in devices]


def describe(resource: str, known: DeviceName, labels: Mapping[str, str]) -> Accelerator:
    """What every device of this resource is on a node with these labels, as number 0.

    Labels: GPU feature discovery's for NVIDIA, the vendors' own for others (inventory/vendors.py).
    """
    names = labels_of(known.vendor)
    if known.kind == "mig":
        return _slice(resource, known, labels, names)
    model, replicas = _first(labels, names.model), _replicas(known, labels, names)
    shared = replicas is not None and replicas > 1
    if model is not None and shared:
        model = model.removesuffix(_SHARED_SUFFIX)
    cut = _MIG_IN_MODEL.search(model or "")
    return Accelerator(
        index=0,
        vendor=known.vendor,
        resource=resource,
        kind="mig" if cut else "shared" if shared else known.kind,
        profile=cut[1] if cut else None,
        replicas=replicas if shared else None,
        model=model[: cut.start()] if model and cut else model,
        memory_bytes=_memory(labels, names),
        nvlink_domain=_first(labels, names.domain),
    )


def _slice(resource: str, known: DeviceName, labels: Mapping[str, str], names: Labels) -> Accelerator:
    """A slice with a resource name of its own, such as nvidia.com/mig-1g.10gb, and labels that begin so."""
    memory = _integer(labels.get(f"{resource}.memory"))
    model = labels.get(f"{resource}.product") or _first(labels, names.model)
    return Accelerator(
        index=0,
        vendor=known.vendor,
        resource=resource,
        kind="mig",
        profile=resource.removeprefix(known.name) or None,
        model=_MIG_IN_MODEL.sub("", model.removesuffix(_SHARED_SUFFIX)) if model else None,
        memory_bytes=None if memory is None else memory * MIB,
        replicas=n if (n := _integer(labels.get(f"{resource}.replicas"))) and n > 1 else None,
        nvlink_domain=_first(labels, names.domain),
    )


def _replicas(known: DeviceName, labels: Mapping[str, str], names: Labels) -> int | None:
    """How often a board is handed out. 1 where sharing is switched off."""
    if names.sharing and labels.get(names.sharing) == "none" and known.kind != "shared":
        return 1
    return _integer(labels.get(names.replicas))


def _boards(one: Accelerator, count: int, labels: Mapping[str, str]) -> int:
    """How many devices stand behind the count of the capacity: a shared one is counted once per replica."""
    if not one.replicas or one.replicas < 2:
        return count
    physical = None
    if one.kind == "shared":
        physical = next(
            (n for label in labels_of(one.vendor).boards if (n := _integer(labels.get(label)))), None
        )
    return physical if physical is not None and physical <= count else max(1, count // one.replicas)


def _memory(labels: Mapping[str, str], names: Labels) -> int | None:
    for label, unit in names.memory:
        text = labels.get(label)
        if text is None:
            continue
        number = _integer(text)
        if unit and number is not None:
            return number * unit
        if not unit:
            return _quantity(text)
    return None


def _quantity(text: str) -> int | None:
    """`64Gi`, or AMD's `64G`, which means GiB. None for what is no quantity."""
    try:
        return units(text if text.endswith("i") or not text[-1:].isalpha() else f"{text}i")
    except ValueError:
        return None


def _first(labels: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((labels[name] for name in names if labels.get(name)), None)


def _integer(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else None
