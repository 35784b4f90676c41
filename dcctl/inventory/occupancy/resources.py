"""Which names of what schedulers hand out are accelerators."""

from __future__ import annotations

from functools import cache

from dcctl.inventory.vendors import device

_BATCH = ("gres/gpu", "gpu:", "yarn.io/gpu")
"""How the names of batch schedulers begin."""


@cache
def is_accelerator(resource: str) -> bool:
    """Whether a resource name is handed out as an accelerator (an RDMA port or huge pages are not)."""
    return device(resource) is not None or is_batch(resource)


def is_batch(resource: str) -> bool:
    """Whether it is a batch scheduler's name for accelerators of any vendor."""
    return resource == "gpu" or resource.startswith(_BATCH)


def accelerators_in(devices: dict[str, int]) -> int:
    """How many accelerators (boards, shares and slices alike) an amount of devices names."""
    if not devices:
        return 0
    return sum(count for resource, count in devices.items() if is_accelerator(resource))
