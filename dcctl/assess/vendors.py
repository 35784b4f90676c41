"""Which resource names are accelerators, and what they are called: a new vendor is a new row."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable


class Vendor(Struct, frozen=True):
    """One family of resource names. `prefix` is how such a name begins."""

    prefix: str
    noun: str = "GPU"


VENDORS: tuple[Vendor, ...] = (
    Vendor("nvidia.com/gpu"),
    Vendor("nvidia.com/mig-"),
    Vendor("nvidia.com/vgpu"),
    Vendor("amd.com/gpu"),
    Vendor("gpu.intel.com/i915"),
    Vendor("gpu.intel.com/xe"),
    Vendor("habana.ai/gaudi"),
    Vendor("huawei.com/Ascend", "NPU"),
    Vendor("google.com/tpu", "TPU"),
    Vendor("aws.amazon.com/neurondevice", "NPU"),
    Vendor("cambricon.com/mlu", "MLU"),
    Vendor("hygon.com/dcu", "DCU"),
    Vendor("metax-tech.com/gpu"),
    Vendor("mthreads.com/gpu"),
    Vendor("iluvatar.ai/gpu"),
    Vendor("enflame.com/gcu", "GCU"),
    Vendor("gres/gpu"),
    Vendor("yarn.io/gpu"),
)
"""Names as the vendors' device plugins, Slurm and YARN publish them."""


@cache
def vendor_of(resource: str) -> Vendor | None:
    """The row for a resource name, or None when it is no accelerator (an RDMA port, huge pages)."""
    return next((row for row in VENDORS if resource.startswith(row.prefix)), None)


def is_accelerator(resource: str) -> bool:
    """Whether a resource name is handed out as an accelerator."""
    return vendor_of(resource) is not None


def noun_of(resource: str) -> str:
    """`GPU`, `NPU`, …; `accelerator` for a name that no row knows."""
    row = vendor_of(resource)
    return row.noun if row else "accelerator"


def accelerators_in(devices: dict[str, int]) -> int:
    """How many accelerators (boards, shares and slices alike) an amount of devices names."""
    if not devices:
        return 0
    return sum(count for resource, count in devices.items() if vendor_of(resource) is not None)


def plural(noun: str, count: int) -> str:
    """`1 GPU`, `1,024 GPUs`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def counted(resources: Iterable[tuple[str, int]]) -> str:
    """`1,024 GPUs, 16 NPUs` from (resource name, boards): each kind by its own name, most first."""
    by_noun: dict[str, int] = {}
    for resource, count in resources:
        noun = noun_of(resource)
        by_noun[noun] = by_noun.get(noun, 0) + count
    ordered = sorted(by_noun.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(plural(noun, count) for noun, count in ordered if count)
