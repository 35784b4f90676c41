"""What a session makes of targets that nobody can reach. Nothing is contacted."""

from __future__ import annotations

import pytest

from dcctl.inventory.sources.ssh.source import SshSource, Target


@pytest.mark.parametrize("port", [0, -1, 65536, 10**30])
def test_a_port_that_is_none_is_a_gap_of_its_node(port: int) -> None:
    fleet = SshSource([Target("n1", address="127.0.0.1", port=port)]).collect()
    assert [(gap.subject, gap.cause, gap.reason) for gap in fleet.gaps] == [
        ("n1", "invalid", f"port {port} is none: ports are 1 to 65535")
    ]
