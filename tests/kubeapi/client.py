"""The small client that the conformance scenarios take: one request, or one watch read to its end."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlencode, urlsplit

from tests.kubeapi.status import Obj

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

Answer = tuple[int, dict[str, str], Obj]


class Api(Protocol):
    """An API server as an administrator reaches it. Header names in answers are lower case."""

    def request(
        self,
        method: str,
        path: str,
        body: Obj | list[Obj] | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """(code, headers, body); a body that is no JSON object comes as {"text": …}."""
        ...

    def watch(self, path: str, query: Mapping[str, str]) -> tuple[int, list[Obj]]:
        """(code, the events until the server ends the stream); `query` must have timeoutSeconds."""
        ...


class HttpApi:
    """Api over http or https, one connection per request, with fixed headers (a bearer token) on each."""

    def __init__(
        self, url: str, token: str | None = None, context: ssl.SSLContext | None = None, timeout_s: float = 60
    ) -> None:
        self._url, self._context, self._timeout_s = urlsplit(url), context, timeout_s
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def request(
        self,
        method: str,
        path: str,
        body: Obj | list[Obj] | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        code, found, text = self.raw(method, path, body, headers, query)
        return code, found, _object(text)

    def watch(self, path: str, query: Mapping[str, str]) -> tuple[int, list[Obj]]:
        code, _, text = self.raw("GET", path, None, None, {"watch": "true", **query})
        if code != 200:
            return code, [_object(text)]
        return code, [json.loads(line) for line in text.splitlines()]

    def raw(
        self,
        method: str,
        path: str,
        body: Obj | list[Obj] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        """The same, with the body as it came."""
        sent = {"Accept": "application/json", "Content-Type": "application/json", **self._headers}
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection = self._connect()
        try:
            connection.request(
                method, f"{path}?{urlencode(query)}" if query else path, data, sent | dict(headers or {})
            )
            answer = connection.getresponse()
            return answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=self._timeout_s, context=self._context)
        return http.client.HTTPConnection(host, port, timeout=self._timeout_s)


def _object(text: bytes) -> Obj:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"text": text.decode(errors="replace")}
