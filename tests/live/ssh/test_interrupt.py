"""Ctrl-C: nobody waits for a deadline, wherever the hosts hang."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.ssh.run import Overrides
from dcctl.inventory.sources.ssh.source import SshSource, Target
from tests.live.ssh import peers

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.live.ssh.client import Client
    from tests.live.ssh.sshd import Sshd

ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys
from dcctl.inventory.sources.ssh.run import Overrides, Script, Session, Target
from dcctl.inventory.sources.ssh.transport import Deadlines
patient = Deadlines(connect_s=600, banner_s=600, auth_s=600, command_s=600)
try:
    with Session(Overrides(sys.argv[1]), patient) as session:
        for answer in session.run([Target(name) for name in sys.argv[2:]], Script("echo >&2")):
            print(answer.target.name, flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_ctrl_c_ends_every_wait(client: Client, start: Callable[..., Sshd]) -> None:
    """One host answers; one hangs in its command, one before its version, one in its key exchange."""
    start("quick")
    start("slow", options={"ForceCommand": "sleep 600"})
    with peers.misbehaving(peers.silent) as mute, peers.misbehaving(peers.version_then_silence) as half:
        client.add_block("mute", {"HostName": "127.0.0.1", "Port": str(mute.port)})
        client.add_block("half", {"HostName": "127.0.0.1", "Port": str(half.port)})
        config = client.overrides().config_file
        command = [sys.executable, "-c", PROGRAM, str(config), "mute", "half", "slow", "quick"]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                assert process.stdout.readline() == "quick\n"
                process.send_signal(signal.SIGINT)
                rest, _ = process.communicate(timeout=60)
            finally:
                process.kill()
    assert (rest, process.returncode) == ("interrupted\n", 0)


def test_a_configuration_that_cannot_be_read_is_one_error_for_all(tmp_path: Path) -> None:
    source = SshSource([Target("a"), Target("b")], overrides=Overrides(str(tmp_path / "absent")))
    with pytest.raises(SourceError) as caught:
        source.collect()
    assert (caught.value.subject, caught.value.cause) == ("ssh_config", "invalid")
