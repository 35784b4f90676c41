"""Requests to one BMC: one deadline for all of them, small answers, no way to another host."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import msgspec

from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.power.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from urllib3 import BaseHTTPResponse, PoolManager

    from dcctl.inventory.model import Cause

Json: TypeAlias = "dict[str, object]"

_SESSIONS: Final = "/redfish/v1/SessionService/Sessions"
_MAX_BYTES = 4 << 20
_CAUSES: dict[int, Cause] = {401: "unauthenticated", 403: "denied", 404: "missing", 405: "unsupported"}


class Login(NamedTuple):
    """Who asks, and how."""

    user: str | None = None
    password: Secret = Secret()
    auth: Literal["basic", "session"] = "basic"
    ca_file: str | None = None
    verify: bool = True


class _Answer(NamedTuple):
    """What a BMC said yes with."""

    headers: Mapping[str, str]
    body: bytes


class Client:
    """Asks one BMC until a deadline."""

    def __init__(self, url: str, subject: str, login: Login, password: str, timeout_s: float) -> None:
        """`url` is what stands before /redfish/v1; `password` is not kept once a session is open."""
        self._url, self._subject, self._login = url.rstrip("/"), subject, login
        self._timeout_s, self._until = timeout_s, time.monotonic() + timeout_s
        self._headers = {"Accept": "application/json", "OData-Version": "4.0", "User-Agent": "dcctl"}
        self._session: str | None = None
        self._pool = self._open_pool()
        if login.user is not None:
            self._log_in(login.user, password)

    def close(self) -> None:
        """End the session, if there is one; a BMC has room for few."""
        try:
            if self._session is not None:
                self._until = max(self._until, time.monotonic() + 1.0)
                self._request("DELETE", self._session)
        except SourceError:
            pass  # it ends by itself in a while
        finally:
            self._pool.clear()

    def get(self, path: str) -> Json:
        """Return the object at a path. SourceError for every other answer."""
        answer = self._request("GET", path)
        try:
            return msgspec.json.decode(answer.body, type=dict[str, object])
        except (msgspec.DecodeError, RecursionError) as error:
            raise SourceError(self._subject, f"{path}: is no JSON object", "invalid") from error

    def _open_pool(self) -> PoolManager:
        from urllib3 import PoolManager, disable_warnings
        from urllib3.exceptions import InsecureRequestWarning

        if self._login.verify:
            return PoolManager(num_pools=1, ca_certs=self._login.ca_file)
        disable_warnings(InsecureRequestWarning)  # the configuration says so
        return PoolManager(num_pools=1, cert_reqs="CERT_NONE", assert_hostname=False)

    def _log_in(self, user: str, password: str) -> None:
        from urllib3 import make_headers

        if self._login.auth == "basic":
            self._headers |= make_headers(basic_auth=f"{user}:{password}")
            return
        body = msgspec.json.encode({"UserName": user, "Password": password})
        said = self._request("POST", _SESSIONS, body).headers
        token, where = said.get("X-Auth-Token"), said.get("Location", "")
        if not token:
            raise SourceError(self._subject, "the login gave no token", "unauthenticated")
        self._headers["X-Auth-Token"] = token
        self._session = where.removeprefix(self._url) or None

    def _request(self, method: str, path: str, body: bytes | None = None) -> _Answer:
        from urllib3.exceptions import HTTPError

        if not path.startswith("/") or path.startswith("//"):
            raise SourceError(self._subject, f"{path!r} leads elsewhere", "invalid")
        left_s = self._until - time.monotonic()
        if left_s <= 0:
            raise self._late()
        headers = self._headers | ({"Content-Type": "application/json"} if body else {})
        try:
            response = self._pool.request(
                method,
                self._url + path,
                body=body,
                headers=headers,
                timeout=left_s,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            found = self._read(response, path)
        except (HTTPError, OSError, ValueError) as error:
            raise self._failed(error) from error
        if response.status not in (200, 201, 202, 204):
            cause = _CAUSES.get(response.status, "failed")
            raise SourceError(self._subject, f"{path}: HTTP {response.status}", cause)
        return _Answer(response.headers, found)

    def _read(self, response: BaseHTTPResponse, path: str) -> bytes:
        """The body, which must end within the deadline."""
        found = bytearray()
        while chunk := response.read1(1 << 16):
            found += chunk
            if len(found) > _MAX_BYTES:
                raise SourceError(self._subject, f"{path}: more than {_MAX_BYTES >> 20} MiB", "truncated")
            if time.monotonic() > self._until:
                raise self._late()
        if response.length_remaining:
            raise SourceError(self._subject, f"{path}: the answer broke off", "truncated")
        response.release_conn()
        return bytes(found)

    def _late(self) -> SourceError:
        why = f"no answer within {self._timeout_s:g} s"
        return SourceError(self._subject, why, "timeout", "a longer --timeout")

    def _failed(self, error: Exception) -> SourceError:
        from urllib3.exceptions import ConnectTimeoutError, ProtocolError, ReadTimeoutError, SSLError

        if isinstance(error, ConnectTimeoutError | ReadTimeoutError | TimeoutError):
            return self._late()
        if isinstance(error, SSLError):
            why = "its certificate is not trusted; name the CA with ca_file, or trust any with verify = false"
            return SourceError(self._subject, why, "unreachable")
        if isinstance(error, ProtocolError):
            return SourceError(self._subject, "the connection broke off", "unreachable")
        return SourceError(
            self._subject, "cannot be connected to", "unreachable", f"curl -k {self._url}/redfish/v1/"
        )
