"""Requests to one BMC: one deadline for all of them, small answers, no way to another host."""

from __future__ import annotations

import http.client
import ssl
import time
from base64 import b64encode
from contextlib import suppress
from socket import SHUT_RDWR
from threading import Timer
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias
from urllib.parse import urlsplit

import msgspec

from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.power.secret import Secret

if TYPE_CHECKING:
    from dcctl.inventory.model import Cause

Json: TypeAlias = "dict[str, object]"

_SESSIONS: Final = "/redfish/v1/SessionService/Sessions"
_MAX_BYTES = 4 << 20
_GOODBYE_S = 2.0
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

    headers: http.client.HTTPMessage
    body: bytes


class Client:
    """Asks one BMC until a deadline, over one connection."""

    def __init__(self, url: str, subject: str, login: Login, timeout_s: float) -> None:
        """`url` is what stands before /redfish/v1. SourceError when it is no URL."""
        self._subject, self._url, self._timeout_s = subject, url.rstrip("/"), timeout_s
        self._until = time.monotonic() + timeout_s
        self._headers = {"Accept": "application/json", "OData-Version": "4.0", "User-Agent": "dcctl"}
        self._session: str | None = None
        self._below, self._connection = self._open(login)
        self._watch = Timer(timeout_s, self._cut)
        self._watch.daemon = True
        self._watch.start()

    def close(self) -> None:
        """End the session, if there is one; a BMC has room for few."""
        self._watch.cancel()
        if self._session is not None:
            self._until = time.monotonic() + _GOODBYE_S
            with suppress(SourceError):  # it ends by itself in a while
                self._request("DELETE", self._session)
        self._connection.close()

    def log_in(self, login: Login, password: str) -> None:
        """Say who asks. SourceError when that is refused."""
        if login.user is None:
            return
        if login.auth == "basic":
            word = b64encode(f"{login.user}:{password}".encode()).decode()
            self._headers["Authorization"] = f"Basic {word}"
            return
        body = msgspec.json.encode({"UserName": login.user, "Password": password})
        said = self._request("POST", _SESSIONS, body).headers
        token, where = said.get("X-Auth-Token"), said.get("Location", "")
        if not token:
            raise SourceError(self._subject, "the login gave no token", "unauthenticated")
        self._headers["X-Auth-Token"] = token
        self._session = urlsplit(where).path.removeprefix(self._below) or None

    def get(self, path: str) -> Json:
        """Return the object at a path. SourceError for every other answer."""
        answer = self._request("GET", path)
        try:
            return msgspec.json.decode(answer.body, type=dict[str, object])
        except (msgspec.DecodeError, RecursionError) as error:
            raise SourceError(self._subject, f"{path}: is no JSON object", "invalid") from error

    def _open(self, login: Login) -> tuple[str, http.client.HTTPConnection]:
        """What stands before every path, and the connection, which is made when it is first needed."""
        try:
            parts = urlsplit(self._url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise SourceError(self._subject, f"{self._url} is no URL", "invalid") from error
        if parts.scheme == "http" and host:
            return parts.path, http.client.HTTPConnection(host, port, timeout=self._timeout_s)
        if parts.scheme != "https" or not host:
            raise SourceError(self._subject, f"{self._url} is no URL of http or https", "invalid")
        try:
            context = ssl.create_default_context(cafile=login.ca_file)
        except OSError as error:
            why = f"{login.ca_file}: no CA can be read from it"
            raise SourceError(self._subject, why, "invalid") from error
        if not login.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=self._timeout_s, context=context)
        return parts.path, connection

    def _cut(self) -> None:
        """End what is under way: a BMC that drips would keep every single wait short."""
        with suppress(OSError, AttributeError):
            self._connection.sock.shutdown(SHUT_RDWR)

    def _request(self, method: str, path: str, body: bytes | None = None) -> _Answer:
        if not path.startswith("/") or path.startswith("//"):
            raise SourceError(self._subject, f"{path!r} leads elsewhere", "invalid")
        headers = self._headers | ({"Content-Type": "application/json"} if body else {})
        left_s = self._until - time.monotonic()
        if left_s <= 0:
            raise self._late()
        self._connection.timeout = left_s
        if self._connection.sock is not None:
            self._connection.sock.settimeout(left_s)
        try:
            self._connection.request(method, self._below + path, body, headers)
            response = self._connection.getresponse()
            found = response.read(_MAX_BYTES + 1)
        except (http.client.HTTPException, OSError, ValueError) as error:
            self._connection.close()
            raise self._failed(error, path) from error
        if len(found) > _MAX_BYTES:
            self._connection.close()
            raise SourceError(self._subject, f"{path}: more than {_MAX_BYTES >> 20} MiB", "truncated")
        if response.length:
            self._connection.close()
            raise SourceError(self._subject, f"{path}: the answer broke off", "truncated")
        if response.status not in (200, 201, 202, 204):
            cause = _CAUSES.get(response.status, "failed")
            raise SourceError(self._subject, f"{path}: HTTP {response.status}", cause)
        return _Answer(response.headers, found)

    def _late(self) -> SourceError:
        why = f"no answer within {self._timeout_s:g} s"
        return SourceError(self._subject, why, "timeout", "a longer --timeout")

    def _failed(self, error: Exception, path: str) -> SourceError:
        if isinstance(error, TimeoutError) or time.monotonic() >= self._until:
            return self._late()
        if isinstance(error, ssl.SSLCertVerificationError):
            why = "its certificate is not trusted; name the CA in ca_file, or trust any with verify = false"
            return SourceError(self._subject, why, "unreachable")
        if isinstance(error, http.client.HTTPException):
            return SourceError(self._subject, f"{path}: the answer is not HTTP, or broke off", "invalid")
        why = (getattr(error, "strerror", None) or str(error)).lower()
        return SourceError(self._subject, why, "unreachable", f"curl -k {self._url}/redfish/v1/")
