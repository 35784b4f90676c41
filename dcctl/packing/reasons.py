"""Why an item cannot stand in a bin, as bits: one bit a reason, in the order in which they are told."""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Reason(IntFlag):
    """Why a bin refuses an item. The lowest bit that is set is the one that counts it (see `first`)."""

    NOT_READY = 1 << 0
    CORDONED = 1 << 1
    CLOSED = 1 << 2
    UNKNOWN = 1 << 3
    CLUSTER = 1 << 4
    TAINT = 1 << 5
    LABELS = 1 << 6
    VOLUME = 1 << 7
    NO_DEVICES = 1 << 8
    MODEL = 1 << 9
    REPLICA = 1 << 10
    DEVICES = 1 << 11
    SHARE = 1 << 12
    DEVICE_MEMORY = 1 << 13
    PORT = 1 << 14
    CPU = 1 << 15
    MEMORY = 1 << 16
    STORAGE = 1 << 17
    PODS = 1 << 18
    BANDWIDTH = 1 << 19
    POWER = 1 << 20
    RESOURCE = 1 << 21
    SPREAD = 1 << 22
    TOGETHER = 1 << 23
    APART = 1 << 24
    TIME = 1 << 25
    DATA = 1 << 26
    QUOTA = 1 << 27
    DEADLINE = 1 << 28
    GANG = 1 << 29


NONE = Reason(0)

WORDS: dict[Reason, str] = {
    Reason.NOT_READY: "not ready",
    Reason.CORDONED: "cordoned",
    Reason.CLOSED: "closed",
    Reason.UNKNOWN: "nobody knows what is held there",
    Reason.CLUSTER: "of another cluster",
    Reason.TAINT: "taint not tolerated",
    Reason.LABELS: "labels not as asked",
    Reason.VOLUME: "volume is elsewhere",
    Reason.NO_DEVICES: "no such accelerator",
    Reason.MODEL: "wrong model",
    Reason.REPLICA: "accelerators are handed out as whole replicas only",
    Reason.DEVICES: "too few free accelerators",
    Reason.SHARE: "no accelerator with so large a share left",
    Reason.DEVICE_MEMORY: "too little accelerator memory",
    Reason.PORT: "host port in use",
    Reason.CPU: "too little CPU",
    Reason.MEMORY: "too little memory",
    Reason.STORAGE: "too little scratch storage",
    Reason.PODS: "too many pods",
    Reason.BANDWIDTH: "too little bandwidth",
    Reason.POWER: "too little power",
    Reason.RESOURCE: "too little of another resource",
    Reason.SPREAD: "spread would be uneven",
    Reason.TOGETHER: "not beside what it must stand with",
    Reason.APART: "beside what it must not stand with",
    Reason.TIME: "not free for so long",
    Reason.DATA: "data cannot be brought there",
    Reason.QUOTA: "quota is spent",
    Reason.DEADLINE: "would end after its deadline",
    Reason.GANG: "free, but the gang does not fit as a whole",
}
"""What a person reads: one wording for every command."""

EVERY: tuple[Reason, ...] = tuple(WORDS)


def first(bits: int) -> Reason:
    """The reason under which a bin is counted: the lowest bit. ValueError when there is none."""
    if not bits:
        raise ValueError("nothing is refused")
    return Reason(bits & -bits)


def counted(bits: NDArray[np.int64]) -> dict[Reason, int]:
    """How many bins are refused, each under its first reason; those that refuse nobody are not in it."""
    import numpy as np

    lowest, counts = np.unique(bits & -bits, return_counts=True)
    told = zip(lowest.tolist(), counts.tolist(), strict=True)
    return {Reason(bit): count for bit, count in told if bit}


def words(bits: int) -> tuple[str, ...]:
    """Every reason of `bits`, in words, in order."""
    return tuple(WORDS[reason] for reason in EVERY if bits & reason)
