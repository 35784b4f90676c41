"""PDUs: net-snmp's snmpd with the tables of three vendors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.power.many import Asking
from dcctl.inventory.sources.secret import Secret
from dcctl.inventory.sources.snmp.source import Access, SnmpSource
from tests.live.power.servers import free_port, snmpd

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dcctl.inventory.model import Fleet

APC, RARITAN, SENTRY4 = (f".1.3.6.1.4.1.{number}" for number in (318, 13742, 1718))
_COMMUNITY = "c0mmunity of ours"


def _ask(port: int, access: Access, timeout_s: float = 9) -> Fleet:
    asking = Asking("snmp", "dc1", timeout_s=timeout_s, now=lambda: 1000.0)
    return SnmpSource(["127.0.0.1"], access, asking, feeds={"127.0.0.1": "gpu[001-008]"}, port=port).collect()


def _v2(tmp_path: Path, word: str = _COMMUNITY) -> Access:
    file = tmp_path / "community"
    file.write_text(f"{word}\n")
    return Access(community=Secret(str(file)))


def _digits(index: str, digits: int) -> dict[str, int]:
    return {f"{RARITAN}.6.3.3.4.1.7.{index}": digits}


@pytest.mark.parametrize(
    ("object_id", "rows", "power_mw", "energy_mj"),
    [
        (
            f"{APC}.1.3.4.6",
            {
                f"{APC}.1.1.26.4.3.1.5.1": 812,
                f"{APC}.1.1.26.4.3.1.5.2": 790,
                f"{APC}.1.1.26.4.3.1.9.1": 170_982,
            },
            16_020_000,
            170_982 * 360_000_000,
        ),
        (
            f"{RARITAN}.6",
            {
                f"{RARITAN}.6.5.2.3.1.4.1.1.1": 320,  # a current is no power
                f"{RARITAN}.6.5.2.3.1.4.1.1.5": 71_234,
                f"{RARITAN}.6.5.2.3.1.4.1.1.8": 55_001,
                **_digits("1.1.1", 1),
                **_digits("1.1.5", 1),
                **_digits("1.1.8", 0),
            },
            7_123_400,
            55_001 * 3_600_000,
        ),
        (
            f"{SENTRY4}.4.1",
            {f"{SENTRY4}.4.1.3.3.1.3.1.1": 4100, f"{SENTRY4}.4.1.3.3.1.3.2.1": 3900},
            8_000_000,
            None,
        ),
    ],
    ids=["apc", "raritan", "sentry4"],
)
def test_tables_of_vendors_are_summed(
    tmp_path: Path, object_id: str, rows: Mapping[str, int], power_mw: int, energy_mj: int | None
) -> None:
    with snmpd(tmp_path, object_id, rows, f'rocommunity "{_COMMUNITY}" 127.0.0.1') as port:
        fleet = _ask(port, _v2(tmp_path))
    (meter,) = fleet.meters
    assert not fleet.gaps
    assert (meter.kind, meter.site, meter.nodes) == ("pdu", "dc1", "gpu[001-008]")
    assert (meter.power_mw, meter.energy_mj) == (power_mw, energy_mj)


def test_version_3_with_encryption(tmp_path: Path) -> None:
    for name, word in (("auth", 'auth "word" 1'), ("privacy", "privacy word 2")):
        (tmp_path / name).write_text(word)
    access = Access(
        "3", user="ops", password=Secret(str(tmp_path / "auth")), privacy=Secret(f"{tmp_path}/privacy")
    )
    users = 'createUser ops SHA "auth \\"word\\" 1" AES "privacy word 2"\nrouser ops priv'
    with snmpd(tmp_path, f"{APC}.1.3.4.6", {f"{APC}.1.1.26.4.3.1.5.1": 100}, users) as port:
        fleet = _ask(port, access)
        wrong = access._replace(password=Secret(str(tmp_path / "privacy")))
        refused = _ask(port, wrong)
    assert [meter.power_mw for meter in fleet.meters] == [1_000_000]
    assert [gap.cause for gap in refused.gaps] == ["unauthenticated"]


def test_a_machine_that_is_no_pdu_and_a_pdu_without_power_are_gaps(tmp_path: Path) -> None:
    community = f'rocommunity "{_COMMUNITY}" 127.0.0.1'
    for number, object_id in enumerate((".1.3.6.1.4.1.8072.3.2.10", f"{APC}.1.3.4.6")):
        folder = tmp_path / str(number)
        folder.mkdir()
        with snmpd(folder, object_id, {f"{APC}.9.9.1": 1}, community) as port:
            fleet = _ask(port, _v2(tmp_path))
        assert not fleet.meters
        assert [gap.cause for gap in fleet.gaps] == ["unsupported"]


def test_a_wrong_community_and_a_dead_device_are_silent(tmp_path: Path) -> None:
    community = f'rocommunity "{_COMMUNITY}" 127.0.0.1'
    with snmpd(tmp_path, f"{APC}.1.3.4.6", {f"{APC}.1.1.26.4.3.1.5.1": 100}, community) as port:
        fleet = _ask(port, _v2(tmp_path, "a guess"), timeout_s=1.5)
    assert [gap.cause for gap in fleet.gaps] == ["timeout"]
    assert "guess" not in repr(fleet)
    dead = _ask(free_port(), _v2(tmp_path), timeout_s=1.5)
    assert [gap.cause for gap in dead.gaps] == ["timeout"]


def test_no_secret_no_question(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as told:
        _ask(free_port(), Access(community=Secret(str(tmp_path / "nothing"))))
    assert told.value.cause == "unauthenticated"
