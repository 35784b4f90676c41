"""Ways to carry a series on: a season around a line, a level, or the last value."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


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


def _season_and_trend(values: Sequence[float | None], season: int, day: int) -> Model:
    """Least squares with a level for each phase and one slope: exact where steps are missing too."""
    del day
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


def _season(values: Sequence[float | None], season: int, day: int) -> Model:
    """The mean of each phase, moved to the level of the last season."""
    del day
    return _moved(values, season, season)


def _season_of_late(values: Sequence[float | None], season: int, day: int) -> Model:
    """The mean of each phase, moved to the level of the last day."""
    return _moved(values, season, day)


def _trend(values: Sequence[float | None], season: int, day: int) -> Model:
    """A straight line, as `predict_linear` draws it."""
    del season
    return _season_and_trend(values, 1, day)


def _last(values: Sequence[float | None], season: int, day: int) -> Model:
    """The last value that is known: the best there is of what moves at random."""
    del season, day
    return Model(next((value for value in reversed(values) if value is not None), 0.0), 0.0)


CANDIDATES: dict[str, Callable[[Sequence[float | None], int, int], Model]] = {
    "season and trend": _season_and_trend,
    "season": _season,
    "season at the last day's level": _season_of_late,
    "trend": _trend,
    "last value": _last,
}
"""By name for people. Each takes the values, the steps of a season and those of a day."""


def _moved(values: Sequence[float | None], season: int, steps: int) -> Model:
    """The mean of each phase, moved to the level of the last steps."""
    levels = _filled(_phases(values, season))
    first = max(0, len(values) - steps)
    off = [
        value - levels[(first + step) % season]
        for step, value in enumerate(values[first:])
        if value is not None
    ]
    return Model(sum(off) / len(off) if off else 0.0, 0.0, levels)


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
