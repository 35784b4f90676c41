"""What demand will be: candidates with a weekly season and a trend, each with its error when tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_WEEK_S = 7 * 86400
_DAY_S = 86400
_ENOUGH = 0.8
"""The least share of steps that must be known."""
_COVERED = 0.9
"""Share of errors within the interval."""


class Model(NamedTuple):
    """A season, by its phases, around a line."""

    level: float
    """Of the line, at the first step."""
    slope: float
    """Of the line, for each step."""
    season: tuple[float, ...] = (0.0,)

    def at(self, step: int) -> float:
        """Return the value at a step; demand is never below 0."""
        return max(0.0, self.level + self.slope * step + self.season[step % len(self.season)])


class Forecast(NamedTuple):
    """What is to come, by the candidate that erred least."""

    name: str
    error: float
    """Sum of absolute errors over the sum of what was, on time that the candidate had not seen."""
    tried: tuple[tuple[str, float], ...]
    tested_steps: int
    values: tuple[float, ...]
    """For each step from the end of what is known."""
    spread: float
    """Nine tenths of the errors were at most so large."""


def forecast(values: Sequence[float | None], step_s: int, ahead: int) -> Forecast | None:
    """Return what is to come, `ahead` steps of it. None: too little is known, or nothing was asked for.

    The last week, or the last third if there are less than three weeks, is held back to try each candidate.
    """
    known = [value for value in values if value is not None]
    if len(known) < _ENOUGH * len(values) or not any(known):
        return None
    season = _season(len(values), step_s)
    held = min(_WEEK_S // step_s or 1, len(values) // 3)
    if held < 2:
        return None
    past, rest = values[:-held], values[-held:]
    errors = {name: _errors(fit(past, season), rest, len(past)) for name, fit in _CANDIDATES.items()}
    total = sum(abs(value) for value in rest if value is not None)
    tried = tuple((name, sum(each) / total if total else sum(each)) for name, each in errors.items())
    name, error = min(tried, key=lambda one: one[1])
    model = _CANDIDATES[name](values, season)
    to_come = tuple(model.at(step) for step in range(len(values), len(values) + ahead))
    return Forecast(name, error, tried, held, to_come, quantile(errors[name], _COVERED) or 0.0)


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
    """Steps of a season: a week if two are left to learn from, else a day, else none."""
    for season_s in (_WEEK_S, _DAY_S):
        length = season_s // step_s
        if season_s % step_s == 0 and length > 1 and steps - min(_WEEK_S // step_s, steps // 3) >= 2 * length:
            return length
    return 1


def _errors(model: Model, values: Sequence[float | None], first: int) -> list[float]:
    return [abs(value - model.at(first + step)) for step, value in enumerate(values) if value is not None]


def _season_and_trend(values: Sequence[float | None], season: int) -> Model:
    """Least squares with a level for each phase and one slope: exact where steps are missing too."""
    means = _phases([float(step) if v is not None else None for step, v in enumerate(values)], season)
    levels = _phases(values, season)
    top = bottom = 0.0
    for step, value in enumerate(values):
        mean, level = means[step % season], levels[step % season]
        if value is not None and mean is not None and level is not None:
            top += (step - mean) * (value - level)
            bottom += (step - mean) ** 2
    slope = top / bottom if bottom else 0.0
    shifted = [
        None if level is None or mean is None else level - slope * mean
        for level, mean in zip(levels, means, strict=True)
    ]
    return Model(0.0, slope, _filled(shifted))


def _season_alone(values: Sequence[float | None], season: int) -> Model:
    """The mean of each phase, moved to the level of the last season."""
    levels = _filled(_phases(values, season))
    first = max(0, len(values) - season)
    off = [
        value - levels[(first + step) % season]
        for step, value in enumerate(values[first:])
        if value is not None
    ]
    return Model(sum(off) / len(off) if off else 0.0, 0.0, levels)


def _trend(values: Sequence[float | None], season: int) -> Model:
    """A straight line, as `predict_linear` draws it."""
    del season
    return _season_and_trend(values, 1)


_CANDIDATES: dict[str, Callable[[Sequence[float | None], int], Model]] = {
    "season and trend": _season_and_trend,
    "season": _season_alone,
    "trend": _trend,
}


def _phases(values: Sequence[float | None], season: int) -> list[float | None]:
    """The mean of what is known of each phase of the season."""
    sums, counts = [0.0] * season, [0] * season
    for step, value in enumerate(values):
        if value is not None:
            sums[step % season] += value
            counts[step % season] += 1
    return [total / count if count else None for total, count in zip(sums, counts, strict=True)]


def _filled(phases: Sequence[float | None]) -> tuple[float, ...]:
    """Phases of which nothing is known are as the others are."""
    known = [phase for phase in phases if phase is not None]
    mean = sum(known) / len(known) if known else 0.0
    return tuple(mean if phase is None else phase for phase in phases)
