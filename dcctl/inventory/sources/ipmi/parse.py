"""What ipmitool prints: `dcmi power reading`, and the sensors of power and of temperature of `sdr`."""

from __future__ import annotations

import re

from dcctl.inventory.evidence.plant import Temperature
from dcctl.inventory.sources.power.numbers import milliwatts, total

_READING = re.compile(r"Instantaneous power reading:\s+(\d+) Watts")
_STATE = re.compile(r"Power reading state is:\s+(\w+)")
_WATTS = re.compile(r"([0-9.]+) Watts")
_DEGREES = re.compile(r"(-?\d{1,3}(?:\.\d{1,3})?) degrees C")
_INLET = re.compile(r"\b(inlet|intake|ambient)\b", re.IGNORECASE)
_WHOLE = (
    *("pwr consumption", "system power", "sys power", "sys_power", "total power", "total_power"),
    *("power meter", "pw consumption", "node power", "avg power", "host power"),
)
"""Names of the sensor of the whole machine on boards of Dell, HPE, Lenovo, Supermicro, Inspur and Huawei, in
lower case."""
_SUPPLY = re.compile(r"ps\D{0,2}\d.*\b(pin|in|input)\b", re.IGNORECASE)
"""The input of one power supply: `PS1 Input Power`, `PSU2_PIN`."""


def dcmi(text: str) -> int | None:
    """Milliwatts at this moment; None where the BMC does not measure. ValueError: it is no such answer."""
    reading, state = _READING.search(text), _STATE.search(text)
    if reading is None:
        raise ValueError("it is not the output of `dcmi power reading`")
    if state is not None and state[1] != "activated":
        return None
    return milliwatts(reading[1]) or None  # a machine that answers draws something


def sensors(text: str) -> int | None:
    """Milliwatts by the sensor of the machine, else the sum of its power supplies; None: there is neither.

    Rows of `sdr elist` are `name | id | status | entity | reading`.
    """
    whole: list[int | None] = []
    supplies: list[int | None] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        watts = _WATTS.fullmatch(cells[-1])
        if len(cells) < 5 or watts is None or cells[2] != "ok":
            continue
        if cells[0].lower() in _WHOLE:
            whole.append(milliwatts(watts[1]))
        elif _SUPPLY.match(cells[0].replace("_", " ")):
            supplies.append(milliwatts(watts[1]))
    return whole[0] if whole else total(supplies)


def inlets(text: str) -> tuple[Temperature, ...]:
    """Return the temperatures of the air that a machine takes in, of `sdr type Temperature`."""
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        degrees = _DEGREES.fullmatch(cells[-1])
        if len(cells) >= 5 and degrees and cells[2] != "ns" and _INLET.search(cells[0].replace("_", " ")):
            found.append(Temperature(cells[0], round(float(degrees[1]) * 1000)))
    return tuple(found)
