"""HTTP/1.1 on a loopback socket: keep-alive, chunked watch streams, and the faults that need the socket."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, cast

from tests.kubeapi import response, route, status, watch
from tests.kubeapi.faults import (
    Action,
    Delay,
    Drip,
    EndlessPage,
    Garbage,
    Huge,
    Reply,
    Reset,
    StreamError,
    Truncate,
)
from tests.kubeapi.response import Response, Stream
from tests.kubeapi.status import ApiError
from tests.kubeapi.store import encode

if TYPE_CHECKING:
    from tests.kubeapi.kubeconfig import Authority
    from tests.kubeapi.route import Request
    from tests.kubeapi.server import ApiServer


CHUNKED_ABOVE = 2048  # bytes; what Go's server does with an answer whose length it was not told


class CutError(Exception):
    """The connection was torn down on purpose."""


class Listener(ThreadingHTTPServer):
    """The listening socket of one ApiServer and the connections it has accepted."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, api: ApiServer, port: int, authority: Authority | None) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.api = api
        self.port = int(self.server_address[1])
        self._tls = authority.context() if authority else None
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def finish_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override]
        """Serve one connection in its own thread; a slow TLS handshake holds up nobody else."""
        if self._tls is not None:
            request = self._tls.wrap_socket(request, server_side=True)
        self._open.add(request)
        try:
            super().finish_request(request, client_address)
        finally:
            self._open.discard(request)
            if self._tls is not None:
                request.close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that leave are part of the tests; anything else is a defect and is shown."""
        import sys

        if not isinstance(sys.exc_info()[1], OSError | CutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def stop(self) -> None:
        """No longer listening; every connection is shut."""
        self.shutdown()
        self.server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    _chunked = False

    def log_message(self, *_args: object) -> None:
        """Silence: requests are recorded, not logged."""

    @property
    def api(self) -> ApiServer:
        return cast("Listener", self.server).api

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {key.lower(): value for key, value in self.headers.items()}
        registry = self.api.cluster.registry
        request = route.parse(registry, self.command, self.path, headers, body)
        try:
            user = self.api.cluster.access.user_of(headers.get("authorization", ""))
        except ApiError as error:
            self._record(request, "")
            self._send(self._scripted(request, "", response.of_error(error)))
            return
        self._record(request, user)
        self._act(self.api.faults.due(request.method, request.target, user), request, user)
        self.wfile.flush()

    def _scripted(self, request: Request, user: str, otherwise: Response) -> Response:
        action = self.api.faults.due(request.method, request.target, user)
        if isinstance(action, Reply):
            return response.of_code(action.code, action.headers, action.message, action.body)
        return otherwise

    def _record(self, request: Request, user: str) -> None:
        from tests.kubeapi.server import Seen

        safe = {key: value for key, value in request.headers.items() if key != "authorization"}
        query = dict(request.query)
        self.api.record(Seen(request.method, request.path, query, user, time.monotonic(), safe, request.body))

    def _answer(self, user: str, request: Request) -> Response | Stream:
        try:
            return self.api.cluster.answer(user, request)
        except ApiError as error:
            return response.of_error(error)
        finally:
            if request.method != "GET":
                self.api.controllers.settle()

    def _act(self, action: Action | None, request: Request, user: str) -> None:
        match action:
            case Reply():
                self._send(response.of_code(action.code, action.headers, action.message, action.body))
            case Garbage():
                self._send(Response(200, action.body))
            case Huge():
                self._huge(action.size_bytes)
            case Reset(when="before-headers", applied=False):
                self._reset()
            case Delay():
                time.sleep(action.seconds)
                self._send(self._answer(user, request))
            case EndlessPage():
                self._send(_endless(self._answer(user, _first_page(request)), action.token))
            case _:
                self._send(self._answer(user, request), action)

    def _send(self, answer: Response | Stream, action: Action | None = None) -> None:
        if isinstance(answer, Stream):
            self._stream(answer, action)
            return
        if isinstance(action, Reset) and action.when == "before-headers":
            self._reset()
        self._chunked = len(answer.body) > CHUNKED_ABOVE
        framing = (
            {"Transfer-Encoding": "chunked"} if self._chunked else {"Content-Length": str(len(answer.body))}
        )
        self._head(answer.code, answer.content_type, {**framing, **answer.headers})
        self._send_body(answer.body, action)

    def _send_body(self, body: bytes, action: Action | None) -> None:
        match action:
            case Reset():
                self._write(b"")
                if action.when == "mid-body":
                    self._part(body[: len(body) // 2])
                self._reset()
            case Truncate():
                self._part(body[: int(len(body) * action.part)])
                self.close_connection = True
                return
            case Drip():
                self._drip(body, action.bytes_per_second)
            case _:
                self._part(body)
        if self._chunked:
            self._write(b"0\r\n\r\n")

    def _part(self, part: bytes) -> None:
        if self._chunked and part:
            self._chunk(part)
        elif not self._chunked:
            self._write(part)

    def _head(self, code: int, content_type: str, headers: dict[str, str]) -> None:
        self.send_response(code)
        for key, value in {
            "Content-Type": content_type,
            "Cache-Control": "no-cache, private",
            **headers,
        }.items():
            self.send_header(key, value)
        self.end_headers()

    def _write(self, part: bytes) -> None:
        self.wfile.write(part)
        self.wfile.flush()

    def _chunk(self, part: bytes) -> None:
        self._write(b"%x\r\n%s\r\n" % (len(part), part))

    def _stream(self, stream: Stream, action: Action | None) -> None:
        self._head(200, response.JSON, {"Transfer-Encoding": "chunked"})
        self._write(b"")
        if isinstance(action, Reset) and action.when == "after-headers":
            self._reset()
        if isinstance(action, StreamError):
            told = status.status(action.code, action.message, status.REASONS.get(action.code, ""))
            self._chunk(watch.event("ERROR", told))
            self._write(b"0\r\n\r\n")
            return
        for part in stream.chunks:
            if part:
                self._chunk(part)
                if isinstance(action, Reset):
                    self._reset()
            elif self._client_left():
                raise CutError
        self._write(b"0\r\n\r\n")

    def _client_left(self) -> bool:
        self.connection.setblocking(False)
        try:
            return not self.connection.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        finally:
            self.connection.setblocking(True)

    def _drip(self, body: bytes, bytes_per_second: float) -> None:
        step = max(1, int(bytes_per_second / 10))
        for start in range(0, len(body), step):
            self._part(body[start : start + step])
            time.sleep(step / bytes_per_second)
            if self.api.cluster.store.closed:
                raise CutError

    def _huge(self, size_bytes: int) -> None:
        self._head(200, response.JSON, {"Transfer-Encoding": "chunked"})
        self._chunk(
            b'{"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[{"metadata":'
            b'{"name":"huge","annotations":{"a":"'
        )
        block = b"x" * 65536
        for _ in range(size_bytes // len(block)):
            self._chunk(block)
        self._chunk(b'"}}}]}')
        self._write(b"0\r\n\r\n")

    def _reset(self) -> None:
        """RST instead of FIN: linger zero drops what is unsent."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()
        raise CutError


def _first_page(request: Request) -> Request:
    from dataclasses import replace

    return replace(request, query={key: value for key, value in request.query.items() if key != "continue"})


def _endless(answer: Response | Stream, token: str) -> Response | Stream:
    if isinstance(answer, Stream) or answer.code != 200:
        return answer
    found = json.loads(answer.body)
    found["metadata"] |= {"continue": token, "remainingItemCount": 1}
    return Response(200, encode(found))
