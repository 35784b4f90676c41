"""Where PDUs of each vendor tell power and energy: columns of their MIBs, summed over rows. Data, no code."""

from __future__ import annotations

from typing import Final, NamedTuple

from dcctl.inventory.sources.power.numbers import WH_MJ

_ENTERPRISES: Final = ".1.3.6.1.4.1."
SYS_OBJECT_ID: Final = ".1.3.6.1.2.1.1.2.0"


class Column(NamedTuple):
    """A column of a table: every row is a part of the whole."""

    oid: str
    factor: int
    """Milliwatts, or millijoules, of one unit."""
    ends: str = ""
    """Only rows whose index ends so: the kind of sensor, in tables that hold several."""
    digits: str = ""
    """Column that tells, under the same index, how many decimals the value has."""


class Pdu(NamedTuple):
    """A family of PDUs."""

    name: str
    enterprise: str
    """What the device's sysObjectID begins with."""
    power: Column
    energy: Column | None
    source: str


def _column(below: str, factor: int, ends: str = "", digits: str = "") -> Column:
    return Column(_ENTERPRISES + below, factor, ends, digits and _ENTERPRISES + digits)


FAMILIES: Final = (
    Pdu(
        "APC rPDU2",
        f"{_ENTERPRISES}318.",
        _column("318.1.1.26.4.3.1.5", 10_000),  # rPDU2DeviceStatusPower, hundredths of a kW
        _column("318.1.1.26.4.3.1.9", 100 * WH_MJ),  # rPDU2DeviceStatusEnergy, tenths of a kWh
        "PowerNet-MIB of APC by Schneider Electric",
    ),
    Pdu(
        "Raritan PX, Server Technology PRO4X",
        f"{_ENTERPRISES}13742.",
        # measurementsInletSensorValue; sensor 5 is activePower in W, 8 activeEnergy in Wh
        _column("13742.6.5.2.3.1.4", 1000, ".5", "13742.6.3.3.4.1.7"),
        _column("13742.6.5.2.3.1.4", WH_MJ, ".8", "13742.6.3.3.4.1.7"),
        "PDU2-MIB of Raritan",
    ),
    Pdu(
        "Server Technology Sentry4",
        f"{_ENTERPRISES}1718.4.",
        _column("1718.4.1.3.3.1.3", 1000),  # st4InputCordActivePower, W
        None,
        "Sentry4-MIB of Server Technology",
    ),
    Pdu(
        "Server Technology Sentry3",
        f"{_ENTERPRISES}1718.3.",
        _column("1718.3.2.2.1.12", 1000),  # infeedPower, W
        _column("1718.3.2.2.1.16", 100 * WH_MJ),  # infeedEnergy, tenths of a kWh
        "Sentry3-MIB of Server Technology",
    ),
)
"""The longest match of sysObjectID wins. OIDs are those of the vendors' MIBs; the units stand beside them."""


def family_of(object_id: str) -> Pdu | None:
    """Return the family that a sysObjectID belongs to; None: it is not known."""
    fitting = [one for one in FAMILIES if f"{object_id}.".startswith(one.enterprise)]
    return max(fitting, key=lambda one: len(one.enterprise), default=None)
