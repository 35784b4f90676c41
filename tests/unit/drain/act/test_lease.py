"""Whether the lock of a cluster is still ours, by a clock of the test."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from dcctl.drain.act.kubernetes.lease import Lease
from dcctl.errors import DcctlError, UnreachableError
from dcctl.inventory.sources.http.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LASTS_S = 3000
"""So long that the thread that renews it has nothing to do in a test."""
AWAY = Failure("no connection", "unreachable")


class Server:
    """Has one lease. Each write is answered by its number, or refused."""

    def __init__(self) -> None:
        self.writes = 0
        self.holder = "ours"
        self.refusal: Failure | None = None

    def write(self, _path: str, _body: dict[str, Any]) -> SimpleNamespace:
        if self.refusal is not None:
            raise self.refusal
        self.writes += 1
        return SimpleNamespace(metadata=SimpleNamespace(resource_version=str(self.writes)))

    create = patch = write

    def read(self, _path: str, of: Callable[..., Any]) -> Any:
        if not self.writes:
            raise Failure("not found", "missing", status=404)
        lease = of()
        lease.spec.holder_identity = self.holder
        lease.metadata.resource_version = "theirs"
        return lease


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lease(server: Server, clock: Clock) -> Iterator[Lease]:
    made = Lease(server, "ours", "me", LASTS_S, clock=clock)  # type: ignore[arg-type]
    made.take()
    yield made
    server.refusal = None
    made.release()


def test_until_it_expires_nobody_is_asked(lease: Lease, server: Server, clock: Clock) -> None:
    clock.now_s += LASTS_S
    lease.demand()
    assert server.writes == 1


def test_one_that_expired_is_renewed_before_anything_is_written(
    lease: Lease, server: Server, clock: Clock
) -> None:
    clock.now_s += LASTS_S + 1
    lease.demand()
    lease.demand()
    assert server.writes == 2


def test_one_that_expired_and_cannot_be_renewed_allows_nothing(
    lease: Lease, server: Server, clock: Clock
) -> None:
    clock.now_s += LASTS_S + 1
    server.refusal = AWAY
    with pytest.raises(UnreachableError, match="cannot be renewed"):
        lease.demand()
    server.refusal = None
    lease.demand()


def test_one_that_another_took_meanwhile_is_lost_for_good(lease: Lease, server: Server, clock: Clock) -> None:
    clock.now_s += LASTS_S + 1
    server.refusal, server.holder = Failure("it changed", "failed", status=409), "thief"
    for _ in range(2):
        with pytest.raises(DcctlError, match="the run thief took it"):
            lease.demand()
        server.refusal = None


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="no clock here counts suspended time")
def test_the_time_for_which_the_machine_was_suspended_counts(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks = {time.CLOCK_BOOTTIME: 100.0, time.CLOCK_MONOTONIC: 100.0}
    monkeypatch.setattr(time, "clock_gettime", clocks.__getitem__)
    monkeypatch.setattr(time, "monotonic", lambda: clocks[time.CLOCK_MONOTONIC])
    lease = Lease(server, "ours", "me", LASTS_S)  # type: ignore[arg-type]
    lease._write("")
    clocks[time.CLOCK_BOOTTIME] += LASTS_S + 1
    lease.demand()
    assert server.writes == 2
