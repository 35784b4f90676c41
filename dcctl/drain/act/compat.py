"""`kubectl drain` carried out: cordon all, then node after node what `compat.rules` decides."""

from __future__ import annotations

import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from dcctl.drain.act.compat_cluster import Cluster, Refused
from dcctl.drain.compat import rules, words
from dcctl.drain.compat.durations import NS, told_ns
from dcctl.drain.compat.flags import FlagError
from dcctl.drain.compat.words import Failed, Wrong
from dcctl.inventory.sources.http.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcctl.drain.act.kubernetes.nodes import Node
    from dcctl.drain.compat.flags import Flags
    from dcctl.drain.compat.rules import Pod

_RETRY_S = 5.0
"""Between two evictions of a pod that a budget holds."""
_LOOK_S = 1.0
"""Between two looks at a pod that is leaving."""
_NODES = ("node", "nodes", "no")


class World(NamedTuple):
    """What a drain needs of what lies around it."""

    cluster: Cluster
    tell: Callable[[str], None]
    """A line of the answer."""
    aside: Callable[[str], None]
    """A line for whoever looks on."""
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    wall: Callable[[], float] = time.time
    """Unix time, which tells how long a pod is being deleted."""


def drain(world: World, flags: Flags) -> bool:
    """Whether every node was drained. FlagError or Failure: nothing was changed.

    Other than kubectl: an eviction names the UID of its pod, so that no successor of the same name is
    evicted for it; and --disable-eviction with --dry-run=server does not wait for pods that stay.
    """
    nodes = _nodes(world.cluster, flags)
    for node in nodes:
        _cordon(world, flags, node)
    failed = [one for node in nodes if (one := _drained(world, flags, node.metadata.name)) is not None]
    for line in words.left_to_do(failed) if failed else ():
        world.aside(line)
    return not failed


def failure_line(failure: Failure) -> str:
    """What ended a drain before it began, as its last line."""
    return _wrong(failure).line


def _nodes(cluster: Cluster, flags: Flags) -> list[Node]:
    if flags.pod_selector and not cluster.understands(flags.pod_selector):
        raise FlagError("error: --pod-selector=<pod_selector> must be a valid label selector")
    if not flags.nodes:
        return cluster.nodes(flags.selector, flags.chunk_size) if flags.selector else []
    return [cluster.node(_name(word)) for word in flags.nodes]


def _name(word: str) -> str:
    """`gpu001` of `node/gpu001`."""
    kind, slash, name = word.rpartition("/")
    if slash and kind not in _NODES:
        raise FlagError(f'error: expected resource of type node, got "{kind}"')
    return name


def _cordon(world: World, flags: Flags, node: Node) -> None:
    name = node.metadata.name
    if node.spec.unschedulable:
        world.tell(words.done("node", name, "already cordoned", flags))
        return
    try:
        if flags.dry_run != "client":
            world.cluster.cordon(name, dry_run=flags.dry_run == "server")
    except Failure as failure:
        world.aside(f'error: unable to cordon node "{name}": {_wrong(failure).says}')
    else:
        world.tell(words.done("node", name, "cordoned", flags))


def _drained(world: World, flags: Flags, node: str) -> Failed | None:
    """Why a node could not be drained; None: it was."""
    failed = _of_node(world, flags, node)
    if failed is None:
        world.tell(words.done("node", node, "drained", flags))
    else:
        world.aside(words.undrained(failed))
    return failed


def _of_node(world: World, flags: Flags, node: str) -> Failed | None:
    found = _decision(world, flags, node)
    if isinstance(found, Failed):
        return found
    if found.errors:
        return Failed(node, tuple(map(Wrong, found.errors)))
    if found.warnings:
        world.aside(f"Warning: {'; '.join(found.warnings)}")
    if flags.dry_run == "client":
        for pod in found.evict:
            world.tell(words.evicting(pod, flags))
        return None
    failed = _Leaving(world, flags, node).leave(found.evict) if found.evict else None
    if failed is not None:
        _tell_left(world, flags, failed)
    return failed


def _decision(world: World, flags: Flags, node: str) -> rules.Decision | Failed:
    """What is to be done with the pods that stand on a node now."""

    def old(pod: Pod) -> bool:
        return long_gone(pod, flags, world.wall())

    try:
        pods = world.cluster.pods(node, flags.pod_selector, flags.chunk_size)
    except Failure as failure:
        return Failed(node, (_wrong(failure),))
    sets = {each: world.cluster.daemon_set(*each) for each in rules.daemon_sets(pods, old)}
    return rules.decide(pods, sets, flags, old)


def _tell_left(world: World, flags: Flags, failed: Failed) -> None:
    found = _decision(world, flags, failed.node)
    errors = tuple(one.says for one in found.errors) if isinstance(found, Failed) else found.errors
    if isinstance(found, rules.Decision) and found.evict:
        for line in words.left_behind(failed.node, failed.text, found.evict):
            world.aside(line)
    if errors:
        listing = "Following errors occurred while getting the list of pods to delete:"
        world.aside(f"{listing}\n{words.joined(errors)}")


def long_gone(pod: Pod, flags: Flags, now_s: float) -> bool:
    """Whether it is being deleted for longer than it is to be waited for."""
    since = pod.metadata.deletion_timestamp
    if not since or flags.skip_wait_for_delete_timeout <= 0:
        return False
    began_s = datetime.fromisoformat(since).astimezone(UTC).timestamp()
    return int(now_s - began_s) > flags.skip_wait_for_delete_timeout


