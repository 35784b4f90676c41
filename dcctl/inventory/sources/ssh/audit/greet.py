"""Asks an SSH server for its version and its algorithms, without a login."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dcctl.inventory.sources.ssh import config as ssh_config
from dcctl.inventory.sources.ssh.audit.kexinit import parse_greeting
from dcctl.inventory.sources.ssh.audit.told import Untold
from dcctl.inventory.sources.ssh.error import SshError
from dcctl.inventory.sources.ssh.watch import Watchdog
from dcctl.inventory.sources.ssh.wire import dial

if TYPE_CHECKING:
    from threading import Event

    from dcctl.inventory.sources.ssh.audit.kexinit import Greeting
    from dcctl.inventory.sources.ssh.run import Overrides, Target

_HELLO = b"SSH-2.0-dcctl\r\n"


class Greeter:
    """Asks one server after the other; may be used by several threads."""

    def __init__(self, overrides: Overrides | None, stop: Event, timeout_s: float) -> None:
        """SshError: ssh_config cannot be read."""
        file = overrides.config_file if overrides else None
        self._config = ssh_config.load(Path(file).expanduser() if file else None)
        self._stop, self._timeout_s = stop, timeout_s

    def greet(self, target: Target) -> Greeting:
        """Return what a server tells to anybody. Untold: nothing that counts."""
        options = self._config.lookup(target.name, target.user)
        if self._config.route(options):
            raise Untold("behind a jump host, where only a login tells it", "unsupported")
        host = target.address or options.host
        port = options.port if target.port is None else target.port
        return ask_server(host, port, self._stop, self._timeout_s)


def ask_server(host: str, port: int, stop: Event, timeout_s: float) -> Greeting:
    """Return what the server at an address tells to anybody. Untold: nothing that counts."""
    try:
        return _ask(host, port, stop, timeout_s)
    except SshError as fault:
        raise Untold(fault.reason, fault.cause) from fault
    except (OSError, ValueError, EOFError) as error:
        raise Untold(f"{host} port {port}: {error}", "invalid") from error


def _ask(host: str, port: int, stop: Event, timeout_s: float) -> Greeting:
    wire = dial(host, port, timeout_s, stop)
    watchdog, data = Watchdog(), b""
    try:
        with watchdog.limit(timeout_s, wire.close) as alarm:
            wire.settimeout(None)
            wire.send(_HELLO)
            while (greeting := parse_greeting(data)) is None:
                part = wire.recv(65536)
                if alarm.rang:
                    raise SshError(f"no KEXINIT came within {timeout_s:g} s", "timeout")
                if not part:
                    raise SshError("the connection was closed before its KEXINIT", "unreachable")
                data += part
            return greeting
    finally:
        watchdog.close()
        wire.close()
