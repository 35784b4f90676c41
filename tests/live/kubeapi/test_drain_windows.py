"""`dcctl drain` whose window ends before its work is moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from dcctl.drain.act import order
from dcctl.drain.act.going import Going
from dcctl.drain.waves.calendar import opening, window
from tests.kubeapi import ApiServer
from tests.live.kubeapi.applying import Silence
from tests.live.kubeapi.draining import Asker, Bench, budget, maker
from tests.live.kubeapi.test_drain import TARGETS, USERS
from tests.live.kubeapi.test_drain_faults import once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dcctl.drain.campaign import Campaign, Leave, Unit, Wave
    from dcctl.drain.outcome import Outcome

WINDOW = window("daily 08:00-09:00 UTC")
OPENS_S = 1_800_000_000
CLOSED_S = OPENS_S + 3600


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with ApiServer(users=USERS, makers=True, clock_speed=20) as server:
        yield Bench(server, tmp_path).plainly()


class Clock:
    """Stands still in the window, until it is over."""

    def __init__(self) -> None:
        self.now_s, self.evicted_s = OPENS_S, list[int]()

    def __call__(self) -> float:
        return float(self.now_s)

    def close(self) -> None:
        """The first window is over."""
        self.now_s = max(self.now_s, CLOSED_S)

    def heed(self, line: str) -> None:
        """Who waits for a wave waits until the window opens."""
        if "begins at" in line:
            found = opening((WINDOW,), self.now_s)
            assert found is not None
            self.now_s = found[0]

    def planned(self, plan: Campaign) -> Campaign:
        """Waves begin in the window; what is waited for is waited for past its end."""
        found = opening((WINDOW,), self.now_s)
        assert found is not None
        return msgspec.structs.replace(plan, waves=tuple(self._timed(one, found[0]) for one in plan.waves))

    def _timed(self, wave: Wave, start_s: int) -> Wave:
        wait_s = CLOSED_S - 60
        units = [
            msgspec.structs.replace(one, waits_until_s=wait_s if one.waits_until_s else None)
            for one in wave.units
        ]
        return msgspec.structs.replace(wave, start_s=start_s, units=tuple(units))


@pytest.fixture
def clock(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Tells when each eviction was asked for."""
    monkeypatch.setattr("dcctl.drain.act.run._RETURNED_S", 0.01)
    made, evict = Clock(), Going.evict

    def noted(going: Going, leave: Leave) -> None:
        made.evicted_s.append(made.now_s)
        evict(going, leave)

    monkeypatch.setattr(Going, "evict", noted)
    bench.plainly(per_wave=2)
    bench.planner.changed = made.planned
    return made


def windowed(bench: Bench, clock: Clock, **more: Any) -> Outcome:
    world = bench.world(clock=clock, fanout=1, **{"tell": clock.heed, **more})
    return order.drain(world, bench.request(windows=(WINDOW,)))


def kept(bench: Bench, clock: Clock, first: int, then: int) -> None:
    """So many were evicted in the first window, all others in the next."""
    assert clock.evicted_s == [OPENS_S] * first + [OPENS_S + 86_400] * then
    assert bench.on(*TARGETS) == []
    assert once(bench)


def test_nothing_more_is_evicted_once_the_window_is_over(
    bench: Bench, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.server.load([maker("Deployment", "web", 8)])
    evict = Going.evict

    def last(going: Going, leave: Leave) -> None:
        evict(going, leave)
        clock.close()

    monkeypatch.setattr(Going, "evict", last)
    world_told: list[str] = []

    def tell(line: str) -> None:
        world_told.append(line)
        clock.heed(line)
        if "begins at" in line:
            monkeypatch.setattr(Going, "evict", evict)

    assert windowed(bench, clock, tell=tell).state == "drained"
    assert any(line.startswith("the window is over") for line in world_told)
    kept(bench, clock, 1, 3)


def test_a_wave_may_take_as_many_windows_as_it_needs(
    bench: Bench, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.server.load([maker("Deployment", "web", 16)])
    evict = Going.evict

    def last(going: Going, leave: Leave) -> None:
        evict(going, leave)
        clock.now_s += 3600

    monkeypatch.setattr(Going, "evict", last)
    assert windowed(bench, clock).state == "drained"
    assert clock.evicted_s == [OPENS_S + 86_400 * day for day in range(8)]
    assert bench.on(*TARGETS) == []


def test_a_pod_that_its_budget_holds_past_the_window_is_evicted_in_the_next(
    bench: Bench, clock: Clock
) -> None:
    bench.server.load([maker("StatefulSet", "db", 4), budget("db", 4)])

    def tell(line: str) -> None:
        if " waits: " in line:
            clock.close()
            bench.server.change("poddisruptionbudgets", "db", "ml", spec={"minAvailable": 2})
        clock.heed(line)

    assert windowed(bench, clock, tell=tell).state == "drained"
    kept(bench, clock, 1, 2)


def test_a_wait_that_is_over_after_the_window_is_not_followed_by_an_eviction(
    bench: Bench, clock: Clock
) -> None:
    bench.server.load([maker("Job", "sweep", 4, **{"dcctl.io/when-drained": "no longer, evict"})])

    def tell(line: str) -> None:
        if "is waited for" in line:
            clock.close()
        clock.heed(line)

    assert windowed(bench, clock, tell=tell).state == "drained"
    kept(bench, clock, 0, 2)


def test_a_proof_that_comes_after_the_window_is_not_followed_by_an_eviction(
    bench: Bench, clock: Clock
) -> None:
    bench.server.load([maker("Job", "gang", 4, **{"dcctl.io/checkpoint": "exec save"})])

    class Late(Asker):
        def checkpoint(self, unit: Unit) -> str:
            clock.close()
            return super().checkpoint(unit)

    bench.hooks = Late()
    assert windowed(bench, clock).state == "drained"
    kept(bench, clock, 0, 2)


@pytest.mark.parametrize("key", ["none", "dcctl.io/checkpoint"])
def test_a_lock_that_cannot_be_renewed_until_the_window_is_over_begins_nothing(
    bench: Bench, clock: Clock, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    bench.server.load([maker("Job", "gang", 4, **{key: "exec save"})])
    begun, demand, asked_s = list[str](), Going.demand, list[int]()

    class Begun(Silence):
        def start(self, total: int, label: str) -> None:
            begun.append(label)

    class Noted(Asker):
        def checkpoint(self, unit: Unit) -> str:
            asked_s.append(clock.now_s)
            return super().checkpoint(unit)

    def slow(going: Going) -> None:
        demand(going)
        if begun:
            clock.close()

    monkeypatch.setattr(Going, "demand", slow)
    bench.hooks = Noted()
    assert windowed(bench, clock, progress=Begun()).state == "drained"
    kept(bench, clock, 0, 2)
    assert set(asked_s) <= {OPENS_S + 86_400}
