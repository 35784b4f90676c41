"""One wave under way: units checkpointed, awaited or evicted, each as soon as it may."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from dcctl.drain.act.going import Proved, Replied
from dcctl.drain.act.standing import Before
from dcctl.drain.act.task import Task
from dcctl.drain.act.tries import Tries
from dcctl.drain.act.waits import Waits
from dcctl.drain.backends import NoProof, Sight
from dcctl.drain.campaign import Leave, Unit
from dcctl.drain.outcome import Held
from dcctl.errors import DcctlError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from dcctl.drain.act.going import Going
    from dcctl.drain.backends import Answer, NodeNow, Standing
    from dcctl.drain.campaign import Stay, Wave
    from dcctl.drain.outcome import Holder

_TRIES = 10
"""How often no answer may come for one pod."""
_LOOK_S = 0.5
_NODES_S = 15.0
_NAMED = 3
"""Pods of one unit that a line tells."""
_FINISH_S = 90.0
"""How long writes in flight may take to end."""


def _until(unit: Unit) -> str:
    """How long a unit is waited for, and for which pods."""
    pods = ", ".join(leave.pod for leave in unit.leaves[:_NAMED])
    more = f" and {len(unit.leaves) - _NAMED:,} more" if len(unit.leaves) > _NAMED else ""
    if unit.waits_until_s is None:
        return f"until it ends, whenever that is ({pods}{more})"
    until = datetime.fromtimestamp(unit.waits_until_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"until it ends, or {until} ({pods}{more})"


class Turn:
    """One wave, from its first write until all that can go is gone."""

    def __init__(
        self, going: Going, wave: Wave, number: int, stays: Iterable[Stay], aside: Collection[str]
    ) -> None:
        """`number`: of this wave in the journal. `aside`: nodes that are given up."""
        self._going, self.wave, self._number, self._aside = going, wave, number, aside
        self._stays = {one.pod for one in stays if one.why in ("daemonset", "mirror", "elsewhere")}
        self._ends = [one for one in stays if one.why in ("finished", "leaving") and one.node in wave.nodes]
        self.held: dict[str, Held] = {}
        """By name of pod or node."""
        self._tries = Tries(lambda: going.chance.uniform(0.5, 1.0))
        self._flying: dict[str, Task] = {}
        self._waits = Waits()
        self._told: dict[str, dict[str, str]] = {}
        self._stop: Exception | None = None
        self._looked_s, self._nodes_s = 0.0, time.monotonic()
        self._closes_s = going.closes_s()
        self.was_cut_short = False
        """Whether its window closed before all was evicted."""

    def carry(self) -> None:
        """All that can go before the window closes is gone; `held` has what cannot.

        KeyboardInterrupt, DcctlError: no write is in flight any more.
        """
        going, units = self._going, self.wave.units
        going.world.progress.start(sum(len(unit.leaves) for unit in units), f"wave {self._number}")
        ordered = self.wave.verdict == "fits after reordering"
        try:
            self._end_what_ended()
            for part in [(unit,) for unit in units] if ordered else [units]:
                before = Before(going.board, part)
                for unit in part:
                    with going.interrupts.step():
                        self._enter(unit)
                self._work_off()
                if ordered:
                    before.await_again(going)
        except BaseException:
            with going.interrupts.step():
                self._finish_writes()
            raise

    def rest(self) -> list[Standing]:
        """Pods that stand on its nodes and are neither to stay nor held: they came meanwhile."""
        found = self._going.board.on(self.wave.nodes)
        return [one for one in found if one.pod not in self._stays and one.pod not in self.held]

    @property
    def drained(self) -> tuple[str, ...]:
        """Its nodes on which nothing is held."""
        kept = {one.node for one in self.held.values()}
        return tuple(name for name in self.wave.nodes if name not in kept)

    def hold(self, kind: Holder, subject: str, node: str, says: str) -> None:
        """The node is not drained in this run, and why."""
        if subject not in self.held:
            self.held[subject] = Held(kind, subject, node, says, self._number)
            self._going.world.tell(
                f"{subject} stays on {node}: {says}" if subject != node else f"{node}: {says}"
            )

    # What is to go

    def _end_what_ended(self) -> None:
        """Pods that have finished are evicted too; those that are being deleted already are waited for."""
        for stay in self._ends:
            pod = self._going.board.named(stay.pod, stay.node)
            if pod is not None:
                leave = Leave(stay.pod, stay.node, pod.uid)
                self._tries.add(Task(leave, Unit(leave.pod, "Pod", (leave,))), time.monotonic())

    def _is_shut(self) -> bool:
        return self._going.world.clock() >= self._closes_s

    def _put_off(self) -> None:
        """What was not evicted yet is left to the next plan, which has it in the next window."""
        left = [*self._tries]
        if left or self._waits.awaited:
            self.was_cut_short = True
            self._going.world.tell("the window is over: what is not evicted yet waits for the next one")
        self._waits.awaited.clear()
        for task in left:
            self._tries.pop(task.uid)
            if task.tries and not task.unsure:
                self._going.written.failed(task.step, "the window was over")

    def _enter(self, unit: Unit) -> None:
        """The unit is on its way: asked for its checkpoint, awaited, or its pods are to be evicted."""
        if unit.waits:
            self._waits.awaited.append(unit)
            self._going.world.tell(f"{unit.workload} is waited for: {_until(unit)}")
        else:
            self._begin(unit)

    def _begin(self, unit: Unit) -> None:
        """Its pods are to be evicted, once its checkpoint is proved where it can be asked for one."""
        if unit.hook is not None and not unit.proved:
            self._ask(unit)
        else:
            self._let_go(unit)

    def _ask(self, unit: Unit) -> None:
        self._going.demand()
        if self._is_shut():
            return  # the next plan has it again
        self._going.written.begin(f"checkpoint {unit.workload}", wave=str(self._number))
        self._waits.asked[unit.workload] = unit
        self._going.prove(unit)

    def _let_go(self, unit: Unit) -> None:
        for leave in unit.leaves:
            known = leave if leave.uid else self._identified(leave)
            if known is not None and known.node not in self._aside:
                how = "evict" if known.how == "wait" else known.how
                self._tries.add(Task(msgspec.structs.replace(known, how=how), unit), time.monotonic())

    def _identified(self, leave: Leave) -> Leave | None:
        pod = self._going.board.named(leave.pod, leave.node)
        return None if pod is None else msgspec.structs.replace(leave, uid=pod.uid)

    # The work

    def _work_off(self) -> None:
        """Until nothing is left to wait for. A signal ends it between two turns: no answer is lost."""
        while self._tries or self._flying or self._waits:
            with self._going.interrupts.step():
                self._work()
            if self._stop is not None:
                raise self._stop

    def _work(self) -> None:
        if self._is_shut():
            self._put_off()
        self._send()
        self._look()
        for event in self._going.heard(self._pause_s()):
            if isinstance(event, Sight):
                self._see(event)
            elif isinstance(event, Replied):
                self._hear(event)
            elif isinstance(event, Proved):
                self._take_proof(event)
        self._flush()

    def _pause_s(self) -> float:
        next_s = self._tries.next_s
        if next_s is not None and len(self._flying) < self._going.world.fanout:
            return max(0.001, min(_LOOK_S, next_s - time.monotonic()))
        return _LOOK_S

    def _send(self) -> None:
        """As many evictions are on their way as may be, each with its intent on the disk."""
        batch = self._due()
        if not batch:
            return
        self._going.demand()
        if self._is_shut():  # the lock may have kept us waiting
            for task in batch:
                self._tries.add(task, time.monotonic())
            return
        new = {
            task.step: {
                "node": task.leave.node,
                "work": task.unit.workload,
                "wave": str(self._number),
            }
            for task in batch
            if not task.tries
        }
        self._going.written.begin_all(new)
        for task in batch:
            task.tries += 1
            task.since_s = task.since_s or time.monotonic()
            self._flying[task.uid] = task
            self._going.evict(task.leave)

    def _due(self) -> list[Task]:
        batch: list[Task] = []
        for task in self._tries.pop_due(time.monotonic(), self._going.world.fanout - len(self._flying)):
            pod = self._going.board.pods.get(task.uid)
            if pod is None:
                self._gone(task)
            elif pod.leaving:
                self._leaving(task)
            else:
                batch.append(task)
        return batch

    def _hear(self, event: Replied) -> None:
        task = self._flying.pop(event.uid, None)
        if task is None:
            return
        if isinstance(event.answer, Exception):
            self._stop = self._stop or event.answer
            return
        reply, task.why, wait_s = event.answer
        if reply == "leaving":
            task.evicted = True
            self._leaving(task)
        elif reply == "gone":
            self._gone(task)
        elif reply == "blocked":
            self._keep(task, "refused", task.why)
        else:
            self._try_later(task, event.answer, wait_s)

    def _try_later(self, task: Task, answer: Answer, wait_s: float | None) -> None:
        task.unsure += answer.reply == "unsure"
        if task.unsure >= _TRIES:
            self._keep(task, "refused", f"{task.why} ({_TRIES} tries)", known=False)
            return
        if task.tries == 1:
            self._going.world.tell(f"{task.leave.pod} waits: {task.why}")
        self._tries.again(task, time.monotonic(), wait_s)

    def _see(self, sight: Sight) -> None:
        pod = sight.pod
        if pod is None:
            self._catch_up()
        elif sight.kind == "gone":
            self._vanished(pod.uid)
        elif pod.ready and not pod.leaving:
            self._tries.wake(pod.pod.partition("/")[0], time.monotonic())

    def _catch_up(self) -> None:
        for task in (*self._waits.dying.values(), *self._tries):
            if task.uid not in self._going.board.pods:
                self._vanished(task.uid)

    def _vanished(self, uid: str) -> None:
        task = self._waits.dying.pop(uid, None) or self._tries.pop(uid)
        if task is not None:
            self._gone(task)

    def _leaving(self, task: Task) -> None:
        self._done(task)
        task.since_s = time.monotonic()
        if task.uid in self._going.board.pods:
            self._waits.dying[task.uid] = task
        else:
            self._gone(task)

    def _gone(self, task: Task) -> None:
        self._done(task)
        self._going.world.progress.advance(task.leave.pod)

    def _done(self, task: Task) -> None:
        """It is told that it was evicted, or that it went by itself."""
        if not task.tries or task.step in self._told:
            return
        if task.evicted or task.unsure:
            self._told[task.step] = {}
        else:
            self._going.written.failed(task.step, "it went by itself")
        task.tries = 0

    def _keep(self, task: Task, kind: Holder, says: str, *, known: bool = True) -> None:
        if known and task.tries:
            self._going.written.failed(task.step, says)
        self.hold(kind, task.leave.pod, task.leave.node, says)

    def _take_proof(self, event: Proved) -> None:
        unit = self._waits.asked.pop(event.work, None)
        if unit is None:
            return
        step = f"checkpoint {event.work}"
        if isinstance(event.proof, str):
            self._going.written.done(step, proof=event.proof, at=str(int(self._going.world.clock())))
            self._let_go(unit)
            return
        self._going.written.failed(step, str(event.proof))
        if not isinstance(event.proof, NoProof):
            self._stop = self._stop or event.proof
        for leave in unit.leaves:
            self.hold("checkpoint", leave.pod, leave.node, f"no proof of a checkpoint: {event.proof}")

    # What takes too long

    def _look(self) -> None:
        """Twice in a second what takes too long is told, and what ended is taken on."""
        now_s = time.monotonic()
        if now_s - self._looked_s < _LOOK_S:
            return
        self._looked_s = now_s
        world = self._going.world
        for unit, left in self._waits.pop_over(self._going.board, world.clock()):
            self._end_wait(unit, left)
        for task in self._waits.pop_late(now_s, world.margin_s):
            self._end_patience(task)
        for task in self._tries:
            if task.tries and now_s - task.since_s > world.wait_s:
                self._tries.pop(task.uid)
                self._keep(task, "budget", task.why)
        if now_s - self._nodes_s > _NODES_S:
            self._nodes_s = now_s
            self.look_at(self._going.steadily(lambda: world.backend.nodes(self.wave.nodes)).values())

    def _end_patience(self, task: Task) -> None:
        """The pod is held if it is there: while pods cannot be followed, nobody tells that one went."""
        backend = self._going.world.backend
        if self._going.steadily(lambda: backend.is_there(task.leave)):
            self.hold("dying", task.leave.pod, task.leave.node, task.stuck)
        else:
            self._going.board.forget(task.uid)
            self._gone(task)

    def _end_wait(self, unit: Unit, left: Iterable[Leave]) -> None:
        """The unit ended, or was given time enough; `left`: its pods that run on."""
        if not left:
            self._let_go(unit)  # what has finished holds nothing: it is evicted all the same
            return
        if unit.after_wait == "evict":
            self._begin(unit)
            return
        for leave in left:
            self.hold(
                "wait", leave.pod, leave.node, f"{unit.workload} did not end in the time that it was given"
            )

    def look_at(self, nodes: Collection[NodeNow]) -> None:
        """Nothing more is evicted from nodes that somebody took back meanwhile."""
        for node in nodes:
            if node.schedulable and not self._going.request.boards:
                self.hold("uncordoned", node.name, node.name, "somebody took it back into service meanwhile")
                for task in [one for one in self._tries if one.leave.node == node.name]:
                    self._tries.pop(task.uid)
                    if task.tries:
                        self._going.written.failed(task.step, "its node was taken back into service")

    # The end

    def _flush(self) -> None:
        self._going.written.done_all(self._told)
        self._told = {}

    def _finish_writes(self) -> None:
        """Every write in flight has its answer, and the journal knows it."""
        until_s = time.monotonic() + _FINISH_S
        while self._flying and time.monotonic() < until_s:
            try:
                for event in self._going.heard(_LOOK_S):
                    if isinstance(event, Replied):
                        self._hear(event)
            except DcctlError:
                continue  # pods are not followed any more; answers still come
        self._flush()
