"""Pods that are to be evicted, and when each is tried next."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dcctl.drain.act.task import Task

_FIRST_S, _MOST_S = 0.5, 15.0
"""Between two tries to evict a pod, if the server says nothing."""
_SOON_S = 0.3
"""After another pod stands: its budget is counted anew meanwhile."""


class Tries:
    """Those that wait for a try, by UID. Every moment is in seconds of one clock, which the caller has."""

    def __init__(self, spread: Callable[[], float]) -> None:
        """`spread`: what each pause is multiplied by, so that not all try at the same time."""
        self._spread = spread
        self._tasks: dict[str, Task] = {}
        self._heap: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[Task]:
        return iter(tuple(self._tasks.values()))

    def add(self, task: Task, at_s: float) -> None:
        """It is tried at this moment, whatever was said before."""
        task.due_s = at_s
        self._tasks[task.uid] = task
        heapq.heappush(self._heap, (at_s, task.uid))

    def again(self, task: Task, now_s: float, wait_s: float | None) -> None:
        """It is tried once more: after the time that the server asks for, else later each time."""
        task.no_sooner = wait_s is not None
        most_s = min(_MOST_S, _FIRST_S * 2 ** min(task.tries - 1, 10))
        self.add(task, now_s + (most_s * self._spread() if wait_s is None else wait_s))

    def wake(self, namespace: str, now_s: float) -> None:
        """A pod stands: others of its namespace may go now, but where the server said when."""
        for task in self:
            waits = task.tries and not task.no_sooner and task.due_s > now_s + _SOON_S
            if waits and task.leave.pod.partition("/")[0] == namespace:
                self.add(task, now_s + _SOON_S)

    def pop(self, uid: str) -> Task | None:
        """It is not tried any more. None: it was not to be."""
        return self._tasks.pop(uid, None)

    def pop_due(self, now_s: float, most: int) -> list[Task]:
        """So many whose time has come, the first ones first. They wait no longer."""
        batch: list[Task] = []
        while len(batch) < most and (at_s := self.next_s) is not None and at_s <= now_s:
            batch.append(self._tasks.pop(heapq.heappop(self._heap)[1]))
        return batch

    @property
    def next_s(self) -> float | None:
        """When the next try is due; None: there is none."""
        while self._heap:
            at_s, uid = self._heap[0]
            task = self._tasks.get(uid)
            if task is not None and task.due_s == at_s:
                return at_s
            heapq.heappop(self._heap)  # it went, or is due at another time
        return None
