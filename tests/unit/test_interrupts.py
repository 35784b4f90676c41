"""Ctrl-C and SIGTERM wait for the write in flight."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from dcctl.interrupts import Interrupts

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.usefixtures("own_signals")
BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


def write(interrupts: Interrupts, sent: Sequence[signal.Signals], done: list[str]) -> None:
    with interrupts.step():
        for number in sent:
            send(number)
        done.append("written")
    done.append("gone on")


@BOTH
def test_a_step_is_finished_first(number: signal.Signals) -> None:
    done: list[str] = []
    with Interrupts() as interrupts, pytest.raises(KeyboardInterrupt):
        write(interrupts, [number], done)
    assert done == ["written"]


@BOTH
def test_between_steps_and_when_asked_twice_it_stops_at_once(number: signal.Signals) -> None:
    done: list[str] = []
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            send(number)
        with pytest.raises(KeyboardInterrupt):
            write(interrupts, [number, number], done)
    assert done == []


def test_afterwards_signals_mean_what_they_meant() -> None:
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    with Interrupts():
        assert signal.getsignal(signal.SIGTERM) != before[1]
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before


class Cleared:
    """Hears the signal while it is cleared up, where Python drops what is raised."""

    def __init__(self, number: signal.Signals) -> None:
        self.number = number

    def __del__(self) -> None:
        send(self.number)
        time.sleep(0.001)


@BOTH
def test_a_signal_that_python_drops_is_heard_all_the_same(number: signal.Signals) -> None:
    def clears_up() -> None:
        Cleared(number)
        time.sleep(10)

    with Interrupts(), pytest.raises(KeyboardInterrupt):
        clears_up()


@BOTH
def test_a_signal_that_python_drops_does_not_come_after_the_end(number: signal.Signals) -> None:
    with Interrupts():
        Cleared(number)
    assert not [one for one in threading.enumerate() if isinstance(one, threading.Timer)]
