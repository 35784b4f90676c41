"""`dcctl assess energy` over a real upsd, snmpd and Redfish servers: one chain of power that closes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dcctl.inventory.model import Fleet, Node
from dcctl.inventory.snapshot import encode
from tests.live.power.servers import snmpd, sushy, upsd

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli

APC = ".1.3.6.1.4.1.318"
_UPS = {
    "ups.status": "OL",
    "ups.realpower": "6760",
    "input.realpower": "7100",
    "ups.realpower.nominal": "20000",
}
_CONFIG = """
[[context.x.source]]
kind = "file"
path = "{folder}/nodes.json"

[[context.x.source]]
kind = "nut"
host = "127.0.0.1"
port = {nut}
site = "dc1"

[[context.x.source]]
kind = "snmp"
hosts = "127.0.0.1"
port = {snmp}
site = "dc1"
feeds = {{ "127.0.0.1" = "gpu[1-2]" }}

[[context.x.source]]
kind = "redfish"
name = "bmc-new"
nodes = "gpu1"
url = "{new}"
site = "dc1"

[[context.x.source]]
kind = "redfish"
name = "bmc-old"
nodes = "gpu2"
url = "{old}"
site = "dc1"
"""


def test_from_the_ups_to_the_nodes(cli: Cli, tmp_path: Path) -> None:
    nodes = tuple(Node(name, site="dc1") for name in ("gpu1", "gpu2"))
    (tmp_path / "nodes.json").write_bytes(encode(Fleet("x", 1000, nodes=nodes)))
    config, community = tmp_path / "config.toml", "rocommunity public 127.0.0.1"
    for folder in ("nut", "snmp"):
        (tmp_path / folder).mkdir()
    rows = {f"{APC}.1.1.26.4.3.1.5.1": 400, f"{APC}.1.1.26.4.3.1.5.2": 272, f"{APC}.1.1.26.4.3.1.9.1": 5}
    with (
        upsd(tmp_path / "nut", {"ups-a": _UPS}) as nut,
        snmpd(tmp_path / "snmp", f"{APC}.1.3.4.6", rows, community) as snmp,
        sushy("subsystem") as new,
        sushy("power") as old,
    ):
        config.write_text(_CONFIG.format(folder=tmp_path, nut=nut, snmp=snmp, new=new, old=old))
        done = cli("assess", "energy", "--config", str(config), "-o", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    told = [
        (row["from"], row["to"], row["residual_milli"], row["state"]) for row in found["details"]["balance"]
    ]
    assert told == [
        ("ups input", "ups", 48, "loss"),
        ("ups", "pdu", 6, "closed"),
        ("pdu", "node", 1, "closed"),
        ("node", "boards and CPUs", None, "unknown"),
    ]
    assert found["summary"]["measured_mw"] == 6_374_000 + 344_000
    assert found["items"] == []  # power tells no energy
