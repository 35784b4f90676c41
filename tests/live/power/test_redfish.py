"""BMCs: recorded trees behind sushy-tools, and behind accounts; and BMCs that misbehave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcctl.inventory.sources.power.many import Asking
from dcctl.inventory.sources.redfish.client import Login
from dcctl.inventory.sources.redfish.source import RedfishSource
from dcctl.inventory.sources.secret import Secret
from tests.live.power.servers import Bmc, bmc, certificate, free_port, sushy
from tests.live.ssh.peers import drip, misbehaving, silent

if TYPE_CHECKING:
    import socket
    import threading
    from pathlib import Path

    from dcctl.inventory.model import Fleet


def _ask(url: str, login: Login = Login(), timeout_s: float = 10) -> Fleet:  # noqa: B008
    return RedfishSource(["gpu001"], url, login, Asking("redfish", "dc1", timeout_s=timeout_s)).collect()


def _login(tmp_path: Path, password: str = Bmc.password, auth: str = "basic") -> Login:
    file = tmp_path / "password"
    file.write_text(f"{password}\n")
    return Login("ops", Secret(str(file)), auth)  # type: ignore[arg-type]


def test_the_old_form_of_power() -> None:
    with sushy("power") as url:
        fleet = _ask(url)
    (meter,) = fleet.meters
    assert not fleet.gaps
    assert (meter.power_mw, meter.nominal_mw, meter.energy_mj) == (344_000, 800_000, None)
    assert meter.efficiency_milli == (163 + 160) * 1000 // (174 + 170)  # the empty bay does not count


def test_the_new_form_takes_the_chassis_that_holds_the_others() -> None:
    with sushy("subsystem") as url:
        fleet = _ask(url)
    (meter,) = fleet.meters
    assert (meter.name, meter.kind, meter.nodes, meter.site) == ("gpu001", "bmc", "gpu001", "dc1")
    assert (meter.power_mw, meter.nominal_mw) == (6_374_000, 11_200_000)
    assert meter.energy_mj == 18_210_700 * 3_600_000
    assert meter.energy_from_s == 1_767_225_600


def test_a_certificate_is_trusted_by_its_ca_or_by_choice(tmp_path: Path) -> None:
    own = certificate(tmp_path)
    with sushy("power", own) as url:
        strange = _ask(url)
        assert [gap.cause for gap in strange.gaps] == ["unreachable"]
        assert "not trusted" in strange.gaps[0].reason
        for login in (Login(ca_file=str(own)), Login(verify=False)):
            assert [meter.power_mw for meter in _ask(url, login).meters] == [344_000]


def test_a_ca_that_is_not_there_is_a_gap(tmp_path: Path) -> None:
    fleet = _ask("https://127.0.0.1:1", Login(ca_file=str(tmp_path / "none.pem")))
    assert [gap.cause for gap in fleet.gaps] == ["invalid"]


@pytest.mark.parametrize("auth", ["basic", "session"])
def test_accounts_are_used_and_sessions_ended(tmp_path: Path, auth: str) -> None:
    with bmc() as (url, seen):
        fleet = _ask(url, _login(tmp_path, auth=auth))
    assert [meter.power_mw for meter in fleet.meters] == [344_000]
    assert (("DELETE", "/redfish/v1/SessionService/Sessions/1") in seen) is (auth == "session")


@pytest.mark.parametrize("auth", ["basic", "session"])
def test_a_wrong_password_is_a_gap_that_does_not_tell_it(tmp_path: Path, auth: str) -> None:
    with bmc() as (url, _):
        fleet = _ask(url, _login(tmp_path, "guessed it", auth))
    assert not fleet.meters
    assert [gap.cause for gap in fleet.gaps] == ["unauthenticated"]
    assert "guessed" not in repr(fleet)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [((503, b"busy"), "failed"), ((200, b"<html>"), "invalid"), ((200, b"[1]"), "invalid")],
)
def test_a_part_that_is_not_answered_is_a_gap(tmp_path: Path, answer: tuple[int, bytes], cause: str) -> None:
    with bmc(broken={"/redfish/v1/Chassis/1U/Power": answer}) as (url, _):
        fleet = _ask(url, _login(tmp_path))
    assert not fleet.meters
    assert [gap.cause for gap in fleet.gaps] == [cause]


def test_power_that_is_no_number_is_unknown_and_not_zero(tmp_path: Path) -> None:
    body = b'{"PowerControl": [{"PowerConsumedWatts": null}], "PowerSupplies": "none"}'
    with bmc(broken={"/redfish/v1/Chassis/1U/Power": (200, body)}) as (url, _):
        fleet = _ask(url, _login(tmp_path))
    assert not fleet.meters
    assert [gap.cause for gap in fleet.gaps] == ["unsupported"]


def test_a_link_to_another_host_is_not_followed(tmp_path: Path) -> None:
    body = b'{"Members": [{"@odata.id": "//evil.example/redfish/v1/Chassis/1"}]}'
    with bmc(broken={"/redfish/v1/Chassis": (200, body)}) as (url, seen):
        fleet = _ask(url, _login(tmp_path))
    assert [gap.cause for gap in fleet.gaps] == ["invalid"]
    assert seen == [("GET", "/redfish/v1/Chassis")]


def _half(stream: socket.socket, _: threading.Event) -> None:
    stream.recv(4096)
    stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")


def _garbage(stream: socket.socket, _: threading.Event) -> None:
    stream.recv(4096)
    stream.sendall(b"\x15\x03\x01 nonsense\r\n\r\n")


@pytest.mark.parametrize(
    ("serve", "causes"),
    [
        (silent, {"timeout"}),
        (drip, {"timeout"}),
        (_half, {"truncated"}),
        (_garbage, {"invalid"}),
    ],
)
def test_a_bmc_that_misbehaves_is_a_gap(serve: object, causes: set[str]) -> None:
    with misbehaving(serve) as peer:  # type: ignore[arg-type]
        fleet = _ask(f"http://127.0.0.1:{peer.port}", timeout_s=1)
    assert not fleet.meters
    assert len(fleet.gaps) == 1
    assert fleet.gaps[0].cause in causes


def test_nobody_listens_and_one_bad_bmc_does_not_hide_the_others() -> None:
    with sushy("power") as url:
        port = url.rpartition(":")[2]
        asking = Asking("redfish", timeout_s=9, fanout=2)
        nodes = [str(free_port()), port, str(free_port())]
        fleet = RedfishSource(nodes, "http://127.0.0.1:{node}", Login(), asking).collect()
    assert [meter.name for meter in fleet.meters] == [port]
    assert [(gap.subject, gap.cause) for gap in fleet.gaps] == [
        (nodes[0], "unreachable"),
        (nodes[2], "unreachable"),
    ]
