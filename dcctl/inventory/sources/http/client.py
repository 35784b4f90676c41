"""Requests to one server: deadlines, bounded retries, and refusals told as failures."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.http.failure import LONGER, Failure, broken_off, of_transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from urllib3 import BaseHTTPResponse

    from dcctl.inventory.model import Cause
    from dcctl.inventory.sources.http.connection import Connection

JSON = "application/json"
_CHUNK_BYTES = 1 << 20
_NOT_ASKED = "not asked: the deadline has passed"
_DONE = (200, 201, 202, 204)


class Answer(NamedTuple):
    """What a server said yes with."""

    headers: Mapping[str, str]
    body: bytes
    status: int = 200


class _Asked(NamedTuple):
    """One request, made ready."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes | None = None


class Patience(NamedTuple):
    """How long and how often to ask, and the clock that tells; tests need not wait for theirs."""

    request_s: float = 30.0
    tries: int = 5
    backoff_s: float = 0.25
    backoff_max_s: float = 5.0
    page_bytes: int = 64 << 20
    """A larger answer is not read: 500 pods are about 5 MB."""
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    seed: int | None = None
    """Of the random share of each wait, which keeps clients from trying again in step."""
    spread: float = 0.5
    """That share of the wait, at most; 0: every wait is as long as told."""


