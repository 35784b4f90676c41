"""What is visibly wrong with an accelerator: only what a reading states, nothing inferred."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.inventory.devices import Accelerator, Ecc


class Sign(NamedTuple):
    """One thing wrong with one device."""

    severity: Literal["crit", "warn"]
    fault: str
    where: str
    """The device on its node, e.g. `gpu3`."""


def signs_of(reading: Accelerator, position: int = 0) -> Sequence[Sign]:
    """What is wrong with one board, the gravest first. `position` names a board that tells no index."""
    return tuple(_signs(reading, position)) if _suspicious(reading) else ()


def _signs(reading: Accelerator, position: int) -> Iterator[Sign]:
    where = f"gpu{reading.index if reading.index >= 0 else position}"
    ecc = _ecc(reading.ecc) if reading.ecc is not None else ""
    if ecc:
        yield Sign("crit", ecc, where)
    if reading.nvlinks and any(link.up is False for link in reading.nvlinks):
        yield Sign("crit", "NVLink down", where)
    slowed = slowed_by(reading.throttle)
    if slowed in _FAULTS:
        yield Sign("warn", f"slowed down: {slowed}", where)
    if _narrow(reading):
        yield Sign("warn", _NARROW, where)


def is_faulty(reading: Accelerator) -> bool:
    """Whether a fault stops or endangers work on the board; a narrow link only slows it."""
    return any(sign.fault != _NARROW for sign in signs_of(reading))


def must_be_replaced(reading: Accelerator) -> bool:
    """Whether the board has said that no reset will cure it: no new work belongs on it."""
    return reading.ecc is not None and bool(reading.ecc.remap_failed)


_NARROW = "PCIe link narrower than the board's"
_FAULTS = frozenset(("cooling", "power supply", "hardware slowdown"))
"""What slows a board down and is no choice of its owner, as a power cap is."""
_SLOWED: Sequence[tuple[str, str]] = (
    ("thermal", "cooling"),
    ("powerbrake", "power supply"),
    ("powercap", "power cap"),
    ("hwslowdown", "hardware slowdown"),
)
"""Part of NVML's throttle reason (lower case, no underscores) -> what the board lacks."""


def slowed_by(throttle: tuple[str, ...] | None) -> str:
    """`cooling`, `power supply` or `power cap` when one of these slows the board; empty otherwise."""
    for reason in throttle or ():
        name = reason.lower().replace("_", "")
        for part, word in _SLOWED:
            if part in name:
                return word
    return ""


def _suspicious(reading: Accelerator) -> bool:
    """Whether there may be anything: of most boards there is nothing, and this tells so quickly."""
    ecc, pcie = reading.ecc, reading.pcie
    if ecc is not None and (ecc.remap_failed or ecc.remap_pending or ecc.volatile_uncorrected):
        return True
    narrow = pcie is not None and pcie.width != pcie.max_width
    return bool(narrow or reading.throttle or reading.nvlinks)


def _ecc(ecc: Ecc) -> str:
    if ecc.remap_failed:
        return "row remapping failed: replace the board"
    if ecc.remap_pending:
        return "row remapping pending: reset the board"
    return "uncorrectable memory errors" if ecc.volatile_uncorrected else ""


def _narrow(reading: Accelerator) -> bool:
    """Width only: the generation drops by design while a board rests."""
    pcie = reading.pcie
    return (
        pcie is not None
        and pcie.width is not None
        and pcie.max_width is not None
        and pcie.width < pcie.max_width
    )
