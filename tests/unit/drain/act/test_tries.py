"""When each pod is tried next: Retry-After, back-off, and what is woken by another that stands."""

from __future__ import annotations

import pytest

from dcctl.drain.act.task import Task
from dcctl.drain.act.tries import Tries
from dcctl.drain.campaign import Leave, Unit


def task(uid: str, tries: int = 0, namespace: str = "ml") -> Task:
    leave = Leave(f"{namespace}/{uid}", "gpu0", uid)
    return Task(leave, Unit(leave.pod, "Pod", (leave,)), tries=tries)


@pytest.fixture
def tries() -> Tries:
    return Tries(lambda: 1.0)


def due(tries: Tries, now_s: float, most: int = 9) -> list[str]:
    return [one.uid for one in tries.pop_due(now_s, most)]


def test_so_many_are_tried_at_once_the_first_ones_first(tries: Tries) -> None:
    for uid, at_s in (("c", 3.0), ("a", 1.0), ("b", 2.0), ("d", 99.0)):
        tries.add(task(uid), at_s)
    assert due(tries, 5.0, 2) == ["a", "b"]
    assert due(tries, 5.0) == ["c"]
    assert (tries.next_s, len(tries)) == (99.0, 1)


def test_without_a_word_of_the_server_each_pause_is_longer_up_to_a_limit(tries: Tries) -> None:
    pauses = []
    for count in range(1, 9):
        tries.again(one := task("a", count), 100.0, None)
        pauses.append(one.due_s - 100.0)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]


def test_the_time_that_the_server_asks_for_is_kept_though_another_pod_stands(tries: Tries) -> None:
    tries.again(task("a", 1), 100.0, 7.0)
    tries.wake("ml", 101.0)
    assert due(tries, 106.9) == []
    assert due(tries, 107.0) == ["a"]


def test_a_pod_that_stands_wakes_those_of_its_namespace_that_were_tried(tries: Tries) -> None:
    tries.again(task("a", 6), 100.0, None)
    tries.again(task("b", 6, "other"), 100.0, None)
    tries.add(task("c"), 110.0)
    tries.wake("ml", 101.0)
    assert due(tries, 101.5) == ["a"]
    assert due(tries, 200.0) == ["c", "b"]


def test_one_that_went_is_not_tried_and_one_that_is_added_again_is_tried_once(tries: Tries) -> None:
    gone, moved = task("a"), task("b")
    tries.add(gone, 1.0)
    tries.add(moved, 2.0)
    tries.add(moved, 4.0)
    assert tries.pop("a") is gone
    assert tries.pop("a") is None
    assert tries.next_s == 4.0
    assert due(tries, 9.0) == ["b"]
    assert not tries
    assert tries.next_s is None
