"""Fifty hosts in network namespaces, asked from inside their fabric; also by dcctl as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from dcctl.inventory.model import Fleet
from tests.live.ssh.hosts import Hosts
from tests.live.ssh.test_cli import dcctl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys, msgspec
from dcctl.inventory.sources.ssh.source import SshSource, Target
from dcctl.inventory.sources.ssh.run import Overrides
targets = [Target(name) for name in sys.argv[2:]]
sys.stdout.buffer.write(msgspec.json.encode(SshSource(targets, overrides=Overrides(sys.argv[1])).collect()))
"""


def collect(hosts: Hosts, names: Sequence[str]) -> Fleet:
    """Ask hosts from inside the operations namespace."""
    command = [*hosts.command, sys.executable, "-c", PROGRAM, str(hosts.ssh_config), *names]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=Fleet)


@pytest.fixture(scope="module")
def fifty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """Fifty hosts that stay up for the tests of this module."""
    with Hosts(tmp_path_factory.mktemp("fifty"), 50) as hosts:
        yield hosts


def test_fifty_hosts_answer_each_for_itself(fifty: Hosts) -> None:
    fleet = collect(fifty, fifty.names)
    assert fleet.gaps == ()
    assert [node.name for node in fleet.nodes] == fifty.names
    if fifty.namespaces:
        assert {node.aliases for node in fleet.nodes} == {()}, "each has a name of its own"
        _nothing_is_left(fifty)
        _no_route(fifty)


def _nothing_is_left(hosts: Hosts) -> None:
    """Only the listener is left in each namespace."""
    for name, server in hosts.servers.items():
        script = f"while [ $(ip netns pids {hosts.namespace(name)} | wc -w) -gt 1 ]; do sleep 0.05; done"
        subprocess.run(["sh", "-c", script], check=True, timeout=60)
        left = subprocess.run(
            ["ip", "netns", "pids", hosts.namespace(name)], capture_output=True, text=True, check=True
        )
        assert left.stdout.split() == [str(server.pid)]


def _no_route(hosts: Hosts) -> None:
    """The fabric has no way out and no name server; a host that is down is told apart by its address."""
    with hosts.ssh_config.open("a") as file:
        file.write(
            "Host far\n  HostName 198.51.100.1\nHost down\n  HostName 10.77.9.9\n  ConnectTimeout 10\n"
        )
    far, down, unnamed = collect(hosts, ["far", "down", "nobody-knows-this"]).gaps
    assert {far.cause, down.cause, unnamed.cause} == {"unreachable"}
    assert far.reason == "no route to 198.51.100.1 port 22"
    assert down.reason == "no route to 10.77.9.9 port 22"
    assert unnamed.reason.startswith("the name nobody-knows-this ")
    assert unnamed.hint == "getent hosts nobody-knows-this"


def test_fifty_nodes_are_assessed(fifty: Hosts, home: dict[str, str]) -> None:
    done = dcctl(fifty, home, "assess", "--by", "node", "-o", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [row["nodes"] for row in report["items"]] == [[name] for name in fifty.names]
    assert report["summary"]["nodes"] == 50
    assert all(row["cpu_capacity_milli"] > 0 and row["memory_used_bytes"] > 0 for row in report["items"])
    assert report["gaps"] == []


def test_only_the_chosen_nodes_are_asked(fifty: Hosts, home: dict[str, str]) -> None:
    chosen, left_out = fifty.names[1:4], fifty.names[2]
    done = dcctl(fifty, home, "assess", "--by", "node", "-w", ",".join(chosen), "-x", left_out, "-o", "name")
    assert done.stdout.split() == [name for name in chosen if name != left_out], done.stderr


def test_a_key_that_nobody_takes_is_code_4(fifty: Hosts, home: dict[str, str], tmp_path: Path) -> None:
    stranger = tmp_path / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stranger)], check=True)
    config = tmp_path / "config.toml"
    name = fifty.names[0]
    config.write_text(
        f"[[context.test.source]]\nkind = 'ssh'\nnodes = '{name}'\n"
        f"config_file = '{fifty.ssh_config}'\nidentity_file = '{stranger}'\n"
    )
    done = dcctl(fifty, home, "assess", "--config", str(config))
    assert done.returncode == 4, done.stderr
    assert name in done.stderr
