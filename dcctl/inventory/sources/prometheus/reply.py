"""What the HTTP API of Prometheus says, decoded: matrices, vectors, lists of names, warnings. Pure."""

from __future__ import annotations

import math

import msgspec

from dcctl.inventory.sources.http.failure import Failure, one_line
from dcctl.inventory.timeseries import Point, Series

_NO_JSON = (msgspec.DecodeError, RecursionError)
"""Of another form, or nested without end."""


class Reply(msgspec.Struct, rename="camel"):
    """An answer without its data."""

    status: str
    error: str = ""
    warnings: tuple[str, ...] = ()
    is_partial: bool = False
    """VictoriaMetrics: some of its storage did not answer."""
    partial_response: bool = False

    @property
    def cut(self) -> tuple[str, ...]:
        """Why the answer may not be whole, as the server says."""
        if self.warnings or not (self.is_partial or self.partial_response):
            return self.warnings
        return ("the server says that its answer is partial",)


class _Result(msgspec.Struct):
    metric: dict[str, str]
    values: tuple[tuple[float, str], ...] = ()
    value: tuple[float, str] | None = None


class _Data(msgspec.Struct):
    result: tuple[_Result, ...]


class _Answer(msgspec.Struct):
    data: _Data


class _Names(msgspec.Struct):
    data: tuple[str, ...] = ()


def reply(body: bytes) -> Reply:
    """Decode what every answer has. Failure, that a second try may cure, when it is no answer at all."""
    try:
        return msgspec.json.decode(body, type=Reply)
    except _NO_JSON as error:
        raise Failure(f"not an answer of the API: {one_line(str(error))}", "invalid", again=True) from error


def series(body: bytes) -> tuple[Series, ...]:
    """Decode the series of a query. Failure when it is of another form."""
    try:
        found = msgspec.json.decode(body, type=_Answer).data.result
    except _NO_JSON as error:
        raise Failure(f"not the answer to a query: {one_line(str(error))}", "invalid") from error
    return tuple(
        Series(one.metric, *_points(one.values if one.value is None else (one.value,))) for one in found
    )


def names(body: bytes) -> tuple[str, ...]:
    """Decode a list of label values."""
    try:
        return msgspec.json.decode(body, type=_Names).data
    except _NO_JSON as error:
        raise Failure(f"not a list of names: {one_line(str(error))}", "invalid") from error


def message(body: bytes) -> str:
    """What the server says of an error, on one line; empty when it says nothing that can be read."""
    try:
        return one_line(msgspec.json.decode(body, type=Reply).error)
    except _NO_JSON:
        return ""


def _points(values: tuple[tuple[float, str], ...]) -> tuple[tuple[Point, ...], tuple[int, ...]]:
    """The values that are finite numbers, and the times of the others."""
    found, unknown = [], []
    for time_s, text in values:
        try:
            value = float(text)
        except ValueError as error:
            raise Failure(f"a value that is no number: {one_line(text)}", "invalid") from error
        if math.isfinite(value):
            found.append((round(time_s), value))
        else:
            unknown.append(round(time_s))
    return tuple(found), tuple(unknown)
