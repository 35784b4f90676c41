"""Amounts as job files write them (`1Ti`, `400Gb/s`, `0.25`) as exact integers; nothing is guessed.

A unit is needed wherever two readings are possible: `8G` is 10^9 to Kubernetes and 2^30 to Slurm, `8Gb` is
bits.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from dcctl.inventory.nodeexpr import shown

_NUMBER = re.compile(
    r"([+-]?[0-9]{1,18}(?:\.[0-9]{0,18})?|[+-]?\.[0-9]{1,18})[ ]?(.{0,40})", re.ASCII | re.DOTALL
)
_BINARY = {f"{letter}i": 1 << 10 * power for power, letter in enumerate("KMGTPE", 1)}
_DECIMAL = {letter: 1000**power for power, letter in enumerate(("k", "M", "G", "T", "P", "E"), 1)}
BYTES = {
    "B": 1,
    **{f"{prefix}B": factor for prefix, factor in _DECIMAL.items()},
    **_BINARY,
    **{f"{prefix}B": factor for prefix, factor in _BINARY.items()},
}
BITS_PER_SECOND = {
    f"{prefix}{unit}": factor
    for unit in ("b/s", "bps", "bit/s")
    for prefix, factor in {"": 1, **_DECIMAL}.items()
}
MILLIWATTS = {"W": 1000, "kW": 10**6, "MW": 10**9}
COUNTS = {"k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
"""As the field counts tokens and parameters: a billion is a B."""
_WORDS = {"k": "kilo", "m": "mega", "g": "giga", "t": "tera", "p": "peta", "e": "exa"}
MOST = 1 << 62
"""Of anything: above every fleet, and a 64-bit integer."""


class Measure(NamedTuple):
    """How one quantity is written."""

    noun: str
    units: dict[str, int]
    """By symbol, how many of the model's units it is. `""`: a bare number has a meaning."""
    example: str
    finest: str
    """The model's unit, for what is finer."""


CPU = Measure("number of processors", {"": 1000, "m": 1}, "96, 1.5 or 500m", "a thousandth")
MEMORY = Measure("amount of memory", BYTES, "80GB or 80Gi", "a byte")
STORAGE = Measure("amount of storage", BYTES, "2TB or 2Ti", "a byte")
SIZE = Measure("size", BYTES, "5TB or 5Ti", "a byte")
BANDWIDTH = Measure("bandwidth", BITS_PER_SECOND, "400Gb/s", "a bit per second")
POWER = Measure("power", MILLIWATTS, "6kW or 700W", "a milliwatt")
GPUS = Measure("number of GPUs", {"": 1000}, "8, or 0.25 for a share of one", "a thousandth")
DEVICES = Measure("number of devices", {"": 1}, "8", "one device")
TOKENS = Measure("number of tokens", {"": 1, **COUNTS}, "15T or 4k", "one token")
PARAMETERS = Measure("number of parameters", {"": 1, **COUNTS}, "70B", "one parameter")
LATENCY = Measure("length of time", {"ms": 1, "s": 1000, "min": 60_000}, "50ms or 1.5s", "a millisecond")
RATE = Measure("rate", {"/s": 1000}, "10/s", "a thousandth per second")
_BITS = {"Mb/s": 125_000, "Gb/s": 125_000_000, "Tb/s": 125_000_000_000}
DISK_RATE = Measure(
    "rate of storage",
    {f"{unit}/s": size for unit, size in BYTES.items()} | _BITS,
    "40GB/s or 320Gb/s",
    "a byte per second",
)
PLAIN = Measure("number", {"": 1000}, "2 or 0.5", "a thousandth")


def read(text: str, measure: Measure, least: int = 1) -> int:
    """Return an amount in the model's units. ValueError says what is wrong, and what may be meant.

    `least` 1 refuses nothing at all; what is asked for is more than that.
    """
    number, unit = _parts(text, measure)
    if unit not in measure.units:
        raise ValueError(_wrong_unit(text, number, unit, measure))
    amount = Fraction(number) * measure.units[unit]
    if amount < 0:
        raise ValueError(f"{shown(text)} is negative")
    if amount.denominator != 1:
        raise ValueError(f"{shown(text)} is finer than {measure.finest}")
    if amount < least:
        raise ValueError(f"{shown(text)} asks for nothing; leave it out")
    if amount > MOST:
        raise ValueError(f"{shown(text)} is more than there can be")
    return int(amount)


def rate(text: str, measure: Measure) -> tuple[int, int]:
    """Return `200 per TB` as (thousandths of money, for how many units of the model). ValueError."""
    price, _, unit = (part.strip() for part in text.partition("per "))
    if unit not in measure.units or (unit == "" and " per" in text):
        known = measure.example.split()[0].lstrip("0123456789")
        form = "200" if "" in measure.units else f"200 per {known}"
        raise ValueError(f"{shown(text)} is no price of this; write it as {form}")
    return read(price, PLAIN, least=0), measure.units[unit]


def _parts(text: str, measure: Measure) -> tuple[str, str]:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f"{shown(text)} is no {measure.noun}; write it as {measure.example}")
    if match[2][:1].isdigit():
        raise ValueError(f"{shown(text)} has more digits than any amount here: 18 at most")
    return match[1], match[2]


def _wrong_unit(text: str, number: str, unit: str, measure: Measure) -> str:
    """Say what the unit means elsewhere, and which are near."""
    near = [f"{number}{name}" for name in _meant(unit, measure)]
    ask = f"did you mean {' or '.join(near)}?" if near else f"write it as {measure.example}"
    return f"{_said(unit, measure) if unit else f'{shown(text)} has no unit'}; {ask}"


def _said(unit: str, measure: Measure) -> str:
    prefix, rest = _WORDS.get(unit[:1].lower()), unit[1:]
    if prefix and measure.units is BYTES:
        if rest in ("b", "bit", "bits"):
            return f"{unit} is {prefix}bits"
        if not rest and unit.isupper():
            return f"{unit} is a power of 10 to Kubernetes and of 2 to Slurm"
    if prefix and measure.units is BITS_PER_SECOND and rest.startswith("B"):
        return f"{unit} is {prefix}bytes, and a network counts bits"
    return f"{shown(unit)} is no unit that is known here"


def _meant(unit: str, measure: Measure) -> list[str]:
    """The units that begin with the same letter, whatever its case: decimal, then binary."""
    letter = unit[:1].upper()
    if letter.lower() not in _WORDS or unit[1:2].isdigit():
        return []
    small = "k" if letter == "K" else letter
    if measure.units is BYTES:
        return [f"{small}B", f"{letter}i"]
    wanted = f"{small}{'b/s' if measure.units is BITS_PER_SECOND else 'W'}"
    return [wanted] if wanted in measure.units else []
