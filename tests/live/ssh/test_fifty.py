"""Fifty hosts in network namespaces, asked in one run from inside their fabric."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from dcctl.inventory.model import Fleet
from tests.live.ssh.hosts import Hosts, sweep

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def test_fifty_hosts_answer_each_for_itself(tmp_path: Path) -> None:
    with Hosts(tmp_path, 50) as hosts:
        fleet = collect(hosts, hosts.names)
        assert fleet.gaps == ()
        assert [node.name for node in fleet.nodes] == hosts.names
        if hosts.namespaces:
            assert {node.aliases for node in fleet.nodes} == {
                ()
            }  # each has its own name, and it is the one we use
            _nothing_is_left(hosts)
            _no_route(hosts)
    sweep()


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


def test_stale_namespaces_of_a_killed_run_are_swept_away(tmp_path: Path) -> None:
    with Hosts(tmp_path, 1) as hosts:
        if not hosts.namespaces:
            return
        stale = "dcctl-999999999-node001"
        subprocess.run(["ip", "netns", "add", stale], check=True)
        sweep()
        listed = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
        assert stale not in listed
        assert hosts.ops in listed
