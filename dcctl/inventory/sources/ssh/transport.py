"""One authenticated SSH connection: TCP or a jump host, handshake, host key, user key, all by paramiko.

A transport without paramiko's SSHClient: that parses known_hosts and looks for keys again for each host.
"""

from __future__ import annotations

import logging
import shlex
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct

from dcctl.inventory.sources.ssh.agent import Identities
from dcctl.inventory.sources.ssh.error import SshError, printable
from dcctl.inventory.sources.ssh.hostkeys import Verdict, lookup_names
from dcctl.inventory.sources.ssh.wire import Wire, dial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paramiko import Transport

    from dcctl.inventory.sources.ssh.agent import Identity
    from dcctl.inventory.sources.ssh.config import HostOptions
    from dcctl.inventory.sources.ssh.hostkeys import KnownHosts
    from dcctl.inventory.sources.ssh.watch import Watchdog

RETRY_AFTER_S = 0.5
"""A server that drops connections before its version (MaxStartups) is asked once more after this."""
_HOST_KEYS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
_CHEAP_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
_CHEAP_KEX = ("mlkem768x25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256")
"""The post-quantum one costs as little as the others (3.7 ms for both ends here). Finite-field groups cost 10
to 50 times as much; they stay at the end of the list for old servers."""


class Deadlines(Struct, frozen=True):
    """How long each phase may take, in seconds, whatever the peer does meanwhile."""

    connect_s: float = 10.0
    banner_s: float = 15.0
    """Version exchange and key exchange together."""
    auth_s: float = 15.0
    command_s: float = 60.0

    def within(self, most_s: float) -> Deadlines:
        """The same where no phase may take longer than that, and a command so long."""
        return Deadlines(
            min(self.connect_s, most_s), min(self.banner_s, most_s), min(self.auth_s, most_s), most_s
        )


class Connection:
    """An authenticated connection; `close` may be called from any thread, more than once."""

    def __init__(self, transport: Transport, wire: Wire, name: str) -> None:
        self.transport, self.wire, self.name = transport, wire, name

    def close(self) -> None:
        """End the connection and everything that goes through it."""
        self.wire.close()
        self.transport.close()

    def tunnel(self, host: str, port: int, timeout_s: float) -> Wire:
        """Return a stream to host:port as seen from this host; SshError that names this host as the hop."""
        from paramiko import ChannelException

        try:
            source = ("127.0.0.1", 0)
            return Wire(self.transport.open_channel("direct-tcpip", (host, port), source, timeout=timeout_s))
        except ChannelException as error:
            reason = "does not allow forwarding" if error.code == 1 else "has no connection"
            fault = SshError(f"{reason} to {host} port {port} ({printable(str(error.text))})", "unreachable")
            raise fault.through(self.name) from error
        except peer_errors() as error:
            text = f"gave no channel to {host} port {port} within {timeout_s:g} s"
            raise SshError(text, "timeout").through(self.name) from error


def peer_errors() -> tuple[type[Exception], ...]:
    """Return what paramiko lets through when a peer dies, lies or sends garbage."""
    from cryptography.exceptions import InvalidSignature, InvalidTag
    from paramiko import SSHException

    garbage = (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        AssertionError,
        struct.error,
    )
    return (SSHException, OSError, EOFError, InvalidSignature, InvalidTag, *garbage)


def silence() -> None:
    """Keep paramiko's own log and tracebacks off stderr: each failure is told once, as a gap."""
    logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)


