"""The hooks of work on Kubernetes. All goes through the API server: no route to a pod is needed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Lock
from typing import TYPE_CHECKING, Final

from dcctl.drain.act.hooks.asking import Unsure, ask, demand_own
from dcctl.drain.act.hooks.proofs import LOOK_S, proof_of
from dcctl.drain.act.hooks.reach import Reach, told
from dcctl.drain.backends import NoProof
from dcctl.drain.work.checkpoints import asked_pods
from dcctl.inventory.sources.http.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dcctl.drain.act.hooks.proofs import Proof
    from dcctl.drain.campaign import Unit
    from dcctl.drain.request import Hook
    from dcctl.inventory.sources.http.connection import Connection

_AT_ONCE: Final = 128
"""Pods of one unit that are asked at the same time: ranks that write one checkpoint wait for each other."""
_FORGIVEN: Final = 5
"""Looks in a row that may fail: one that gets no answer shows nothing, and the next may."""


class KubernetesHooks:
    """Implements `Hooks`. A unit is never asked twice at once."""

    def __init__(
        self, connection: Connection, stop: Event | None = None, now_s: Callable[[], float] = time.time
    ) -> None:
        """Once `stop` is set every wait ends with NoProof. `now_s` tells Unix time."""
        self._connection, self._stop, self._now_s = connection, stop or Event(), now_s
        self._asked: set[str] = set()
        self._lock = Lock()

    def checkpoint(self, unit: Unit) -> str:
        """Return what proves that the unit wrote a checkpoint. NoProof: it did not, as far as is known."""
        hook = unit.hook
        if hook is None:
            raise NoProof("nobody told how to ask it for a checkpoint")
        pods = asked_pods(unit)
        if not pods:
            raise NoProof("it has no pod that could be asked")
        with self._alone(unit.workload):
            return self._of_all(hook, pods)

    def stop(self) -> None:
        """Every wait ends with NoProof."""
        self._stop.set()

    @contextmanager
    def _alone(self, workload: str) -> Iterator[None]:
        with self._lock:
            if workload in self._asked:
                raise NoProof("it is being asked already")
            self._asked.add(workload)
        try:
            yield
        finally:
            with self._lock:
                self._asked.discard(workload)

    def _of_all(self, hook: Hook, pods: tuple[tuple[str, str | None], ...]) -> str:
        """The first proof stands for all: there is none unless all gave one."""
        if len(pods) == 1:
            return self._of_one(hook, *pods[0])
        with ThreadPoolExecutor(min(_AT_ONCE, len(pods))) as threads:
            said = [each.result() for each in [threads.submit(self._of_one, hook, *pod) for pod in pods]]
        return f"{said[0]} (and {len(said) - 1} more alike)"

    def _of_one(self, hook: Hook, pod: str, uid: str | None) -> str:
        reach = Reach(self._connection, pod, hook.timeout_s, self._pause)
        try:
            return f"{pod}: {self._proved(hook, reach, uid)}"
        except NoProof as why:
            raise NoProof(f"{pod}: {why}") from why
        except Failure as failure:
            raise NoProof(f"{pod}: {told(failure.reason)}") from failure

    def _proved(self, hook: Hook, reach: Reach, uid: str | None) -> str:
        place = reach.place(uid, hook.container)
        if hook.annotated:
            demand_own(hook, place)
        proof = proof_of(hook, reach, place, self._now_s)
        if proof is not None:
            proof.before()
        said, doubt = "", ""
        try:
            said = ask(hook, reach, place, self._stamp)
        except Unsure as why:
            doubt = str(why)
        if proof is None and doubt:
            raise NoProof(f"it may have been asked, and did not say that it ended: {doubt}")
        if proof is not None:
            said = _awaited(proof, reach, hook.timeout_s, doubt)
        reach.place(
            place.uid, hook.container
        )  # a pod of the same name proves nothing for the one that was asked
        return said

    def _pause(self, wait_s: float) -> None:
        if self._stop.wait(wait_s):
            raise NoProof("interrupted before it was proved; it may be writing its checkpoint")

    def _stamp(self) -> str:
        return datetime.fromtimestamp(int(self._now_s()), UTC).isoformat().replace("+00:00", "Z")


def _awaited(proof: Proof, reach: Reach, timeout_s: int, doubt: str) -> str:
    """The proof, once it is seen. NoProof: the time is over."""
    failed = 0
    while reach.left_s > 0:
        try:
            if said := proof.seen():
                return said
            failed = 0
        except Failure as failure:
            failed += 1
            if reach.left_s > 0 and (failed > _FORGIVEN or not failure.again):
                raise
        reach.pause(LOOK_S)
    unsure = f"; whether it was asked is not known: {doubt}" if doubt else ""
    raise NoProof(f"no proof within {timeout_s} s: {proof.missing}{unsure}")
