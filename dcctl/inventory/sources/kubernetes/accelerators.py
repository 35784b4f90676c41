"""The accelerators of a node from its capacity and labels, where no driver publishes them one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.counted import MIG_IN_MODEL, Counted, counted, first, integer
from dcctl.inventory.model import Accelerator
from dcctl.inventory.sources.kubernetes.quantity import units
from dcctl.inventory.vendors import MIB, device, labels_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from dcctl.inventory.vendors import Labels

_SHARED_SUFFIX = "-SHARED"


class Boards:
    """Makes the accelerators of nodes. Nodes that are alike share one tuple."""

    def __init__(self) -> None:
        self._parts: dict[Hashable, tuple[Accelerator, ...]] = {}
        self._wholes: dict[tuple[int, ...], tuple[Accelerator, ...]] = {}

    def of_node(
        self, devices: Mapping[str, int], labels: Mapping[str, str]
    ) -> tuple[Accelerator, ...] | None:
        """One accelerator per board or slice that the node's capacity counts; ids are not known here.

        None where it counts some, and no count is believed.
        """
        parts = [self._of_resource(row, labels) for row in counted(devices, labels)]
        if not parts and any(count and device(name) is not None for name, count in devices.items()):
            return None
        identity = tuple(id(part) for part in parts)  # parts live as long as this object: ids stay theirs
        whole = self._wholes.get(identity)
        if whole is None:
            whole = self._wholes[identity] = tuple(each for part in parts for each in part)
        return whole

    def _of_resource(self, row: Counted, labels: Mapping[str, str]) -> tuple[Accelerator, ...]:
        one = describe(row, labels)
        key = (
            row.resource,
            row.devices,
            one.kind,
            one.model,
            one.memory_bytes,
            one.replicas,
            one.nvlink_domain,
            one.profile,
        )
        made = self._parts.get(key)
        if made is None:
            made = self._parts[key] = tuple(replace(one, index=index) for index in range(row.devices))
        return made


def describe(row: Counted, labels: Mapping[str, str]) -> Accelerator:
    """What every device of this resource is on a node with these labels, as number 0.

    Labels: GPU feature discovery's for NVIDIA, the vendors' own for others (inventory/vendors.py).
    """
    names = labels_of(row.known.vendor)
    model, memory = first(labels, names.model), _memory(labels, names)
    if (
        row.known.kind == "mig"
    ):  # a resource name of its own, such as nvidia.com/mig-1g.10gb, begins its labels
        model = labels.get(f"{row.resource}.product") or model
        mebibytes = integer(labels.get(f"{row.resource}.memory"))
        memory = None if mebibytes is None else mebibytes * MIB
    if model is not None and (row.replicas or row.known.kind == "mig"):
        model = model.removesuffix(_SHARED_SUFFIX)
    return Accelerator(
        index=0,
        vendor=row.known.vendor,
        resource=row.resource,
        kind=row.kind,
        profile=row.profile,
        replicas=row.replicas,
        model=MIG_IN_MODEL.sub("", model) if model else None,
        memory_bytes=memory,
        nvlink_domain=first(labels, names.domain),
    )


def _memory(labels: Mapping[str, str], names: Labels) -> int | None:
    for label, unit in names.memory:
        text = labels.get(label)
        if text is None:
            continue
        number = integer(text)
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
