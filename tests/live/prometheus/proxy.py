"""A proxy before a real server that fails as servers do."""

from __future__ import annotations

import http.server
import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = tuple[int, dict[str, str], bytes]
Fault = "Callable[[Proxy, str, dict[str, str]], Answer | None]"


class Proxy:
    """Hands every request on unless `fault` answers it. `asked` keeps them: (path, parameters, headers)."""

    def __init__(self, behind: str, fault: Callable[[Proxy, str, dict[str, str]], Answer | None]) -> None:
        self.behind, self.fault = behind, fault
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.hurt = 0
        """How many requests the fault met so far: for its own use."""
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens, with a path before `/api`, as Mimir and VictoriaMetrics have."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/select/0/prometheus"

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, params: dict[str, str], form: bytes | None) -> Answer:
        """What the server behind says."""
        if not self.behind:
            return 200, {}, json.dumps({"status": "success", "data": []}).encode()
        query = "" if form is not None else f"?{urllib.parse.urlencode(params)}"
        request = urllib.request.Request(f"{self.behind}{path}{query}", data=form)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return reply.status, {}, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, {}, error.read()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._serve(None)

            def do_POST(self) -> None:
                self._serve(self.rfile.read(int(self.headers["Content-Length"])))

            def _serve(self, form: bytes | None) -> None:
                parts = urllib.parse.urlsplit(self.path)
                path = parts.path.removeprefix("/select/0/prometheus")
                params = dict(urllib.parse.parse_qsl((form or b"").decode() or parts.query))
                proxy.asked.append((path, params, dict(self.headers)))
                code, headers, body = proxy.fault(proxy, path, params) or proxy.answer(path, params, form)
                try:
                    self.send_response(code)
                    for name, value in {"Content-Length": str(len(body)), **headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True  # who asked has left

            def log_message(self, *words: Any) -> None:
                """Nothing."""

        return Handler


def refusal(code: int, kind: str, text: str, **headers: str) -> Answer:
    """An error as Prometheus words it."""
    body = json.dumps({"status": "error", "errorType": kind, "error": text}).encode()
    return code, {name.replace("_", "-"): value for name, value in headers.items()}, body
