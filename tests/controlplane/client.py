"""A minimal HTTP client of the API server for tests: the server's answers as they are, no library between."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controlplane.pki import KeyPair

# An object of the API as the server sends it: tests reach into it by key, a stricter type only adds casts.
Json = dict[str, Any]

MERGE_PATCH = "application/merge-patch+json"


class ApiClient:
    """One kept-alive connection as one user; use one client per thread."""

    def __init__(
        self,
        url: str,
        ca_file: Path,
        pair: KeyPair | None = None,
        token: str | None = None,
        timeout_s: float = 60.0,
    ) -> None:
        parts = urlsplit(url)
        context = ssl.create_default_context(cafile=str(ca_file))
        if pair is not None:
            context.load_cert_chain(pair.cert_file, pair.key_file)
        self._connection = http.client.HTTPSConnection(
            str(parts.hostname), parts.port, timeout=timeout_s, context=context
        )
        self._headers = {"Accept": "application/json", "User-Agent": "dcctl-test"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def request(
        self, method: str, path: str, body: object = None, content_type: str = "application/json"
    ) -> tuple[int, Json]:
        """Returns the status and the decoded answer, {"text": …} when that is no JSON object, as of /readyz.

        OSError or http.client.HTTPException when there is no answer.
        """
        status, raw = self.raw(method, path, None if body is None else json.dumps(body), content_type)
        try:
            decoded = json.loads(raw)
        except ValueError:
            decoded = None
        return status, decoded if isinstance(decoded, dict) else {"text": raw.decode(errors="replace")}

    def raw(
        self, method: str, path: str, body: str | None = None, content_type: str = "application/json"
    ) -> tuple[int, bytes]:
        """Returns the status and the bytes of the answer; after an error the next request connects anew."""
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise

    def get(self, path: str) -> Json:
        """Returns the object at the path; ApiError for every status other than 200."""
        status, body = self.request("GET", path)
        if status != http.client.OK:
            raise ApiError("GET", path, status, body)
        return body


class ApiError(RuntimeError):
    """The API server refused a request that the test needs; `status` is the HTTP status."""

    def __init__(self, method: str, path: str, status: int, body: Json) -> None:
        super().__init__(f"{method} {path}: {status} {body.get('message') or body.get('text')}")
        self.status = status
        self.body = body