def _wrong(failure: Failure) -> Wrong:
    if not isinstance(failure, Refused):
        return Wrong(failure.reason)
    who = "Error from server"
    return Wrong(failure.reason, f"{who} ({failure.name})" if failure.name else who)


class _GivenUpError(Exception):
    """One pod does not leave; the text says why."""


class _Leaving:
    """The pods of one node, each asked to leave and waited for by itself: none holds up another."""

    def __init__(self, world: World, flags: Flags, node: str) -> None:
        self._world, self._flags, self._node = world, flags, node
        self._end = world.now() + flags.timeout_ns / NS if flags.timeout_ns else None
        self._errors: deque[Exception] = deque()

    def leave(self, pods: Sequence[Pod]) -> Failed | None:
        """All are gone, or why some are not."""
        try:
            version = "" if self._flags.disable_eviction else self._world.cluster.eviction_version()
            if not version:
                self._delete(pods)
                return None
        except Failure as failure:
            return Failed(self._node, (_wrong(failure),), listed=False)
        except _GivenUpError as error:
            return Failed(self._node, (Wrong(str(error)),), listed=False)
        self._evict_all(pods, version)
        return self._failed()

    def _evict_all(self, pods: Sequence[Pod], version: str) -> None:
        workers = [threading.Thread(target=self._one, args=(pod, version), daemon=True) for pod in pods]
        for each in workers:
            each.start()
        for each in workers:
            each.join()

    def _failed(self) -> Failed | None:
        for error in self._errors:
            if not isinstance(error, _GivenUpError):
                raise error
        texts = tuple(Wrong(str(error)) for error in self._errors)
        return Failed(self._node, texts) if texts else None

    def _one(self, pod: Pod, version: str) -> None:
        try:
            active = self._evicted(pod, version)
            if active is not None and self._flags.dry_run == "none":
                self._await_end(active, pod)
        except Exception as error:  # noqa: BLE001  # handed to the thread that waits, not swallowed
            self._errors.append(error)

    def _evicted(self, pod: Pod, version: str) -> Pod | None:
        """The pod as it was when its eviction was taken; None: it was gone before."""
        active = pod
        while True:
            self._world.tell(words.evicting(active, self._flags))
            if self._is_over():
                raise _GivenUpError(f"{_told(active)}: global timeout reached: {self._timeout()}")
            try:
                self._world.cluster.evict(active, self._flags, version)
            except Refused as refused:
                if refused.is_gone:
                    return None
                if refused.is_ending and active.metadata.deletion_timestamp:
                    return active
                self._wait_after(active, refused)
            except Failure as failure:
                raise _GivenUpError(f"{_told(active)}: {failure.reason}") from failure
            else:
                return active
            active = self._fresh(active)

    def _wait_after(self, pod: Pod, refused: Refused) -> None:
        """Some time has passed; _GivenUpError where that does not help."""
        name, space, again = pod.metadata.name, pod.metadata.namespace, f"(will retry after {_RETRY_S:.0f}s)"
        if refused.status == 429:
            self._world.aside(f"{_told(pod)} {again}: {refused.reason}")
        elif refused.is_ending:
            what = f'error when evicting pod "{name}" from terminating namespace "{space}"'
            self._world.aside(f"{what} {again}: {refused.reason}")
        else:
            raise _GivenUpError(f"{_told(pod)}: {refused.reason}")
        self._world.sleep(_RETRY_S)

    def _fresh(self, pod: Pod) -> Pod:
        """As it is now; where that cannot be told, as it was."""
        try:
            return self._world.cluster.pod(pod)
        except Failure:
            return pod

    def _await_end(self, active: Pod, pod: Pod) -> None:
        try:
            self._await([active], "evicted", "eviction failed")
        except (_GivenUpError, Failure) as error:
            why = _wrong(error).says if isinstance(error, Failure) else str(error)
            where = f'pod "{pod.metadata.name}" in namespace "{pod.metadata.namespace}"'
            raise _GivenUpError(f"error when waiting for {where} to terminate: {why}") from error

    def _delete(self, pods: Sequence[Pod]) -> None:
        for pod in pods:
            self._world.cluster.delete(pod, self._flags)
        if self._flags.dry_run == "none":
            self._await(pods, "deleted", "deletion failed")

    def _await(self, pods: Sequence[Pod], gone: str, failed: str) -> None:
        """None of them is there any more, or --skip-wait-for-delete-timeout has given it up."""
        left = list(pods)
        while left := [pod for pod in left if self._stands(pod, gone, failed)]:
            if self._is_over():
                raise _GivenUpError("context deadline exceeded")
            self._world.sleep(_LOOK_S)

    def _stands(self, pod: Pod, gone: str, failed: str) -> bool:
        name = pod.metadata.name
        try:
            now = self._world.cluster.pod(pod)
        except Failure as failure:
            is_gone = failure.status == 404
            self._world.tell(words.done("pod", name, gone if is_gone else failed, self._flags))
            if not is_gone:
                raise
            return False
        if now.metadata.uid != pod.metadata.uid:
            self._world.tell(words.done("pod", name, gone, self._flags))
            return False
        if long_gone(now, self._flags, self._world.wall()):
            most_s = self._flags.skip_wait_for_delete_timeout
            self._world.tell(f'pod "{name}" has DeletionTimestamp older than {most_s} seconds, skipping')
            return False
        return True

    def _is_over(self) -> bool:
        return self._end is not None and self._world.now() >= self._end

    def _timeout(self) -> str:
        return told_ns(self._flags.timeout_ns)


def _told(pod: Pod) -> str:
    return f'error when evicting pods/"{pod.metadata.name}" -n "{pod.metadata.namespace}"'
