"""Faults scripted per request: which request (method, path, nth) meets which action.

server.faults.add(match("GET", r"^/api/v1/pods", nth=2), Reply(429, {"Retry-After": "1"}))
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

When = Literal["before-headers", "after-headers", "mid-body"]


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer with this code and do no work; without a body, with the `Status` the server would send."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait, then serve as usual."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Reset:
    """Tear the connection down with RST. "before-headers" comes before the work unless `applied`."""

    when: When = "before-headers"
    applied: bool = False


@dataclass(frozen=True, slots=True)
class Truncate:
    """Promise the whole body, send this part of it, close in good order."""

    part: float = 0.5


@dataclass(frozen=True, slots=True)
class Garbage:
    """200 with a body that is not what it says it is."""

    body: bytes = b"\x00\xff<html>not json</html>"


@dataclass(frozen=True, slots=True)
class EndlessPage:
    """Serve the first page again and again, always with the same continue token."""

    token: str = "bmV2ZXItZW5kcw"


@dataclass(frozen=True, slots=True)
class Drip:
    """Send the headers, then the body slowly: one byte a second unless told otherwise."""

    bytes_per_second: float = 1.0


@dataclass(frozen=True, slots=True)
class Huge:
    """200 with a chunked list of this size: one item whose annotation never seems to end."""

    size_bytes: int = 100_000_000


@dataclass(frozen=True, slots=True)
class StreamError:
    """A watch that opens and then tells of an error in an event of type ERROR: 410 unless told otherwise."""

    code: int = 410
    message: str = "The resourceVersion for the provided watch is too old."


Action = StreamError | Reply | Delay | Reset | Truncate | Garbage | EndlessPage | Drip | Huge


@dataclass(frozen=True, slots=True)
class Match:
    """Which requests: a method (or *), a pattern found in `path?query`, and which of those, from 1."""

    method: str
    pattern: re.Pattern[str]
    nth: int | None = None
    first: int | None = None
    user: str | None = None
    every: int = 1

    def looks_like(self, method: str, target: str, user: str) -> bool:
        return (
            self.method in {"*", method}
            and self.user in {None, user}
            and self.pattern.search(target) is not None
        )

    def is_due(self, count: int) -> bool:
        """Whether the count-th request of this look is meant."""
        return (
            self.nth in {None, count}
            and (self.first is None or count <= self.first)
            and count % self.every == 0
        )


def match(
    method: str = "*",
    path: str = "",
    nth: int | None = None,
    *,
    first: int | None = None,
    user: str | None = None,
    every: int = 1,
) -> Match:
    """`nth`: only that one; `first`: the first so many; neither: every one. `every`: of so many the last."""
    return Match(method, re.compile(path), nth, first, user, every)


@dataclass(slots=True)
class _Rule:
    match: Match
    action: Action
    seen: int = 0
    fired: int = 0


class Faults:
    """The rules of one server, asked in the order they were added; the first that is due acts."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()

    def add(self, rule: Match, action: Action) -> None:
        with self._lock:
            self._rules.append(_Rule(rule, action))

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    @property
    def fired(self) -> int:
        """How often any rule acted: a test whose fault never came proves nothing."""
        return sum(rule.fired for rule in self._rules)

    def due(self, method: str, target: str, user: str) -> Action | None:
        """The action for this request; every rule that looks like it counts it, due or not."""
        with self._lock:
            chosen: _Rule | None = None
            for rule in self._rules:
                if rule.match.looks_like(method, target, user):
                    rule.seen += 1
                    if chosen is None and rule.match.is_due(rule.seen):
                        chosen = rule
            if chosen is None:
                return None
            chosen.fired += 1
            return chosen.action
