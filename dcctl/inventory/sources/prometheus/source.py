"""Questions about a stretch of time: one by one, within a budget, in parts where a server bears no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from dcctl.inventory.model import Gap
from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.prometheus.client import TooMuchError
from dcctl.inventory.sources.prometheus.reply import names, reply, series
from dcctl.inventory.timeseries import Series, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dcctl.inventory.model import Cause
    from dcctl.inventory.sources.prometheus.cache import Cache
    from dcctl.inventory.sources.prometheus.client import Budget
    from dcctl.inventory.timeseries import Query

T = TypeVar("T")
MOST_POINTS = 10_000
"""Of one series in an answer: Prometheus refuses more than 11,000."""


class Asks(Protocol):
    """What sends one request: `client.Client`, or a test."""

    @property
    def host(self) -> str:
        """The address of the server."""

    @property
    def budget(self) -> Budget:
        """What may still be asked."""

    def get(self, path: str, params: Mapping[str, str]) -> bytes:
        """The answer to GET. Raises Failure."""

    def post(self, path: str, params: Mapping[str, str]) -> bytes:
        """The answer to a query. Raises Failure."""


class PrometheusSource:
    """One server. Gaps gather in `gaps`: what gave no answer, and answers that are not whole."""

    kind = "prometheus"

    def __init__(self, client: Asks, name: str, cache: Cache | None = None) -> None:
        self._client, self.name, self._cache = client, name, cache
        self.gaps: list[Gap] = []
        self.parts = 1
        """In how many parts the last question was answered that was too large in one."""
        self.kept = 0
        """Answers that were not asked for: an earlier run had left them."""
        self.kept_at_s: int | None = None
        """Unix time of the oldest of them."""
        self._used: dict[tuple[str, tuple[tuple[str, str], ...]], None] = {}
        self._dead: Failure | None = None

    @property
    def host(self) -> str:
        """The address of the server."""
        return self._client.host

    @property
    def budget(self) -> Budget:
        """What may still be asked."""
        return self._client.budget

    def values(self, label: str, match: str, window: Window) -> tuple[str, ...]:
        """The values of a label among series that match, by the index alone. Raises Failure."""
        params = {"match[]": match, "start": str(window.start_s), "end": str(window.end_s)}
        path = f"/api/v1/label/{label}/values"
        return self._kept(self._client.get, path, params, f"values of {label}", names)

    def at(self, expression: str, time_s: int, key: str) -> tuple[Series, ...]:
        """The answer to a query as of a time. Raises Failure."""
        params = {"query": expression, "time": str(time_s)}
        return self._kept(self._client.post, "/api/v1/query", params, key, series)

    def ask(
        self, query: Query, window: Window, parts: int = 1, heard: Callable[[str], None] | None = None
    ) -> tuple[Series, ...] | None:
        """The answer over a window; a part that is too much is asked in halves.

        None: nothing was learned. A part that was not learned is a gap.
        """
        if query.kind == "range":
            parts = max(parts, -(-window.steps // MOST_POINTS))
        waiting = list(reversed(window.parts(parts)))
        found: list[tuple[Series, ...]] = []
        while waiting:
            part = waiting.pop()
            try:
                found.append(self._part(query, part))
            except TooMuchError as failure:
                halves = part.parts(2)
                if len(halves) == 2 and self._client.budget.left > len(waiting) + 1:
                    waiting.extend(reversed(halves))
                else:
                    self._miss(query.key, part, window, failure)
            except Failure as failure:
                self._miss(query.key, part, window, failure)
            if heard is not None:
                heard(query.key)
        if len(found) > parts:
            self.parts = len(found)
        return _joined(query, found) if found else None

    def _part(self, query: Query, part: Window) -> tuple[Series, ...]:
        expression = query.at(part)
        if query.kind == "window":
            params = {"query": expression, "time": str(part.end_s)}
            return self._kept(self._client.post, "/api/v1/query", params, query.key, series)
        times = {"start": str(part.start_s + part.step_s), "end": str(part.end_s), "step": str(part.step_s)}
        params = {"query": expression, **times}
        return self._kept(self._client.post, "/api/v1/query_range", params, query.key, series)

    def finished(self) -> None:
        """Forget the answers of this run if all of it was told: only one that broke off is gone on with."""
        if self._cache is not None and not self.gaps:
            for path, params in self._used:
                self._cache.forget(path, dict(params))

    def _kept(
        self,
        send: Callable[[str, Mapping[str, str]], bytes],
        path: str,
        params: Mapping[str, str],
        key: str,
        read: Callable[[bytes], T],
    ) -> T:
        """The answer that was kept, else that of the server, kept when it is whole."""
        self._used[path, tuple(sorted(params.items()))] = None
        known = self._from_cache(path, params, read)
        if known is not None:
            return known
        if self._dead is not None:
            raise Failure(self._dead.reason, self._dead.cause)
        try:
            body = send(path, params)
        except Failure as failure:
            if failure.nothing_answers:
                self._dead = failure
            raise
        said = reply(body).cut
        for warning in said:
            self._gap(key, f"the answer is not whole: {warning}", "truncated")
        answer = read(body)
        if self._cache and not said:
            self._cache.keep(path, params, body)
        return answer

    def _from_cache(self, path: str, params: Mapping[str, str], read: Callable[[bytes], T]) -> T | None:
        """What an earlier run had left; a file that is torn is as if it were not there."""
        found = self._cache.read(path, params) if self._cache else None
        if found is None:
            return None
        body, at_s = found
        try:
            if reply(body).status != "success":
                return None
            answer = read(body)
        except Failure:
            return None
        self.kept += 1
        self.kept_at_s = at_s if self.kept_at_s is None else min(self.kept_at_s, at_s)
        return answer

    def _miss(self, key: str, part: Window, window: Window, failure: Failure) -> None:
        days = (part.end_s - part.start_s) / 86400
        of = "" if part == window else f" ({days:.1f} of {(window.end_s - window.start_s) / 86400:.1f} d)"
        self._gap(f"{key}{of}", failure.reason, failure.cause, failure.hint)

    def _gap(self, subject: str, reason: str, cause: Cause, hint: str = "") -> None:
        gap = Gap(self.name, subject, reason, cause, hint)
        if gap not in self.gaps:
            self.gaps.append(gap)


def _joined(query: Query, parts: list[tuple[Series, ...]]) -> tuple[Series, ...]:
    """One answer of several: steps one after the other, values of windows combined."""
    if len(parts) == 1:
        return parts[0]
    found: dict[tuple[tuple[str, str], ...], list[Series]] = {}
    for part in parts:
        for one in part:
            found.setdefault(tuple(sorted(one.labels.items())), []).append(one)
    return tuple(_combined(query, dict(key), several) for key, several in found.items())


def _combined(query: Query, labels: dict[str, str], parts: list[Series]) -> Series:
    """One series of its parts; one figure over all of them is unknown where one of them is."""
    points = tuple(point for one in parts for point in one.points)
    unknown_s = tuple(time_s for one in parts for time_s in one.unknown_s)
    if query.kind == "range":
        return Series(labels, points, unknown_s)
    if unknown_s or not points:
        return Series(labels, (), unknown_s)
    values = [value for _, value in points]
    return Series(labels, ((points[-1][0], sum(values) if query.combine == "sum" else max(values)),))
