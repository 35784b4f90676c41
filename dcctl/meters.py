"""Wiring of what measures power and energy: a table of the configuration becomes a source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl import meter_specs as specs
from dcctl.inventory.model import Fleet, Node
from dcctl.inventory.sources.power.many import Asking
from dcctl.inventory.sources.secret import Secret

if TYPE_CHECKING:
    from threading import Event

    from dcctl.inventory.sources.base import Source
    from dcctl.settings import Settings


def source_of(spec: specs.MeterSpec, settings: Settings, stop: Event) -> Source:
    """The source that a table describes, not asked yet. UsageError for a group that there is not."""
    asking = Asking(spec.name, spec.site, settings.fanout, settings.timeout, stop)
    match spec:
        case specs.NutSpec():
            from dcctl.inventory.sources.nut.source import NutSource

            return NutSource(spec.host, spec.port, asking=asking, feeds=spec.feeds)
        case specs.RedfishSpec():
            return _redfish(spec, _nodes(spec.nodes, settings), asking)
        case specs.IpmiSpec():
            return _ipmi(spec, _nodes(spec.nodes, settings), asking)
        case specs.SnmpSpec():
            return _snmp(spec, asking)
    from dcctl.inventory.sources.rapl.source import RaplSource

    return RaplSource(asking=asking)


def _redfish(spec: specs.RedfishSpec, nodes: tuple[str, ...], asking: Asking) -> Source:
    from dcctl.inventory.sources.redfish.client import Login
    from dcctl.inventory.sources.redfish.source import RedfishSource

    password = Secret(spec.password_file, spec.password_command)
    login = Login(spec.user, password, spec.auth, spec.ca_file, spec.verify)
    return RedfishSource(nodes, spec.url, login, asking)


def _ipmi(spec: specs.IpmiSpec, nodes: tuple[str, ...], asking: Asking) -> Source:
    from dcctl.inventory.sources.ipmi.source import Bmc, IpmiSource

    password = Secret(spec.password_file, spec.password_command)
    if spec.nodes:
        return IpmiSource(nodes, Bmc(spec.host, spec.user, password, spec.interface), asking)
    from platform import node

    return IpmiSource((node(),), Bmc(""), asking)


def _snmp(spec: specs.SnmpSpec, asking: Asking) -> Source:
    from dcctl.inventory.nodeset import expand, groups_of
    from dcctl.inventory.sources.snmp.source import Access, SnmpSource

    access = Access(
        spec.version,
        Secret(spec.community_file, spec.community_command),
        spec.user,
        Secret(spec.password_file, spec.password_command),
        Secret(spec.privacy_file, spec.privacy_command),
        spec.auth_protocol,
        spec.privacy_protocol,
    )
    hosts = expand(spec.hosts, groups_of(Fleet()))
    return SnmpSource(hosts, access, asking, feeds=spec.feeds, port=spec.port)


def _nodes(text: str, settings: Settings) -> tuple[str, ...]:
    """The nodes of a node set whose BMCs are asked: those that --nodes and --exclude leave.

    Groups of the inventory are not known yet: where the options name one, all are asked.
    """
    from dcctl.inventory.nodeset import expand, groups_of, select

    names = tuple(expand(text, groups_of(Fleet()))) if text else ()
    if "@" in settings.nodes + settings.exclude:
        return names
    known = Fleet(nodes=tuple(Node(name) for name in names))
    return tuple(node.name for node in select(known, settings.nodes or None, settings.exclude or None).nodes)
