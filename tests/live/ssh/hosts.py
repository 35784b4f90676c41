"""Many hosts on one machine: a network namespace each, on a bridge in an operations namespace.

The root namespace gets no address of this fabric and no interface in it, so that the tests neither depend on
the machine's own network nor disturb it. Programs under test run inside the operations namespace (`command`).
Where namespaces cannot be made, every host is a port of its own on 127.0.0.x.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.components import without_lists
from tests.live.ssh.sshd import Sshd, free_port, make_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

PREFIX = "dcctl"
NETNS_FOLDER = Path("/run/netns")


def _ip(*lines: str) -> None:
    """Run one batch of ip(8) commands; CalledProcessError with its words when one fails."""
    script = "\n".join(lines) + "\n"
    subprocess.run(["ip", "-batch", "-"], input=script, text=True, check=True, capture_output=True)


def namespaces_work() -> bool:
    """True when this process may make a network namespace with a bridge and a UTS namespace."""
    if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("unshare") is None:
        return False
    name = f"{PREFIX}-{os.getpid()}-try"
    try:
        _ip(f"netns add {name}")
        bridge = ["ip", "-n", name, "link", "add", "br0", "type", "bridge"]
        subprocess.run(bridge, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    else:
        return True
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def sweep() -> None:
    """Remove the namespaces that a killed run left behind, and what still runs in them."""
    if not NETNS_FOLDER.is_dir():
        return
    for path in sorted(NETNS_FOLDER.iterdir()):
        match = re.fullmatch(rf"{PREFIX}-(\d+)-\w+", path.name)
        if match and not Path(f"/proc/{match[1]}").exists():
            _remove(path.name)


def _remove(namespace: str) -> None:
    """End what runs in a namespace and delete it."""
    inside = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True, check=False)
    for pid in inside.stdout.split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True)


class Hosts:
    """`count` hosts named node001… with a real sshd each; a context manager that takes everything down."""

    def __init__(
        self, folder: Path, count: int, *, namespaces: bool = True, options: Mapping[str, str] | None = None
    ) -> None:
        """`namespaces=False` forces loopback ports; `options` go to every sshd_config."""
        self.folder, self.namespaces = folder, namespaces and namespaces_work()
        self.names = [f"node{index:03d}" for index in range(1, count + 1)]
        self.key = make_key(folder / "client_key")
        self.servers: dict[str, Sshd] = {}
        self._prefix = f"{PREFIX}-{os.getpid()}-"
        self._options = dict(options or {})

    @property
    def ops(self) -> str:
        """Name of the operations namespace."""
        return f"{self._prefix}ops"

    def namespace(self, name: str) -> str:
        """Name of the network namespace of a host."""
        return f"{self._prefix}{name}"

    @property
    def command(self) -> tuple[str, ...]:
        """What to put before a command line so that it runs where the hosts can be reached."""
        return ("ip", "netns", "exec", self.ops) if self.namespaces else ()

    @property
    def ssh_config(self) -> Path:
        """An ssh_config that knows every host by name."""
        return self.folder / "ssh_config"

    @property
    def known_hosts(self) -> Path:
        """The known_hosts file that the ssh_config names."""
        return self.folder / "known_hosts"

    def __enter__(self) -> Hosts:
        sweep()
        try:
            if self.namespaces:
                self._build_fabric()
            for index, name in enumerate(self.names, start=1):
                self.servers[name] = self._server(index, name)
            for server in self.servers.values():
                server.authorise(self.key)
                server.start(wait=not self.namespaces)
            self._write_client_files()
            self._wait()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop every server by pid and delete every namespace, also after a failed start."""
        for server in self.servers.values():
            server.stop()
        if self.namespaces:
            for name in [*self.names, "ops"]:
                _remove(f"{self._prefix}{name}")

    def _address(self, index: int) -> str:
        if self.namespaces:
            return f"10.77.{index // 250}.{index % 250 + 1}"
        return f"127.0.0.{index % 250 + 1}"

    def _server(self, index: int, name: str) -> Sshd:
        address = self._address(index)
        port = 22 if self.namespaces else free_port(address)
        return Sshd(
            self.folder / name, address=address, port=port, options=self._options, inside=self._inside(name)
        )

    def _inside(self, name: str) -> Sequence[str]:
        if not self.namespaces:
            return without_lists()
        rename = f'hostname {name} && exec "$0" "$@"'
        return ("ip", "netns", "exec", f"{self._prefix}{name}", "unshare", "--uts", "sh", "-c", rename)

    def _build_fabric(self) -> None:
        _ip(*(f"netns add {self._prefix}{name}" for name in ["ops", *self.names]))
        inside_ops = [
            "link set lo up",
            "link add br0 type bridge",
            "link set br0 up",
            "addr add 10.77.0.1/16 dev br0",
        ]
        for name in self.names:
            inside_ops.append(f"link add {name} type veth peer name eth0 netns {self._prefix}{name}")
            inside_ops.append(f"link set {name} master br0 up")
        self._ip_in("ops", inside_ops)
        for index, name in enumerate(self.names, start=1):
            address = f"addr add {self._address(index)}/16 dev eth0"
            self._ip_in(name, ["link set lo up", address, "link set eth0 up"])

    def _ip_in(self, name: str, lines: Sequence[str]) -> None:
        command = ["ip", "-n", f"{self._prefix}{name}", "-batch", "-"]
        subprocess.run(command, input="\n".join(lines) + "\n", text=True, check=True, capture_output=True)

    def _write_client_files(self) -> None:
        self.known_hosts.write_text("".join(server.known_hosts() for server in self.servers.values()))
        blocks = [
            f"Host {name}\n  HostName {server.address}\n  Port {server.port}\n"
            for name, server in self.servers.items()
        ]
        user = next(iter(self.servers.values())).user
        common = f"Host *\n  User {user}\n  IdentityFile {self.key}\n  IdentitiesOnly yes\n"
        common += f"  UserKnownHostsFile {self.known_hosts}\n  GlobalKnownHostsFile none\n"
        self.ssh_config.write_text("".join(blocks) + common)

    def _wait(self) -> None:
        """Return when every server accepts connections, asked from inside the fabric."""
        if not self.namespaces:
            return
        pairs = " ".join(f"{server.address}:{server.port}" for server in self.servers.values())
        script = (
            "import socket,sys,time\n"
            "end=time.monotonic()+60\n"
            "for pair in sys.argv[1].split():\n"
            "    host,port=pair.split(':')\n"
            "    while True:\n"
            "        try:\n"
            "            socket.create_connection((host,int(port)),timeout=2).close(); break\n"
            "        except OSError:\n"
            "            if time.monotonic()>end: raise SystemExit(pair)\n"
            "            time.sleep(0.05)\n"
        )
        subprocess.run([*self.command, "python3", "-c", script, pairs], check=True)
