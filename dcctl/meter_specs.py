"""What a [[context.NAME.source]] table may say of sources that measure power and energy."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from dcctl.inventory.model import Port  # noqa: TC001 - msgspec reads the type when it decodes


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all kinds of sources."""

    name: str = ""
    """Shown in reports; where it is empty, `told_apart` says what is."""
    site: str | None = None
    """Nodes and meters of this source stand at this site unless the source itself says otherwise."""


class MeterSpec(Spec, frozen=True, kw_only=True):
    """Base of what measures."""


class NutSpec(MeterSpec, frozen=True, kw_only=True):
    """The UPSes of one NUT server."""

    host: str
    port: Port = 3493
    feeds: dict[str, str] = {}
    """By UPS: the nodes that hang on it; one that is not named feeds the site."""


class RedfishSpec(MeterSpec, frozen=True, kw_only=True):
    """One BMC for each node."""

    nodes: str
    url: str
    """Of a BMC: `https://{node}-bmc`."""
    user: str | None = None
    password_file: str | None = None
    password_command: str | None = None
    auth: Literal["basic", "session"] = "basic"
    ca_file: str | None = None
    verify: bool = True


class IpmiSpec(MeterSpec, frozen=True, kw_only=True):
    """One BMC for each node, asked with ipmitool; without nodes, that of this machine."""

    nodes: str = ""
    host: str = "{node}"
    user: str | None = None
    password_file: str | None = None
    password_command: str | None = None
    interface: str = "lanplus"


class SnmpSpec(MeterSpec, frozen=True, kw_only=True):
    """PDUs, asked with net-snmp."""

    hosts: str
    """A node set: `pdu-r[01-16][a,b]`."""
    port: Port = 161
    version: Literal["2c", "3"] = "2c"
    community_file: str | None = None
    community_command: str | None = None
    user: str | None = None
    password_file: str | None = None
    password_command: str | None = None
    privacy_file: str | None = None
    privacy_command: str | None = None
    auth_protocol: Literal["MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"] = "SHA"
    privacy_protocol: Literal["DES", "AES", "AES-192", "AES-256"] = "AES"
    feeds: dict[str, str] = {}
    """By PDU: the nodes that hang on it; one that is not named feeds the site."""


class RaplSpec(MeterSpec, frozen=True, kw_only=True):
    """Processors and memory of nodes over SSH; without nodes, of the machine that dcctl runs on."""

    nodes: str = ""
    user: str | None = None
    port: Port | None = None
    identity_file: str | None = None
    config_file: str | None = None
    known_hosts: str | None = None


AnyMeterSpec: TypeAlias = NutSpec | RedfishSpec | IpmiSpec | SnmpSpec | RaplSpec

METER_KINDS: dict[str, type[AnyMeterSpec]] = {
    "nut": NutSpec,
    "redfish": RedfishSpec,
    "ipmi": IpmiSpec,
    "snmp": SnmpSpec,
    "rapl": RaplSpec,
}


def node_sets(spec: msgspec.Struct) -> dict[str, str]:
    """The node sets of a table, by key."""
    found = {key: text for key in ("nodes", "hosts") if (text := getattr(spec, key, ""))}
    feeds: dict[str, str] = getattr(spec, "feeds", {})
    return found | {f"feeds.{name}": text for name, text in feeds.items()}
