"""What net-snmp prints with -Onq (`.1.3.6.1.… VALUE`), and a PDU's meter from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.model import PowerMeter
from dcctl.inventory.sources.power.numbers import amount, total

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.inventory.sources.snmp.vendors import Column, Pdu

_NOTHING = ("No Such", "No more variables")


def values(text: str) -> dict[str, str]:
    """Return OID -> value; what the agent does not have is left out. ValueError: a line is no such row."""
    found = {}
    for line in text.splitlines():
        oid, _, value = line.strip().partition(" ")
        if not oid:
            continue
        if not oid.startswith(".") or not oid.replace(".", "").isdigit():
            raise ValueError("a line is no `OID VALUE`")
        if not value.startswith(_NOTHING):
            found[oid] = value.strip().strip('"')
    return found


def columns(pdu: Pdu) -> tuple[str, ...]:
    """The columns to ask for, each once."""
    told = [pdu.power, *([pdu.energy] if pdu.energy else [])]
    return tuple(dict.fromkeys(oid for one in told for oid in (one.oid, one.digits) if oid))


def parse(name: str, pdu: Pdu, told: Mapping[str, str], read_at_s: int) -> PowerMeter:
    """Return the meter of a PDU; a row that cannot be read leaves the sum unknown."""
    return PowerMeter(
        name,
        "pdu",
        power_mw=_sum(pdu.power, told),
        energy_mj=_sum(pdu.energy, told) if pdu.energy else None,
        read_at_s=read_at_s,
    )


def _sum(column: Column, told: Mapping[str, str]) -> int | None:
    found = []
    for oid, value in told.items():
        if oid.startswith(f"{column.oid}.") and oid.endswith(column.ends):
            digits = told.get(column.digits + oid.removeprefix(column.oid), "0") if column.digits else "0"
            scale = 10 ** int(digits) if digits.isdecimal() and len(digits) < 3 else None
            found.append(None if scale is None else amount(value, column.factor / scale))
    return total(found)
