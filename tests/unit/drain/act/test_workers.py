"""Threads that are begun as they are needed, and no more."""

from __future__ import annotations

import threading
from queue import SimpleQueue

from dcctl.drain.act.workers import Workers


def test_all_work_is_done_by_so_many_threads_at_most() -> None:
    workers, done = Workers(3), SimpleQueue[str]()
    for _ in range(50):
        workers.submit(lambda: done.put(threading.current_thread().name))
    names = {done.get(timeout=10) for _ in range(50)}
    workers.close()
    assert 1 <= len(names) <= 3


def test_work_that_waits_holds_up_no_other() -> None:
    workers, done, go = Workers(2), SimpleQueue[str](), threading.Event()

    def wait() -> None:
        go.wait(10)
        done.put("slow")

    workers.submit(wait)
    workers.submit(lambda: done.put("quick"))
    assert done.get(timeout=10) == "quick"
    go.set()
    assert done.get(timeout=10) == "slow"
    workers.close()
