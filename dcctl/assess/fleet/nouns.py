"""What accelerators are called."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from dcctl.inventory.occupancy.resources import is_batch
from dcctl.inventory.vendors import device

if TYPE_CHECKING:
    from collections.abc import Iterable

_NOUNS = {
    "huawei": "NPU",
    "aws": "NPU",
    "google": "TPU",
    "cambricon": "MLU",
    "hygon": "DCU",
    "enflame": "GCU",
    "kunlunxin": "XPU",
    "furiosa": "NPU",
    "rebellions": "NPU",
    "qualcomm": "accelerator",
    "tenstorrent": "accelerator",
}
"""Vendor -> its own word for a board; all others say GPU."""
NOUNS = tuple(sorted({*_NOUNS.values(), "GPU", "accelerator"}))
"""Every word that `noun_of` may give."""


@cache
def noun_of(resource: str) -> str:
    """`GPU`, `NPU`, …; `accelerator` for a name that no table knows."""
    known = device(resource)
    if known is not None:
        return _NOUNS.get(known.vendor, "GPU")
    return "GPU" if is_batch(resource) else "accelerator"


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
