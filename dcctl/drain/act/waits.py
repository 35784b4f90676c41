"""What a wave waits for beside its tries: work that ends by itself, proofs of checkpoints, pods that end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcctl.drain.act.board import Board
    from dcctl.drain.act.task import Task
    from dcctl.drain.campaign import Leave, Unit


@dataclass
class Waits:
    """Pods and work on their way out."""

    awaited: list[Unit] = field(default_factory=list)
    """Work that is given time to end."""
    asked: dict[str, Unit] = field(default_factory=dict)
    """Work that was asked for its checkpoint, by its id."""
    dying: dict[str, Task] = field(default_factory=dict)
    """Pods that were evicted, or are being deleted, by UID."""

    def __bool__(self) -> bool:
        return bool(self.awaited or self.asked or self.dying)

    def pop_over(self, board: Board, now_s: float) -> list[tuple[Unit, list[Leave]]]:
        """Work that ended, or was given time enough, with its pods that run on. `now_s`: Unix time."""
        found: list[tuple[Unit, list[Leave]]] = []
        for unit in tuple(self.awaited):
            left = [one for one in unit.leaves if not _is_over(one, board)]
            if not left or (unit.waits_until_s is not None and now_s >= unit.waits_until_s):
                self.awaited.remove(unit)
                found.append((unit, left))
        return found

    def pop_late(self, now_s: float, margin_s: float) -> list[Task]:
        """Pods that take longer than their grace and so many seconds more, by the clock of their tasks."""
        late = [one for one in self.dying.values() if now_s - one.since_s > one.patience_s + margin_s]
        for task in late:
            del self.dying[task.uid]
        return late


def _is_over(leave: Leave, board: Board) -> bool:
    pod = board.pods.get(leave.uid) if leave.uid else board.named(leave.pod, leave.node)
    return pod is None or pod.finished
