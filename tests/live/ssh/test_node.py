"""A node over real SSH: what it says, that nothing stays behind, and what happens without Python."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dcctl.inventory.probes.bundle import node_probe
from dcctl.inventory.sources.ssh.run import Answer, Reply, Script, Session
from dcctl.inventory.sources.ssh.source import Target, parse, probe
from tests.components import need

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.inventory.model import Node
    from tests.live.ssh.client import Client
    from tests.live.ssh.sshd import Sshd

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for mount namespaces")
READ_ONLY = (
    'while read -r _ path _; do mount -o remount,ro,bind "$path" 2>/dev/null; done </proc/self/mounts;'
    ' exec "$0" "$@"'
)
NO_PYTHON = (
    "for p in /usr/bin/python3 /usr/libexec/platform-python; do"
    ' [ ! -e $p ] || mount --bind /dev/null "$(readlink -f $p)"; done; exec "$0" "$@"'
)
PLAIN_PATH = 'PATH=/usr/bin:/bin sh -c "$SSH_ORIGINAL_COMMAND"'


def test_a_node_says_what_it_is(client: Client, start: Callable[..., Sshd]) -> None:
    start()
    fleet = client.collect("node")
    assert fleet.gaps == ()
    (node,) = fleet.nodes
    assert (node.name, node.site) == ("node", "dc1")
    assert platform.node() in node.aliases
    assert node.system is not None
    assert (node.system.kernel, node.system.architecture) == (platform.release(), platform.machine())
    assert node.system.threads == os.cpu_count()
    assert node.capacity is not None
    assert node.capacity.memory_bytes == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert node.mounts is not None
    root = next(mount for mount in node.mounts if mount.path == "/")
    assert root.size_bytes == os.statvfs("/").f_blocks * os.statvfs("/").f_frsize
    assert node.use is not None
    assert node.use.cpu_milli is not None


@needs_root
def test_it_works_on_a_node_where_nothing_can_be_written(client: Client, start: Callable[..., Sshd]) -> None:
    """So that nothing can be left behind."""
    start(
        inside=("unshare", "--mount", "sh", "-c", READ_ONLY),
        options={
            "ForceCommand": '! touch /tmp/x /root/x /dev/shm/x 2>/dev/null && eval "$SSH_ORIGINAL_COMMAND"'
        },
    )
    fleet = client.collect("node")
    assert fleet.gaps == ()
    assert len(fleet.nodes) == 1


def _sessions(port: int) -> list[str]:
    """Return the command lines of what runs in sessions of the sshd on this port."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "environ").read_bytes().split(b"\0")
            if any(word.startswith(b"SSH_CONNECTION=") and word.endswith(b" %d" % port) for word in words):
                found.append((process / "cmdline").read_text())
    return found


def _settled(port: int, expected: list[str]) -> list[str]:
    """Return the programs that run, as soon as they are what is expected, else after a while."""
    end = time.monotonic() + 60
    while (found := [line.split("\0")[0] for line in _sessions(port)]) != expected and time.monotonic() < end:
        time.sleep(0.05)
    return found


def test_no_process_is_left_on_the_node(client: Client, start: Callable[..., Sshd]) -> None:
    server = start()
    with Session(client.overrides()) as session:
        list(session.run([Target("node")], Script("sleep 30 >/dev/null 2>&1 &")))
    assert _settled(server.port, ["sleep"]) == ["sleep"]  # the test can see what is left
    client.collect("node")
    assert _settled(server.port, ["sleep"]) == ["sleep"]


@needs_root
def test_without_python_a_node_says_less_and_that_is_a_gap(
    client: Client, start: Callable[..., Sshd]
) -> None:
    start(inside=("unshare", "--mount", "sh", "-c", NO_PYTHON), options={"ForceCommand": PLAIN_PATH})
    fleet = client.collect("node")
    (node,) = fleet.nodes
    assert node.system is not None
    assert node.system.kernel == platform.release()
    assert [(gap.subject, gap.cause) for gap in fleet.gaps] == [("node", "missing")]
    assert "python3" in fleet.gaps[0].reason


def _here(*command: str) -> Node:
    """Run the probe on this machine, without SSH."""
    done = subprocess.run(command, input=node_probe(), capture_output=True, check=True)
    node, _ = parse(Answer(Target("here"), Reply(done.stdout, done.stderr.decode(), done.returncode)))
    assert node is not None
    return node


def test_both_probes_agree_on_what_both_can_read() -> None:
    python, shell = _here("python3", "-IBS", "-"), _here("sh", "-s")
    assert python.system is not None
    assert shell.system is not None
    for fact in (
        "kernel",
        "architecture",
        "os",
        "boot_id",
        "machine_id",
        "threads",
        "cpu_model",
        "vendor",
        "serial",
    ):
        assert getattr(shell.system, fact) == getattr(python.system, fact), fact
    assert [disk.name for disk in shell.disks or ()] == [disk.name for disk in python.disks or ()]
    assert [(nic.name, nic.mac, nic.mtu_bytes) for nic in shell.nics or ()] == [
        (nic.name, nic.mac, nic.mtu_bytes) for nic in python.nics or ()
    ]
    assert shell.accelerator_counts == python.accelerator_counts


def test_the_command_is_one_that_csh_passes_on() -> None:
    """It would take ! for history and ends a quoted word at the end of the line."""
    assert not set("!\n") & set(probe().command)


@pytest.mark.parametrize("shell", ["sh", "bash", "fish", "zsh"])
def test_the_command_runs_under_every_login_shell(shell: str, tmp_path: Path) -> None:
    command = [need(shell, shell), "-c", probe().command]
    done = subprocess.run(command, input=node_probe(), capture_output=True, cwd=tmp_path, check=True)
    assert done.stdout.endswith(b"@@dcctl end\n")


def test_a_connection_is_kept_for_the_next_script(client: Client, start: Callable[..., Sshd]) -> None:
    server = start(options={"LogLevel": "VERBOSE"})
    with Session(client.overrides(), keep=True) as session:
        for word in ("one", "two"):
            (answer,) = session.run([Target("node")], Script(f"echo {word}; cat", b"!"))
            assert isinstance(answer.result, Reply)
            assert answer.result.stdout == f"{word}\n!".encode()
    assert server.log.read_text().count("Accepted publickey") == 1
