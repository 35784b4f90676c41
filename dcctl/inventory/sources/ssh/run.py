"""Runs one script on many hosts at once over SSH; whatever streams probes to nodes stands on this."""

from __future__ import annotations

import shlex
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from dcctl.inventory.model import MAX_PORT
from dcctl.inventory.sources.ssh import config as ssh_config
from dcctl.inventory.sources.ssh.error import SshError, printable
from dcctl.inventory.sources.ssh.hostkeys import KnownHosts
from dcctl.inventory.sources.ssh.transport import Connection, Deadlines, Opener, peer_errors, silence
from dcctl.inventory.sources.ssh.watch import Watchdog

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from paramiko import Channel

DEFAULT_FANOUT = 32
OUTPUT_CAP_BYTES = 8 * 1024 * 1024


class Target(Struct, frozen=True):
    """A host to reach. What is None comes from ssh_config, where `name` is looked up."""

    name: str
    address: str | None = None
    user: str | None = None
    port: int | None = None
    site: str | None = None


class Overrides(Struct, frozen=True):
    """Files to use in place of those that ssh_config(5) names."""

    config_file: str | None = None
    identity_file: str | None = None
    known_hosts: str | None = None


class Script(Struct, frozen=True):
    """A command line for the login shell of the host, and what it reads on its standard input."""

    command: str
    stdin: bytes = b""


class Reply(Struct, frozen=True):
    """What a command wrote and how it ended; `status` is -1 when it was killed by a signal."""

    stdout: bytes
    stderr: str
    status: int


class Answer(Struct, frozen=True):
    """One host's reply, or why there is none."""

    target: Target
    result: Reply | SshError


class Session:
    """Connections to hosts for one run; a context manager. With `keep`, later scripts reuse them."""

    def __init__(
        self,
        overrides: Overrides | None = None,
        deadlines: Deadlines | None = None,
        *,
        fanout: int = DEFAULT_FANOUT,
        keep: bool = False,
        cap_bytes: int = OUTPUT_CAP_BYTES,
    ) -> None:
        """Nothing is read and nobody is contacted before `run`."""
        self._overrides, self._deadlines = overrides or Overrides(), deadlines or Deadlines()
        self._fanout, self._keep, self._cap = max(1, fanout), keep, cap_bytes
        self._config: ssh_config.SshConfig | None = None
        self._watchdog = Watchdog()
        self._stop = threading.Event()
        self._opener = Opener(self._watchdog, self._deadlines, self._stop)
        self._lock = threading.Lock()
        self._known: dict[tuple[str, ...], KnownHosts] = {}
        self._open: dict[Target, Connection] = {}
        self._hops: dict[tuple[ssh_config.Hop, ...], _SharedHop] = {}

    def __enter__(self) -> Session:
        silence()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Cut every connection, also those that another thread is using."""
        with self._lock:
            self._stop.set()
            connections = [
                *self._open.values(),
                *(hop.connection for hop in self._hops.values() if hop.connection),
            ]
            self._open.clear()
        self._watchdog.close()
        for connection in connections:
            connection.close()

    def run(self, targets: Sequence[Target], script: Script) -> Iterator[Answer]:
        """Yield each host's answer as it comes. Leaving the loop early, or Ctrl-C, cuts what still runs."""
        self._configuration()
        pool = ThreadPoolExecutor(min(self._fanout, max(1, len(targets))), thread_name_prefix="ssh")
        try:
            for future in as_completed([pool.submit(self._one, target, script) for target in targets]):
                yield future.result()
        except BaseException:
            self.close()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _configuration(self) -> ssh_config.SshConfig:
        if self._config is None:
            file = self._overrides.config_file
            self._config = ssh_config.load(Path(file).expanduser() if file else None)
        return self._config

    def _one(self, target: Target, script: Script) -> Answer:
        try:
            connection = self._connection(target)
            try:
                reply = self._execute(connection, script)
            except SshError:
                self._drop(target)
                raise
        except SshError as fault:
            return Answer(target, fault)
        if not self._keep:
            self._drop(target)
        return Answer(target, reply)

    def _connection(self, target: Target) -> Connection:
        held = self._open.get(target)
        if held is not None and held.transport.is_active():
            return held
        options = self._options(target)
        jump = self._through(self._configuration().route(options))
        connection = self._opener.open(options, self._known_hosts(options), jump)
        with self._lock:
            if not self._stop.is_set():
                self._open[target] = connection
                return connection
        connection.close()
        raise SshError("interrupted", "failed")

    def _drop(self, target: Target) -> None:
        with self._lock:
            connection = self._open.pop(target, None)
        if connection is not None:
            connection.close()

    def _options(self, target: Target) -> ssh_config.HostOptions:
        options = self._configuration().lookup(target.name, target.user)
        port = options.port if target.port is None else target.port
        if not 1 <= port <= MAX_PORT:  # an inventory may say anything
            raise SshError(f"port {port} is none: ports are 1 to {MAX_PORT}", "invalid")
        typed = _typed(target, self._overrides)
        options = options._replace(host=target.address or options.host, port=port, typed=typed)
        if self._overrides.identity_file:
            file = str(Path(self._overrides.identity_file).expanduser())
            options = options._replace(identity_files=(file,), identities_only=True)
        if self._overrides.known_hosts:
            options = options._replace(known_hosts=(str(Path(self._overrides.known_hosts).expanduser()),))
        return options

    def _known_hosts(self, options: ssh_config.HostOptions) -> KnownHosts:
        with self._lock:
            if options.known_hosts not in self._known:
                self._known[options.known_hosts] = KnownHosts(_texts(options.known_hosts))
            return self._known[options.known_hosts]

    def _through(self, route: tuple[ssh_config.Hop, ...]) -> Connection | None:
        """Return the connection to the last hop of a route, shared with every host behind it."""
        if not route:
            return None
        with self._lock:
            shared = self._hops.setdefault(route, _SharedHop())
        with shared.lock:
            if shared.fault is not None:
                raise SshError(shared.fault.reason, shared.fault.cause, shared.fault.hint)
            if shared.connection is None or not shared.connection.transport.is_active():
                shared.connection = self._open_hop(route, shared)
            return shared.connection

    def _open_hop(self, route: tuple[ssh_config.Hop, ...], shared: _SharedHop) -> Connection:
        """Return a new connection to the last hop. A failure is kept, so that the others need not wait."""
        jump, hop = self._through(route[:-1]), route[-1]
        try:
            options = self._options(Target(hop.name, user=hop.user, port=hop.port))
            return self._opener.open(options, self._known_hosts(options), jump)
        except SshError as fault:
            shared.fault = fault.through(hop.name)
            raise shared.fault from fault

    def _execute(self, connection: Connection, script: Script) -> Reply:
        """Run one command in a channel of its own. Raises SshError."""
        limit = self._deadlines.command_s
        with self._watchdog.limit(limit, connection.wire.close) as alarm:
            try:
                reply = execute(connection, script, self._cap)
            except peer_errors() as error:
                if alarm.rang:
                    raise SshError(f"the command did not end within {limit:g} s", "timeout") from error
                raise SshError(
                    f"the host went away half-way: {printable(str(error)) or 'closed'}", "failed"
                ) from error
        if alarm.rang:
            raise SshError(f"the command did not end within {limit:g} s", "timeout")
        return reply


