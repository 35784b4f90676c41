"""Accelerators that several pods hold at once: the exporter repeats readings, and nothing counts twice."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.live.prometheus.server import Server, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.live.prometheus.conftest import Asking

_HOURS = 12
_INTERVAL_S = 60


class _Board(NamedTuple):
    """Its readings, and who holds it in a minute of the hour."""

    active: float
    capped: float
    holders: Callable[[int], tuple[str, ...]]
    resets: bool = False
    """Whether its counters begin anew in the middle: a driver that was loaded again."""

    def reset_s(self, start_s: int) -> int:
        """When they do."""
        return start_s + (_HOURS // 2 * 3600 + 600 if self.resets else 1 << 40)


BOARDS = {
    "GPU-two": _Board(0.8, 0.06, lambda _: ("a", "b")),
    "GPU-half": _Board(0.5, 0.0, lambda minute: ("a", "b", "c") if minute < 30 else ()),
    "GPU-joined": _Board(0.4, 0.0, lambda minute: ("a", "b") if minute < 20 else ("a",)),
    "GPU-one": _Board(0.01, 0.2, lambda _: ("d",), resets=True),
    "GPU-free": _Board(0.0, 0.0, lambda _: ()),
}
HELD = {"GPU-two": 1.0, "GPU-half": 0.5, "GPU-joined": 1.0, "GPU-one": 1.0}


def _samples(start_s: int, end_s: int) -> Iterator[str]:
    for uuid, board in BOARDS.items():
        for time_s in range(start_s, end_s + 1, _INTERVAL_S):
            pods = board.holders((time_s - 1) // 60 % 60) or ("",)
            passed_s = time_s - (start_s if time_s < board.reset_s(start_s) else board.reset_s(start_s))
            for pod in pods:
                who = f',namespace="team-{pod}",pod="{pod}"' if pod else ""
                labels = f'job="dcgm",hostname="gpu1",UUID="{uuid}",modelName="NVIDIA L40S"{who}'
                for metric, value in (
                    ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", board.active if pod else 0.0),
                    ("DCGM_FI_DEV_FB_USED", 9000 if pod else 3),
                    ("DCGM_FI_DEV_POWER_USAGE", 100),
                    ("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", 100_000 * passed_s),
                    ("DCGM_FI_DEV_POWER_VIOLATION", board.capped * passed_s * 1e9),
                ):
                    yield f"{metric}{{{labels}}} {value:g} {time_s}\n"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Asking], dict[str, Any]]]:
    end_s = int(time.time()) // 86400 * 86400
    start_s = end_s - _HOURS * 3600
    folder: Path = tmp_path_factory.mktemp("shared")
    server = Server(folder)
    server.backfill(_samples(start_s, end_s))
    server.start(free_port())
    until = time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(end_s))
    words = ("--prometheus", server.url, "--range", f"{_HOURS}h", "--until", until, "--by", "team")
    try:
        yield lambda ask: ask.json(*words)
    finally:
        server.stop()


def test_time_held_is_that_of_boards(told: Callable[[Asking], dict[str, Any]], ask: Asking) -> None:
    found = told(ask)
    seconds = _HOURS * 3600
    assert found["summary"]["accelerators"] == len(BOARDS)
    assert found["summary"]["gpu_time_s"] == pytest.approx(seconds * sum(HELD.values()), rel=0.02)
    busy = sum(BOARDS[uuid].active * share for uuid, share in HELD.items()) / sum(HELD.values())
    assert found["summary"]["busy_milli"] == pytest.approx(busy * 1000, rel=0.02)
    teams = {row["name"]: row["gpu_time_s"] / seconds for row in found["items"]}
    assert teams["team-d"] == pytest.approx(1, rel=0.02)
    assert teams["team-c"] == pytest.approx(0.5 / 3, rel=0.05)


def test_what_is_told_of_a_board_counts_once(told: Callable[[Asking], dict[str, Any]], ask: Asking) -> None:
    found = told(ask)
    assert found["summary"]["energy_mj"] == pytest.approx(5 * 100_000 * _HOURS * 3600, rel=0.02)
    assert {row["accelerator"] for row in found["details"]["idle"]} == {"GPU-one"}
    capped = {row["accelerator"] for row in found["details"]["bound"] if row["by"] == "power limit"}
    assert capped == {"GPU-one"}, "0.06 of the time, told twice, is no limit of power"
