"""Ports of the fabric as the audit's probe read them. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.fabric import FabricPort
from dcctl.inventory.sources.machine.figures import number, scaled
from dcctl.inventory.sources.ssh.audit.told import Told, Untold, out_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_RATE: Final = re.compile(r"([\d.]{1,8})\s*Gb/sec(?:\s*\((\d{1,2})X)?")
_LINK_LAYERS: Final = {"infiniband": "infiniband", "ethernet": "ethernet"}


class PortSettings(Struct, frozen=True):
    """What the interface of a port is set to."""

    mtu: str | None = None
    carrier_changes: str | None = None
    ecn_roce_np: dict[str, str] | None = None
    ecn_roce_rp: dict[str, str] | None = None
    qos: Told | None = None


class PortRow(Struct, frozen=True):
    """One port of /sys/class/infiniband, its files as text."""

    device: str
    port: int = 1
    slot: str | None = None
    netdev: str | None = None
    files: dict[str, str] = field(default_factory=dict)
    device_files: dict[str, str] = field(default_factory=dict)
    gid: str | None = None
    counters: dict[str, str] = field(default_factory=dict)
    traffic_class: str | None = None
    settings: PortSettings = PortSettings()


def port_of(row: PortRow, node: str, far_ends: Mapping[str, str]) -> FabricPort:
    """Return a port. `far_ends`: switch and port by the name of the interface, as LLDP tells them."""
    settings, silent = row.settings, dict[str, Silence]()
    rate = _RATE.match(row.files.get("rate", ""))
    trust, pfc = _qos(settings.qos, silent)
    counters = {name: number(value) for name, value in row.counters.items()}
    return FabricPort(
        node=node,
        name=f"{row.device}/{row.port}",
        slot=row.slot,
        port=row.port,
        netdev=row.netdev,
        layer=_LINK_LAYERS.get(row.files.get("link_layer", "").lower()),
        state=_word(row.files.get("state")),
        physical=_word(row.files.get("phys_state")),
        rate_bps=scaled(rate[1], 1_000_000_000) if rate else None,
        lanes=int(rate[2]) if rate and rate[2] else None,
        counters={name: value for name, value in counters.items() if value is not None} or None,
        carrier_changes=number(settings.carrier_changes),
        mtu_bytes=number(settings.mtu),
        trust=trust,
        pfc=pfc,
        ecn=_ecn(settings),
        traffic_class=_traffic_class(row.traffic_class),
        guid=_guid(row),
        peer=far_ends.get(row.netdev or ""),
        firmware=row.device_files.get("fw_ver"),
        psid=row.device_files.get("board_id"),
        model=row.device_files.get("hca_type"),
        silent=silent,
    )


def _word(text: str | None) -> str | None:
    """`ACTIVE` of `4: ACTIVE`."""
    return text.partition(":")[2].strip() or None if text else None


def _qos(told: Told | None, silent: dict[str, Silence]) -> tuple[str | None, tuple[int, ...] | None]:
    """(trust, priorities with flow control) of what mlnx_qos printed; why not, where it did not."""
    if told is None:
        silent["pfc"] = silent["trust"] = Silence("there is no mlnx_qos", "missing")
        return None, None
    try:
        text = out_of(told, "mlnx_qos")
    except Untold as reason:
        silent["pfc"] = silent["trust"] = reason.silence
        return None, None
    trust = re.search(r"^Priority trust state:\s*(\w+)", text, re.MULTILINE)
    enabled = re.search(r"^PFC configuration:.*?^\s*enabled((?:\s+[01]){8})", text, re.MULTILINE | re.DOTALL)
    pfc = None if enabled is None else tuple(at for at, one in enumerate(enabled[1].split()) if one == "1")
    return trust[1] if trust else None, pfc


def _ecn(settings: PortSettings) -> tuple[int, ...] | None:
    """Priorities for which both the sender and the receiver take part."""
    if settings.ecn_roce_np is None or settings.ecn_roce_rp is None:
        return None
    both = settings.ecn_roce_np.items() & settings.ecn_roce_rp.items()
    return tuple(sorted(int(name) for name, value in both if name.isdigit() and value == "1"))


def _traffic_class(text: str | None) -> int | None:
    """106 of `Global tclass=106`, or of `106`."""
    found = re.search(r"(\d{1,3})\s*$", text or "")
    return int(found[1]) if found else None


def _guid(row: PortRow) -> str | None:
    """The GUID of an InfiniBand port: the second half of its first GID."""
    words = (row.gid or "").split(":")
    digits = "".join(words[4:]) if len(words) == 8 else ""
    layer = row.files.get("link_layer", "").lower()
    return f"0x{digits}" if layer == "infiniband" and digits.strip("0") else None


def far_ends(text: str) -> dict[str, str]:
    """Return `leaf07/Ethernet1/3` by interface of what `lldpctl -f keyvalue` printed."""
    told = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    found = {}
    for key, value in told.items():
        name = re.fullmatch(r"lldp\.([^.]+)\.chassis\.name", key)
        if name is not None:
            port = told.get(f"lldp.{name[1]}.port.ifname") or told.get(f"lldp.{name[1]}.port.descr", "")
            found[name[1]] = f"{value}/{port}"
    return found