def _typed(target: Target, overrides: Overrides) -> str:
    """What one types after `ssh` to reach the host as we do: by its name, so that ssh_config holds for it."""
    config, known = overrides.config_file, overrides.known_hosts
    words = ["-F", str(Path(config).expanduser())] if config else []
    words += ["-o", f"UserKnownHostsFile={Path(known).expanduser()}"] if known else []
    words += ["-o", f"HostName={target.address}"] if target.address else []
    words += ["-p", str(target.port)] if target.port is not None else []
    return shlex.join([*words, target.name])


class _SharedHop:
    """A jump host's connection, made by the first thread that needs it; a failure is kept for the others."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.connection: Connection | None = None
        self.fault: SshError | None = None


def _texts(files: Sequence[str]) -> Iterator[str]:
    for file in files:
        with suppress(OSError):
            yield Path(file).read_text("utf-8", "replace")


def execute(connection: Connection, script: Script, cap_bytes: int) -> Reply:
    """Return what the command wrote. SshError: over the cap; one of `peer_errors`: the host went away."""
    channel = connection.transport.open_session()
    channel.exec_command(script.command)
    with suppress(OSError):  # a command that ended without reading is heard below
        channel.sendall(script.stdin)
        channel.shutdown_write()
    stdout = _read(channel, cap_bytes)
    stderr = printable(channel.recv_stderr(4096)) if channel.recv_stderr_ready() else ""
    status = channel.recv_exit_status()
    channel.close()
    if status == -1 and not connection.transport.is_active():
        raise EOFError(f"after {len(stdout)} bytes")
    return Reply(stdout, stderr, status)


def _read(channel: Channel, cap_bytes: int) -> bytes:
    parts, size = [], 0
    while part := channel.recv(65536):
        parts.append(part)
        size += len(part)
        if size > cap_bytes:
            channel.close()
            raise SshError(f"more than {cap_bytes // 2**20} MiB of output", "truncated")
    return b"".join(parts)
