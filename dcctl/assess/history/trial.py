"""How far off forecasts were: each candidate told from many moments of the past, and held against what came.

What is quoted is the error of a choice that did not know it: at each moment the candidate is taken that had
erred least on what was known by then. Beyond the time that could be tried, the square of the error goes on
growing as it did: by nothing where it is noise, with the time where demand moves at random.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, NamedTuple

from dcctl.assess.history.candidates import CANDIDATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ORIGINS = 32
"""Moments of the past from which each candidate is tried."""
_FAR = 1.5
"""Errors far ahead count less in the choice, by this power of the steps: of what moves at random they are
larger, fewer, and tell by chance which candidate is good."""
_ROUNDS = 5
"""Of the fit of two coefficients whose weights depend on them: the last changes nothing that is shown."""
_EVIDENCE = 3.0
"""How much likelier it must be, as a logarithm, that errors stop growing."""
_NOTHING = 1e-12


class Try(NamedTuple):
    """What was told at one moment: by candidate, the error of each step after it, None where nobody knows."""

    origin: int
    errors: dict[str, list[float | None]]


class Lead(NamedTuple):
    """How far off forecasts were that looked so far ahead."""

    steps: int
    """The longest of them; the shortest is above half of it."""
    error: float
    """Sum of absolute errors over the sum of what was."""
    square: float
    """Mean of the squared errors."""
    mean_steps: float
    tested: int
    """Stretches of time that have no step in common from which that was learned, at most."""


class Growth(NamedTuple):
    """The square of an error by how far ahead it is: `noise + walk * steps`, of `memory` steps at most."""

    noise: float
    walk: float
    memory: int | None = None
    """Beyond so many steps it grows no more; None: it grows as long as could be tried."""

    def square(self, steps: float) -> float:
        """Return it for a forecast so far ahead."""
        return self.noise + self.walk * (steps if self.memory is None else min(steps, self.memory))


def tries(values: Sequence[float | None], season: int, day: int, ahead: int) -> list[Try]:
    """Return what each candidate would have told at moments of the past, from two seasons on."""
    first = max(len(values) // 3, 2 * season, 2)
    count = min(_ORIGINS, len(values) - first)
    found = []
    for at in range(count):
        origin = first + (len(values) - first) * at // count
        rest = values[origin : origin + max(ahead, 1)]
        models = {name: fit(values[:origin], season, day) for name, fit in CANDIDATES.items()}
        errors = {
            name: [None if v is None else v - model.at(step) for step, v in enumerate(rest, origin)]
            for name, model in models.items()
        }
        found.append(Try(origin, errors))
    return found


def winner(tried: Iterable[Try], until: int) -> str:
    """Return the candidate that erred least on what was known `until` a step; of equals the first."""
    sums = dict.fromkeys(CANDIDATES, 0.0)
    for one in tried:
        for name, errors in one.errors.items():
            known = enumerate(errors[: max(0, until - one.origin)], 1)
            sums[name] += sum(abs(error) / step**_FAR for step, error in known if error is not None)
    return min(sums, key=lambda name: sums[name])


def nested(tried: Sequence[Try]) -> list[Try]:
    """Return the errors of the candidate that would have been chosen at each moment, but for the first."""
    found = []
    for at, one in enumerate(tried[1:], 1):
        name = winner(tried[:at], one.origin)
        found.append(Try(one.origin, {name: one.errors[name]}))
    return found


def leads(chosen: Sequence[Try], values: Sequence[float | None]) -> tuple[Lead, ...]:
    """Return the errors by how far ahead they were told: 1, 2, 3 to 4, 5 to 8 steps, and so on."""
    found, most = [], 1
    longest = max((len(errors) for one in chosen for errors in one.errors.values()), default=0)
    span = len(values) - chosen[0].origin if chosen else 0
    while most // 2 < longest:
        least = most // 2 + 1
        pairs = [
            (step, error, values[one.origin + step - 1] or 0.0, one.origin)
            for one in chosen
            for errors in one.errors.values()
            for step, error in enumerate(errors[least - 1 : most], least)
            if error is not None
        ]
        if pairs:
            total = sum(abs(value) for _, _, value, _ in pairs)
            off = sum(abs(error) for _, error, _, _ in pairs)
            mean = sum(step for step, _, _, _ in pairs) / len(pairs)
            apart = max(1, min(len({origin for *_, origin in pairs}), int(span / mean)))
            square = sum(error * error for _, error, _, _ in pairs) / len(pairs)
            found.append(Lead(max(p[0] for p in pairs), off / total if total else off, square, mean, apart))
        most *= 2
    return tuple(found)


def growth(found: Sequence[Lead]) -> Growth:
    """Return how errors grow. That they stop growing needs evidence: a walk is believed until then."""
    fits = [_grown(found, memory) for memory in (None, *(one.steps for one in found[1:-2]))]
    endless, *others = ((_unlikely(found, one), one) for one in fits)
    best = min(others, key=lambda pair: pair[0], default=endless)
    return best[1] if best[0] < endless[0] - _EVIDENCE else endless[1]


def _unlikely(found: Sequence[Lead], fit: Growth) -> float:
    """Minus the logarithm of how likely the squares are, were the errors normal."""
    squares = [(one, max(fit.square(one.mean_steps), _NOTHING)) for one in found]
    return sum(one.tested / 2 * (log(square) + one.square / square) for one, square in squares)


def _grown(found: Sequence[Lead], memory: int | None) -> Growth:
    """Least squares, each lead weighed by how well it is known."""
    fit = Growth(sum(one.square for one in found) / len(found), 0.0, memory)
    for _ in range(_ROUNDS):
        rows = [
            (
                one.mean_steps if memory is None else min(one.mean_steps, memory),
                one.square,
                one.tested / max(fit.square(one.mean_steps), _NOTHING) ** 2,
            )
            for one in found
        ]
        fit = Growth(*_line(rows), memory)
    return fit


def _line(rows: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """A line through (steps, square, weight) without a negative coefficient: the nearest of three."""
    w = sum(weight for _, _, weight in rows)
    x = sum(weight * steps for steps, _, weight in rows)
    xx = sum(weight * steps * steps for steps, _, weight in rows)
    y = sum(weight * square for _, square, weight in rows)
    xy = sum(weight * steps * square for steps, square, weight in rows)
    ways = [(y / w, 0.0), (0.0, xy / xx)]
    det = w * xx - x * x
    if det > 0:
        ways.append(((y * xx - x * xy) / det, (w * xy - x * y) / det))
    usable = [way for way in ways if min(way) >= 0]
    return min(usable, key=lambda way: sum(k * (way[0] + way[1] * s - sq) ** 2 for s, sq, k in rows))
