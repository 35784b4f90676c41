"""The backend of `dcctl schedule` for Kubernetes."""

from __future__ import annotations

import shlex
from functools import cached_property
from typing import TYPE_CHECKING, Final

import msgspec

from dcctl.errors import DcctlError, RefusedError, UsageError
from dcctl.inventory.sources.files.documents import documents
from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.jobs.cursor import Cursor
from dcctl.inventory.sources.jobs.kubernetes.decode import as_json
from dcctl.inventory.sources.kubernetes.objects import Live
from dcctl.inventory.sources.kubernetes.said import said
from dcctl.schedule.act.kubernetes.ready import Ready, waiting
from dcctl.schedule.backends import Left
from dcctl.schedule.kubernetes import intended, rendered
from dcctl.schedule.manifests import RUN, objects_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from dcctl.inventory.sources.kubernetes.objects import Objects
    from dcctl.journal import Entry
    from dcctl.schedule import kubernetes
    from dcctl.schedule.backends import Loaded
    from dcctl.schedule.manifests import Document

_CHECK_S: Final = 300.0
"""For all that is asked before the question."""


class Kubernetes:
    """One cluster, which is connected to when it is first asked."""

    tells_cluster: Final = "kubectl config current-context"

    def __init__(self, connect: Callable[[float], Objects], wait_s: float, *, bind: bool = False) -> None:
        """`connect`: the objects of the cluster, with a deadline in seconds.

        `wait_s`: how long pods may take until all of them stand. `bind`: pods without a gate are bound past
        their scheduler.
        """
        self._connect, self._wait_s, self.bind = connect, wait_s, bind

    def intended(self, loaded: Loaded, now_s: int) -> Manifests:
        """The manifests of a plan. UsageError: a file is in dcctl's own form, or holds what is no object."""
        bodies = [body for path, text in loaded.texts for body in _bodies(path, text)]
        objects = objects_of(bodies, ", ".join(path for path, _ in loaded.texts))
        files = shlex.join(path for path, _ in loaded.texts)
        return Manifests(self, intended(loaded.plan, objects, now_s, loaded.asked.workloads, files))

    def cluster(self) -> str:
        """The UID of the namespace kube-system, or the address where that may not be read."""
        try:
            return self.asked.cluster()
        except Failure as failure:
            raise said(failure, "the API server") from failure

    def is_cluster(self, ids: Collection[str]) -> bool | None:
        """Whether it is one of these, by UID of kube-system; None where that may not be read."""
        try:
            return self.asked.is_cluster(ids)
        except Failure as failure:
            raise said(failure, "the API server") from failure

    def lasting(self, steps: Mapping[str, Entry]) -> tuple[Left, ...]:
        """Return pods that were there: they keep their nodes, as Kubernetes loosens no affinity."""
        words = {"place": "kept to its node", "bind": "bound to its node"}
        sure = {"done": "is", "intent": "may be"}
        return tuple(
            Left(
                f"Pod {rest.rpartition(' ')[0]}",
                f"{sure[entry.state]} {words[verb]} {entry.data['node']}",
                "kubectl delete pod",
            )
            for step, entry in steps.items()
            for verb, _, rest in (step.partition(" "),)
            if entry.state in sure and (verb == "bind" or (verb == "place" and "there" in entry.data))
        )

    def undo(self, made: Entry, run: str) -> None:
        """The object is being deleted if it still is the one that the run made.

        RefusedError: it stays. DcctlError: nobody knows.
        """
        path = made.data["path"]
        try:
            uid = made.data.get("uid") or self._uid_of_ours(path, run)
            if uid:
                self._written.delete(path, uid)
        except Failure as failure:
            if failure.status not in (404, 409):  # it is gone, or another one took its name
                error = RefusedError if failure.is_refusal else DcctlError
                raise error(failure.reason) from failure

    def _uid_of_ours(self, path: str, run: str) -> str:
        """The UID of an object of which it is not known whether the run made it; empty: it did not."""
        meta = self._written.read(path, Live).metadata
        return meta.uid if (meta.labels or {}).get(RUN) == run else ""

    @cached_property
    def asked(self) -> Objects:
        """The objects, with the deadline of all that is asked before the run begins."""
        return self._connect(_CHECK_S)

    @cached_property
    def _written(self) -> Objects:
        return self.writer()

    def writer(self) -> Objects:
        """The objects, with the deadline of the run, which begins now."""
        return self._connect(self._wait_s)


class Manifests:
    """What a plan and its manifests come to on a cluster."""

    def __init__(self, backend: Kubernetes, found: kubernetes.Intended) -> None:
        """`found` is what is to be made on the cluster of `backend`."""
        self._backend, self._found = backend, found

    def render(self) -> tuple[str, tuple[Left, ...]]:
        """The manifests as YAML, with every pod kept to its nodes, and what they do not tell."""
        return rendered(self._found)

    def look_up(self, run: str, steps: Mapping[str, Entry]) -> Ready:
        """What is to be written, given the pods that are there."""
        asked, backend = self._backend.asked, self._backend
        found = waiting(asked, self._found, steps, bind=backend.bind)
        return Ready(run, asked, backend.writer, self._found.others, self._found.works, *found)


def _bodies(path: str, text: str) -> list[Document]:
    """Each manifest as the API server would read it. UsageError for dcctl's own form, which is none."""
    read = (msgspec.json.decode(as_json(Cursor(node, path))) for node, _ in documents(text, path))
    found = [body for body in read if isinstance(body, dict)]
    if any(body.get("kind") == "Jobs" for body in found):
        why = "jobs in dcctl's own form cannot be made on kubernetes: give the manifests"
        raise UsageError(path, why, "dcctl schedule render --help")
    return found
