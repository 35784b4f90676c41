"""`each: {cpu: 96, memory: 1Ti, gpu: 8}`: the amounts of one member, of a model or of a supply."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from dcctl.inventory.asked import Rate
from dcctl.inventory.model import Resources
from dcctl.inventory.nodeexpr import nearest
from dcctl.inventory.sources.jobs import amounts
from dcctl.inventory.sources.jobs.amounts import Measure, rate, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.inventory.sources.jobs.cursor import Cursor

T = TypeVar("T")
GPU = "nvidia.com/gpu"
"""What `gpu` stands for; boards of others are asked for by the full name of their resource."""
_WHOLE = 1000


class Kind(NamedTuple):
    """A resource as the file names it, and its field of Resources."""

    field: str
    measure: Measure


KINDS = {
    "cpu": Kind("cpu_milli", amounts.CPU),
    "memory": Kind("memory_bytes", amounts.MEMORY),
    "gpu": Kind("", amounts.GPUS),
    "gpu_memory": Kind("gpu_memory_bytes", amounts.MEMORY),
    "storage": Kind("storage_bytes", amounts.STORAGE),
    "bandwidth": Kind("bandwidth_bps", amounts.BANDWIDTH),
    "power": Kind("power_mw", amounts.POWER),
}


def resources(given: Cursor, least: int = 1) -> Resources:
    """Return the amounts under the names of resources, short or in full. UsageError with the place.

    `least` is 0 where nothing at all has a meaning: in a supply, not in a demand.
    """
    found: dict[str, int] = {}
    devices: dict[str, int] = {}
    for name, value in given.keys().items():
        kind = _kind(name, value)
        amount = checked(value, partial(read, measure=kind.measure, least=least))
        if kind.field:
            found[kind.field] = amount
        elif name == "gpu" and 0 < amount < _WHOLE:
            found["gpu_milli"] = amount
        else:
            if GPU in devices and name in ("gpu", GPU):
                raise value.error(f"gpu is {GPU}, and both are there")
            devices[GPU if name == "gpu" else name] = _whole(name, amount, value)
    if not found and not devices:
        raise given.error(f"names no resource; known are {', '.join(KINDS)}")
    return Resources(**found, devices=dict(sorted(devices.items())))


def rates(given: dict[str, Cursor]) -> dict[str, Rate]:
    """Return `cpu: 100, storage: 200 per TB` as rates by field of Resources, or by name of a device."""
    found: dict[str, Rate] = {}
    for name, value in given.items():
        kind = _kind(name, value)
        cost, per = checked(value, partial(rate, measure=kind.measure))
        device = GPU if name == "gpu" else name
        found[kind.field or device] = Rate(cost, per if kind.field else 1)
    return found


def checked(value: Cursor, parse: Callable[[str], T]) -> T:
    """Return what `parse` makes of a text; what it refuses has the place of the value."""
    text = value.text()
    try:
        return parse(text)
    except ValueError as error:
        raise value.error(str(error)) from error


def _kind(name: str, value: Cursor) -> Kind:
    """The resource of a name. One with a domain (`amd.com/gpu`) is a device that a node hands out."""
    if name in KINDS:
        return KINDS[name]
    domain, slash, rest = name.partition("/")
    if slash and domain and rest and name.isascii() and name.isprintable() and " " not in name:
        return Kind("", amounts.DEVICES)
    known = nearest(name, KINDS, 1) or f"; known are {', '.join(KINDS)}"
    raise value.error(f"the resource is not known{known}; others go by their full name, as amd.com/gpu")


def _whole(name: str, amount: int, value: Cursor) -> int:
    """Whole devices: a share of several is none that anybody hands out."""
    if name != "gpu":
        return amount
    if amount % _WHOLE:
        raise value.error("is neither a whole number of GPUs nor a share of one, which is below 1")
    return amount // _WHOLE
