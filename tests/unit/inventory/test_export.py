"""Fleets for other tools."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import yaml

from dcctl.inventory import export, snapshot
from dcctl.inventory.model import Fleet, Node
from dcctl.inventory.sources.files.ansible import parse
from tests.components import need
from tests.unit.inventory.fleets import boards, small

FLEET = Fleet(
    nodes=(
        Node(
            "gpu10", address="10.0.0.10", login_user="ops", login_port=2222, pools=("train/a b",), site="dc 1"
        ),
        Node("gpu9", accelerators=boards(8), rack="r1", pools=("train/a b",), ready=True),
        Node("no", state="=cmd|' /C calc'!A0"),
        Node("007"),
    )
)


def test_ansible_reads_its_own_groups_and_addresses() -> None:
    document = yaml.safe_load(export.ansible(FLEET))
    assert list(document["all"]["hosts"]) == ["007", "gpu9", "gpu10", "no"]
    assert document["all"]["children"]["pool_train_a_b"]["hosts"] == {"gpu9": None, "gpu10": None}
    assert document["all"]["hosts"]["gpu10"] == {
        "ansible_host": "10.0.0.10",
        "ansible_user": "ops",
        "ansible_port": 2222,
        "site": "dc 1",
    }
    assert document["all"]["hosts"]["gpu9"]["dcctl_accelerators"] == 8


def test_what_was_exported_for_ansible_reads_back() -> None:
    nodes = {node.name: node for node in parse(export.ansible(FLEET).encode(), "i").nodes}
    assert nodes.keys() == {"007", "gpu9", "gpu10", "no"}
    assert (nodes["gpu10"].address, nodes["gpu10"].login_user, nodes["gpu10"].login_port) == (
        "10.0.0.10",
        "ops",
        2222,
    )


def test_the_real_ansible_inventory_accepts_it(tmp_path: Path) -> None:
    beside = Path(sys.executable).with_name("ansible-inventory")
    program = str(beside) if beside.exists() else need("ansible-inventory", "ansible-core")
    (tmp_path / "hosts.yml").write_text(export.ansible(FLEET))
    command = [program, "-i", str(tmp_path / "hosts.yml"), "--list"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    answer = json.loads(done.stdout)
    assert answer["_meta"]["hostvars"]["gpu10"]["ansible_port"] == 2222
    assert sorted(answer["pool_train_a_b"]["hosts"]) == ["gpu10", "gpu9"]
    assert "WARNING" not in done.stderr
    # What the real program prints for --list is read as a dynamic inventory.
    assert {node.name for node in parse(done.stdout.encode(), "i").nodes} == {"007", "gpu9", "gpu10", "no"}


def test_json_is_a_snapshot() -> None:
    assert snapshot.decode(export.json(small()).encode(), "x") == small()


def test_csv_has_a_row_for_each_node_and_runs_nothing_in_a_spreadsheet() -> None:
    rows = list(csv.DictReader(io.StringIO(export.to_csv(FLEET))))
    assert [row["node"] for row in rows] == ["007", "gpu9", "gpu10", "no"]
    assert (rows[1]["accelerators"], rows[1]["models"]) == ("8", "8 x NVIDIA H100 80GB HBM3")
    assert (rows[1]["ready"], rows[0]["ready"], rows[0]["accelerators"]) == ("true", "", "")
    assert rows[3]["state"].startswith("'=")
    assert all(None not in row for row in rows)


def test_every_format_is_the_same_twice() -> None:
    for name, write in export.FORMATS.items():
        assert write(small()) == write(small()), name


def test_racks_of_one_name_in_two_sites_are_two_groups() -> None:
    nodes = (Node("a", site="dc1", rack="r07"), Node("b", site="dc2", rack="r07"), Node("c", rack="r08"))
    groups = yaml.safe_load(export.ansible(Fleet(nodes=nodes)))["all"]["children"]
    assert {name: [*group["hosts"]] for name, group in groups.items() if "rack" in name} == {
        "rack_dc1_r07": ["a"],
        "rack_dc2_r07": ["b"],
        "rack_r08": ["c"],
    }
