"""What a UPS says of itself in NUT's variables (docs/nut-names.txt of NUT), as a meter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dcctl.inventory.model import PowerMeter
from dcctl.inventory.nodeexpr import shown
from dcctl.inventory.sources.power.numbers import milliwatts, percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_OUTPUT = ("ups.realpower", "output.realpower", "outlet.realpower")
"""Watts at the output, the most usual name first. `ups.power` is volt-amperes, which tell no energy."""
_ROW = re.compile(r'(UPS|VAR) +(?:([^\s"]+) +)?([^\s"]+) +"((?:[^"\\]|\\.)*)"')

_WORD = re.compile(r"[A-Z]{1,16}")


def parse(name: str, variables: Mapping[str, str], read_at_s: int) -> PowerMeter:
    """Return the meter of a UPS: its output, input, load and efficiency where it tells them."""
    output = next((mw for key in _OUTPUT if (mw := milliwatts(variables.get(key))) is not None), None)
    return PowerMeter(
        name,
        "ups",
        power_mw=output,
        read_at_s=read_at_s,
        input_mw=milliwatts(variables.get("input.realpower")),
        nominal_mw=milliwatts(variables.get("ups.realpower.nominal")),
        load_milli=percent(variables.get("ups.load")),
        efficiency_milli=percent(variables.get("ups.efficiency")),
        status=_status(variables.get("ups.status", "")),
    )


def odd(variables: Mapping[str, str]) -> tuple[str, ...]:
    """Return what is told as an amount and is none: below 0, too much, or no number."""
    amounts = [(name, milliwatts) for name in (*_OUTPUT, "input.realpower", "ups.realpower.nominal")]
    shares = [("ups.load", percent), ("ups.efficiency", percent)]
    return tuple(
        f"{name} {shown(variables[name])}"
        for name, read in (*amounts, *shares)
        if name in variables and read(variables[name]) is None
    )


def _status(text: str) -> str:
    """Its words; what is none is left out."""
    return " ".join(word for word in text.split() if _WORD.fullmatch(word))


def rows(lines: Iterable[str], word: str) -> dict[str, str]:
    """Return name -> value of the rows `WORD [UPS] NAME "VALUE"`. ValueError for a row that is none."""
    found = {}
    for line in lines:
        match = _ROW.fullmatch(line)
        if match is None or match[1] != word:
            raise ValueError(f"a row that is no {word}")
        found[match[3]] = re.sub(r"\\(.)", r"\1", match[4])
    return found