class HostKeyKindError(Exception):
    """The host is known by another kind of key than the one it presented."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        super().__init__(kinds)
        self.kinds = kinds


class Opener:
    """Opens one connection at a time for a thread; what the threads share is given to it."""

    def __init__(self, watchdog: Watchdog, deadlines: Deadlines, stop: threading.Event) -> None:
        """`stop` ends what `watchdog` does not watch: names, connects and the pause before a retry."""
        self._watchdog, self._deadlines, self._stop = watchdog, deadlines, stop
        self._identities = Identities()

    def open(self, options: HostOptions, known: KnownHosts, jump: Connection | None) -> Connection:
        """Return a connection whose host key was checked and whose user was accepted. Raises SshError."""
        names = lookup_names(options.host, options.port, options.host_key_alias)
        if options.host_key_alias is None:
            names = tuple(dict.fromkeys([*names, options.name.lower()]))
        kinds, retries = known.preference(names), 1
        for _ in range(3):
            wire = self._wire(options, jump)
            try:
                return self._open(wire, options, known, names, kinds)
            except HostKeyKindError as error:
                wire.close()
                kinds = error.kinds
            except ConnectionResetError:
                wire.close()
                if retries == 0 or self._stop.wait(RETRY_AFTER_S):
                    break
                retries -= 1
            except BaseException:
                wire.close()
                raise
        raise _greeting_fault(wire)

    def _wire(self, options: HostOptions, jump: Connection | None) -> Wire:
        limit = min(self._deadlines.connect_s, options.connect_timeout_s or self._deadlines.connect_s)
        if jump is not None:
            return jump.tunnel(options.host, options.port, limit)
        return dial(options.host, options.port, limit, self._stop)

    def _open(
        self,
        wire: Wire,
        options: HostOptions,
        known: KnownHosts,
        names: tuple[str, ...],
        kinds: tuple[str, ...],
    ) -> Connection:
        transport = self._handshake(wire, kinds)
        check_host_key(transport, known, names, kinds, options.typed)
        self._authenticate(transport, wire, options)
        return Connection(transport, wire, options.name)

    def _handshake(self, wire: Wire, kinds: tuple[str, ...]) -> Transport:
        """Return a transport with keys exchanged. Raises SshError; ConnectionResetError: closed too early."""
        import paramiko

        limit = self._deadlines.banner_s
        transport = paramiko.Transport(wire)  # type: ignore[arg-type]  # the stubs do not know that a stream will do
        transport.banner_timeout = transport.handshake_timeout = limit + 5
        prefer_cheap(transport, kinds)
        done = threading.Event()
        with self._watchdog.limit(limit, wire.close) as alarm:
            transport.start_client(event=done)
            _wait(done, transport)
        if transport.is_active() and not alarm.rang:
            return transport
        error = transport.get_exception()
        if alarm.rang:
            raise _slow_fault(wire, limit)
        if not transport.remote_version:
            if wire.greeting and not wire.greeting.startswith(b"SSH-") and b"\n" not in wire.greeting:
                raise _greeting_fault(wire)
            raise ConnectionResetError
        raise SshError(f"the key exchange failed: {printable(str(error or 'connection closed'))}", "failed")

    def _authenticate(self, transport: Transport, wire: Wire, options: HostOptions) -> None:
        """Return when the server accepted a key. Raises SshError."""
        keys, problems = self._identities.offer(
            options.identity_files, options.identity_agent, only=options.identities_only
        )
        limit, hint = self._deadlines.auth_s, f"ssh -v {shlex.quote(options.name)}"
        if not keys:
            reason = "; ".join(problems) or "no agent and no key file"
            raise SshError(f"no key to offer as {options.user}: {reason}", "unauthenticated", "ssh-add -l")
        with self._watchdog.limit(limit, wire.close) as alarm:
            for key in keys:
                if _try_key(transport, options.user, key):
                    self._identities.proven(key)
                    return
                if alarm.rang or not transport.is_active():
                    break
        if alarm.rang:
            raise SshError(f"authentication did not end within {limit:g} s", "timeout", hint)
        raise _refused(transport, options.user, keys, problems, hint)


def prefer_cheap(transport: Transport, kinds: Sequence[str]) -> None:
    """Put cheap algorithms and known kinds of host key first. Nothing is taken off any list."""
    security = transport.get_security_options()
    security.kex = _first(_CHEAP_KEX, security.kex)
    security.ciphers = _first(_CHEAP_CIPHERS, security.ciphers)
    wanted = [name for kind in kinds for name in _signatures(kind)]
    security.key_types = _first(wanted, _HOST_KEYS)


def _first(wanted: Sequence[str], all_names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(name for name in wanted if name in all_names), *all_names]))


def _signatures(kind: str) -> tuple[str, ...]:
    """Return the signature algorithms of a kind of key (RFC 8332 for RSA)."""
    return ("rsa-sha2-512", "rsa-sha2-256") if kind == "ssh-rsa" else (kind,)


def _wait(done: threading.Event, transport: Transport) -> None:
    """Return when the transport has finished this step or has died."""
    while not done.wait(0.5):
        if not transport.is_alive():
            return


def check_host_key(
    transport: Transport, known: KnownHosts, names: tuple[str, ...], asked: tuple[str, ...], typed: str
) -> None:
    """Return only when known_hosts vouches for the server. HostKeyKindError: ask again for another kind.

    `typed` is what one types after `ssh` to reach it, and to be asked about its key.
    """
    key = transport.get_remote_server_key()
    kind, where = key.get_name(), shlex.quote(names[0])
    verdict = known.check(names, kind, key.get_base64())
    if verdict is Verdict.KNOWN:
        return
    look = f"ssh-keygen -F {where}"
    if verdict is Verdict.REVOKED:
        raise SshError(f"the host key of {names[0]} is marked @revoked in known_hosts", "invalid", look)
    if verdict is Verdict.CHANGED:
        text = (
            f"the host key has CHANGED: the server's {kind} {key.fingerprint} is not the one in known_hosts"
        )
        raise SshError(f"{text} (reinstalled, or somebody in between)", "invalid", look)
    kinds = known.kinds(names)
    if kinds and kinds != asked:
        raise HostKeyKindError(kinds)
    if kinds:
        text = f"the server has a {kind} key, known_hosts has only {', '.join(kinds)} for it"
        raise SshError(text, "invalid", look)
    if known.has_authority(names):
        raise SshError(
            "known by a certificate authority only: host certificates are not checked", "unsupported"
        )
    raise SshError(
        f"no host key is known for {names[0]} (its {kind} is {key.fingerprint})",
        "missing",
        f"ssh {typed} true",
    )


def _try_key(transport: Transport, user: str, identity: Identity) -> bool:
    """Offer one key; True when the server let us in."""
    done = threading.Event()
    with suppress(*peer_errors()):
        transport.auth_publickey(user, identity.key, event=done)
        _wait(done, transport)
    return transport.is_authenticated()


def _refused(
    transport: Transport, user: str, keys: Sequence[Identity], problems: Sequence[str], hint: str
) -> SshError:
    """Return why nobody was let in."""
    from paramiko import BadAuthenticationType

    error = transport.get_exception()
    if isinstance(error, SshError):
        return error
    if isinstance(error, BadAuthenticationType):
        kinds = ", ".join(printable(kind, 40) for kind in error.allowed_types)
        return SshError(f"the server wants {kinds} from {user}, not a key alone", "unauthenticated", hint)
    offered = ", ".join(dict.fromkeys(key.origin for key in keys))
    ended = "" if transport.is_active() else " and closed the connection"
    also = f"; not offered: {'; '.join(problems)}" if problems else ""
    text = f"{user} was refused{ended} after {len(keys)} key(s): {offered}{also}"
    return SshError(text, "unauthenticated", hint)


def _slow_fault(wire: Wire, limit: float) -> SshError:
    if b"SSH-" in wire.greeting:
        return SshError(f"the key exchange did not end within {limit:g} s", "timeout")
    said = f" (so far: {printable(wire.greeting, 60)})" if wire.greeting else ""
    return SshError(f"no SSH version came within {limit:g} s{said}", "timeout")


def _greeting_fault(wire: Wire) -> SshError:
    """Return what to say of a peer that never sent an SSH version."""
    if not wire.greeting:
        return SshError(
            "the connection was closed before the SSH version, twice (MaxStartups?)", "unreachable"
        )
    return SshError(f"no SSH server there: it says {printable(wire.greeting, 80)!r}", "invalid")
