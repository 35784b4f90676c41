"""Servers that misbehave: a listening socket on loopback, and what it does to each connection."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VERSION = b"SSH-2.0-OpenSSH_9.2\r\n"


class Peer:
    """A port, and how many connections came to it."""

    def __init__(self, listener: socket.socket) -> None:
        self.address: str = "127.0.0.1"
        self.port: int = listener.getsockname()[1]
        self.connections = 0
        self.ended = threading.Event()


@contextmanager
def misbehaving(serve: Callable[[socket.socket, threading.Event], None]) -> Iterator[Peer]:
    """Call `serve` for each connection, in a thread; its event is set when the test is over."""
    listener = socket.create_server(("127.0.0.1", 0))
    peer, threads = Peer(listener), list[threading.Thread]()

    def one(stream: socket.socket) -> None:
        with stream, suppress(OSError):
            serve(stream, peer.ended)

    def accept() -> None:
        with suppress(OSError):
            while True:
                stream, _ = listener.accept()
                peer.connections += 1
                threads.append(threading.Thread(target=one, args=(stream,), daemon=True))
                threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield peer
    finally:
        peer.ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in [acceptor, *threads]:
            thread.join(10)


def silent(stream: socket.socket, ended: threading.Event) -> None:
    """Say nothing at all."""
    ended.wait(60)


def drip(stream: socket.socket, ended: threading.Event) -> None:
    """Send a byte now and then, and never a whole line."""
    while not ended.wait(0.05):
        stream.sendall(b"x")


def flood(stream: socket.socket, ended: threading.Event) -> None:
    """Send much, and never a whole line."""
    while not ended.is_set():
        stream.sendall(b"x" * 4096)


def hang_up(stream: socket.socket, ended: threading.Event) -> None:
    """Close at once, as sshd does above MaxStartups."""


def web_server(stream: socket.socket, ended: threading.Event) -> None:
    """Speak another protocol."""
    stream.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n\x1b[31mred")


def version_then_silence(stream: socket.socket, ended: threading.Event) -> None:
    """Begin like sshd, and stop."""
    stream.sendall(VERSION)
    ended.wait(60)


def version_then_garbage(stream: socket.socket, ended: threading.Event) -> None:
    """Begin like sshd, and send a packet that is none."""
    stream.sendall(VERSION + b"\x00\x00\x00\x0c\x04\x14" + b"\xff" * 64)
    ended.wait(60)
