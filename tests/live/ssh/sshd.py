"""A real OpenSSH server in a temporary folder, with its own host key and its own authorised keys."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

SSHD = "/usr/sbin/sshd"
READY_S = 60.0
DEFAULTS: dict[str, str] = {
    "UsePAM": "no",
    "StrictModes": "no",
    "UseDNS": "no",
    "PidFile": "none",
    "PasswordAuthentication": "no",
    "KbdInteractiveAuthentication": "no",
    "PermitRootLogin": "prohibit-password",
    "PrintMotd": "no",
    "MaxStartups": "400",
    "LoginGraceTime": "60",
    "LogLevel": "ERROR",
}


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    """Return the path of a new private key; its public half lies beside it as PATH.pub."""
    size = ["-b", "2048"] if kind == "rsa" else []
    command = ["ssh-keygen", "-q", "-t", kind, *size, "-N", passphrase, "-C", "", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def free_port(address: str = "127.0.0.1") -> int:
    """Return a TCP port of `address` that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


class Sshd:
    """One sshd in the foreground; a context manager that stops it by pid."""

    def __init__(
        self,
        folder: Path,
        *,
        address: str = "127.0.0.1",
        port: int | None = None,
        options: Mapping[str, str] | None = None,
        key_kinds: Sequence[str] = ("ed25519",),
        inside: Sequence[str] = (),
    ) -> None:
        """`inside` is put before the command line, e.g. `ip netns exec NAME`; `options` go to sshd_config."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.address, self.inside = folder, address, tuple(inside)
        self.port = port or free_port(address)
        self.host_keys = [make_key(folder / f"host_{kind}", kind) for kind in key_kinds]
        self.authorised = folder / "authorized_keys"
        self.authorised.touch()
        self.config = folder / "sshd_config"
        self.read_as = str(self.config)
        self.log = folder / "sshd.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.write_config(options or {})

    def write_config(self, options: Mapping[str, str]) -> None:
        """Write sshd_config; takes effect at the next start."""
        fixed = {"ListenAddress": f"{self.address}:{self.port}", "AuthorizedKeysFile": str(self.authorised)}
        lines = [f"{key} {value}" for key, value in {**DEFAULTS, **fixed, **options}.items()]
        lines += [f"HostKey {key}" for key in self.host_keys]
        self.config.write_text("\n".join(lines) + "\n")

    def authorise(self, *keys: Path) -> None:
        """Let the owners of these private keys in."""
        self.authorised.write_text("".join(Path(f"{key}.pub").read_text() for key in keys))

    def known_hosts(self, name: str | None = None) -> str:
        """Return the known_hosts lines of this server, under `name` or [address]:port."""
        name = name or (self.address if self.port == 22 else f"[{self.address}]:{self.port}")
        return "".join(f"{name} {Path(f'{key}.pub').read_text().strip()}\n" for key in self.host_keys)

    @property
    def user(self) -> str:
        """The only account that an unprivileged sshd can let in, and root for root."""
        return getpass.getuser()

    def start(self, *, wait: bool = True) -> None:
        """Start it; with `wait`, it answers on its port when this returns."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        command = [*self.inside, SSHD, "-f", self.read_as, "-D", "-e"]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            self.wait()

    def wait(self) -> None:
        """Return when the port answers; RuntimeError with sshd's own words when it never does."""
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                socket.create_connection((self.address, self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError(f"sshd did not start: {self.log.read_text()}")

    @property
    def pid(self) -> int:
        """Process id of the listener."""
        if self._process is None:
            raise RuntimeError("not started")
        return self._process.pid

    def stop(self) -> None:
        """Stop the listener by pid; sessions that are still open end with their clients."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def __enter__(self) -> Sshd:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
