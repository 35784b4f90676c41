"""Waiting for a place: Erlang C (M/M/c). Times in seconds, rates per second."""

from __future__ import annotations

from itertools import count, islice
from math import exp
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_SERVERS: Final = 1_000_000
"""Places at once; beyond, the sums take long and hardly anyone waits."""


def waits(load: float, servers: int) -> float:
    """Return the chance that a request waits: `load` in erlang is arrivals times service time."""
    blocked = next(islice(_blocked(load), servers - 1, None))
    return _waits(load, servers, blocked)


def late(load: float, servers: int, service_s: float, wait_s: float) -> float:
    """Return the chance that a request waits longer than `wait_s`."""
    return waits(load, servers) * _outlasts(load, servers, wait_s / service_s)


def groups_needed(load: float, size: int, service_s: float, wait_s: float, quantile: float) -> int:
    """Return the fewest groups of `size` servers in which that share of requests waits at most `wait_s`."""
    for servers, blocked in enumerate(_blocked(load), 1):
        if servers % size or servers <= load:
            continue
        if _waits(load, servers, blocked) * _outlasts(load, servers, wait_s / service_s) <= 1 - quantile:
            return servers // size
    raise AssertionError("more servers always wait less")


def _blocked(load: float) -> Iterator[float]:
    """Erlang B for 1, 2, ... servers: B(c) = a B(c-1) / (c + a B(c-1))."""
    blocked = 1.0
    for servers in count(1):
        blocked = load * blocked / (servers + load * blocked)
        yield blocked


def _waits(load: float, servers: int, blocked: float) -> float:
    """Erlang C from Erlang B: B / (1 - (a / c)(1 - B))."""
    return 1.0 if load >= servers else blocked / (1 - load / servers * (1 - blocked))


def _outlasts(load: float, servers: int, wait: float) -> float:
    """Of those who wait, the share that waits longer than so many service times."""
    return exp(min(0.0, -(servers - load) * wait))
