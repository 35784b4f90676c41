"""Requests to a store of time series: a budget, bounded retries, and refusals told apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from dcctl.inventory.sources.http.client import Client as HttpClient
from dcctl.inventory.sources.http.client import Patience
from dcctl.inventory.sources.http.dialect import Dialect
from dcctl.inventory.sources.http.failure import Failure, of_status
from dcctl.inventory.sources.prometheus.reply import message, reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.inventory.sources.http.connection import Connection

FORM = "application/x-www-form-urlencoded"
LARGEST_BYTES = 256 << 20
LONGER = "a longer --timeout, or a coarser --step"
COARSER = "a coarser --step, or a shorter --range"
RESUME = "the same command again: it goes on where this one ended"
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
        self._connection = connection._replace(dialect=_SeriesStore(budget))
        self._timeout_s, self._budget = timeout_s, budget
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

    def _one(self) -> HttpClient:
        return HttpClient(self._connection, self._timeout_s, self._patience)


class _SeriesStore(Dialect):
    """What speaks the API of Prometheus; each try is counted."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def asked(self, target: str) -> None:
        """Count it. Failure when nothing more may be sent."""
        self._budget.spend(target)

    def answered(self, body: bytes) -> None:
        """Failure for an answer that is no JSON of the API, or tells of an error."""
        said = reply(body)
        if said.status != "success":
            raise Failure(f"the server says: {said.error or said.status}", "failed")

    def refused(self, code: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """What its answer means; a question may be too large for it."""
        said = message(body)
        failure = of_status(code, headers, said)
        if code in (400, 413, 422, 503) and _TOO_MUCH.search(said):
            return TooMuchError(failure.reason, "truncated", COARSER, status=code)
        if code == 401:
            failure.hint = "check token_file or password_file"
        if code == 404:
            return Failure(f"{failure.reason}; the URL ends before /api/v1", "missing", status=code)
        if 300 <= code < 400:
            why = f"{failure.reason}: sent elsewhere, probably to log in"
            return Failure(why, "unauthenticated", status=code)
        return failure

    def meant(self, failure: Failure) -> Failure:
        """What went wrong on the way: a shorter time makes a question smaller.

        What the server itself said (it has a status) is read already.
        """
        if failure.status is not None or failure.cause == "limited":
            return failure
        if failure.trouble == "connect in time":
            return Failure(failure.reason, "unreachable")
        if failure.cause == "timeout":
            return TooMuchError(failure.reason, "timeout", LONGER)
        if failure.trouble == "too large":
            return TooMuchError(failure.reason, "truncated", COARSER)
        return failure
