"""How a run behaves when nobody looks: it waits its turn, ends in time, and tells that it lives."""

from __future__ import annotations

import hashlib
import ipaddress
import signal
import socket
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from dcctl.audit.days import DAYS
from dcctl.errors import UnreachableError, UsageError
from dcctl.interrupts import Stop
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.unreached import because
from dcctl.streams import tell_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType, TracebackType

    from dcctl.audit.days import Day
    from dcctl.inventory.evidence.collected import Evidence

_PING_S: Final = 5.0


class Watched:
    """Inside it a run has waited its turn. Its start is told, and its end."""

    def __init__(
        self,
        url: str | None,
        jitter_s: float,
        code_of: Callable[[BaseException], int],
        *,
        quiet: bool = False,
    ) -> None:
        """`url`: of this host or site alone. UsageError: it is no such URL.

        `code_of` tells the exit code of an error or a signal; `quiet`: a ping that fails is not told of.
        """
        self._url, self._jitter_s, self._quiet = url, jitter_s, quiet
        self._code_of, self._status = code_of, 0
        if url:
            _check(url)

    def ends(self, status: int) -> None:
        """Say with which exit code the run will end."""
        self._status = status

    def __enter__(self) -> Watched:
        if self._jitter_s:
            time.sleep(wait_s(self._jitter_s, socket.gethostname(), "audit"))
        self._ping("start")
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._status = self._code_of(error)
        self._ping(str(int(self._status)))

    def _ping(self, what: str) -> None:
        """Tell the watchman. That he does not hear changes nothing here: he will cry by himself."""
        if not self._url:
            return
        import urllib3

        try:
            answer = urllib3.PoolManager(retries=False, timeout=_PING_S).request(
                "GET", f"{self._url.rstrip('/')}/{what}", redirect=False
            )
            why = f"answered {answer.status}" if answer.status >= 300 else ""
        except urllib3.exceptions.HTTPError as error:
            why = type(error).__name__
        if why and not self._quiet:
            with suppress(OSError):
                tell_aside(f"dcctl: {self._url}: {why}\n")


class Deadline:
    """Inside it sources are asked for so long; then that ends as by Ctrl-C, and what answered is kept.

    UnreachableError: nothing had answered by then.
    """

    def __init__(self, most_s: float) -> None:
        """`most_s`: 0 is for ever."""
        self._most_s, self._passed = most_s, False
        self.stop = Stop()
        """Set when it has passed: for all that asks."""

    def __enter__(self) -> Deadline:
        if self._most_s:
            signal.signal(signal.SIGALRM, self._end)
            signal.setitimer(signal.ITIMER_REAL, self._most_s)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._most_s:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if self._passed and kind is KeyboardInterrupt:
            why = "nothing had answered by then; nothing was kept"
            raise UnreachableError(f"--deadline {self._most_s:g}", why, "dcctl audit -o wide") from error

    def told(self, evidence: Evidence) -> Evidence:
        """Return the evidence, with the deadline as the reason for what it cut off."""
        why = Silence(f"not reached within {self._most_s:g} s (--deadline)", "timeout")
        return because(evidence, why) if self._passed else evidence

    def _end(self, _signal: int, _frame: FrameType | None) -> None:
        self._passed = True
        self.stop.demand()


@contextmanager
def judging(most_s: float) -> Iterator[None]:
    """Inside it evidence is judged for so long, 0: for ever. UnreachableError: it was not judged by then."""
    if not most_s:
        yield
        return

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise _NotJudged

    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, most_s)
    try:
        yield
    except _NotJudged as error:
        why = "what was told was not judged within as long again; nothing was kept"
        raise UnreachableError(f"--deadline {most_s:g}", why, "dcctl audit --no-record -o wide") from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


class _NotJudged(BaseException):
    """The time for judging is over: no check that breaks takes it for its own."""


def wait_s(most_s: float, host: str, job: str) -> float:
    """Return how long a host waits before it begins: the same each time, and spread over the hosts."""
    number = int.from_bytes(hashlib.sha256(f"{host} {job}".encode()).digest()[:8], "big")
    return most_s * number / 2**64


def is_due(day: Day | None, now_s: int, before_s: int | None) -> bool:
    """Tell whether this run tells how things stand: on that day of the week, in local time, once.

    `before_s`: when a run last did; None: none has.
    """
    now = time.localtime(now_s)
    again = before_s is not None and time.localtime(before_s)[:3] == now[:3]
    return day == DAYS[now.tm_wday] and not again


def _check(url: str) -> None:
    """UsageError unless a URL is of this host or of a private network."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(f"ping = {url!r}", "must be a URL like http://127.0.0.1:8000/ping/ID")
    try:
        found = socket.getaddrinfo(parts.hostname, None, type=socket.SOCK_STREAM)
    except OSError:
        return  # nobody is there: the ping will say so
    for each in found:
        if not ipaddress.ip_address(str(each[4][0]).partition("%")[0]).is_private:
            raise UsageError(f"ping = {url!r}", f"{each[4][0]} is not of this host or site")
