"""`dcctl audit` over a real upsd, snmpd and Redfish servers: batteries, breakers and the air at the inlet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dcctl.inventory.model import Fleet, Node
from dcctl.inventory.snapshot import encode
from tests.live.power.servers import free_port, snmpd, sushy, upsd

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli

APC = ".1.3.6.1.4.1.318"
SOUND = {
    "ups.status": "OL",
    "ups.realpower": "6760",
    "ups.test.date": "2199/01/01",
    "ups.test.result": "passed",
}
WORN = SOUND | {"ups.status": "OL BYPASS RB", "ambient.temperature": "41.0"}


def _audit(cli: Cli, folder: Path, sources: str) -> tuple[int, dict[str, Any]]:
    (folder / "nodes.json").write_bytes(encode(Fleet("x", 1000, nodes=(Node("gpu1"), Node("gpu2")))))
    config = folder / "config.toml"
    config.write_text(f'[[context.x.source]]\nkind = "file"\npath = "{folder}/nodes.json"\n{sources}')
    words = ("--config", str(config), "--select", "ENE-0[235]", "--no-record", "-o", "json")
    done = cli("audit", *words)
    assert done.returncode in {0, 1, 3}, done.stderr
    return done.returncode, json.loads(done.stdout)


def _found(told: dict[str, Any]) -> set[tuple[str, str]]:
    return {(item["check"], item["object"]) for item in told["items"]}


def test_what_a_ups_tells_of_its_battery_is_judged(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "nut").mkdir()
    with upsd(tmp_path / "nut", {"ups-a": SOUND, "ups-b": WORN}, silent=("ups-c",)) as port:
        source = f'[[context.x.source]]\nkind = "nut"\nhost = "127.0.0.1"\nport = {port}\n'
        code, told = _audit(cli, tmp_path, source)
    assert _found(told) == {("ENE-03", "Plant/ups-b"), ("ENE-05", "Plant/ups-b")}
    silent = {(row["check"], row["object"]) for row in told["details"]["unknown"]}
    assert ("ENE-03", "Plant/ups-c") in silent
    assert code == 3


def test_a_server_that_is_away_is_unknown(cli: Cli, tmp_path: Path) -> None:
    source = f'[[context.x.source]]\nkind = "nut"\nhost = "127.0.0.1"\nport = {free_port()}\n'
    code, told = _audit(cli, tmp_path, source)
    states = {row["check"]: row["state"] for row in told["details"]["checks"]}
    assert (code, states["ENE-03"]) == (3, "unknown")
    assert told["gaps"][0]["cause"] == "unreachable"


def test_a_pdu_is_held_against_what_the_site_declares(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "snmp").mkdir()
    rows = {f"{APC}.1.1.26.4.3.1.5.1": 672}
    declared = "schema: dcctl/declared/v1\nfeeds: [{name: 127.0.0.1, kind: pdu, nominal_w: 7000}]\n"
    (tmp_path / "site.yaml").write_text(declared)
    with snmpd(tmp_path / "snmp", f"{APC}.1.3.4.6", rows, "rocommunity public 127.0.0.1") as port:
        source = f'[[context.x.source]]\nkind = "snmp"\nhosts = "127.0.0.1"\nport = {port}\n'
        source += f'[[context.x.source]]\nkind = "declared"\npath = "{tmp_path}/site.yaml"\n'
        _, told = _audit(cli, tmp_path, source)
    assert _found(told) == {("ENE-02", "Plant/127.0.0.1")}


def test_warm_air_at_a_machine_by_its_bmc(cli: Cli, tmp_path: Path) -> None:
    with sushy("power") as old, sushy("subsystem") as new:
        source = "".join(
            f'[[context.x.source]]\nkind = "redfish"\nname = "{name}"\nnodes = "{name}"\nurl = "{url}"\n'
            for name, url in (("gpu1", old), ("gpu2", new))
        )
        code, told = _audit(cli, tmp_path, source)
    assert (code, _found(told)) == (1, {("ENE-05", "Plant/gpu1")})
    assert told["items"][0]["nodes"] == ["gpu1"]
