"""The byte stream under an SSH connection: a TCP socket, or a channel through a jump host."""

from __future__ import annotations

import errno
import ipaddress
import os
import select
import shlex
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TypeAlias

from dcctl.inventory.sources.ssh.error import SshError

if TYPE_CHECKING:
    from collections.abc import Callable

GREETING_CAP_BYTES = 16 * 1024
"""RFC 4253 section 4.2 lets a server send lines before its version; more than this is not an SSH server."""
WAKE_S = 5.0
"""How often a waiting thread looks around. Whoever wants it to end cuts its stream, and it wakes at once."""
SLICE_S = 0.25
"""How soon a wait notices that the run was interrupted."""
Address: TypeAlias = tuple[str | int | bytes, ...]


class Stream(Protocol):
    """What both kinds have in common."""

    def recv(self, size: int, /) -> bytes: ...
    def send(self, data: bytes, /) -> int: ...
    def settimeout(self, seconds: float | None, /) -> None: ...
    def close(self) -> None: ...


class Wire:
    """A stream that keeps what the peer said before its version, and that can be cut from any thread."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._closed = False
        self.greeting = b""
        self.send = stream.send
        self.recv: Callable[[int], bytes] = self._recv_greeting

    def settimeout(self, seconds: float | None) -> None:
        """Let a waiting thread wake up less often than it asks to: paramiko would look ten times a second."""
        self._stream.settimeout(None if seconds is None else max(seconds, WAKE_S))

    def _recv_greeting(self, size: int) -> bytes:
        """Return the next bytes, kept; after the version line the stream is read without this."""
        data = self._stream.recv(size)
        self.greeting += data
        if b"SSH-" in self.greeting and b"\n" in self.greeting[self.greeting.index(b"SSH-") :]:
            self.recv = self._stream.recv
        elif len(self.greeting) > GREETING_CAP_BYTES:
            self.close()
            raise OSError(errno.EPROTO, "no SSH version in the first bytes")
        return data

    def close(self) -> None:
        """End the stream; a thread that is blocked in it wakes up."""
        self._closed = True
        if isinstance(self._stream, socket.socket):
            with suppress(OSError):
                self._stream.shutdown(socket.SHUT_RDWR)
        with suppress(OSError, EOFError):
            self._stream.close()


def dial(host: str, port: int, timeout_s: float, stop: threading.Event) -> Wire:
    """Return a connected TCP stream; every address of the name is tried.

    Raises SshError within `timeout_s`, or soon after `stop` was set.
    """
    end = time.monotonic() + timeout_s
    fault = SshError(f"no address for {host}", "unreachable")
    addresses = _resolve(host, port, timeout_s, stop)
    for index, (family, address) in enumerate(addresses):
        share = (end - time.monotonic()) / (len(addresses) - index)
        if share <= 0 or stop.is_set():
            break
        try:
            return Wire(_connect(family, address, share, stop))
        except OSError as error:
            fault = _connect_fault(error, f"{address[0]!s} port {port}", timeout_s)
    raise fault


def _connect(family: int, address: Address, timeout_s: float, stop: threading.Event) -> socket.socket:
    """Return a connected socket. OSError; TimeoutError also when `stop` is set meanwhile."""
    stream = socket.socket(family, socket.SOCK_STREAM)
    try:
        stream.setblocking(False)
        _finish_connect(stream, stream.connect_ex(address), time.monotonic() + timeout_s, stop)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        stream.close()
        raise
    return stream


def _finish_connect(stream: socket.socket, code: int, end: float, stop: threading.Event) -> None:
    if code == errno.EINPROGRESS:
        waiter = select.poll()
        waiter.register(stream, select.POLLOUT)
        while not waiter.poll(max(0, min(SLICE_S, end - time.monotonic())) * 1000):
            if stop.is_set() or time.monotonic() >= end:
                raise TimeoutError
        code = stream.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


def _resolve(host: str, port: int, timeout_s: float, stop: threading.Event) -> list[tuple[int, Address]]:
    """Return the addresses of a name. getaddrinfo has no deadline of its own, so it runs beside."""
    with suppress(ValueError):
        family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
        return [(family, (host, port))]
    answers: list[list[tuple[int, Address]] | OSError | UnicodeError] = []
    done, end = threading.Event(), time.monotonic() + timeout_s

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.append([(item[0], item[4]) for item in found])
        except (OSError, UnicodeError) as error:
            answers.append(error)
        done.set()

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    while not done.wait(min(SLICE_S, max(0, end - time.monotonic()))):
        if stop.is_set() or time.monotonic() >= end:
            hint = f"getent hosts {shlex.quote(host)}"
            raise SshError(f"the name {host} was not resolved within {timeout_s:g} s", "timeout", hint)
    if isinstance(answers[0], list):
        return answers[0]
    raise _name_fault(host, answers[0])


def _name_fault(host: str, error: OSError | UnicodeError) -> SshError:
    hint = f"getent hosts {shlex.quote(host)}"
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return SshError(
            f"the name {host} was not resolved: the name server gave no answer", "unreachable", hint
        )
    return SshError(f"the name {host} is not known", "unreachable", hint)


def _connect_fault(error: OSError, where: str, timeout_s: float) -> SshError:
    if isinstance(error, ConnectionRefusedError):
        return SshError(f"connection refused by {where}: no SSH server there", "unreachable")
    if isinstance(error, TimeoutError):
        return SshError(f"no connection to {where} within {timeout_s:g} s", "timeout")
    if error.errno in {errno.EHOSTUNREACH, errno.ENETUNREACH}:
        return SshError(f"no route to {where}", "unreachable")
    return SshError(f"no connection to {where}: {error.strerror or error}", "unreachable")
