"""One Prometheus asked for meters, a question at a time; what gives no clear reading is a gap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.inventory.model import Fleet, Gap
from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.prometheus.client import TooMuchError
from dcctl.inventory.sources.series.parse import Problem, Register, joined, parse
from dcctl.inventory.timeseries import Series
from dcctl.units import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.inventory.model import PowerMeter
    from dcctl.inventory.sources.power.many import Asking
    from dcctl.inventory.sources.prometheus.source import PrometheusSource
    from dcctl.inventory.sources.series.row import Row

LEAST_OVER_S: Final = 3600
"""Of a shorter time a counter that is scraped every few minutes tells little."""
_WHOLE: Final = frozenset({"unreachable", "unauthenticated"})
"""Causes after which there is nothing to learn from a server."""
_EDGE_S: Final = (300, 3600)
"""How near the ends of a period a counter must be seen: a hundredth of it, within these."""


class SeriesSource:
    """The meters of one server."""

    kind = "prometheus"

    def __init__(self, server: PrometheusSource, rows: Sequence[Row], asking: Asking, over_s: int) -> None:
        """`over_s`: energy is that of so much time before now."""
        self.name, self._asking = asking.name, asking
        self._server, self._rows, self._over_s = server, tuple(rows), over_s
        self._gaps: list[Gap] = []

    def collect(self) -> Fleet:
        """The meters that tell power or energy, a gap for each other. SourceError: no answer at all."""
        now_s = int(self._asking.now())
        meters: list[PowerMeter] = []
        for at, row in enumerate(self._rows):
            if self._asking.stop.is_set():
                break
            try:
                meters += self._row(row, now_s)
            except Failure as failure:
                if failure.cause in _WHOLE:
                    raise SourceError(
                        self._server.host, failure.reason, failure.cause, failure.hint
                    ) from failure
                for missed in self._rows[at:]:  # a server that was too slow once would be so again
                    self._gap(missed, Problem("", failure.reason, failure.cause, failure.hint))
                break
        return Fleet(meters=tuple(meters), gaps=(*self._server.gaps, *self._gaps))

    def _row(self, row: Row, now_s: int) -> tuple[PowerMeter, ...]:
        """The meters of one row. Failure: nothing else need be asked."""
        power = self._power(row, now_s) if row.power else None
        register = self._energy(row, now_s) if row.energy else None
        told = parse(row, power, register, self._asking.site, now_s)
        for problem in told.problems:
            self._gap(row, problem)
        there = {meter.name for meter in told.meters}
        if power is not None or register is not None:
            for name in sorted(row.feeds.keys() - there - {one.meter for one in told.problems}):
                why = "the configuration names it, and no series does"
                self._gap(row, Problem(name, why, "missing"))
        return told.meters

    def _power(self, row: Row, now_s: int) -> Sequence[Series] | None:
        found = self._asked(row, row.power, now_s, "power")
        if found is not None and not found:
            self._gap(row, Problem("", self._last_seen(row, now_s), "missing"))
        return found

    def _last_seen(self, row: Row, now_s: int) -> str:
        """Why there is no power now: its series broke off, or there was none for a day."""
        seen = self._asked(row, f"max(max_over_time(timestamp({row.power})[1d:5m]))", now_s, "last seen")
        last_s = seen[0].last if seen else None
        if last_s is None:
            return f"no series of power, not for a day: {row.power}"
        return f"no power now, the last was {duration(max(0, now_s - round(last_s)))} ago: {row.power}"

    def _energy(self, row: Row, now_s: int) -> Register | None:
        start_s = now_s - self._over_s
        edge_s = min(max(self._over_s // 100, _EDGE_S[0]), _EDGE_S[1])
        grown = self._asked(row, "", now_s, "energy", start_s)
        if grown is None:
            return None
        if not grown:
            self._gap(row, Problem("", f"no series of energy: {row.energy}", "missing"))
            return None
        there = f"count_over_time({row.energy}[{edge_s}s])"
        at_start = self._asked(row, there, start_s + edge_s, "energy at the beginning")
        at_end = self._asked(row, there, now_s, "energy at the end")
        if at_start is None or at_end is None:
            return None
        return Register(start_s, now_s, grown, at_start, at_end)

    def _asked(
        self, row: Row, expression: str, time_s: int, what: str, start_s: int | None = None
    ) -> Sequence[Series] | None:
        """The whole answer, of which a part is worth nothing; None: a gap tells why there is none.

        With `start_s`: what the counter of the row grew by since then. Failure: nothing else need be asked.
        """
        before = len(self._server.gaps)
        key = f"{row.title}: {what}"
        try:
            if start_s is None:
                found: Sequence[Series] = self._server.at(expression, time_s, key)
            else:
                found = self._grown(row, start_s, time_s, key)
        except Failure as failure:
            if failure.cause in _WHOLE or failure.cause in ("timeout", "limited"):
                raise
            self._gap(row, Problem("", f"{what}: {failure.reason}", failure.cause, failure.hint))
            return None
        return None if len(self._server.gaps) > before else found

    def _grown(self, row: Row, start_s: int, end_s: int, key: str) -> Sequence[Series]:
        """What counters grew by, resets made good; of what is too much in one, the sum of its halves."""
        length_s = end_s - start_s
        try:
            return self._server.at(f"increase({row.energy}[{length_s}s])", end_s, key)
        except TooMuchError as failure:
            if failure.cause == "timeout" or length_s < 2 * LEAST_OVER_S:
                raise
        middle_s = start_s + length_s // 2
        first, second = self._grown(row, start_s, middle_s, key), self._grown(row, middle_s, end_s, key)
        return joined(first, second, _added)

    def _gap(self, row: Row, problem: Problem) -> None:
        subject = problem.meter or row.title
        reason = problem.reason if subject == row.title else f"{row.title}: {problem.reason}"
        gap = Gap(self.name, subject, reason, problem.cause, problem.hint)
        if gap not in self._gaps:
            self._gaps.append(gap)


def _added(one: Series, other: Series) -> Series:
    """A series with the sum of two values; without one where either has none."""
    if one.last is None or other.last is None:
        return Series(one.labels, ())
    return Series(one.labels, ((other.points[-1][0], one.last + other.last),))
