"""Jobs and JobSets: whether the failure of one more pod ends them for good.

An evicted pod has failed, whatever its restartPolicy, and one failure more than backoffLimit ends a Job
(pkg/controller/job of Kubernetes 1.36). What a podFailurePolicy does not count costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import field

from dcctl.inventory.sources.kubernetes.gangs import GangObject, GangSpec
from dcctl.inventory.sources.kubernetes.owners import controller
from dcctl.inventory.sources.kubernetes.types import Meta, NodeCondition, Wire

if TYPE_CHECKING:
    from dcctl.inventory.sources.kubernetes.gangs import Gangs
    from dcctl.inventory.sources.kubernetes.owners import Parents

_TERMINATED = 143
"""What a container that SIGTERM ends exits with: 128 + 15."""
_NO_LIMIT = 2**31 - 1
"""The backoffLimit that an API server fills in where each index has its own."""
_ROLE = "jobset.sigs.k8s.io/replicatedjob-name"


class PodPattern(Wire):
    """A condition of a pod that a rule is about."""

    type: str = ""
    status: str = "True"


class ExitCodes(Wire):
    """The exit codes of a container that a rule is about."""

    operator: str = ""
    values: list[int] = field(default_factory=list)


class PodRule(Wire):
    """A rule of a podFailurePolicy."""

    action: str = ""
    on_pod_conditions: list[PodPattern] | None = None
    on_exit_codes: ExitCodes | None = None

    @property
    def is_of_evictions(self) -> bool:
        """Whether it is about a pod that is evicted, and ends at SIGTERM."""
        if (codes := self.on_exit_codes) is not None:
            return (_TERMINATED in codes.values) == (codes.operator == "In")
        return PodPattern("DisruptionTarget") in (self.on_pod_conditions or ())


class PodFailurePolicy(Wire):
    """The first rule that is about a failure decides."""

    rules: list[PodRule] | None = None

    @property
    def action(self) -> str:
        """What is done about an evicted pod."""
        return next((each.action for each in self.rules or () if each.is_of_evictions), "Count")


class JobSpec(Wire):
    """How many failures a Job takes."""

    backoff_limit: int | None = None
    backoff_limit_per_index: int | None = None
    completions: int | None = None
    completion_mode: str | None = None
    pod_failure_policy: PodFailurePolicy | None = None

    @property
    def is_work_queue(self) -> bool:
        """Whether the first pod that succeeds tells that there is nothing left to do."""
        return self.completions is None and self.completion_mode != "Indexed"

    @property
    def on_eviction(self) -> str:
        """The action about a pod that is evicted."""
        return self.pod_failure_policy.action if self.pod_failure_policy is not None else "Count"


class JobStatus(Wire):
    """How a Job fares."""

    failed: int = 0
    succeeded: int = 0
    conditions: list[NodeCondition] | None = None

    @property
    def has_ended(self) -> bool:
        """Whether it makes no more pods."""
        return any(
            one.type in ("Complete", "Failed") and one.status == "True" for one in self.conditions or ()
        )


class JobObject(Wire):
    """A Job."""

    metadata: Meta = field(default_factory=Meta)
    spec: JobSpec = field(default_factory=JobSpec)
    status: JobStatus = field(default_factory=JobStatus)


class SetRule(Wire):
    """A rule of a JobSet's failurePolicy."""

    action: str = ""
    on_job_failure_reasons: list[str] | None = None
    target_replicated_jobs: list[str] | None = None

    def is_of(self, reason: str, role: str) -> bool:
        """Whether it is about a Job of this role that failed for this reason; it is about all by default."""
        reasons, roles = self.on_job_failure_reasons, self.target_replicated_jobs
        return (not reasons or reason in reasons) and (not roles or role in roles)


class SetFailurePolicy(Wire):
    """The first rule that is about a failure decides."""

    max_restarts: int = 0
    rules: list[SetRule] | None = None

    def restarts(self, reason: str, role: str, so_far: int) -> bool:
        """Whether a Job of this role that fails for this reason is started again."""
        action = next((each.action for each in self.rules or () if each.is_of(reason, role)), "RestartJobSet")
        if action == "FailJobSet":
            return False
        return action.endswith("IgnoreMaxRestarts") or so_far < self.max_restarts


class JobSetSpec(GangSpec):
    """What a JobSet does about a Job that failed."""

    failure_policy: SetFailurePolicy | None = field(default=None, name="failurePolicy")


class JobSetStatus(Wire):
    """How often a JobSet has restarted its Jobs."""

    restarts: int = 0
    restarts_count_towards_max: int | None = None


