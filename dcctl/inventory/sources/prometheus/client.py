"""Requests to a store of time series: a budget, bounded retries, and refusals told apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from dcctl.inventory.sources.kubernetes.api import Client as HttpClient
from dcctl.inventory.sources.kubernetes.api import Patience
from dcctl.inventory.sources.kubernetes.failures import Failure
from dcctl.inventory.sources.prometheus.reply import message, reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from urllib3 import BaseHTTPResponse

    from dcctl.inventory.sources.kubernetes.api import _Asked
    from dcctl.inventory.sources.kubernetes.auth import Connection

FORM = "application/x-www-form-urlencoded"
LARGEST_BYTES = 256 << 20
LONGER = "a longer --timeout, or a coarser --step"
COARSER = "a coarser --step, or a shorter --range"
RESUME = "the same command again: it goes on where this one ended"
_AGAIN = (408, 429, 500, 502, 503, 504)
_TOO_MUCH = re.compile(
    r"too (many|much)|exceed|maximum resolution|more than|timed out|-search\.max|err-mimir-max",
    re.IGNORECASE,
)
"""Words in which Prometheus, Thanos, Mimir and VictoriaMetrics say that a question is too large for them."""


class TooMuchError(Failure):
    """The server, or the deadline, does not bear a question of this size; a shorter time may do."""


class Budget(NamedTuple):
    """How many requests may be sent, and which were: a list so that all who ask share it."""

    most: int
    sent: list[str]

    def spend(self, target: str) -> None:
        """Count one request. Failure when none is left."""
        if len(self.sent) >= self.most:
            raise Failure(f"not asked: the budget of {self.most} queries is spent", "limited", RESUME)
        self.sent.append(target)

    @property
    def left(self) -> int:
        """How many may still be sent."""
        return self.most - len(self.sent)


class Client:
    """Asks one server, one question at a time."""

    def __init__(
        self, connection: Connection, timeout_s: float, budget: Budget, patience: Patience | None = None
    ) -> None:
        """Each question has `timeout_s`, its retries included; the server is told so in whole seconds."""
        self._connection, self._timeout_s, self._budget = connection, timeout_s, budget
        usual = Patience(request_s=timeout_s, tries=4, backoff_s=0.5, page_bytes=LARGEST_BYTES)
        self._patience = patience or usual

    @property
    def host(self) -> str:
        """The address of the server."""
        return self._connection.host

    @property
    def budget(self) -> Budget:
        """What may still be asked."""
        return self._budget

    def get(self, path: str, params: Mapping[str, str]) -> bytes:
        """The body of an answer to GET, which is JSON of the API. Raises Failure."""
        return self._one().get(path, params)

    def post(self, path: str, params: Mapping[str, str]) -> bytes:
        """The body of an answer to a query, sent as a form because queries are long. Raises Failure."""
        told = {**params, "timeout": f"{max(1, int(self._timeout_s))}s"}
        return self._one().send("POST", path, urlencode(told).encode(), FORM)

    def _one(self) -> _Http:
        return _Http(self._connection, self._timeout_s, self._patience, self._budget)


class _Http(HttpClient):
    """One question: what refuses it is read as Prometheus means it, and each try is counted."""

    def __init__(self, connection: Connection, timeout_s: float, patience: Patience, budget: Budget) -> None:
        super().__init__(connection, timeout_s, patience)
        self._budget = budget

    def _once(self, asked: _Asked) -> bytes:
        self._budget.spend(asked.target)
        try:
            body = super()._once(asked)
        except Failure as failure:
            raise _as_meant(failure) from failure
        said = reply(body)
        if said.status != "success":
            raise Failure(f"the server says: {said.error or said.status}", "failed")
        return body

    def _refuse(self, response: BaseHTTPResponse, body: bytes) -> bytes:
        raise of_status(response.status, response.headers, body)


def _as_meant(failure: Failure) -> Failure:
    """A failure on the way, as it is meant for a question that a shorter time makes smaller.

    What the server itself said (it has a status) is read already.
    """
    if failure.status is not None or failure.cause == "limited":
        return failure
    if failure.cause == "timeout":
        if failure.reason.startswith("no connection"):
            return Failure(failure.reason, "unreachable")
        return TooMuchError(failure.reason, "timeout", LONGER)
    if failure.cause == "truncated" and not failure.again:
        return TooMuchError(failure.reason, "truncated", COARSER)
    return Failure(failure.reason, failure.cause, again=failure.again)


def of_status(code: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """The failure behind an HTTP code that is not 200."""
    said = message(body)
    why = f"HTTP {code}: {said}" if said else f"HTTP {code}"
    if code == 401:
        return Failure(why, "unauthenticated", "check token_file or password_file", status=code)
    if code == 403:
        return Failure(why, "denied", status=code)
    if code == 404:
        return Failure(f"{why}; the URL ends before /api/v1", "missing", status=code)
    if 300 <= code < 400:
        return Failure(f"{why}: sent elsewhere, probably to log in", "unauthenticated", status=code)
    if code in (400, 413, 422, 503) and _TOO_MUCH.search(said):
        return TooMuchError(why, "truncated", COARSER, status=code)
    wait = headers.get("Retry-After", "")
    wait_s = float(wait) if re.fullmatch(r"\d{1,6}", wait) else None
    return Failure(why, "failed", again=code in _AGAIN, status=code, wait_s=wait_s)
