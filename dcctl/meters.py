"""Wiring of what measures power and energy: a table of the configuration becomes a source."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from dcctl import meter_specs as specs
from dcctl.errors import UsageError
from dcctl.inventory.model import Fleet, Node
from dcctl.inventory.sources.power.many import Asking
from dcctl.inventory.sources.secret import Secret
from dcctl.series_specs import row_of
from dcctl.specs import PrometheusSpec

if TYPE_CHECKING:
    from threading import Event

    from dcctl.inventory.sources.base import PlantSource, Source
    from dcctl.meter_specs import AnyMeterSpec
    from dcctl.settings import Settings

PlantSpec: TypeAlias = specs.NutSpec | specs.RedfishSpec | specs.IpmiSpec
"""What tells of power and cooling beside its meters."""
_MOST_QUESTIONS = 200
"""Of one Prometheus about its meters: three or four for each row of them, more where one has to be halved."""


def source_of(spec: AnyMeterSpec | PrometheusSpec, settings: Settings, stop: Event) -> Source:
    """The source that a table describes, not asked yet. UsageError for a group that there is not."""
    asking = Asking(spec.name, spec.site, settings.fanout, settings.timeout, stop)
    match spec:
        case specs.NutSpec() | specs.RedfishSpec() | specs.IpmiSpec():
            return plants_of(spec, settings, stop)
        case specs.SnmpSpec():
            return _snmp(spec, asking)
        case PrometheusSpec():
            return _series(spec, settings, asking)
    return _rapl(spec, _nodes(spec.nodes, settings), asking)


def plants_of(spec: PlantSpec, settings: Settings, stop: Event) -> PlantSource:
    """The same for one that tells of power and cooling beside its meters."""
    asking = Asking(spec.name, spec.site, settings.fanout, settings.timeout, stop)
    match spec:
        case specs.NutSpec():
            from dcctl.inventory.sources.nut.source import NutSource

            return NutSource(spec.host, spec.port, asking=asking, feeds=spec.feeds)
        case specs.RedfishSpec():
            return _redfish(spec, _nodes(spec.nodes, settings), asking)
    return _ipmi(spec, _nodes(spec.nodes, settings), asking)


def _redfish(spec: specs.RedfishSpec, nodes: tuple[str, ...], asking: Asking) -> PlantSource:
    from dcctl.inventory.sources.redfish.client import Login
    from dcctl.inventory.sources.redfish.source import RedfishSource

    password = Secret(spec.password_file, spec.password_command)
    login = Login(spec.user, password, spec.auth, spec.ca_file, spec.verify)
    return RedfishSource(nodes, spec.url, login, asking)


def _ipmi(spec: specs.IpmiSpec, nodes: tuple[str, ...], asking: Asking) -> PlantSource:
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


def _rapl(spec: specs.RaplSpec, nodes: tuple[str, ...], asking: Asking) -> Source:
    if not spec.nodes:
        from dcctl.inventory.sources.rapl.source import RaplSource

        return RaplSource(asking=asking)
    from dcctl.inventory.sources.rapl_over_ssh import RemoteRaplSource
    from dcctl.inventory.sources.ssh.run import Overrides, Target

    files = Overrides(spec.config_file, spec.identity_file, spec.known_hosts)
    targets = [Target(node, user=spec.user, port=spec.port) for node in nodes]
    return RemoteRaplSource(targets, asking, files)


def _series(spec: PrometheusSpec, settings: Settings, asking: Asking) -> Source:
    from dcctl.inventory.lengths import duration
    from dcctl.inventory.sources.prometheus.client import Budget, Client
    from dcctl.inventory.sources.prometheus.connection import Access, connect
    from dcctl.inventory.sources.prometheus.source import PrometheusSource
    from dcctl.inventory.sources.series.source import LEAST_OVER_S, SeriesSource

    where = settings.origins.get("energy_over", "energy_over")
    try:
        over_s = duration(settings.energy_over)
    except ValueError as error:
        raise UsageError(where, str(error), "--over 30d") from error
    if over_s < LEAST_OVER_S:
        raise UsageError(where, "counters of a Prometheus are asked about an hour or more", "--over 30d")
    access = Access(**{name: getattr(spec, name) for name in Access._fields})
    client = Client(connect(access), settings.timeout, Budget(_MOST_QUESTIONS, []))
    rows = [row_of(one, spec.labels, spec.name) for one in spec.meters]
    return SeriesSource(PrometheusSource(client, spec.name), rows, asking, over_s)


def _nodes(text: str, settings: Settings) -> tuple[str, ...]:
    """The nodes of a node set that are asked: those that --nodes and --exclude leave.

    Groups of the inventory are not known yet: where the options name one, all are asked.
    """
    from dcctl.inventory.nodeset import expand, groups_of, select

    names = tuple(expand(text, groups_of(Fleet()))) if text else ()
    if "@" in settings.nodes + settings.exclude:
        return names
    known = Fleet(nodes=tuple(Node(name) for name in names))
    return tuple(node.name for node in select(known, settings.nodes or None, settings.exclude or None).nodes)
