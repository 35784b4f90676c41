"""Waiting for a place: Erlang C (M/M/c). Times in seconds, rates per second."""

from __future__ import annotations

from math import exp
from typing import Final

MOST_SERVERS: Final = 5_000_000
"""Places at once; beyond, the sums take too long and a queue of that size hardly waits."""


def waits(load: float, servers: int) -> float:
    """Return the chance that a request waits: `load` in erlang is arrivals times service time.

    The recurrence of Erlang B, B(c) = a B(c-1) / (c + a B(c-1)), then C = B / (1 - (a/c)(1 - B)).
    """
    if load >= servers:
        return 1.0
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = load * blocked / (count + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def late(load: float, servers: int, service_s: float, wait_s: float) -> float:
    """Return the chance that a request waits longer than `wait_s`."""
    if load >= servers:
        return 1.0
    return waits(load, servers) * exp(-(servers - load) / service_s * wait_s)


def groups_needed(load: float, size: int, service_s: float, wait_s: float, quantile: float) -> int:
    """Return the fewest groups of `size` servers in which that share of requests waits at most `wait_s`.

    Fewer requests are late with more servers, so the number is found by halving.
    """
    low, high = max(1, int(load / size)), max(2, int(load / size) + 2)
    while late(load, high * size, service_s, wait_s) > 1 - quantile:
        low, high = high, high + 2 * (high - int(load / size))
    while low < high:
        middle = (low + high) // 2
        if late(load, middle * size, service_s, wait_s) <= 1 - quantile:
            high = middle
        else:
            low = middle + 1
    return high
