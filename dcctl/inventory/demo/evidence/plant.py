"""Power and cooling of the demo: a UPS whose battery is old, a warm row, a phase that carries too much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.plant import Phase, Plant, Temperature

if TYPE_CHECKING:
    from dcctl.inventory.model import Fleet, PowerMeter

_DAY_S: Final = 86_400
_WARM: Final = "rack07"
_UNEVEN: Final = "rack11-pdu-b"
_BREAKER_MA: Final = 125_000
_VOLTS: Final = 230


def part(fleet: Fleet) -> Evidence:
    """Return what UPSes, PDUs and racks tell beside their power."""
    now_s = fleet.taken_at_s or 0
    supplies = [_ups(one, now_s) for one in fleet.meters if one.kind == "ups"]
    feeds = [_pdu(one) for one in fleet.meters if one.kind == "pdu"]
    racks = [
        Plant(
            name=one.name,
            kind="rack",
            site=one.site or "",
            temperatures=(Temperature("inlet", 29_400 if one.name == _WARM else 23_500),),
        )
        for one in fleet.racks
    ]
    return Evidence(plants=(*supplies, *feeds, *racks))


def _ups(meter: PowerMeter, now_s: int) -> Plant:
    old = meter.name == "dc2-ups-b"
    return Plant(
        name=meter.name,
        kind="ups",
        status=("OL", "RB") if old else ("OL",),
        battery_made_s=now_s - (2_150 if old else 700) * _DAY_S,
        tested_at_s=now_s - 30 * _DAY_S,
        test_passed=True,
    )


def _pdu(meter: PowerMeter) -> Plant:
    """Three phases that carry a third each; on one PDU, a chassis hangs on the wrong one."""
    even_ma = (meter.power_mw or 0) // (3 * _VOLTS)
    shares = (700, 700, 1600) if meter.name == _UNEVEN else (1000, 1000, 1000)
    phases = tuple(
        Phase(f"L{at}", even_ma * share // 1000, _BREAKER_MA) for at, share in enumerate(shares, 1)
    )
    return Plant(name=meter.name, kind="pdu", nominal_mw=3 * _VOLTS * _BREAKER_MA, phases=phases)
