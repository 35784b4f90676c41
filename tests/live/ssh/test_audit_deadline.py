"""`dcctl audit --deadline` against real SSH servers: what answered in time is kept, the rest is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.live.ssh.hosts import Hosts
from tests.live.ssh.test_cli import dcctl

if TYPE_CHECKING:
    from pathlib import Path


def test_a_node_that_hangs_is_named(tmp_path: Path, home: dict[str, str]) -> None:
    (tmp_path / "some").mkdir()
    with Hosts(tmp_path / "some", 2, namespaces=False) as hosts:
        slow = hosts.servers[hosts.names[1]]
        slow.stop()
        slow.write_config({"ForceCommand": "sleep 600"})
        slow.start()
        words = ("-w", ",".join(hosts.names), "--select", "NOD-*", "-o", "json")
        done = dcctl(hosts, home, "audit", *words, "--deadline", "8", "--timeout", "100")
    assert (done.returncode, "interrupted" in done.stdout + done.stderr) == (3, False), done.stderr
    (told,) = [each for each in json.loads(done.stdout)["gaps"] if "hosts" in each["subject"]]
    assert (told["reason"], told["cause"]) == ("not reached within 8 s (--deadline)", "timeout")
    assert told["subject"].startswith(hosts.names[1])
