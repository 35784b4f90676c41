"""GPU time that is lost when work stops: what it computed since its last checkpoint, and computes anew.

The sum over restarts of GPUs x time since the last checkpoint is the lost work that checkpoint intervals are
chosen by: J. W. Young, A first order approximation to the optimum checkpoint interval, CACM 17(9), 1974.
Restarting itself (images, the file read again, the first steps) is not in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dcctl.drain.campaign import Leave, Unit
    from dcctl.inventory.model import Workload

_ANSWERS: Final = frozenset(
    ("Deployment", "InferenceService", "LeaderWorkerSet", "RayService", "ReplicaSet", "StatefulSet")
)
"""Kinds that answer requests, or people: what they compute is given away at once."""


class Past(NamedTuple):
    """What is known of the checkpoints of work. None: nobody knows."""

    started_s: int | None = None
    last_s: int | None = None
    """When its last checkpoint was written."""
    every_s: int | None = None
    """How often it writes one by itself."""


def pasts_of(unit: Unit, work: Workload, every_s: int | None) -> tuple[tuple[int, Past], ...]:
    """(thousandths of GPUs, what is known of their checkpoints) of what stops with a unit.

    A gang computes once all of it runs: since its last member started. Other members each do on their own.
    """
    running = [one for one in work.members if one.phase == "running"]
    if unit.gang:
        known = [one.started_at_s for one in running if one.started_at_s is not None]
        started_s = max(known) if known and len(known) == len(running) else work.started_at_s
        return ((unit.gpu_milli, Past(started_s, work.checkpointed_at_s, every_s)),)
    starts = {one.name: one.started_at_s for one in running}
    return tuple(
        (one.gpu_milli, Past(_started(one, starts, work), work.checkpointed_at_s, every_s))
        for one in unit.leaves
    )


def _started(one: Leave, starts: Mapping[str, int | None], work: Workload) -> int | None:
    told = starts.get(one.pod.rpartition("/")[2])
    return work.started_at_s if told is None else told


def since(past: Past, at_s: int) -> int | None:
    """Seconds of work that are computed anew if it stops then; None: nobody knows.

    - It writes checkpoints at a known pace: of which the last is known, since the one that is expected before
      `at_s`; else half a period, the mean where nobody knows how far it is (a uniform phase). Never more than
      it has run.
    - Its last checkpoint is known: since then.
    - No checkpoint is known: since its start.
    """
    ran = None if past.started_s is None else max(0, at_s - past.started_s)
    last_s = past.last_s
    if last_s is not None and past.started_s is not None:
        last_s = max(last_s, past.started_s)  # it began with that one
    if past.every_s:
        lost = past.every_s // 2 if last_s is None else max(0, at_s - last_s) % past.every_s
        return lost if ran is None else min(lost, ran)
    return ran if last_s is None else max(0, at_s - last_s)


def lost_gpu_ms(unit: Unit, pasts: Iterable[tuple[int, Past]], at_s: int | None) -> int | None:
    """Milliseconds of one GPU that a unit computes anew if it stops then; None: nobody knows.

    Nothing where it ends by itself, is served by others meanwhile (`restarts` 0), holds no GPU, or writes a
    checkpoint first: it stands still from there to its eviction. `at_s` None: nobody knows when; what has a
    pace of its own is expected to lose half a period all the same.
    """
    if not loses(unit):
        return 0
    return summed(
        (gpu_milli, past.every_s and past.every_s // 2 if at_s is None else since(past, at_s))
        for gpu_milli, past in pasts
    )


def summed(parts: Iterable[tuple[int, int | None]]) -> int | None:
    """Milliseconds of one GPU for (thousandths of GPUs, seconds); None: nobody knows the seconds of one."""
    lost = 0
    for gpu_milli, seconds in parts:
        if gpu_milli and seconds is None:
            return None
        lost += gpu_milli * (seconds or 0)
    return lost


def loses(unit: Unit) -> bool:
    """Whether anything of it is computed anew: it computes, and writes no checkpoint first.

    A unit has a hook only where it is asked and does not leave without a proof: also when a wait is over,
    before it is evicted; not where that is waived, or nobody evicts it (`dcctl.drain.work.units`).
    """
    return computes(unit) and unit.hook is None and not unit.proved


def computes(unit: Unit) -> bool:
    """Whether it restarts, holds GPUs, and keeps what it computes. What answers requests keeps nothing."""
    return bool(unit.restarts and unit.gpu_milli) and unit.kind not in _ANSWERS
