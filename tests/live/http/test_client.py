"""The room that sources share for HTTP, against servers on loopback that misbehave."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from dcctl.inventory.sources.http.client import Client, Patience
from dcctl.inventory.sources.http.connection import Connection, basic, bearer, pool, tls
from dcctl.inventory.sources.http.failure import Failure, retry_after
from tests.live.ssh.peers import misbehaving

if TYPE_CHECKING:
    import socket
    import threading

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


def _client(port: int, timeout_s: float = 10, **patience: object) -> Client:
    url = f"http://127.0.0.1:{port}"
    connection = Connection(url, pool(url, tls(), proxies=False), lambda: bearer("s3cr3t"))
    return Client(connection, timeout_s, Patience(**patience))  # type: ignore[arg-type]


def _head_drips(stream: socket.socket, ended: threading.Event) -> None:
    stream.recv(4096)
    stream.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not ended.wait(0.05):
        stream.sendall(b"x")


def _body_drips(stream: socket.socket, ended: threading.Event) -> None:
    stream.recv(4096)
    stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
    while not ended.wait(0.05):
        stream.sendall(b"x")


@pytest.mark.parametrize("serve", [_head_drips, _body_drips])
def test_an_answer_that_drips_ends_with_the_deadline(serve: object) -> None:
    with misbehaving(serve) as peer:  # type: ignore[arg-type]
        with pytest.raises(Failure) as caught:
            _client(peer.port, timeout_s=1).get("/")
        assert caught.value.cause == "timeout"
        assert "s3cr3t" not in repr(caught.value.__dict__)


def test_what_was_answered_is_told_where_no_time_is_left_to_ask_again() -> None:
    """A pause that takes longer than it was told to, as on a busy machine."""
    late = [0.0]

    def serve(stream: socket.socket, _: threading.Event) -> None:
        stream.recv(4096)
        stream.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def slept(_: float) -> None:
        late[0] += 60

    with misbehaving(serve) as peer, pytest.raises(Failure, match="503"):
        _client(peer.port, now=lambda: time.monotonic() + late[0], sleep=slept).get("/")


@pytest.mark.parametrize("again", [b"429 Slow Down", b"503 Busy"])
def test_retry_after_is_obeyed(again: bytes) -> None:
    waits: list[float] = []
    answers = [b"HTTP/1.1 " + again + b"\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n", _OK]

    def serve(stream: socket.socket, _: threading.Event) -> None:
        while answers and stream.recv(4096):
            stream.sendall(answers.pop(0))

    with misbehaving(serve) as peer:
        assert _client(peer.port, sleep=waits.append).get("/") == b"{}"
    assert waits == [3]


def test_retry_after_may_be_a_date_or_nonsense() -> None:
    soon = retry_after({"Retry-After": formatdate(time.time() + 600, usegmt=True)})
    assert soon is not None
    assert 0 < soon <= 600
    assert retry_after({"Retry-After": formatdate(0, usegmt=True)}) == 0
    assert retry_after({"Retry-After": "30"}) == 30
    for text in ("", "soon", "-5", "1e9", "99999999999"):
        assert retry_after({"Retry-After": text}) is None


def test_an_answer_that_is_too_large_is_not_read() -> None:
    def serve(stream: socket.socket, _: threading.Event) -> None:
        stream.recv(4096)
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" + b"x" * 5_000_000)

    with misbehaving(serve) as peer, pytest.raises(Failure) as caught:
        _client(peer.port, page_bytes=1 << 20).get("/")
    assert (caught.value.cause, caught.value.trouble) == ("truncated", "too large")


def test_who_asks_is_sent() -> None:
    heard: list[bytes] = []

    def serve(stream: socket.socket, _: threading.Event) -> None:
        heard.append(stream.recv(4096))
        stream.sendall(_OK)

    with misbehaving(serve) as peer:
        _client(peer.port).get("/x", {"a": "b c"})
    assert heard[0].startswith(b"GET /x?a=b+c ")
    assert b"Authorization: Bearer s3cr3t" in heard[0]
    assert basic("ops", "open sesame") == {"Authorization": "Basic b3BzOm9wZW4gc2VzYW1l"}
