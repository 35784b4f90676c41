"""A run undone: what it made is deleted, what it placed that was there before is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.errors import UnfinishedError
from dcctl.inventory.sources.kubernetes.failures import Failure
from dcctl.inventory.sources.kubernetes.objects import Live
from dcctl.schedule.act.interrupts import Interrupts
from dcctl.schedule.applied import Step
from dcctl.schedule.kubernetes import Left
from dcctl.schedule.manifests import RUN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.inventory.sources.kubernetes.objects import Objects
    from dcctl.journal import Entry, Journal
    from dcctl.schedule.act.carrier import Progress


def lasting(steps: Mapping[str, Entry]) -> tuple[Left, ...]:
    """What cannot be undone: a pod that was there keeps its node; Kubernetes loosens no affinity."""
    words = {"place": "is kept to its node", "bind": "is bound to its node"}
    return tuple(
        Left(f"Pod {rest.rpartition(' ')[0]}", f"{words[verb]} {entry.data['node']}", "kubectl delete pod")
        for step, entry in steps.items()
        for verb, _, rest in (step.partition(" "),)
        if entry.state == "done" and (verb == "bind" or (verb == "place" and "there" in entry.data))
    )


def made(steps: Mapping[str, Entry]) -> tuple[tuple[str, Entry], ...]:
    """What the run made, or began to make, by title; the last first. What was there before stays."""
    rows = [
        (step.partition(" ")[2], entry)
        for step, entry in steps.items()
        if step.startswith("create ") and entry.state != "failed" and "kept" not in entry.data
    ]
    return tuple(reversed(rows))


def undo(objects: Objects, journal: Journal, progress: Progress) -> tuple[Step, ...]:
    """All that the run made is being deleted, and nothing else. UnfinishedError: some of it is left."""
    rows = made(journal.steps)
    progress.start(len(rows), "deleting")
    with Interrupts() as interrupts:
        try:
            for title, entry in rows:
                with interrupts.step():
                    _delete(objects, journal, title, entry)
                progress.advance(title)
        except KeyboardInterrupt:
            raise _unfinished(journal, "interrupted") from None
        except Failure as failure:
            raise _unfinished(journal, failure.reason) from failure
    journal.end("undone")
    return tuple(Step("delete", title) for title, _ in rows)


def _delete(objects: Objects, journal: Journal, title: str, entry: Entry) -> None:
    """The object is being deleted if it still is the one that the run made."""
    step, path = f"delete {title}", entry.data["path"]
    known = journal.steps.get(step)
    if known is not None and known.state == "done":
        return
    journal.begin(step)
    try:
        uid = entry.data.get("uid") or _uid_of_ours(objects, path, journal.header.run)
        if uid:
            objects.delete(path, uid)
    except Failure as failure:
        if failure.status not in (404, 409):  # it is gone, or another one took its name
            journal.failed(step, failure.reason)
            raise
    journal.done(step)


def _uid_of_ours(objects: Objects, path: str, run: str) -> str:
    """The UID of an object of which it is not known whether the run made it; empty: it did not."""
    meta = objects.read(path, Live).metadata
    return meta.uid if (meta.labels or {}).get(RUN) == run else ""


def _unfinished(journal: Journal, why: str) -> UnfinishedError:
    hint = journal.header.resume.replace("--resume", "--undo")
    return UnfinishedError(f"schedule apply --undo: {why}", f"journal {journal.path}", hint)
