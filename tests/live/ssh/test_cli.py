"""`dcctl assess -w` as a user types it, against real SSH servers, with its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.live.ssh.hosts import Hosts, sweep

if TYPE_CHECKING:
    from collections.abc import Mapping


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
