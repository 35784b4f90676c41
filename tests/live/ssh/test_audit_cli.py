"""`dcctl audit -w` against real SSH servers: what it finds twice is known, what is silent is never gone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.live.ssh.hosts import Hosts
from tests.live.ssh.test_cli import dcctl

if TYPE_CHECKING:
    from pathlib import Path


def test_nodes_are_audited_compared_and_missed(tmp_path: Path, home: dict[str, str]) -> None:
    """In networks of their own, since servers of other tests come and go in this one."""
    (tmp_path / "some").mkdir()
    with Hosts(tmp_path / "some", 3) as hosts:
        words = ("audit", "-w", ",".join(hosts.names), "--select", "NOD-0*", "-o", "json")
        first = dcctl(hosts, home, *words)
        assert first.returncode in {1, 3}, first.stderr
        items = json.loads(first.stdout)["items"]
        assert items
        assert {each["status"] for each in items} == {"new"}
        second = json.loads(dcctl(hosts, home, *words).stdout)
        assert (second["summary"]["new"], second["summary"]["gone"]) == (0, 0)
        hosts.servers[hosts.names[1]].stop()
        third = dcctl(hosts, home, *words)
        assert third.returncode == 3
        told = json.loads(third.stdout)
        dark = [each for each in told["items"] if each["object"] == hosts.names[1]]
        assert told["summary"]["gone"] == 0
        assert {each["status"] for each in dark} <= {"unsure"}
        assert bool(dark) == any(each["object"] == hosts.names[1] for each in items)


def test_a_node_is_logged_in_to_once(tmp_path: Path, home: dict[str, str]) -> None:
    (tmp_path / "one").mkdir()
    with Hosts(tmp_path / "one", 1, namespaces=False, options={"LogLevel": "VERBOSE"}) as hosts:
        (name,) = hosts.names
        done = dcctl(hosts, home, "audit", "-w", name, "--select", "NOD-*", "--no-record", "-o", "json")
        told = json.loads(done.stdout)
        assert {"pass", "fail"} & {row["state"] for row in told["details"]["checks"]}, done.stderr
        assert hosts.servers[name].log.read_text().count("Accepted publickey") == 1
