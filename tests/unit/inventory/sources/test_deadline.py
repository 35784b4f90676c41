"""Children that end, talk too much, hang, or cannot be killed."""

import os
import subprocess
import sys
from threading import Event
from typing import NoReturn

import psutil
import pytest

from dcctl.inventory.sources.machine import deadline
from dcctl.inventory.sources.machine.deadline import MAX_OUTPUT_BYTES, run_child


def _python(code: str, deadline_s: float = 60.0) -> deadline.Outcome:
    return run_child([sys.executable, "-c", code], os.environ, deadline_s)


def test_what_a_child_wrote_and_how_it_ended() -> None:
    outcome = _python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert outcome == deadline.Outcome(b"out\n", b"err\n", status=3)


def test_a_child_that_dies_of_a_signal_has_a_negative_status() -> None:
    assert _python("import os; os.kill(os.getpid(), 11)").status == -11


def test_a_child_that_hangs_is_killed_and_what_it_said_is_kept() -> None:
    outcome = _python("import os, time; print(os.getpid(), flush=True); time.sleep(600)", deadline_s=3.0)
    assert outcome.timed_out
    assert outcome.status is None
    assert not psutil.pid_exists(int(outcome.output))


def test_a_child_that_closes_its_streams_and_stays_is_killed_too() -> None:
    outcome = _python("import os, time; os.close(1); os.close(2); time.sleep(600)", deadline_s=2.0)
    assert outcome.timed_out


def test_a_grandchild_that_keeps_the_streams_open_is_not_waited_for() -> None:
    sleeper = "[sys.executable, '-c', 'import time; time.sleep(8)']"
    code = f"import subprocess, sys; print('hi', flush=True); subprocess.Popen({sleeper})"
    outcome = _python(code, deadline_s=2.0)
    assert (outcome.output, outcome.timed_out) == (b"hi\n", True)


def test_a_flood_is_cut_and_does_not_block_the_child() -> None:
    outcome = _python(f"import sys; sys.stdout.write('x' * ({MAX_OUTPUT_BYTES} + 100_000))")
    assert len(outcome.output) == MAX_OUTPUT_BYTES
    assert outcome.status == 0


def test_a_child_that_the_kernel_keeps_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """State D cannot be made without a driver: a kill that does nothing stands for it."""
    kept: list[subprocess.Popen[bytes]] = []

    def kill(child: subprocess.Popen[bytes]) -> None:
        kept.append(child)

    monkeypatch.setattr(subprocess.Popen, "kill", kill)
    outcome = _python("import time; time.sleep(600)", deadline_s=0.5)
    monkeypatch.undo()
    assert outcome.timed_out
    assert kept[0].poll() is None, "it was still there when the answer came"
    kept[0].kill()
    kept[0].wait()


def test_an_interrupt_while_waiting_leaves_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[int] = []

    def interrupted(child: subprocess.Popen[bytes], *_args: object) -> NoReturn:
        children.append(child.pid)
        raise KeyboardInterrupt

    monkeypatch.setattr(deadline, "_drain", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _python("import time; time.sleep(600)", deadline_s=600.0)
    assert not psutil.pid_exists(children[0])


def test_a_child_reads_what_it_is_given_and_nothing_else() -> None:
    command = [sys.executable, "-c", "import sys; print(len(sys.stdin.buffer.read()))"]
    assert run_child(command, os.environ, 60.0, b"x" * 300_000).output == b"300000\n"
    assert run_child(command, os.environ, 60.0).output == b"0\n"


def test_a_child_is_killed_when_nobody_wants_its_answer_any_more() -> None:
    stop = Event()
    stop.set()
    done = run_child([sys.executable, "-c", "import time; time.sleep(600)"], os.environ, 600.0, stop=stop)
    assert (done.status, done.timed_out) == (None, True)
