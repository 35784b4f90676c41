"""Requests to one BMC: one deadline for all of them, small answers, no way to another host."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias
from urllib.parse import urlsplit

import msgspec

from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.http.client import JSON, Answer, Patience
from dcctl.inventory.sources.http.client import Client as HttpClient
from dcctl.inventory.sources.http.connection import Connection, basic, pool, tls
from dcctl.inventory.sources.http.failure import LONGER, Failure
from dcctl.inventory.sources.secret import Secret

if TYPE_CHECKING:
    from dcctl.inventory.model import Cause
    from dcctl.inventory.sources.http.failure import Trouble

Json: TypeAlias = "dict[str, object]"

_SESSIONS: Final = "/redfish/v1/SessionService/Sessions"
_MAX_BYTES: Final = 4 << 20
_TRIES: Final = 3
_GOODBYE_S: Final = 2.0
_STRANGE: Final[frozenset[Trouble | None]] = frozenset({"untrusted", "expired", "other name"})
_NO_HTTP = "the answer is not HTTP, or broke off"
_ANSWERS: Final[dict[Trouble | None, tuple[str, Cause]]] = {
    "too large": (f"more than {_MAX_BYTES >> 20} MiB", "truncated"),
    "broken off": ("the answer broke off", "truncated"),
    "garbled": (_NO_HTTP, "invalid"),
}


class Login(NamedTuple):
    """Who asks, and how."""

    user: str | None = None
    password: Secret = Secret()
    auth: Literal["basic", "session"] = "basic"
    ca_file: str | None = None
    verify: bool = True


class Client:
    """Asks one BMC until a deadline, over one connection."""

    def __init__(self, url: str, subject: str, login: Login, timeout_s: float) -> None:
        """`url` is what stands before /redfish/v1. SourceError when it is no URL."""
        self._subject, self._url, self._timeout_s = subject, url.rstrip("/"), timeout_s
        self._headers = {"OData-Version": "4.0"}
        self._session: str | None = None
        self._connection = self._open(login)
        patience = Patience(request_s=timeout_s, tries=_TRIES, page_bytes=_MAX_BYTES)
        self._asking = HttpClient(self._connection, timeout_s, patience)
        self._writing = HttpClient(self._connection, timeout_s, patience._replace(tries=1))

    def close(self) -> None:
        """End the session, if there is one; a BMC has room for few."""
        if self._session is not None:
            leaving = HttpClient(self._connection, _GOODBYE_S, Patience(tries=1))
            with suppress(Failure):  # it ends by itself in a while
                leaving.exchange("DELETE", self._session, None)
        self._connection.pool.clear()

    def log_in(self, login: Login, password: str) -> None:
        """Say who asks. SourceError when that is refused."""
        if login.user is None:
            return
        if login.auth == "basic":
            self._headers |= basic(login.user, password)
            return
        body = msgspec.json.encode({"UserName": login.user, "Password": password})
        said = self._answer(self._writing, "POST", _SESSIONS, body).headers
        token, where = said.get("X-Auth-Token"), said.get("Location", "")
        if not token:
            raise SourceError(self._subject, "the login gave no token", "unauthenticated")
        self._headers["X-Auth-Token"] = token
        below = urlsplit(self._url).path
        self._session = urlsplit(where).path.removeprefix(below) or None

    def get(self, path: str) -> Json:
        """Return the object at a path. SourceError for every other answer."""
        answer = self._answer(self._asking, "GET", path)
        try:
            return msgspec.json.decode(answer.body, type=dict[str, object])
        except (msgspec.DecodeError, RecursionError) as error:
            raise SourceError(self._subject, f"{path}: is no JSON object", "invalid") from error

    def _open(self, login: Login) -> Connection:
        """The means to reach it, made use of when first needed. No proxy stands before a BMC."""
        try:
            parts = urlsplit(self._url)
            parts.port  # noqa: B018 - read to be checked
        except ValueError as error:
            raise SourceError(self._subject, f"{self._url} is no URL", "invalid") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SourceError(self._subject, f"{self._url} is no URL of http or https", "invalid")
        try:
            context = tls(login.ca_file, verify=login.verify)
        except OSError as error:
            why = f"{login.ca_file}: no CA can be read from it"
            raise SourceError(self._subject, why, "invalid") from error
        host = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        return Connection(host, pool(host, context, proxies=False), lambda: self._headers)

    def _answer(self, client: HttpClient, method: str, path: str, body: bytes | None = None) -> Answer:
        if not path.startswith("/") or path.startswith("//"):
            raise SourceError(self._subject, f"{path!r} leads elsewhere", "invalid")
        try:
            return client.exchange(method, path, body, JSON)
        except Failure as failure:
            raise self._failed(failure, path) from failure

    def _failed(self, failure: Failure, path: str) -> SourceError:
        """What went wrong, in words about this BMC."""
        subject = self._subject
        if failure.status is not None:
            cause: Cause = "failed" if failure.cause == "timeout" else failure.cause  # no time is left
            return SourceError(subject, f"{path}: HTTP {failure.status}", cause)
        if failure.cause == "timeout":
            return SourceError(subject, f"no answer within {self._timeout_s:g} s", "timeout", LONGER)
        if failure.trouble in _STRANGE:
            why = "its certificate is not trusted; name the CA in ca_file, or trust any with verify = false"
            return SourceError(subject, why, "unreachable")
        if failure.trouble in _ANSWERS:
            why, cause = _ANSWERS[failure.trouble]
            return SourceError(subject, f"{path}: {why}", cause)
        why = failure.reason.removeprefix(f"{self._connection.host}: ").lower()
        return SourceError(subject, why, "unreachable", f"curl -k {self._url}/redfish/v1/")
