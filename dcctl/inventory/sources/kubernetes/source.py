"""A Kubernetes cluster: nodes, accelerators, workloads and budgets, read by paged lists and never changed.

Authentication is the official client's; lists are read raw and decoded by declared structs, which takes a
fraction of the processor time and memory of the client's models (tests/bench/bench_kubernetes.py).
"""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from msgspec.structs import replace

from dcctl.inventory.model import Fleet, Gap
from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.http.client import JSON, Client, Patience
from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.kubernetes import claims
from dcctl.inventory.sources.kubernetes import fleet as assemble
from dcctl.inventory.sources.kubernetes import listed as lists
from dcctl.inventory.sources.kubernetes.api import METADATA_ONLY
from dcctl.inventory.sources.kubernetes.asked import asked
from dcctl.inventory.sources.kubernetes.auth import connect, current_context
from dcctl.inventory.sources.kubernetes.budgets import BudgetObject, Budgets
from dcctl.inventory.sources.kubernetes.discovery import Served, discover
from dcctl.inventory.sources.kubernetes.disruptions import Disruptions, Makers
from dcctl.inventory.sources.kubernetes.dra import ClaimObject, Claims, Holding, SliceObject, Slices
from dcctl.inventory.sources.kubernetes.gangs import GangObject, Gangs
from dcctl.inventory.sources.kubernetes.jobs import JobObject, Jobs, JobSetObject, JobSets
from dcctl.inventory.sources.kubernetes.nodes import Nodes, Place
from dcctl.inventory.sources.kubernetes.owners import Parents
from dcctl.inventory.sources.kubernetes.paging import read_list
from dcctl.inventory.sources.kubernetes.pods import Pods
from dcctl.inventory.sources.kubernetes.quotas import QuotaObject, Quotas
from dcctl.inventory.sources.kubernetes.rbac import rbac_yaml
from dcctl.inventory.sources.kubernetes.statefulsets import SetObject, StatefulSets
from dcctl.inventory.sources.kubernetes.templates import Templates
from dcctl.inventory.sources.kubernetes.types import Bare, Namespace, NodeObject, Pod
from dcctl.inventory.sources.kubernetes.volumes import VolumeObject, Volumes
from dcctl.inventory.sources.kubernetes.workloads import Knowledge, Namespaces, build
from dcctl.inventory.topology import RACK_LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dcctl.inventory.model import Cause, Part, Workload
    from dcctl.inventory.sources.kubernetes.dra import Key, Published
    from dcctl.inventory.sources.kubernetes.listed import Listed
    from dcctl.inventory.sources.kubernetes.paging import Sink

__all__ = ["KubernetesSource", "rbac_yaml"]

T = TypeVar("T")
TIMEOUT_S = 120.0
"""A hundred thousand pods are hundreds of pages, which no API server gives out in ten seconds."""
THREADS = 3
"""Lists that are read at once: enough to hide the waiting, few enough for the API server's fair queues."""


class Scope(NamedTuple):
    """What one reading covers and how it names things."""

    source: str
    namespace: str | None
    page_size: int
    place: Place


class KubernetesSource:
    """One cluster, as seen by the credentials of one kubeconfig context."""

    kind = "kubernetes"

    def __init__(  # noqa: PLR0913  # each is an option of the configuration
        self,
        name: str = "",
        kubeconfig: str | None = None,
        context: str | None = None,
        site: str | None = None,
        *,
        namespace: str | None = None,
        timeout_s: float = TIMEOUT_S,
        first_answer_s: float | None = None,
        page_size: int = 500,
        rack_labels: tuple[str, ...] = RACK_LABELS,
        patience: Patience | None = None,
    ) -> None:
        """`site` names the data centre when labels do not; `namespace` limits lists of namespaced things.

        Without a `name` it is that of the context in force, after `kubernetes:`.
        The server must have begun to answer after `first_answer_s`, and told all after `timeout_s`.
        """
        self._kubeconfig, self._context = kubeconfig, context
        self._name = name or f"{self.kind}:{context or current_context(kubeconfig)}"
        self._scope = Scope(self._name, namespace, page_size, Place(site, rack_labels))
        self.cluster: str | None = None
        """What tells the cluster from every other, once it was asked and where namespaces may be read."""
        self._timeout_s, self._patience = timeout_s, patience or Patience()
        self._first_answer_s = timeout_s if first_answer_s is None else first_answer_s

    @property
    def name(self) -> str:
        """Unique in one run, e.g. `kubernetes:prod`."""
        return self._name

    def collect(self) -> Fleet:
        """Read the cluster. What is refused or fails is a gap.

        Raises UsageError for a kubeconfig that is missing or wrong, before anything is contacted; SourceError
        when the API server gives nothing at all.
        """
        started_s = self._patience.now()
        connection = connect(self._kubeconfig, self._context, self._timeout_s)
        left_s = self._timeout_s - (self._patience.now() - started_s)
        try:
            with _without_cyclic_gc():
                client = Client(connection, left_s, self._patience)
                reading = _Reading(self._scope, client, self._first_answer_s)
                fleet = reading.fleet()
                self.cluster = reading.cluster
                return fleet
        finally:
            connection.pool.clear()


