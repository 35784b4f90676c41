"""Containers that answer commands and requests: a stand-in for kubelets, behind the emulator or a real plane.

No command runs anywhere: a container knows its files, its clock and its programs.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Literal, cast
from urllib.parse import parse_qs, urlsplit

from tests.kubeapi import response, route, websocket, wire
from tests.kubeapi.kinds import PODS
from tests.kubeapi.status import forbidden

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from tests.kubeapi.kubeconfig import Authority
    from tests.kubeapi.server import ApiServer

Fault = Literal["hang", "reset", "half", "garbled"]
"""`hang`: no end. `reset`: cut before anything is said. `half`: output, and then the end of the connection.
`garbled`: a status that is none."""
_SUCCESS = {"metadata": {}, "status": "Success"}


@dataclass
class Said:
    """What a command wrote, and its exit code. `refused`: what the runtime says if it cannot start it."""

    code: int = 0
    out: str = ""
    err: str = ""
    refused: str = ""

    def status(self) -> dict[str, object]:
        if self.refused:
            return {
                "metadata": {},
                "status": "Failure",
                "message": self.refused,
                "reason": "InternalError",
                "code": 500,
            }
        if not self.code:
            return dict(_SUCCESS)
        return {
            "metadata": {},
            "status": "Failure",
            "message": f"command terminated with non-zero exit code: exit status {self.code}",
            "reason": "NonZeroExitCode",
            "details": {"causes": [{"reason": "ExitCode", "message": str(self.code)}]},
        }


@dataclass
class File:
    """A file, by the clock of its container."""

    written_s: int
    size_bytes: int = 4096
    kind: str = "regular file"


@dataclass
class Container:
    """One container: its clock, files, programs, and what was asked of it."""

    ahead_s: int = 0
    files: dict[str, File] = field(default_factory=dict)
    programs: dict[str, Callable[[list[str]], Said | Fault]] = field(default_factory=dict)
    ran: list[list[str]] = field(default_factory=list)
    faults: list[Fault | None] = field(default_factory=list)
    """Of the next commands, one each."""
    on_request: Callable[[str, str], tuple[int, str]] = lambda _method, _path: (404, "no such path")

    def __post_init__(self) -> None:
        self.programs = {"date": self._date, "stat": self._stat, "sh": lambda _words: Said(), **self.programs}

    def now_s(self) -> int:
        return int(time.time()) + self.ahead_s

    def write(self, path: str, size_bytes: int = 4096) -> None:
        self.files[path] = File(self.now_s(), size_bytes)

    def run(self, words: list[str]) -> Said | Fault:
        self.ran.append(words)
        fault = self.faults.pop(0) if self.faults else None
        program = self.programs.get(words[0])
        if fault is not None:
            return fault
        if program is None:
            why = f'exec: "{words[0]}": executable file not found in $PATH'
            return Said(
                refused=f"OCI runtime exec failed: exec failed: unable to start container process: {why}"
            )
        return program(words[1:])

    def _date(self, _words: list[str]) -> Said:
        return Said(out=f"{self.now_s()}\n")

    def _stat(self, words: list[str]) -> Said:
        found = self.files.get(words[-1])
        if found is None:
            return Said(1, err=f"stat: cannot statx '{words[-1]}': No such file or directory\n")
        return Said(out=f"{found.written_s} {found.size_bytes} 7 {found.kind}\n")


class Kubelets:
    """Containers by (namespace, pod, container)."""

    def __init__(self) -> None:
        self.containers: defaultdict[tuple[str, str, str], Container] = defaultdict(Container)
        self.protocols: list[str] = []
        """Those of all handshakes."""

    def exec(self, handler: BaseHTTPRequestHandler, where: tuple[str, str, str], words: list[str]) -> None:
        """The command is answered on the connection, which is a websocket from then on."""
        offered = [each.strip() for each in handler.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        self.protocols += offered[:1]
        head = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {websocket.accepted(handler.headers['Sec-WebSocket-Key'])}",
            f"Sec-WebSocket-Protocol: {offered[0]}",
        ]
        handler.wfile.write(("\r\n".join(head) + "\r\n\r\n").encode())
        handler.wfile.flush()
        handler.close_connection = True
        said = self.containers[where].run(words)
        if isinstance(said, Said):
            _tell(handler, 1, said.out.encode())
            _tell(handler, 2, said.err.encode())
            _tell(handler, 3, json.dumps(said.status()).encode())
            handler.wfile.write(websocket.frame(b"\x03\xe8", websocket.CLOSE))
        else:
            _fail(handler, said)
        handler.wfile.flush()


def _tell(handler: BaseHTTPRequestHandler, channel: int, data: bytes) -> None:
    if data:
        handler.wfile.write(websocket.frame(bytes([channel]) + data))


def _fail(handler: BaseHTTPRequestHandler, fault: Fault) -> None:
    if fault == "hang":
        for opcode, payload in websocket.frames(handler.rfile):
            if opcode == websocket.PING:
                handler.wfile.write(websocket.frame(payload, websocket.PONG))
                handler.wfile.flush()
    elif fault == "half":
        _tell(handler, 1, b"saving step 10")
    elif fault == "garbled":
        _tell(handler, 3, b"not json")
    elif fault == "reset":
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()
        raise ConnectionAbortedError


class _PodHandler(wire.Handler):
    """The emulator's, which also knows pods/exec and pods/proxy."""

    kubelets: Kubelets

    def _serve(self) -> None:
        if not self._pod():
            super()._serve()

    def _pod(self) -> bool:
        parts = urlsplit(self.path)
        steps = parts.path.strip("/").split("/")
        if len(steps) < 7 or steps[4] != "pods" or steps[6] not in ("exec", "proxy"):
            return False
        request = route.parse(self.api.cluster.registry, self.command, self.path, {}, b"")
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        user = self.api.cluster.access.user_of(self.headers.get("authorization", ""))
        self._record(request, user)
        action = self.api.faults.due(self.command, self.path, user)
        verb = {"GET": "get", "POST": "create"}[self.command]
        needed = ("get", "create") if steps[6] == "exec" else (verb,)
        if action is not None:
            self._act(action, request, user)
        elif not all(
            self.api.cluster.access.allows(user, each, f"pods/{steps[6]}", "", steps[3]) for each in needed
        ):
            what = f'resource "pods/{steps[6]}" in API group "" in the namespace "{steps[3]}"'
            why = f'User "{user}" cannot {needed[-1]} {what}'
            self._send(response.of_error(forbidden(PODS, steps[5], why)))
        elif steps[6] == "exec":
            query = parse_qs(parts.query)
            self.kubelets.exec(self, (steps[3], steps[5], query["container"][0]), query["command"])
        else:
            self._proxied(steps, parts.query)
        self.wfile.flush()
        return True

    def _proxied(self, steps: list[str], query: str) -> None:
        name = steps[5].removeprefix("https:").partition(":")[0]
        container = self.kubelets.containers[steps[3], name, "main"]
        path = f"/{'/'.join(steps[7:])}{'?' * bool(query)}{query}"
        code, text = container.on_request(self.command, path)
        self._send(response.Response(code, text.encode(), "text/plain"))


def behind(api: ApiServer, kubelets: Kubelets) -> None:
    """The emulator, which is up, hands commands and requests for pods to these containers."""
    listener = cast("wire.Listener", api._listener)
    listener.RequestHandlerClass = type("PodHandler", (_PodHandler,), {"kubelets": kubelets})


class _KubeletHandler(BaseHTTPRequestHandler):
    """What a kubelet serves to the API server: /exec/NAMESPACE/POD/CONTAINER."""

    protocol_version = "HTTP/1.1"
    kubelets: Kubelets

    def log_message(self, *_args: object) -> None:
        """Silence."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        _, _, space, pod, container = parts.path.split("/")
        self.kubelets.exec(self, (space, pod, container), parse_qs(parts.query)["command"])


class _Quiet(ThreadingHTTPServer):
    """Says nothing of connections that are cut: that is part of the tests."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Port:
    """A TLS port of 127.0.0.1 on which an API server finds the containers of its nodes. A context manager."""

    def __init__(self, kubelets: Kubelets, authority: Authority) -> None:
        handler = type("KubeletHandler", (_KubeletHandler,), {"kubelets": kubelets})
        self._server = _Quiet(("127.0.0.1", 0), handler)
        context: ssl.SSLContext = authority.context()
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Port:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
