"""One BMC for each node, many at once: Chassis, then Power, PowerSubsystem and EnvironmentMetrics of each."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.model import Fleet, Gap
from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.power.many import ask_all, ask_plants
from dcctl.inventory.sources.redfish.client import Client
from dcctl.inventory.sources.redfish.parse import Chassis, intakes, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dcctl.inventory.evidence.plant import Plant, Temperature
    from dcctl.inventory.sources.power.many import Asking
    from dcctl.inventory.sources.redfish.client import Json, Login

_ROOT = "/redfish/v1/Chassis"
_MOST_CHASSIS = 64
_MOST_SUPPLIES = 32
_WHOLE = frozenset({"unauthenticated", "timeout", "unreachable"})
"""Causes after which a BMC is asked nothing more."""


class RedfishSource:
    """Asks the BMC of every node, `fanout` at a time."""

    kind = "redfish"

    def __init__(self, nodes: Sequence[str], url: str, login: Login, asking: Asking) -> None:
        """`url` is that of a BMC, `{node}` standing for the name of its node."""
        self.name, self._asking = asking.name, asking
        self._nodes, self._url, self._login = tuple(nodes), url, login

    def collect(self) -> Fleet:
        """A meter for each BMC that tells power, gaps for the rest. SourceError: there is no password."""
        password = self._login.password.read("the password of Redfish") if self._login.password else ""

        def ask(node: str) -> Fleet:
            return self._ask(node, password)

        return ask_all(self._asking, self._nodes, ask)

    def plants(self) -> tuple[Plant, ...]:
        """How warm the air is that each machine takes in; one that tells nothing is silent."""
        password = self._login.password.read("the password of Redfish") if self._login.password else ""
        return ask_plants(self._asking, self._nodes, lambda node: self._warmth(node, password))

    def _warmth(self, node: str, password: str) -> tuple[Temperature, ...]:
        gaps: list[Gap] = []
        with self._asked(node, password) as client:
            found = [one for path in _paths(client) for one in _intakes(client, path, gaps)]
        if not found and gaps:
            raise SourceError(node, gaps[0].reason, gaps[0].cause, gaps[0].hint)
        return tuple(dict.fromkeys(found))

    @contextmanager
    def _asked(self, node: str, password: str) -> Iterator[Client]:
        """The BMC of a node, logged in to for as long as the block."""
        client = Client(self._url.replace("{node}", node), node, self._login, self._asking.timeout_s)
        try:
            client.log_in(self._login, password)
            yield client
        finally:
            client.close()

    def _ask(self, node: str, password: str) -> Fleet:
        gaps: list[Gap] = []
        url = self._url.replace("{node}", node)
        with self._asked(node, password) as client:
            chassis = [_chassis(client, path, gaps) for path in _paths(client)]
        meter = replace(parse(node, chassis, int(self._asking.now())), site=self._asking.site)
        if meter.power_mw is None and not gaps:
            why = "no chassis tells its power"
            gaps.append(Gap(self.name, node, why, "unsupported", f"curl -k {url}{_ROOT}", node=node))
        told = meter.power_mw is not None or meter.energy_mj is not None
        gaps = [replace(gap, source=self.name, node=node) for gap in gaps]
        return Fleet(meters=(meter,) if told else (), gaps=tuple(gaps))


def _paths(client: Client) -> list[str]:
    return _members(client.get(_ROOT))[:_MOST_CHASSIS]


def _intakes(client: Client, path: str, gaps: list[Gap]) -> Iterator[Temperature]:
    own = _or_gap(client, path, gaps)
    subsystem = _linked(client, own, "ThermalSubsystem", gaps)
    metrics = _linked(client, subsystem, "ThermalMetrics", gaps)
    return intakes({} if metrics else _linked(client, own, "Thermal", gaps), metrics)


def _chassis(client: Client, path: str, gaps: list[Gap]) -> Chassis:
    own = _or_gap(client, path, gaps)
    subsystem = _linked(client, own, "PowerSubsystem", gaps)
    return Chassis(
        own,
        _linked(client, own, "Power", gaps),
        _linked(client, own, "EnvironmentMetrics", gaps),
        subsystem,
        tuple(_supplies(client, subsystem, gaps)),
    )


def _supplies(client: Client, subsystem: Json, gaps: list[Gap]) -> Iterable[Json]:
    """The metrics of each power supply."""
    for path in _members(_linked(client, subsystem, "PowerSupplies", gaps))[:_MOST_SUPPLIES]:
        yield _linked(client, _or_gap(client, path, gaps), "Metrics", gaps)


def _linked(client: Client, of: Json, key: str, gaps: list[Gap]) -> Json:
    """The object that a key leads to; nothing where there is no such key."""
    link = of.get(key)
    path = link.get("@odata.id") if isinstance(link, dict) else None
    return _or_gap(client, path, gaps) if isinstance(path, str) else {}


def _or_gap(client: Client, path: str, gaps: list[Gap]) -> Json:
    """The object at a path; one that a BMC does not give is a gap, and the rest is asked all the same."""
    try:
        return client.get(path)
    except SourceError as error:
        if error.cause in _WHOLE:
            raise
        gaps.append(Gap("", error.subject, error.reason, error.cause, error.hint))
        return {}


def _members(collection: Json) -> list[str]:
    members = collection.get("Members")
    links = [one for one in members if isinstance(one, dict)] if isinstance(members, list) else []
    return [path for one in links if isinstance(path := one.get("@odata.id"), str)]