@contextmanager
def _without_cyclic_gc() -> Iterator[None]:
    """Pages hold no cycles, yet each one would have every module searched for some: a fifth of all time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Reading:
    """One pass over a cluster."""

    def __init__(self, scope: Scope, client: Client, first_answer_s: float) -> None:
        self._source, self._namespace, self._page_size, place = scope
        self._client, self._first_answer_s = client, first_answer_s
        self._gaps: list[Gap] = []
        self._lists_read: list[str] = []
        self._budgets, self._parents = Budgets(), Parents()
        self._namespaces, self._claims, self._slices = Namespaces(), Claims(), Slices()
        self._templates, self._volumes, self._quotas = Templates(), Volumes(), Quotas(self._source)
        self._gangs = {each: Gangs(self._parents, each.group, _kind(each)) for each in lists.GANGS}
        self._job_sets = JobSets(self._gangs[lists.JOB_SETS])
        self._makers = Makers(Jobs(self._parents, self._job_sets), StatefulSets(self._parents))
        self._nodes, self._disruptions = Nodes(self._source, place), Disruptions(self._makers)
        self._pods = Pods(self._budgets, self._templates, self._disruptions)

    def fleet(self) -> Fleet:
        """Everything that could be read, put together."""
        served = self._discover()
        self._run(self._first(served))
        if lists.NAMESPACES.title in self._lists_read:
            self._templates.namespaces = self._namespaces.labels
        if lists.VOLUMES.title in self._lists_read:
            self._templates.volumes = self._volumes
        self._run(self._jobs(served))
        if not self._lists_read:
            worst = min(self._gaps, key=lambda gap: (gap.subject != lists.NODES.title, gap.subject))
            raise SourceError(worst.subject, worst.reason, worst.cause, worst.hint)
        return self._assembled()

    @property
    def cluster(self) -> str | None:
        """The UID of the namespace kube-system; None where namespaces could not be read."""
        return self._namespaces.cluster

    def _run(self, jobs: list[Callable[[], None]]) -> None:
        """All jobs are done; on Ctrl-C the lists under way end at their next piece and no other begins."""
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="kube-list")
        try:
            for done in [pool.submit(job) for job in jobs]:
                done.result()
        except BaseException:
            self._client.stop()
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def _discover(self) -> Served:
        """What there is to read; built-in APIs alone when the server does not tell."""
        try:
            return discover(self._client.within(self._first_answer_s))
        except Failure as failure:
            if failure.nothing_answers or failure.cause == "timeout":
                raise SourceError("the API server", failure.reason, failure.cause, failure.hint) from failure
            self._gap("the list of APIs", failure.reason, failure.cause, failure.hint)
            builtin = [each for each in lists.ALL if each.group and not each.custom]
            return Served({each.group: dict.fromkeys(each.versions) for each in builtin})

    def _first(self, served: Served) -> list[Callable[[], None]]:
        """The lists that pods are matched with as they pass by."""
        return [
            partial(self._read, served, lists.JOBS, JobObject, self._makers.jobs),
            partial(self._read, served, lists.STATEFUL_SETS, SetObject, self._makers.sets),
            partial(self._read, served, lists.JOB_SETS, JobSetObject, self._job_sets),
            partial(self._read, served, lists.BUDGETS, BudgetObject, self._budgets),
            partial(self._read, served, lists.NAMESPACES, Namespace, self._namespaces),
            partial(self._read, served, lists.VOLUMES, VolumeObject, self._volumes),
        ]

    def _jobs(self, served: Served) -> list[Callable[[], None]]:
        """Every other list, the longest first."""
        jobs: list[Callable[[], None]] = [
            partial(self._read, served, lists.PODS, Pod, self._pods),
            partial(self._read, served, lists.NODES, NodeObject, self._nodes),
            partial(self._read, served, lists.SLICES, SliceObject, self._slices),
            partial(self._read, served, lists.CLAIMS, ClaimObject, self._claims),
            partial(self._read, served, lists.QUOTAS, QuotaObject, self._quotas),
            partial(self._read, served, lists.REPLICA_SETS, Bare, self._parents),
        ]
        gangs = {each: sink for each, sink in self._gangs.items() if each is not lists.JOB_SETS}
        return jobs + [partial(self._read, served, each, GangObject, sink) for each, sink in gangs.items()]

    def _read(self, served: Served, what: Listed, of: type[T], sink: Sink[T]) -> None:
        """One list, in the best version that the cluster has; a failure is a gap."""
        for version in served.versions(what):
            path, accept = what.path(version, self._namespace), METADATA_ONLY if what.metadata_only else JSON
            try:
                read_list(self._client, path, of, sink, self._page_size, accept)
            except Failure as failure:
                if failure.cause == "missing" and what.custom:
                    continue
                reason = _broken_off(what, failure) if failure.after else failure.reason
                self._gap(what.title, reason, failure.cause, failure.hint, part=what.tells)
            else:
                self._lists_read.append(what.title)
            return
        if foreign := served.foreign(what):
            why = f"only served as {', '.join(foreign)}"
            self._gap(what.title, why, "unsupported", "upgrade dcctl", part=what.tells)
        elif not what.custom:
            self._gap(what.title, "not served", "missing", part=what.tells)

    def _gap(
        self, subject: str, reason: str, cause: Cause, hint: str = "", *, node: str = "", part: Part = ""
    ) -> None:
        self._gaps.append(Gap(self._source, subject, reason, cause, hint, node, part))

    def _assembled(self) -> Fleet:
        published, nodes = self._published(), self._nodes.found
        devices = assemble.placed(published, nodes)
        workloads = self._workloads(devices)
        for name, why in self._nodes.bad:
            self._gap(name, why, "invalid", node=name)
        for pod, why, node in self._pods.bad:  # one without a node takes nothing yet
            self._gap(pod, why, "invalid", node=node, part="work" if node else "")
        for why, pod in self._templates.unread.items():
            self._gap(pod, f"where it may stand is unknown: {why}", "unsupported")
        for pod, why in self._disruptions.bad.items():
            self._gap(pod, why, "invalid")
        for quota, why in self._quotas.bad:
            self._gap(f"quota {quota}", why, "invalid")
        if self._namespace:
            why = f"only the namespace {self._namespace} was read: what others hold is unknown"
            hint = "ask without a namespace"
            self._gap("pods of other namespaces", why, "limited", hint, part="work")
        ready = assemble.with_devices(nodes, devices, self._claims.allocated())
        return Fleet(
            sites=assemble.sites(ready),
            racks=assemble.racks(ready),
            nodes=tuple(ready),
            pools=assemble.pools(ready),
            workloads=workloads,
            templates=dict(sorted(self._templates.found.items())),
            disruptions=dict(sorted(self._disruptions.found.items())),
            quotas=tuple(sorted(self._quotas.found, key=lambda one: (one.account, one.name))),
            gaps=tuple(sorted(self._told_gaps(published), key=lambda gap: (gap.subject, gap.reason))),
        )

    def _told_gaps(self, published: dict[Key, Published]) -> list[Gap]:
        """The gaps; claims that could not be listed hide no work where no driver publishes a device.

        Volumes that could not be are missed where a pod has some, quotas where a pod waits for a node.
        """
        found = [each for gap in self._gaps for each in self._missed(gap)]
        if published:
            return found
        return [replace(gap, part="") if gap.subject == lists.CLAIMS.title else gap for gap in found]

    def _missed(self, gap: Gap) -> list[Gap]:
        missed = {
            lists.VOLUMES.title: ("on which nodes pods find their volumes", self._pods.need_volumes),
            lists.QUOTAS.title: ("how much more work its namespaces may have", self._pods.any_waits),
        }
        if gap.subject not in missed:
            return [gap]
        what, needed = missed[gap.subject]
        return [replace(gap, reason=f"{gap.reason}; {what} is unknown")] if needed() else []

    def _workloads(self, devices: dict[Key, Published]) -> tuple[Workload, ...]:
        """The work of all pods, and the claims that hold devices without one."""
        living = claims.living(self._pods.groups.values())
        held = self._claims.holdings(devices, living) | self._awaited(devices)
        known = Knowledge(self._parents, tuple(self._gangs.values()), self._namespaces, held)
        work = build(self._pods.groups, known, self._source)
        others = claims.holders(*self._claims.unheld(living), devices, self._source)
        return tuple(sorted((*work, *others), key=lambda one: one.id))

    def _awaited(self, devices: dict[Key, Published]) -> dict[str, Holding]:
        """By UID of pod, what it waits for by claims that were given nothing yet."""
        found = asked(self._pods.waiting, self._claims.wanted, assemble.resource_of_driver(devices))
        if lists.CLAIMS.title not in {gap.subject for gap in self._gaps}:
            for what, pods in found.unknown.items():
                self._gap(what, f"{pods:,} waiting pods ask for it: how much is unknown", "unsupported")
        return {uid: Holding([], counts or {}, counts is not None) for uid, counts in found.counts.items()}

    def _published(self) -> dict[Key, Published]:
        for pool in self._slices.incomplete():
            self._gap(
                f"device pool {pool}",
                "its driver has not published all of it",
                "truncated",
                "ask again",
                part="devices",
            )
        try:
            for pool, count in self._slices.loose().items():
                why = f"devices that are not bound to one node: {count}, counted nowhere"
                self._gap(f"device pool {pool}", why, "unsupported", "kubectl get resourceslices -o yaml")
            return self._slices.published()
        except ValueError as error:
            self._gap(lists.SLICES.title, str(error), "invalid", part="devices")
            return {}


def _broken_off(listed: Listed, failure: Failure) -> str:
    """Why a list of which some pages were read is not all there is."""
    return f"the list of {listed.title} broke off after {failure.after:,}; more exist: {failure.reason}"


def _kind(listed: Listed) -> str:
    """Kueue's Workloads speak for another object; every other gang object for itself."""
    return "Workload" if listed is lists.KUEUE else "Gang"
