"""Accelerators as demand is estimated for: what the vendor states, and what was measured."""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

_NODE: Final = 8
"""Accelerators of the usual node: a larger domain spans nodes."""


class Gpu(Struct, frozen=True):
    """One model of accelerator. Peaks are dense; those with sparsity are twice as high."""

    name: str
    memory_bytes: int
    bandwidth_bytes_per_s: int
    """Of its memory, in bytes per second."""
    peak_flops: dict[str, float]
    """By number format: bf16, fp8, int8, fp4; operations per second."""
    reached_flops: dict[str, float] = field(default_factory=dict)
    """The most that large matrix products were measured to reach (MAMF), by number format."""
    nvlink_bytes_per_s: int = 0
    """Bytes per second to the others of its domain, one way; 0: none."""
    domain: int = 8
    """Accelerators in one NVLink domain."""
    nic_bytes_per_s: int = 0
    """Bytes per second of its share of the node's network in the usual server."""
    power_mw: int | None = None
    """Nameplate (TDP): never measured. None: nobody states it."""
    names: tuple[str, ...] = ()
    """Other names, as drivers and labels tell them."""
    source: str = ""


def in_node(board: Gpu, each: int, memory_bytes: int | None) -> Gpu:
    """Return the accelerator in nodes of so many: with the memory that is told, and its neighbours."""
    domain = min(board.domain, each) if board.domain <= _NODE else board.domain
    return replace(board, memory_bytes=memory_bytes or board.memory_bytes, domain=domain)
