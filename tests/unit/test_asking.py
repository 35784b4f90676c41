"""Asking that is cut short: what answered is kept, and the rest has a name."""

from __future__ import annotations

import os
import signal
import time
from threading import Barrier, Event, Thread
from typing import TYPE_CHECKING

import pytest

from dcctl import collectors
from dcctl.audit.act.watch import Deadline
from dcctl.errors import UnreachableError
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.hosts import Host
from dcctl.inventory.evidence.unreached import CUT, because, named
from dcctl.inventory.model import Fleet, Gap, Node
from dcctl.inventory.sources.base import Task, at_once, run_all
from dcctl.inventory.sources.kubernetes.api import ROLE_HINT
from dcctl.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.interrupts import Stop

FLEET = Fleet(nodes=(Node("gpu1"), Node("gpu2")))


@pytest.fixture
def ctrl_c() -> Iterator[Event]:
    """Ctrl-C, once the event is set; never after the test, which may fail before it sets it."""
    begun, over = Event(), Event()

    def press() -> None:
        if begun.wait(30) and not over.is_set():
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    finger = Thread(target=press, daemon=True)
    finger.start()
    yield begun
    over.set()
    begun.set()
    finger.join()
    signal.signal(signal.SIGINT, before)


def test_what_a_task_has_by_then_is_kept_and_nothing_more_begins(ctrl_c: Event) -> None:
    stop = Event()

    def until_told() -> str:
        ctrl_c.set()
        stop.wait(30)
        return "kept"

    tasks = [Task(until_told, lambda: "cut"), Task(lambda: "begun", lambda: "cut")]
    assert at_once(tasks, stop, most=1) == ["kept", "cut"]
    assert stop.is_set()


def test_one_that_does_not_hear_is_cut_and_the_others_are_kept(ctrl_c: Event) -> None:
    deaf, done = Event(), Event()

    def work() -> str:
        done.wait(30)
        ctrl_c.set()
        deaf.wait(30)
        return "late"

    def quick() -> str:
        done.set()
        return "kept"

    tasks = [Task(work, lambda: "cut"), Task(quick, lambda: "cut")]
    assert at_once(tasks, Event(), grace_s=0.0) == ["cut", "kept"]
    deaf.set()


def test_whoever_sets_stop_ends_the_asking() -> None:
    stop, deaf = Event(), Event()

    def work() -> str:
        stop.set()
        deaf.wait(30)
        return "late"

    assert at_once([Task(work, lambda: "cut")], stop, grace_s=0.0) == ["cut"]
    deaf.set()


def test_tasks_are_under_way_at_once() -> None:
    meeting = Barrier(3, timeout=30)
    assert sorted(at_once([Task(meeting.wait, lambda: -1)] * 3, Event())) == [0, 1, 2]


def test_an_error_of_a_task_is_that_of_the_run() -> None:
    def work() -> str:
        raise UnreachableError("x", "y")

    with pytest.raises(UnreachableError):
        at_once([Task(work, str)], Event())


def test_once_it_was_stopped_nobody_is_asked() -> None:
    stop = Event()
    stop.set()
    assert at_once([Task(lambda: "asked", lambda: "cut")], stop) == ["cut"]


def test_a_cluster_that_refuses_is_answered_with_the_role_of_the_audit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dcctl.app.plan_of", lambda _settings: ())
    gaps = tuple(Gap("k", "nodes", "HTTP 403", "denied", hint) for hint in (ROLE_HINT, "log in again"))
    found = collectors.Collection(Settings()).gather(Fleet(gaps=gaps), 0)
    assert [gap.hint for gap in found.fleet.gaps] == ["dcctl audit --rbac", "log in again"]


def test_a_source_that_hands_in_after_ctrl_c_is_heard(ctrl_c: Event) -> None:
    stop = Event()

    class Slow:
        name = kind = "slow"

        def collect(self) -> Fleet:
            ctrl_c.set()
            stop.wait(30)
            return FLEET

    (fleet,) = run_all([Slow()], stop=stop)
    assert [node.name for node in fleet.nodes] == ["gpu1", "gpu2"]


CUT_SHORT = Evidence(
    fleet=Fleet(
        nodes=FLEET.nodes,
        gaps=(
            Gap("ssh", "gpu3", CUT.reason, CUT.cause, node="gpu3"),
            Gap("kubernetes:a", "kubernetes:a", CUT.reason, CUT.cause),
            Gap("ssh", "gpu9", "refused", "denied", node="gpu9"),
        ),
    ),
    silent={"network_policies": CUT, "roles": Silence("403", "denied")},
    hosts=(
        Host(node="gpu1", silent={"sshd": CUT}),
        Host(node="gpu2", silent={"sshd": Silence("no", "denied")}),
    ),
)


def test_all_that_was_not_reached_is_named_once() -> None:
    *_, gap = named(CUT_SHORT).fleet.gaps
    assert (gap.subject, gap.cause) == ("gpu[1,3], kubernetes:a, network policies", "interrupted")


def test_a_deadline_is_the_reason_for_what_it_cut_off_and_for_nothing_else() -> None:
    why = Silence("late", "timeout")
    told = because(named(CUT_SHORT), why)
    assert [gap.reason for gap in told.fleet.gaps] == ["late", "late", "refused", "late"]
    assert told.silent == {"network_policies": why, "roles": Silence("403", "denied")}
    assert [one.silent["sshd"].reason for one in told.hosts or ()] == ["late", "no"]


def test_a_deadline_ends_the_asking_as_ctrl_c_would() -> None:
    with Deadline(0.05) as limit:

        def work() -> Evidence:
            limit.stop.wait(30)
            return Evidence(silent={"hosts": CUT})

        (found,) = at_once([Task(work, Evidence)], limit.stop)
    assert limit.told(found).silent["hosts"] == Silence("not reached within 0.05 s (--deadline)", "timeout")


def test_a_deadline_leaves_alone_what_is_done_with_the_answers() -> None:
    with Deadline(0.05) as limit:
        assert limit.stop.wait(30)
        found = Evidence(silent={"hosts": CUT})
    assert limit.told(found).silent["hosts"].cause == "timeout"


@pytest.mark.parametrize("late", [False, True], ids=["while it is read", "before it is read"])
def test_a_deadline_before_which_nothing_answered(late: bool) -> None:
    def read(stop: Stop) -> None:
        stop.wait(30 if late else 0)
        with stop.interrupting():
            time.sleep(30)

    with pytest.raises(UnreachableError, match="nothing had answered"), Deadline(0.05) as limit:
        read(limit.stop)


def test_without_a_deadline_nothing_is_late() -> None:
    with Deadline(0) as limit:
        pass
    assert limit.told(CUT_SHORT) is CUT_SHORT
