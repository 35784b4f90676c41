"""What is unknown stays unknown in the report; what to ask for follows from what was done."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from dcctl.assess.history.coverage import gaps
from dcctl.assess.history.demo import demo
from dcctl.assess.history.groups import everything, groups, sizing, waiting
from dcctl.assess.history.model import History, history
from dcctl.assess.history.power import contradictions, energy_mj
from dcctl.assess.history.report import Options, history_report
from dcctl.assess.history.signals import (
    ALLOCATABLE,
    ENERGY,
    ENGINE,
    MEMORY_USED,
    PHASE,
    POWER,
    REQUESTS,
    Found,
)
from dcctl.inventory.timeseries import Series, Window

HOUR = 3600
WINDOW = Window(0, 200 * HOUR, HOUR)


@dataclass(frozen=True)
class Row:
    """One owner: constant figures for each step."""

    held: float
    busy: float | None
    idle: float | None
    pool: str = "NVIDIA H100 80GB HBM3"
    team: str = "nlp"
    memory_mib: float = 1024


def _series(row: Row, value: float, steps: range) -> Series:
    labels = {"modelName": row.pool, "team": row.team}
    return Series(labels, tuple(((step + 1) * HOUR, value) for step in steps))


def _history(*rows: Row) -> History:
    found = Found(frozenset({ENGINE.metric, MEMORY_USED}), {MEMORY_USED: 8}, owned=True)
    steps = range(WINDOW.steps)
    parts = {
        "held": [_series(row, row.held, steps) for row in rows],
        "busy": [_series(row, row.busy, steps) for row in rows if row.busy is not None],
        "idle": [_series(row, row.idle, steps) for row in rows if row.idle is not None],
        "memory": [_series(row, row.memory_mib, steps) for row in rows],
        "present": [_series(Row(8, 0, 0), 8, steps)],
        "memory size": [_series(Row(8, 0, 0), 81920, range(1))],
    }
    return history(WINDOW, found, parts)


def test_eight_held_of_which_six_do_nothing_should_be_two() -> None:
    told = _history(Row(8, 1.0, 6))
    (group,) = groups(told, "team")
    ask = sizing(group, told)
    assert (ask.held, ask.accelerators) == (8, 2)
    assert ask.memory_bytes == round(1024 * (1 << 20) * 1.15)


def test_a_little_work_gets_the_smallest_slice_that_holds_it() -> None:
    small = _history(Row(2, 0.1, 0))
    assert sizing(groups(small, "team")[0], small).slice == "1g.10gb"
    large = _history(Row(2, 0.1, 0, memory_mib=30 * 1024))
    assert sizing(groups(large, "team")[0], large).slice == "3g.40gb"
    busy = _history(Row(2, 1.9, 0))
    assert sizing(groups(busy, "team")[0], busy).slice is None


def test_two_pools_are_weighed_by_what_they_hold() -> None:
    told = _history(Row(6, 6.0, 0), Row(2, 0.0, 2, pool="NVIDIA L40S"))
    assert everything(told).mean_busy == pytest.approx(0.75)
    assert [group.name for group in groups(told, "pool")] == ["NVIDIA H100 80GB HBM3", "NVIDIA L40S"]


def test_what_has_no_signal_is_neither_busy_nor_idle() -> None:
    told = _history(Row(4, None, None))
    told.owners[next(iter(told.owners))].idle = [None] * WINDOW.steps
    report = history_report(told, Options("team"))
    row = dict(zip([column.key for column in report.items.columns], report.items.rows[0], strict=True))
    for key in ("busy_milli", "busy_p95_milli", "idle_milli", "idle_gpu_time_s", "request_gpus"):
        assert row[key] is None
    assert report.summary["stranded_gpu_time_s"] is None
    assert report.summary["queue_milli"] is None
    assert report.summary["energy_mj"] is None


def test_more_busy_than_held_is_a_value_that_means_unknown() -> None:
    assert everything(_history(Row(4, 9.2e18, 0))).mean_busy is None


def _points(value: float, steps: range) -> tuple[tuple[int, float], ...]:
    return tuple(((step + 1) * HOUR, value) for step in steps)


def test_what_stops_telling_how_busy_it_is_is_not_idle_and_not_busy_from_then_on() -> None:
    found = Found(frozenset({ENGINE.metric, MEMORY_USED}), {MEMORY_USED: 8}, owned=True)
    labels = {"modelName": "x", "team": "a"}
    half = range(100)
    held = Series(labels, _points(4, range(200)))
    told = history(WINDOW, found, {"held": [held], "busy": [Series(labels, _points(1, half))], "idle": []})
    (usage,) = told.owners.values()
    assert usage.idle == [0.0] * 100 + [None] * 100
    assert everything(told).busy[100:] == [None] * 100


def test_a_queue_is_empty_only_while_something_tells_of_requests() -> None:
    found = Found(frozenset({REQUESTS, PHASE, ALLOCATABLE}), {})
    waits = Series({"namespace": "a"}, _points(6, range(50)), tuple(HOUR * at for at in range(51, 61)))
    there = Series({}, _points(16, range(150)))
    told = history(WINDOW, found, {"queue": [waits], "requested": [], "allocatable": [there]})
    assert waiting(told) == [6.0] * 50 + [None] * 10 + [0.0] * 90 + [None] * 50
    report = history_report(told, Options())
    assert report.summary["queue_milli"] == round(6 * 50 / 140 * 1000)
    assert any("queue" in gap.subject and "10 no number" in gap.reason for gap in gaps(told, "x"))


def test_one_figure_that_cannot_be_is_unknown_and_the_others_stay() -> None:
    told = _history(Row(4, 9.2e18, 1), Row(2, 1, 0, team="b"))
    (gap,) = gaps(told, "x")
    assert ENGINE.metric in gap.subject
    assert "of 400 values: 200 cannot be (9.2e+18)" in gap.reason
    assert everything(told).mean_busy == pytest.approx(0.5)


def test_a_pool_without_a_counter_of_energy_is_counted_by_its_power() -> None:
    found = Found(frozenset({MEMORY_USED, ENERGY, POWER}), {MEMORY_USED: 8}, owned=True)
    power = [Series({"modelName": pool}, _points(100, range(200))) for pool in ("a", "b")]
    present = [Series({"modelName": pool}, _points(8, range(200))) for pool in ("a", "b")]
    joules = 100.0 * 200 * HOUR
    counter = [Series({"modelName": "a"}, ((200 * HOUR, joules * 1000),))]
    told = history(WINDOW, found, {"present": present, "power": power, "energy": counter})
    assert energy_mj(told) == (round(2 * joules * 1000), f"{ENERGY} and {POWER}")
    assert not contradictions(told)


def test_few_steps_say_nothing_of_what_to_ask_for() -> None:
    found = Found(frozenset({MEMORY_USED}), {}, owned=True)
    one = Series({"modelName": "x", "team": "a"}, tuple((step * HOUR, 1.0) for step in range(1, 51)))
    told = history(Window(0, 50 * HOUR, HOUR), found, {"held": [one], "idle": []})
    assert sizing(groups(told, "team")[0], told).accelerators is None


def test_the_same_window_gives_the_same_demo() -> None:
    window = Window(0, 30 * 86400, HOUR)
    for by in ("pool", "team", "workload"):
        first, second = (history_report(demo(window, by), Options(by)) for _ in range(2))
        assert first == second
        assert first.level == "warn"
        assert {plot.name for plot in first.plots} == {"use", "queue", "forecast"}


def test_an_empty_answer_is_told_and_not_zero() -> None:
    report = history_report(history(WINDOW, Found(frozenset(), {}), {}), Options())
    assert report.items.rows == ()
    assert report.summary["gpu_time_s"] is None
    assert report.summary["covered_milli"] == 0
    assert report.plots == ()


def _board_answers(known: list[Series] | None) -> dict[str, list[Series] | None]:
    """Two boards that were held; of one of them the memory interface was too busy in three steps."""
    first, second = ({"hostname": "n", "UUID": name, "modelName": "x"} for name in ("GPU-a", "GPU-b"))
    return {
        "held steps": [Series(labels, ((0, 9.0),)) for labels in (first, second)],
        "memory-bound steps": [Series(first, ((0, 3.0),))],
        "states known": known,
    }


def test_a_board_without_the_metric_is_not_known_to_run_free() -> None:
    found = Found(frozenset({MEMORY_USED}), {MEMORY_USED: 2}, owned=True)
    labels = {"hostname": "n", "UUID": "GPU-b", "modelName": "x", "state": "memory_bound"}
    with_metric = history(WINDOW, found, _board_answers([Series(labels, ((0, 1.0),))]))
    assert [board.memory_bound for board in with_metric.boards] == [3.0, 0.0]
    without = history(WINDOW, found, _board_answers([]))
    assert [board.memory_bound for board in without.boards] == [3.0, None]
    unanswered = history(WINDOW, found, _board_answers(None))
    assert [board.memory_bound for board in unanswered.boards] == [3.0, None]
    notes = [note.text for note in history_report(without, Options()).notes]
    assert "nobody tells whether they are memory-bound of 1 of 2 accelerators" in notes


def test_the_energy_of_all_is_that_of_its_pools_whatever_tells_it() -> None:
    """One pool has a counter, another the power alone: the sum is of both rows."""
    found = Found(frozenset({MEMORY_USED}), {MEMORY_USED: 2}, owned=True)
    answers = {
        "energy": [Series({"modelName": "a"}, ((0, 7_200_000.0),))],  # millijoules
        "power": [Series({"modelName": "b"}, tuple(((step + 1) * HOUR, 0.5) for step in range(4)))],
    }
    told = history(Window(0, 4 * HOUR, HOUR), found, answers)
    assert energy_mj(told, "a") == (7_200_000, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION")
    assert energy_mj(told, "b") == (7_200_000, "DCGM_FI_DEV_POWER_USAGE")
    assert energy_mj(told)[0] == 14_400_000


def test_pods_spelled_both_ways_in_one_job_are_a_gap() -> None:
    found = Found(frozenset({MEMORY_USED}), {MEMORY_USED: 2}, owned=True, mixed_jobs=("gpus",))
    (gap,) = [one for one in gaps(history(WINDOW, found, {}), "prometheus") if "gpus" in one.subject]
    assert (gap.cause, "exported_pod" in gap.reason) == ("invalid", True)
