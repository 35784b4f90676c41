"""Asking that is cut short: what answered is kept, and the rest has a name."""

from __future__ import annotations

import os
import signal
import time
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from dcctl import collectors
from dcctl.asking import Asking
from dcctl.audit.act.watch import Deadline
from dcctl.errors import UnreachableError
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.hosts import Host
from dcctl.inventory.evidence.unreached import CUT, because, named
from dcctl.inventory.model import Fleet, Gap, Node
from dcctl.inventory.sources.base import run_all
from dcctl.inventory.sources.kubernetes.api import ROLE_HINT
from dcctl.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

FLEET = Fleet(nodes=(Node("gpu1"), Node("gpu2")))


@pytest.fixture
def ctrl_c() -> Iterator[Event]:
    """Ctrl-C, once the event is set."""
    begun = Event()

    def press() -> None:
        begun.wait(30)
        os.kill(os.getpid(), signal.SIGINT)

    Thread(target=press, daemon=True).start()
    yield begun
    begun.set()


def test_what_a_source_has_by_then_is_kept_and_nothing_more_is_asked(ctrl_c: Event) -> None:
    asking = Asking(FLEET)
    host = Host(node="gpu1")

    def until_told() -> Iterator[Evidence]:
        ctrl_c.set()
        asking.stop.wait(30)
        yield Evidence(hosts=(host,))

    (kept,), (not_asked,) = (asking.of(until_told, ("hosts",)) for _ in range(2))
    assert kept.hosts == (host,)
    assert not_asked.silent == {"hosts": CUT}


def test_one_that_does_not_hear_is_silent(ctrl_c: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcctl.asking._GRACE_S", 0.0)
    deaf = Event()

    def work() -> tuple[Evidence]:
        ctrl_c.set()
        deaf.wait(30)
        return (Evidence(),)

    (found,) = Asking(FLEET).of(work, ("roles",))
    assert found.silent == {"roles": CUT}
    deaf.set()


def test_an_error_of_a_source_is_that_of_the_run() -> None:
    def work() -> tuple[Evidence]:
        raise UnreachableError("x", "y")

    with pytest.raises(UnreachableError):
        Asking(FLEET).of(work, ())


def test_after_ctrl_c_while_the_fleet_was_met_nobody_is_asked() -> None:
    fleet = Fleet(gaps=(Gap("ssh", "ssh", CUT.reason, CUT.cause),))
    (found,) = Asking(fleet).of(tuple, ("hosts",))
    assert found.silent == {"hosts": CUT}


def test_a_run_that_was_not_cut_has_no_gap_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcctl.app.plan_of", lambda _settings: ())
    assert collectors.Collection(Settings()).gather(FLEET, 0).fleet.gaps == ()


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
    asking = Asking(FLEET)

    def work() -> tuple[Evidence]:
        asking.stop.wait(30)
        return (Evidence(silent={"hosts": CUT}),)

    with Deadline(0.05) as limit:
        (found,) = asking.of(work, ())
    assert limit.told(found).silent["hosts"] == Silence("not reached within 0.05 s (--deadline)", "timeout")


def test_a_deadline_before_which_nothing_answered() -> None:
    with pytest.raises(UnreachableError, match="nothing had answered"), Deadline(0.05):
        time.sleep(30)


def test_without_a_deadline_nothing_is_late() -> None:
    with Deadline(0) as limit:
        pass
    assert limit.told(CUT_SHORT) is CUT_SHORT
