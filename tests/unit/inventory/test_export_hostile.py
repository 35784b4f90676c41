"""Fleets whose nodes say what another tool, or a terminal, would act upon."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace

from dcctl.inventory import export, snapshot
from dcctl.inventory.hosts import is_host, is_login
from dcctl.inventory.model import Fleet, Node
from dcctl.render.text import HOSTILE
from tests.components import need
from tests.unit.inventory.fleets import boards

MARKS = ["{{ lookup('pipe', 'touch PWNED') }}", "{% set x = 1 %}y", "{# gone #}", "#jinja2: x:'['\n[[ 7 ]]"]
TERMINAL = "r\x1b[31m\x07\x9b2J\u202e\x7f\u2028\U000e0041"


def hostile(word: str, name: str = "gpu1") -> Fleet:
    """A node that gives this word wherever it may."""
    board = replace(boards(1)[0], model=word)
    node = Node(
        name, address=word, login_user=word, rack=word, site=word, pools=(word,), accelerators=(board,)
    )
    return Fleet(nodes=(node, Node("gpu2", address="10.0.0.2")))


@pytest.mark.parametrize("word", MARKS)
def test_ansible_evaluates_nothing_that_a_node_said(tmp_path: Path, word: str) -> None:
    beside = Path(sys.executable).with_name("ansible-inventory")
    program = str(beside) if beside.exists() else need("ansible-inventory", "ansible-core")
    (tmp_path / "hosts.yml").write_text(export.ansible(hostile(word)), encoding="utf-8")
    command = [program, "-i", "hosts.yml", "--list"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100, cwd=tmp_path)
    hosts = json.loads(done.stdout)["_meta"]["hostvars"]
    assert hosts == {"gpu1": {"dcctl_accelerators": 1}, "gpu2": {"ansible_host": "10.0.0.2"}}
    assert not (tmp_path / "PWNED").exists()


@pytest.mark.parametrize("word", MARKS)
def test_what_ansible_is_not_told_is_a_gap(word: str) -> None:
    (gap,) = export.left_out(hostile(word), "ansible")
    assert (gap.subject, gap.cause) == ("gpu1", "invalid")
    assert "ansible_host, ansible_user, site, rack, dcctl_accelerator_model" in gap.reason
    (gap,) = export.left_out(hostile("plain", name="{{ 7 }}"), "ansible")
    assert gap.subject == "{{ 7 }}"
    assert list(yaml.safe_load(export.ansible(hostile("plain", name="{{ 7 }}")))["all"]["hosts"]) == ["gpu2"]
    assert export.left_out(hostile(word), "json") == ()
    assert not any("template" in gap.reason for gap in export.left_out(hostile("{ a } #"), "ansible"))


OPTIONS = [
    "-oProxyCommand=touch PWNED",
    "-w",
    "a;id",
    "$(id)",
    "`id`",
    "a b",
    "x\n-w",
    "a|b",
    "x&y",
    "'",
    "\x1b[m",
    "",
]


@pytest.mark.parametrize("word", OPTIONS)
def test_ansible_is_told_no_option_and_no_command_as_a_host_or_a_login(word: str) -> None:
    fleet = replace(hostile(word), sites=())
    hosts = yaml.safe_load(export.ansible(fleet))["all"]["hosts"]
    assert not {"ansible_host", "ansible_user"} & hosts["gpu1"].keys()
    (gap,) = export.left_out(fleet, "ansible")
    assert gap.reason.startswith("ansible_host, ansible_user: not exported, because ssh or a shell")
    named = hostile("10.0.0.1", name=word)
    assert list(yaml.safe_load(export.ansible(named))["all"]["hosts"]) == ["gpu2"]
    assert [(gap.subject, gap.cause) for gap in export.left_out(named, "ansible")] == [(word, "invalid")]


@pytest.mark.parametrize(
    "word",
    [
        "gpu001",
        "10.0.0.1",
        "fe80::1%eth0",
        "[::1]",
        "gpu1.example.com",
        "gpu_1",
        "节点",
        "aws_instance.gpu[0]",
    ],
)
def test_what_can_be_a_host_is_one(word: str) -> None:
    assert is_host(word)
    assert not is_host(f"-{word}")


@pytest.mark.parametrize("word", ["ops", "first.last", "ops@example.com", "EXAMPLE\\ops"])
def test_what_can_be_a_login_is_one(word: str) -> None:
    assert is_login(word)


@pytest.mark.parametrize("form", export.FORMATS)
def test_no_format_moves_the_cursor(form: str) -> None:
    text = export.FORMATS[form](hostile(TERMINAL))
    assert not HOSTILE.search(text.replace("\r\n", "").replace("\n", ""))


def test_what_was_escaped_reads_back_the_same() -> None:
    fleet = hostile(f"节点 {TERMINAL}")
    assert snapshot.decode(snapshot.encode(fleet), "x") == fleet
    hosts = yaml.safe_load(export.ansible(fleet))["all"]["hosts"]
    assert hosts["gpu1"]["rack"] == f"节点 {TERMINAL}"
    rows = list(csv.DictReader(io.StringIO(export.to_csv(fleet))))
    assert rows[0]["rack"].startswith("节点 r\\x1b[31m\\x07\\x9b2J\\u202e")


def test_what_is_harmless_stays_readable() -> None:
    for write in export.FORMATS.values():
        assert "节点" in write(hostile("节点"))


def test_ways_in_have_an_end_and_no_dangling_escape() -> None:
    assert is_host("a" * 63)
    assert not is_host("a" * 5000)
    assert not is_login("ops\\")
    assert is_login("EXAMPLE\\ops")