class JobSetObject(GangObject):
    """A JobSet: a gang that may start again."""

    spec: JobSetSpec = field(default_factory=JobSetSpec)
    status: JobSetStatus = field(default_factory=JobSetStatus)

    @property
    def restarts_so_far(self) -> int:
        """Those of which it has a limit."""
        counted = self.status.restarts_count_towards_max
        return self.status.restarts if counted is None else counted


class JobSets:
    """The JobSets that may restart their Jobs. A sink for pages of them."""

    def __init__(self, gangs: Gangs) -> None:
        """`gangs` are told of them too."""
        self._gangs = gangs
        self._of: dict[str, tuple[SetFailurePolicy, int]] = {}

    def add(self, items: list[JobSetObject]) -> None:
        """Read one page."""
        self._gangs.add([*items])
        for item in items:
            if item.spec.failure_policy is not None:
                self._of[item.metadata.uid] = item.spec.failure_policy, item.restarts_so_far

    def clear(self) -> None:
        """Forget all."""
        self._gangs.clear()
        self._of.clear()

    def restarts(self, uid: str, reason: str, role: str) -> bool:
        """Whether the JobSet with this UID starts a Job of this role again that fails for this reason."""
        policy, so_far = self._of.get(uid, (SetFailurePolicy(), 0))
        return policy.restarts(reason, role, so_far)


class Tries(NamedTuple):
    """What one more failure of a pod does to a Job."""

    fatal: str = ""
    """Why it ends the Job for good; empty: it does not."""
    reason: str = ""
    """For which reason the Job fails once it takes no more; empty: it does not fail."""
    retries: int | None = None
    """So many failures it takes yet; None: no limit is known."""
    of_index: int | None = None
    """So many failures of each index, from the first on."""


_UNKNOWN = Tries()


class _Row(NamedTuple):
    tries: Tries
    job_set: str
    """UID; empty without one."""
    role: str


class Jobs:
    """How many failures the Jobs take that have not ended. A sink for pages of them."""

    def __init__(self, parents: Parents, job_sets: JobSets) -> None:
        """`parents` are told of them too; `job_sets` were read before pods are asked about."""
        self._parents, self._job_sets = parents, job_sets
        self._of: dict[str, _Row] = {}
        self._same: dict[_Row, _Row] = {}

    def add(self, items: list[JobObject]) -> None:
        """Read one page."""
        for item in items:
            meta = item.metadata
            owner = controller(meta.namespace, meta.owner_references)
            self._parents.put(meta.uid, owner)
            if not item.status.has_ended:
                above = owner.uid if owner is not None and owner.kind == "JobSet" else ""
                role = (meta.labels or {}).get(_ROLE, "") if above else ""
                row = _Row(_tries(item.spec, item.status), above, role)
                self._of[meta.uid] = self._same.setdefault(row, row)

    def clear(self) -> None:
        """Forget all."""
        self._of.clear()
        self._same.clear()

    def of_pod(self, uid: str, index_failures: str | None) -> Tries:
        """What eviction of a pod of the Job with this UID does; `index_failures` as its annotation says."""
        row = self._of.get(uid)
        if row is None:
            return _UNKNOWN
        tries = row.tries
        if not tries.fatal and tries.of_index is not None and _number(index_failures) >= tries.of_index:
            why = f"its index has no retries left (backoffLimitPerIndex {tries.of_index})"
            tries = Tries(why, "FailedIndexes", tries.retries)
        if row.job_set and tries.reason and self._job_sets.restarts(row.job_set, tries.reason, row.role):
            return _UNKNOWN
        return tries


def _tries(spec: JobSpec, status: JobStatus) -> Tries:
    if spec.is_work_queue and status.succeeded:
        return Tries("its Job makes no more pods: one of its work queue has succeeded")
    action = spec.on_eviction
    if action == "Ignore":
        return _UNKNOWN
    if action == "FailJob":
        return Tries("the podFailurePolicy of its Job fails it when a pod is evicted", "PodFailurePolicy")
    if action == "FailIndex":
        return Tries("the podFailurePolicy of its Job gives an evicted index up", "FailedIndexes")
    limit = spec.backoff_limit
    if limit is None or limit >= _NO_LIMIT:
        return Tries(of_index=spec.backoff_limit_per_index)
    left = max(0, limit - status.failed)
    why = "" if left else f"its Job has no retries left (backoffLimit {limit}, {status.failed} failed)"
    return Tries(why, "BackoffLimitExceeded", left, spec.backoff_limit_per_index)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 9 else 0
