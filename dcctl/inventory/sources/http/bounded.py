"""Connections whose wait for the head of an answer ends in time: each byte that drips would begin it anew."""

from __future__ import annotations

from contextlib import suppress
from socket import SHUT_RDWR, socket
from threading import Event, Timer
from typing import TYPE_CHECKING

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

if TYPE_CHECKING:
    from urllib3.response import HTTPResponse


class _Watch:
    """Ends what waits for a socket when its time is over."""

    def __init__(self, stream: socket | None, timeout_s: float | None) -> None:
        self._stream, self.over = stream, Event()
        self._timer = Timer(timeout_s, self._end) if stream is not None and timeout_s is not None else None

    def __enter__(self) -> _Watch:
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.over.is_set():
            raise TimeoutError("timed out")

    def _end(self) -> None:
        self.over.set()
        with suppress(OSError, AttributeError):  # TLS within TLS has no such thing
            if self._stream is not None:
                self._stream.shutdown(SHUT_RDWR)


class _Plain(HTTPConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # urllib3's own, as its pool expects
        with _Watch(self.sock, self.timeout):
            return super().getresponse()


class _Secure(HTTPSConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # the same
        with _Watch(self.sock, self.timeout):
            return super().getresponse()


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


POOLS = {"http": _PlainPool, "https": _SecurePool}
