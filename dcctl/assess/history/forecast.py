"""What demand will be: the candidate that erred least, and how far off it is so many steps ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.assess.history.candidates import CANDIDATES
from dcctl.assess.history.trial import Lead, growth, leads, nested, tries, winner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.assess.history.trial import Try

_WEEK_S = 7 * 86400
_DAY_S = 86400
_ENOUGH = 0.8
"""The least share of steps that must be known."""
_NINE_TENTHS = 1.645
"""Standard deviations that hold nine tenths of normal errors."""
_MEAN = 0.798
"""Standard deviations that normal errors are off on average: sqrt(2/pi)."""
_LEAST = 6
"""Steps of which a season, a line and their errors can be learned at all."""


class Forecast(NamedTuple):
    """What is to come, by the candidate that erred least."""

    name: str
    error: float
    """To expect, over all of the time shown: the mean error over the mean of what is to come."""
    tried: tuple[tuple[str, float], ...]
    """By candidate: sum of absolute errors over the sum of what was, of all that it was tried on."""
    leads: tuple[Lead, ...]
    """How far off it was, by how far ahead, on time that neither candidate nor choice had seen."""
    values: tuple[float, ...]
    """For each step from the end of what is known."""
    spreads: tuple[float, ...]
    """For each of them: nine tenths of the errors are at most so large."""

    @property
    def tested_steps(self) -> int:
        """How far ahead it was tried."""
        return self.leads[-1].steps

    @property
    def tested_error(self) -> float:
        """The error that was measured so far ahead."""
        return self.leads[-1].error


def forecast(values: Sequence[float | None], step_s: int, ahead: int) -> Forecast | None:
    """Return what is to come, `ahead` steps of it. None: too little is known, or nothing was asked for."""
    known = [value for value in values if value is not None]
    if len(known) < _ENOUGH * len(values) or not any(known) or len(values) < _LEAST:
        return None
    season, day = _season(len(values), step_s), max(1, _DAY_S // step_s)
    tried = tries(values, season, day, ahead)
    chosen = nested(tried)
    found = leads(chosen, values)
    if not found:
        return None
    name = winner(tried, len(values))
    model = CANDIDATES[name](values, season, day)
    to_come = tuple(model.at(step) for step in range(len(values), len(values) + ahead))
    grown = growth(found)
    deviations = [grown.square(step) ** 0.5 for step in range(1, ahead + 1)]
    mean = sum(to_come) or sum(known) / len(known) * ahead
    error = _MEAN * sum(deviations) / mean if mean else 0.0
    spreads = tuple(_NINE_TENTHS * deviation for deviation in deviations)
    return Forecast(name, error, _tried(tried, values), found, to_come, spreads)


def quantile(values: Sequence[float], share: float) -> float | None:
    """Return a quantile, between the two values that are nearest. None: there are no values."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def full_after(values: Sequence[float], capacity: float) -> int | None:
    """Return the first step in which demand is at least the capacity; None: in none of them."""
    return next((step for step, value in enumerate(values) if value >= capacity), None)


def _season(steps: int, step_s: int) -> int:
    """Steps of a season: a week if three are known, else a day, else none: the last of them tries it."""
    for season_s in (_WEEK_S, _DAY_S):
        length = season_s // step_s
        if season_s % step_s == 0 and length > 1 and steps >= 3 * length:
            return length
    return 1


def _tried(tried: Sequence[Try], values: Sequence[float | None]) -> tuple[tuple[str, float], ...]:
    """The error of each candidate, whatever was chosen."""
    found = []
    for name in CANDIDATES:
        pairs = [
            (abs(error), values[step] or 0.0)
            for one in tried
            for step, error in enumerate(one.errors[name], one.origin)
            if error is not None
        ]
        total, off = sum(value for _, value in pairs), sum(error for error, _ in pairs)
        found.append((name, off / total if total else off))
    return tuple(found)