class Client:
    """Asks one server until a deadline. May be used by several threads at once."""

    def __init__(self, connection: Connection, timeout_s: float, patience: Patience | None = None) -> None:
        """The deadline is `timeout_s` from now, for everything together."""
        self._connection, self._patience = connection, patience or Patience()
        self._deadline = self._patience.now() + timeout_s
        self._rng = random.Random(self._patience.seed)  # noqa: S311  # spreads retries; keeps no secret

    @property
    def left_s(self) -> float:
        """Seconds until the deadline; negative after it."""
        return self._deadline - self._patience.now()

    @property
    def host(self) -> str:
        """The address of the server."""
        return self._connection.host

    def stop(self) -> None:
        """Ask nothing more: every request under way ends as if the deadline had come."""
        self._deadline = self._patience.now()

    def pause(self, wait_s: float) -> None:
        """Leave the server alone for so long, if there is time."""
        self._patience.sleep(max(0.0, min(wait_s, self.left_s)))

    def within(self, timeout_s: float, tries: int | None = None) -> Client:
        """A client of the same server whose deadline comes after `timeout_s`, if not before.

        `tries`: how often it asks; None: as often as this one.
        """
        patience = self._patience if tries is None else self._patience._replace(tries=tries)
        return Client(self._connection, min(timeout_s, self.left_s), patience)

    def get(self, path: str, query: Mapping[str, str] | None = None, accept: str = JSON) -> bytes:
        """The body of a 200. Tries again what may pass, as long as there is time. Raises Failure."""
        return self._ask(_Asked("GET", _target(path, query), {"Accept": accept})).body

    def send(
        self,
        method: str,
        path: str,
        body: bytes,
        content_type: str = JSON,
        query: Mapping[str, str] | None = None,
    ) -> bytes:
        """The answer to a write. One that may have been done is sent again: it must do no harm twice."""
        return self.exchange(method, _target(path, query), body, content_type).body

    def exchange(self, method: str, path: str, body: bytes | None, content_type: str = JSON) -> Answer:
        """The whole answer to a request of any kind. The same holds for it."""
        headers = {"Accept": JSON} | ({} if body is None else {"Content-Type": content_type})
        return self._ask(_Asked(method, path, headers, body))

    def lines(self, path: str, query: Mapping[str, str], silence_s: float) -> Iterator[bytes]:
        """Yield the lines of an answer as they come, until the server ends it. Asks once. Raises Failure.

        `silence_s` is the longest time between two pieces of it.
        """
        from urllib3.exceptions import HTTPError

        dialect, response = self._connection.dialect, None
        try:
            response = self._open(_Asked("GET", _target(path, query), {"Accept": JSON}), silence_s)
            if response.status != 200:
                raise dialect.refused(response.status, response.headers, response.read())
            yield from _lines(response)
        except (HTTPError, OSError) as error:
            raise dialect.meant(of_transport(error, self._connection.host)) from error
        finally:
            if response is not None:
                response.close()

    def _ask(self, asked: _Asked) -> Answer:
        tries, may_be_done, before = 0, False, None
        while True:
            tries += 1
            try:
                return self._once(asked)
            except Failure as failure:
                if before is not None and failure.reason == _NOT_ASKED:
                    raise before from failure
                before = failure
                failure.may_be_done = may_be_done
                self._wait(failure, tries)
                may_be_done = may_be_done or not failure.is_refusal

    def _wait(self, failure: Failure, tries: int) -> None:
        """Sleep before the next try, or raise: no more tries, no use, or no time."""
        if not failure.again or self._patience.tries == 1:
            raise failure
        if tries >= self._patience.tries:
            reason = f"{failure.reason} ({tries} tries)" if tries > 1 else failure.reason
            raise _again(failure, reason, failure.cause, failure.hint)
        wait_s = failure.wait_s
        if wait_s is None:
            most_s = min(self._patience.backoff_max_s, self._patience.backoff_s * 2 ** (tries - 1))
            wait_s = most_s * self._rng.uniform(1.0 - self._patience.spread, 1.0)
        if wait_s >= self.left_s:
            reason = f"{failure.reason}; asked to wait {wait_s:.0f} s" if failure.wait_s else failure.reason
            raise _again(failure, f"{reason}; no time is left to try again", "timeout", LONGER)
        self._patience.sleep(wait_s)

    def _once(self, asked: _Asked) -> Answer:
        """One try, told as this kind of server means it."""
        dialect = self._connection.dialect
        dialect.asked(asked.target)
        try:
            answer = self._answer(asked)
        except Failure as failure:
            raise dialect.meant(failure) from failure.__cause__
        dialect.answered(answer.body)
        return answer

    def _answer(self, asked: _Asked) -> Answer:
        from urllib3.exceptions import HTTPError

        deadline = self._patience.now() + min(self._patience.request_s, self.left_s)
        budget_s = deadline - self._patience.now()
        if budget_s <= 0:
            raise Failure(_NOT_ASKED, "timeout", LONGER)
        try:
            response = self._open(asked, budget_s)
            return Answer(response.headers, self._body(response, deadline), response.status)
        except (HTTPError, OSError) as error:
            raise of_transport(error, self._connection.host) from error

    def _open(self, asked: _Asked, budget_s: float) -> BaseHTTPResponse:
        """The answer, of which nothing is read yet."""
        from urllib3 import Timeout

        connection = self._connection
        try:
            headers = {**asked.headers, "User-Agent": "dcctl", **connection.headers()}
        except SourceError as error:
            raise Failure(error.reason, error.cause, error.hint) from error
        # No gzip: servers would spend more time on it than the network saves.
        return connection.pool.request(
            asked.method,
            connection.host + asked.target,
            body=asked.body,
            headers=headers,
            timeout=Timeout(connect=budget_s, read=budget_s),
            retries=False,
            preload_content=False,
        )

    def _body(self, response: BaseHTTPResponse, deadline: float) -> bytes:
        """The body, unless the answer says no, is too large, or drips past the deadline."""
        try:
            body = b"".join(self._chunks(response, deadline))
        except BaseException:
            response.close()  # what is left of the answer must not meet the next request
            raise
        response.release_conn()
        if response.status not in _DONE:
            raise self._connection.dialect.refused(response.status, response.headers, body)
        return body

    def _chunks(self, response: BaseHTTPResponse, deadline: float) -> Iterator[bytes]:
        size, most = 0, self._patience.page_bytes
        while chunk := response.read1(_CHUNK_BYTES):
            size += len(chunk)
            if size > most:
                raise Failure(f"the answer exceeds {most >> 20} MiB", "truncated", trouble="too large")
            if self._patience.now() > min(deadline, self._deadline):
                raise Failure("the answer did not end within the deadline", "timeout", LONGER)
            yield chunk
        if response.length_remaining:
            raise broken_off()


def _again(failure: Failure, reason: str, cause: Cause, hint: str) -> Failure:
    """The same failure, which no further try follows."""
    return Failure(reason, cause, hint, status=failure.status, trouble=failure.trouble)


def _target(path: str, query: Mapping[str, str] | None) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _lines(response: BaseHTTPResponse) -> Iterator[bytes]:
    rest = b""
    while chunk := response.read1(_CHUNK_BYTES):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest.strip():
        raise broken_off()
