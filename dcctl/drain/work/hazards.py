"""What is named before the start about work that leaves: each with one sentence and what removes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.drain.work.barriers import budget_hazards
from dcctl.drain.work.findings import about
from dcctl.drain.work.pods import gpu_milli
from dcctl.drain.work.units import SERVED, restarts
from dcctl.units import duration, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcctl.drain.campaign import Finding
    from dcctl.drain.request import Done, Gates, Request
    from dcctl.drain.work.pods import Pod
    from dcctl.drain.work.units import Moved

_RULE = "--policy FILE with a rule for it"


def hazards(one: Moved, request: Request, done: Done, now_s: int) -> Iterator[Finding]:
    """Yield what has to be known, or decided, before this work is moved."""
    yield from _untold(one.pods)
    yield from _waits(one)
    if not one.evicted:
        return
    yield from budget_hazards(one, begun=done.begun)
    yield from _data(one.pods, request.gates)
    yield from _nobody_makes(one.pods, request.gates)
    yield from _ends_for_good(one, request.gates)
    yield from _too_many_failures(one, request.gates)
    yield from _protected(one.pods, request.gates)
    yield from _made_otherwise(one.pods)
    if one.runs:
        yield from _checkpoint(one, done, now_s)


def _untold(pods: Sequence[Pod]) -> Iterator[Finding]:
    found = [pod for pod in pods if pod.told is None]
    if found:
        says = (
            "nobody told what its eviction does: who makes it anew, which files it loses, which PDBs cover it"
        )
        yield about("unknown", found, says, "dcctl drain on the live cluster; leave the node out with -x")


def _waits(one: Moved) -> Iterator[Finding]:
    rule, turn = one.rule, one.turn
    if rule.mode == "never":
        yield about("never", one.pods, "its rule says that it is never evicted", _rule_cure(one))
    elif rule.mode == "wait" and turn.over and rule.after_wait == "stop":
        says = f"was waited for {duration(rule.wait_s or 0)}, and runs on; its rule does not say what then"
        yield about("deadline", one.pods, says, _rule_cure(one))
    elif rule.mode == "wait" and turn.until_s is None:
        says = "is waited for, and nobody knows when it ends"
        yield about("deadline", one.pods, says, _rule_cure(one), blocks=False)


def _rule_cure(one: Moved) -> str:
    word = "evict" if one.rule.mode == "never" else "wait 4h then evict"
    return f"dcctl.io/when-drained: {word} on its pods, or {_RULE}"


def _data(pods: Sequence[Pod], gates: Gates) -> Iterator[Finding]:
    disk = [pod for pod in pods if pod.told is not None and pod.told.scratch == "disk"]
    memory = [pod for pod in pods if pod.told is not None and pod.told.scratch == "memory"]
    if disk:
        says = "the files of its emptyDir volumes on the disk of the node are lost"
        opened = gates.delete_emptydir_data
        yield about("emptydir", disk, says, "--delete-emptydir-data", opened=opened)
    if memory:
        says = "its emptyDir volumes in memory are lost, as whenever it restarts"
        yield about("emptydir", memory, says, blocks=False)


def _nobody_makes(pods: Sequence[Pod], gates: Gates) -> Iterator[Finding]:
    found = [pod for pod in pods if pod.told is not None and not pod.told.controller]
    if found:
        says = "no controller makes it anew: evicted, it is gone"
        yield about("unmanaged", found, says, "--force", opened=gates.force)


def _ends_for_good(one: Moved, gates: Gates) -> Iterator[Finding]:
    groups: dict[str, list[Pod]] = {}
    for pod in one.pods:
        if pod.told is not None and pod.told.fatal:
            groups.setdefault(pod.told.fatal, []).append(pod)
    for why, found in groups.items():
        says = f"evicting it ends the {one.work.kind} for good: {why}"
        yield about("fatal", found, says, "--force", opened=gates.force)


def _too_many_failures(one: Moved, gates: Gates) -> Iterator[Finding]:
    """Each eviction is a failure to a Job, and it takes so many."""
    told = [(pod, pod.told.retries) for pod in one.pods if pod.told is not None and not pod.told.fatal]
    left = min((retries for _, retries in told if retries is not None), default=None)
    if one.work.kind == "Job" and left is not None and len(told) > left:
        evicted, more = plural(len(told), "pod"), plural(left, "failure")
        says = f"evicting {evicted} of it ends the Job for good: it takes {more} more"
        yield about("fatal", [pod for pod, _ in told], says, "--force", opened=gates.force)


def _made_otherwise(pods: Sequence[Pod]) -> Iterator[Finding]:
    found = [pod for pod in pods if pod.told is not None and pod.told.changed]
    if found:
        says = "is made anew from another template than it was: whether that fits is not known"
        yield about("unknown", found, says, blocks=False)


def _protected(pods: Sequence[Pod], gates: Gates) -> Iterator[Finding]:
    groups: dict[tuple[str, ...], list[Pod]] = {}
    for pod in pods:
        if pod.told is not None and pod.told.protected:
            groups.setdefault(pod.told.protected, []).append(pod)
    for marks, found in groups.items():
        says = f"asks to be left alone: {', '.join(marks)}"
        yield about("protected", found, says, "--disturb-protected", opened=gates.disturb_protected)


def _checkpoint(one: Moved, done: Done, now_s: int) -> Iterator[Finding]:
    if one.waived and (one.rule.hook is not None or _computes(one)):
        yield about(
            "checkpoint", one.pods, f"is evicted without proof of a checkpoint: {one.waived}", blocks=False
        )
    elif one.rule.hook is None and _computes(one) and one.work.id not in done.proved:
        says = f"nothing asks it for a checkpoint: {_lost(one, now_s)}"
        cure = f"dcctl.io/checkpoint on its pods, or {_RULE} and its checkpoint"
        yield about("checkpoint", one.pods, says, cure, blocks=False)


def _computes(one: Moved) -> bool:
    """Whether a restart loses work on accelerators."""
    held = gpu_milli(pod.member for pod in one.pods)
    return held > 0 and one.work.kind not in SERVED and restarts(one) > 0


def _lost(one: Moved, now_s: int) -> str:
    at_s, every_s = one.work.checkpointed_at_s, one.rule.checkpoint_every_s
    if at_s is not None:
        return f"what it computed since the last one, {duration(max(0, now_s - at_s))} ago, is lost"
    if every_s is not None:
        return f"it writes one every {duration(every_s)}, and loses what it computed since"
    return "nobody knows when it wrote the last one, so all that it computed may be lost"


_LIFTED: Final = ("batch.kubernetes.io/job-tracking",)
"""The controllers of Kubernetes itself lift these at once."""


def finalizers(pods: Sequence[Pod]) -> Iterator[Finding]:
    """Yield pods that stay, though they are deleted, until others let them go."""
    groups: dict[tuple[str, ...], list[Pod]] = {}
    for pod in pods:
        names = tuple(one for one in pod.told.finalizers if one not in _LIFTED) if pod.told else ()
        if names:
            groups.setdefault(names, []).append(pod)
    for names, found in groups.items():
        says = f"stays, though it was deleted, until somebody lifts {', '.join(names)}"
        namespace, _, name = found[0].name.rpartition("/")
        cure = f"kubectl get pod {name} --namespace {namespace} --output jsonpath={{.metadata.finalizers}}"
        yield about("finalizer", found, says, cure, blocks=False)
