"""A node over real SSH: what it says, that nothing stays behind, and what happens without Python."""

from __future__ import annotations

import os
import platform
import subprocess
from typing import TYPE_CHECKING

import pytest

from dcctl.inventory.probes.bundle import node_probe
from dcctl.inventory.sources.ssh import Target, parse, probe
from dcctl.inventory.sources.ssh_run import Answer, Reply, Script, Session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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
    assert (node.name, node.site, node.aliases) == ("node", "dc1", (platform.node(),))
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
            "ForceCommand": '! touch /tmp/x /root/x /var/tmp/x /dev/shm/x 2>/dev/null && eval "$SSH_ORIGINAL_COMMAND"'
        },
    )
    fleet = client.collect("node")
    assert fleet.gaps == ()
    assert len(fleet.nodes) == 1


def test_no_process_is_left_on_the_node(client: Client, start: Callable[..., Sshd]) -> None:
    server = start()
    client.collect("node")
    tree = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(server.pid)], capture_output=True, text=True, check=False
    )
    # sshd's own session process may still be on its way out; the probe's children would outlive it
    for _ in tree.stdout.split():
        subprocess.run(
            ["sh", "-c", f"while pgrep -P {server.pid} >/dev/null; do sleep 0.05; done"],
            check=True,
            timeout=20,
        )
    mark = str(server.folder)
    environments = subprocess.run(["pgrep", "-f", mark], capture_output=True, text=True, check=False)
    assert environments.stdout.split() == [str(server.pid)]


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


@pytest.mark.parametrize("shell", ["fish", "zsh", "csh"])
def test_the_command_is_one_that_every_login_shell_passes_on(shell: str, tmp_path: Path) -> None:
    """A stand-in for csh: no newline, no exclamation mark, which it would take for history."""
    command = probe().command
    assert "\n" not in command
    assert "!" not in command
    found = subprocess.run(["sh", "-c", f"command -v {shell}"], capture_output=True, text=True, check=False)
    if not found.stdout:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run(
        [shell, "-c", command], input=node_probe(), capture_output=True, cwd=tmp_path, check=True
    )
    assert done.stdout.endswith(b"@@dcctl end\n")


def test_a_connection_is_kept_for_the_next_script(client: Client, start: Callable[..., Sshd]) -> None:
    server = start(options={"LogLevel": "VERBOSE"})
    with Session(client.overrides(), keep=True) as session:
        for word in ("one", "two"):
            (answer,) = session.run([Target("node")], Script(f"echo {word}; cat", b"!"))
            assert isinstance(answer.result, Reply)
            assert answer.result.stdout == f"{word}\n!".encode()
    assert server.log.read_text().count("Accepted publickey") == 1
