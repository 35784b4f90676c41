"""The backend of `dcctl drain` for Kubernetes."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Final

from dcctl.drain.act.kubernetes.devices import DeviceTaints
from dcctl.drain.act.kubernetes.evictions import evict, found
from dcctl.drain.act.kubernetes.lease import Lease
from dcctl.drain.act.kubernetes.nodes import Nodes
from dcctl.drain.backends import Sight, Standing
from dcctl.drain.work.devices import KIND
from dcctl.errors import UnreachableError
from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.kubernetes.objects import OwnedPod
from dcctl.inventory.sources.kubernetes.rights import RIGHTS
from dcctl.inventory.sources.kubernetes.said import said

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from dcctl.drain.backends import Answer, Kept, Lock, Mark, Needs, NodeNow
    from dcctl.drain.campaign import Leave
    from dcctl.drain.request import Board
    from dcctl.drain.work.devices import TaintRule
    from dcctl.inventory.sources.kubernetes.objects import Objects
    from dcctl.inventory.sources.kubernetes.rights import Right

ROLE: Final = "dcctl drain --rbac | kubectl apply -f -"
_TRY: Final = "kubectl get --raw /readyz?verbose"
_CHECK_S = 300.0
"""For all that is asked before the question."""
_RUN_S = 90 * 86400.0
"""The longest that a campaign may take: it waits for windows, and for nodes that are given back."""
_OUTAGE_S = 300.0
"""How long the server may be away while pods are followed."""
_OVER = ("Succeeded", "Failed")


class Kubernetes:
    """One cluster, which is connected to when it is first asked."""

    tells_cluster: Final = "kubectl config current-context"

    def __init__(
        self,
        connect: Callable[[float], Objects],
        lease_s: int = 30,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`connect`: the objects of the cluster, with a deadline in seconds. `lease_s`: of the lock."""
        self._connect, self._lease_s, self._sleep = connect, lease_s, sleep

    def cluster(self) -> str:
        """The UID of the namespace kube-system, or the address where that may not be read."""
        with _told("the API server"):
            return self._asked.cluster()

    def is_cluster(self, ids: Collection[str]) -> bool | None:
        """Whether it is one of these, by UID of kube-system; None where that may not be read."""
        with _told("the API server"):
            return self._asked.is_cluster(ids)

    def lacking(self, needs: Needs) -> tuple[str, ...]:
        """The rights that we do not have, by the server's own word."""
        given = needs._asdict()
        wanted = [one for one in RIGHTS if not one.name and given.get(one.need, True)]
        with _told("the API server"):
            return tuple(lack for one in wanted for lack in self._lacking(one))

    def _lacking(self, right: Right) -> Iterator[str]:
        """Yield VERB RESOURCE/SUBRESOURCE.GROUP for each verb that we may not."""
        resource, _, below = right.resource.partition("/")
        group = f".{right.group}" if right.group else ""
        where = f" in {right.namespace}" if right.namespace else ""
        for verb in right.verbs:
            if not self._asked.may(verb, resource, right.namespace, right.group, below):
                yield f"{verb} {right.resource}{group}{where}"

    def demand_unlocked(self, run: str) -> None:
        """Return when this run may take the lease. RefusedError names who holds it."""
        with _told("the lease of drains"):
            self._lease(self._asked, run, "").demand_vacant()

    def lock(self, run: str, who: str) -> Lock:
        """The lease is ours and renewed, or RefusedError names who holds it."""
        lease = self._lease(self._run, run, who)
        with _told("the lease of drains"):
            lease.take()
        return lease

    def _lease(self, objects: Objects, run: str, who: str) -> Lease:
        return Lease(objects, run, who, self._lease_s, self._sleep)

    def nodes(self, names: Collection[str]) -> Mapping[str, NodeNow]:
        """Those that there are."""
        with _told("nodes"):
            return Nodes(self._run).now(names)

    def cordon(self, name: str, mark: Mark) -> NodeNow:
        """The node is out of service and has the mark, unless it had one before."""
        with _told(f"node {name}"):
            return Nodes(self._run).cordon(name, mark)

    def announce(self, name: str) -> None:
        """The node has the taint dcctl.io/drain=planned:PreferNoSchedule."""
        with _told(f"node {name}"):
            Nodes(self._run).announce(name)

    def give_back(self, name: str, run: str) -> str:
        """The node is as it was before this run; or why it was left as it is."""
        with _told(f"node {name}"):
            return Nodes(self._run).give_back(name, run)

    def rules(self, boards: Sequence[Board], run: str, reason: str = "") -> tuple[TaintRule, ...]:
        """What has to be made so that nobody is given these accelerators any more."""
        with _told(KIND):
            return self._devices.rules(boards, run, reason)

    def keep_back(self, rule: TaintRule) -> None:
        """The rule is there."""
        with _told(f"{KIND} {rule.name}"):
            self._devices.make(rule)

    def kept(self, run: str = "", board: Board | None = None) -> tuple[Kept, ...]:
        """The devices that are kept back: by this run, and of this accelerator, where they are named."""
        with _told(KIND):
            return self._devices.made(run, board)

    def give_out(self, kept: Kept) -> None:
        """The device may be given out again, as far as this rule is concerned."""
        with _told(f"{KIND} {kept.path.rpartition('/')[2]}"):
            self._devices.lift(kept)

    def evict(self, leave: Leave) -> Answer:
        """One try."""
        with _told(f"pod {leave.pod}"):
            return evict(self._run, leave)

    def is_there(self, leave: Leave) -> bool:
        """Whether the pod with this UID exists now."""
        with _told(f"pod {leave.pod}"):
            return found(self._run, leave) is not None

    def follow(self) -> Iterator[Sight]:
        """Yield all pods, and then every change; one watch tells all."""
        with _told("pods"):
            for change in self._run.follow_as(OwnedPod, outage_s=_OUTAGE_S):
                if change.kind == "SYNCED":
                    yield Sight("synced")
                else:
                    yield Sight("gone" if change.kind == "GONE" else "there", _standing(change.pod))

    def stop(self) -> None:
        """The deadline of the run has come."""
        self._run.stop()

    @cached_property
    def _asked(self) -> Objects:
        return self._connect(_CHECK_S)

    @cached_property
    def _devices(self) -> DeviceTaints:
        return DeviceTaints(self._run)

    @cached_property
    def _run(self) -> Objects:
        return self._connect(_RUN_S)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Failures in the words of a command; what a server that comes back may do is UnreachableError."""
    try:
        yield
    except Failure as failure:
        if failure.status == 429 or (failure.status or 0) >= 500:
            raise UnreachableError(what, failure.reason, failure.hint or _TRY) from failure
        raise said(failure, what, _TRY, ROLE) from failure


def _standing(pod: OwnedPod) -> Standing:
    meta, status = pod.metadata, pod.status
    owners = [one.uid for one in meta.owner_references or () if one.controller]
    return Standing(
        f"{meta.namespace}/{meta.name}",
        meta.uid,
        pod.spec.node_name,
        owners[0] if owners else "",
        ready=any(one.type == "Ready" and one.status == "True" for one in status.conditions or ()),
        leaving=meta.deletion_timestamp is not None,
        finished=status.phase in _OVER,
    )
