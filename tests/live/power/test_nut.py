"""UPSes behind a real upsd with dummy-ups drivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from dcctl.assess.energy.balance import groups, steps
from dcctl.inventory.model import Node, PowerMeter
from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.nut.source import NutSource
from dcctl.inventory.sources.power.many import Asking
from tests.live.power.servers import free_port, upsd
from tests.live.ssh.peers import drip, flood, misbehaving, silent

if TYPE_CHECKING:
    import socket
    import threading
    from pathlib import Path

_ASKING = Asking("nut", "dc1", timeout_s=10, now=lambda: 1000.0)
_FULL = {
    "ups.status": "OL",
    "ups.load": "40",
    "ups.realpower": "203000",
    "ups.realpower.nominal": "500000",
    "input.realpower": "212000",
    "ups.efficiency": "95.7",
}


def test_what_a_ups_says_is_a_meter(tmp_path: Path) -> None:
    with upsd(tmp_path, {"ups-a": _FULL}) as port:
        fleet = NutSource("127.0.0.1", port, asking=_ASKING, feeds={"ups-a": "gpu[001-064]"}).collect()
    (meter,) = fleet.meters
    assert not fleet.gaps
    assert (meter.name, meter.kind, meter.site, meter.nodes) == ("ups-a", "ups", "dc1", "gpu[001-064]")
    assert (meter.power_mw, meter.input_mw, meter.nominal_mw) == (203_000_000, 212_000_000, 500_000_000)
    assert (meter.load_milli, meter.efficiency_milli, meter.read_at_s) == (400, 957, 1000)
    assert meter.status == "OL"


def test_amounts_that_are_none_are_a_gap_with_their_names(tmp_path: Path) -> None:
    odd = {**_FULL, "ups.status": "OB LB", "ups.efficiency": "-5", "input.realpower": "-212000"}
    with upsd(tmp_path, {"ups-a": odd}) as port:
        fleet = NutSource("127.0.0.1", port, asking=_ASKING).collect()
    ((meter,), (gap,)) = fleet.meters, fleet.gaps
    assert (meter.status, meter.efficiency_milli, meter.input_mw) == ("OB LB", None, None)
    assert gap.cause == "invalid"
    assert "input.realpower '-212000'" in gap.reason
    assert "ups.efficiency '-5'" in gap.reason


def test_a_ups_without_its_driver_or_without_watts_is_a_gap_beside_the_others(tmp_path: Path) -> None:
    few = {"ups.status": "OL", "ups.load": "31", "ups.power": "9000"}
    feeds = {"ups-z": "gpu001"}
    with upsd(tmp_path, {"ups-a": _FULL, "ups-b": few}, silent=("ups-c",)) as port:
        fleet = NutSource("127.0.0.1", port, asking=_ASKING, feeds=feeds).collect()
    told = {meter.name: (meter.power_mw, meter.nodes) for meter in fleet.meters}
    assert told == {
        "ups-a": (203_000_000, ""),
        "ups-b": (None, ""),
        "ups-c": (None, ""),
        "ups-z": (None, "gpu001"),
    }
    causes = {gap.subject: gap.cause for gap in fleet.gaps}
    assert causes == {"ups-b": "unsupported", "ups-c": "unreachable", "ups-z": "missing"}


def test_one_feed_alone_does_not_close_the_balance(tmp_path: Path) -> None:
    """The other half of 2N is silent: what it gives is not 0, so nobody knows what the UPSes give."""
    feeds = {"ups-a": "gpu001", "ups-b": "gpu001"}
    with upsd(tmp_path, {"ups-a": _FULL}, silent=("ups-b",)) as port:
        told = NutSource("127.0.0.1", port, asking=_ASKING, feeds=feeds).collect()
    pdu = PowerMeter("pdu", "pdu", site="dc1", nodes="gpu001", power_mw=203_000_000)
    fleet = replace(told, nodes=(Node("gpu001", site="dc1"),), meters=(*told.meters, pdu))
    (step,) = [one for one in steps(groups(fleet)) if one.upper.level == "ups"]
    assert step.upper.names == ("ups-a", "ups-b")
    assert step.state == "unknown"


def _broken(stream: socket.socket, _: threading.Event) -> None:
    stream.recv(4096)
    stream.sendall(b'BEGIN LIST UPS\nUPS ups-a "half')


def _wrong(stream: socket.socket, _: threading.Event) -> None:
    stream.recv(4096)
    stream.sendall(b"220 mail.example ESMTP\r\n")


@pytest.mark.parametrize(
    ("serve", "cause"),
    [(silent, "timeout"), (drip, "timeout"), (flood, "invalid"), (_broken, "truncated"), (_wrong, "invalid")],
)
def test_a_server_that_misbehaves_is_told(serve: object, cause: str) -> None:
    with misbehaving(serve) as peer, pytest.raises(SourceError) as told:  # type: ignore[arg-type]
        NutSource("127.0.0.1", peer.port, asking=Asking("nut", timeout_s=1)).collect()
    assert told.value.cause == cause


def test_nobody_listens() -> None:
    with pytest.raises(SourceError) as told:
        NutSource("127.0.0.1", free_port(), asking=_ASKING).collect()
    assert told.value.cause == "unreachable"
