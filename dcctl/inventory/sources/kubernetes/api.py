"""GET from an API server: deadlines, bounded retries, and answers decoded as they are declared."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.kubernetes.failures import (
    LONGER,
    Failure,
    client_certificate_expiry,
    of_status,
    of_transport,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from urllib3 import BaseHTTPResponse

    from dcctl.inventory.sources.kubernetes.auth import Connection

JSON = "application/json"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
"""Metadata where the server can leave the rest out, else everything: both decode alike."""

_CHUNK_BYTES = 1 << 20


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


class Client:
    """Asks one API server until a deadline. May be used by several threads at once."""

    def __init__(self, connection: Connection, timeout_s: float, patience: Patience | None = None) -> None:
        """The deadline is `timeout_s` from now, for everything together."""
        self._connection, self._patience = connection, patience or Patience()
        self._deadline = self._patience.now() + timeout_s
        self._rng = random.Random(self._patience.seed)  # noqa: S311  # spreads retries; keeps no secret

    @property
    def left_s(self) -> float:
        """Seconds until the deadline; negative after it."""
        return self._deadline - self._patience.now()

    def stop(self) -> None:
        """Ask nothing more: every request under way ends as if the deadline had come."""
        self._deadline = self._patience.now()

    def within(self, timeout_s: float) -> Client:
        """A client of the same server whose deadline comes after `timeout_s`, if not before."""
        return Client(self._connection, min(timeout_s, self.left_s), self._patience)

    def get(self, path: str, query: Mapping[str, str] | None = None, accept: str = JSON) -> bytes:
        """The body of a 200. Tries again what may pass, as long as there is time. Raises Failure."""
        target = f"{path}?{urlencode(query)}" if query else path
        tries = 0
        while True:
            tries += 1
            try:
                return self._once(target, accept)
            except Failure as failure:
                self._wait(failure, tries)

    def _wait(self, failure: Failure, tries: int) -> None:
        """Sleep before the next try, or raise: no more tries, no use, or no time."""
        if not failure.again:
            raise failure
        if tries >= self._patience.tries:
            raise Failure(
                f"{failure.reason} ({tries} tries)", failure.cause, failure.hint, status=failure.status
            )
        wait_s = failure.wait_s
        if wait_s is None:
            most_s = min(self._patience.backoff_max_s, self._patience.backoff_s * 2 ** (tries - 1))
            wait_s = most_s * self._rng.uniform(0.5, 1.0)
        if wait_s >= self.left_s:
            reason = f"{failure.reason}; asked to wait {wait_s:.0f} s" if failure.wait_s else failure.reason
            raise Failure(f"{reason}; no time is left to try again", "timeout", LONGER, status=failure.status)
        self._patience.sleep(wait_s)

    def _once(self, target: str, accept: str) -> bytes:
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError

        deadline = self._patience.now() + min(self._patience.request_s, self.left_s)
        budget_s = deadline - self._patience.now()
        if budget_s <= 0:
            raise Failure("not asked: the deadline has passed", "timeout", LONGER)
        connection = self._connection
        try:
            headers = {"Accept": accept, "User-Agent": "dcctl", **connection.headers()}
            # No gzip: the API server would spend more time on it than the network saves.
            response = connection.pool.request(
                "GET",
                connection.host + target,
                headers=headers,
                timeout=Timeout(connect=budget_s, read=budget_s),
                retries=False,
                preload_content=False,
            )
            return self._body(response, deadline)
        except SourceError as error:
            raise Failure(error.reason, error.cause, error.hint) from error
        except (HTTPError, OSError) as error:
            raise of_transport(error, connection.host) from error

    def _body(self, response: BaseHTTPResponse, deadline: float) -> bytes:
        """The body, unless the answer says no, is too large, or drips past the deadline."""
        try:
            body = b"".join(self._chunks(response, deadline))
        except BaseException:
            response.close()  # what is left of the answer must not meet the next request
            raise
        response.release_conn()
        return body if response.status == 200 else self._refuse(response, body)

    def _chunks(self, response: BaseHTTPResponse, deadline: float) -> Iterator[bytes]:
        size, most = 0, self._patience.page_bytes
        while chunk := response.read1(_CHUNK_BYTES):
            size += len(chunk)
            if size > most:
                raise Failure(
                    f"the answer exceeds {most >> 20} MiB",
                    "truncated",
                    "set `namespace` in the configuration",
                )
            if self._patience.now() > min(deadline, self._deadline):
                raise Failure("the answer did not end within the deadline", "timeout", LONGER)
            yield chunk
        if response.length_remaining:
            raise Failure("the answer broke off", "truncated", again=True)

    def _refuse(self, response: BaseHTTPResponse, body: bytes) -> bytes:
        failure = of_status(response.status, response.headers, body)
        path = self._connection.client_certificate
        if failure.status == 401 and path is not None:
            expired = client_certificate_expiry(path, int(time.time()))
            if expired is not None:
                raise Failure(
                    f"our client certificate expired on {expired}",
                    "unauthenticated",
                    "log in again, or renew it: kubeadm certs renew admin.conf",
                    status=401,
                )
        raise failure
