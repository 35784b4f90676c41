"""`dcctl assess -w` as a user types it, against real SSH servers, with its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.live.ssh.hosts import Hosts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def fifty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """Fifty hosts that stay up for the tests of this module."""
    with Hosts(tmp_path_factory.mktemp("fifty"), 50) as hosts:
        yield hosts


def dcctl(hosts: Hosts, home: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run dcctl inside the operations namespace with a configuration that names all hosts."""
    folder = Path(home["XDG_CONFIG_HOME"]) / "dcctl"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(
        "[[context.test.source]]\nkind = 'ssh'\n"
        f"nodes = '{hosts.names[0].rstrip('0123456789')}[001-050]'\nconfig_file = '{hosts.ssh_config}'\n"
    )
    command = [*hosts.command, sys.executable, "-m", "dcctl", *words]
    return subprocess.run(command, env=dict(home), capture_output=True, text=True, timeout=100, check=False)


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


def test_nodes_that_are_down_are_gaps_and_the_rest_is_told(tmp_path: Path, home: dict[str, str]) -> None:
    (tmp_path / "some").mkdir()
    with Hosts(tmp_path / "some", 3, namespaces=False) as hosts:
        hosts.servers[hosts.names[1]].stop()
        some = dcctl(hosts, home, "assess", "-w", ",".join(hosts.names), "-o", "json")
        assert some.returncode == 3
        (gap,) = json.loads(some.stdout)["gaps"]
        assert (gap["subject"], gap["cause"]) == (hosts.names[1], "unreachable")
        for server in hosts.servers.values():
            server.stop()
        none = dcctl(hosts, home, "assess", "-w", ",".join(hosts.names))
        assert (none.returncode, none.stdout) == (5, "")
        assert none.stderr.count("\n") == 1


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
