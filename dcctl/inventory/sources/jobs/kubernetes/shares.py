"""Shares of one accelerator that annotations ask for, as KAI and Run:ai read them."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.inventory.nodeexpr import shown

if TYPE_CHECKING:
    from dcctl.inventory.model import Resources
    from dcctl.inventory.sources.jobs.kubernetes.types import Notes

_MIB = 1 << 20
_MOST_DIGITS = 18


class Share(NamedTuple):
    """A share of one board: a part of it, or so much of its memory."""

    gpu_milli: int | None = None
    gpu_memory_bytes: int | None = None
    boards: int = 1

    def of(self, requests: Resources) -> Resources | None:
        """The requests with the share; None: shares of several boards cannot be told in the model."""
        if self.boards > 1:
            return None
        return replace(requests, gpu_milli=self.gpu_milli, gpu_memory_bytes=self.gpu_memory_bytes)


def share(notes: Notes) -> Share | None:
    """Return the share that annotations ask for: `gpu-fraction`, or `gpu-memory` in MiB; ValueError."""
    if notes.gpu_fraction is None and notes.gpu_memory is None:
        return None
    boards = 1 if notes.gpu_devices is None else _whole("gpu-fraction-num-devices", notes.gpu_devices)
    if notes.gpu_fraction is not None:
        return Share(gpu_milli=_milli(notes.gpu_fraction), boards=boards)
    return Share(gpu_memory_bytes=_whole("gpu-memory", notes.gpu_memory or "") * _MIB, boards=boards)


def _milli(text: str) -> int:
    """Thousandths, rounded up: what is asked for is there."""
    digits = text.replace(".", "", 1)
    if not (digits.isdecimal() and digits.isascii() and len(digits) <= _MOST_DIGITS):
        raise ValueError(f'gpu-fraction: {shown(text)} is no share of a GPU; write it as "0.5"')
    fraction = Fraction(text)
    if not 0 < fraction < 1:
        raise ValueError(f"gpu-fraction: {shown(text)} is not between 0 and 1; whole GPUs are requests")
    return min(999, -(-fraction.numerator * 1000 // fraction.denominator))


def _whole(name: str, text: str) -> int:
    if not (text.isdecimal() and text.isascii() and len(text) <= 9 and int(text)):
        raise ValueError(f"{name}: {shown(text)} is not a whole number above 0")
    return int(text)
