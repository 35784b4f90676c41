"""Whether an eviction ends a Job for good, as its object and that of its JobSet tell."""

from __future__ import annotations

from typing import TypeAlias

import msgspec
import pytest

from dcctl.inventory.sources.kubernetes.gangs import Gangs
from dcctl.inventory.sources.kubernetes.jobs import JobObject, Jobs, JobSetObject, JobSets, Tries
from dcctl.inventory.sources.kubernetes.owners import Parents

Fields: TypeAlias = dict[str, object]
ENDED: Fields = {"conditions": [{"type": "Failed", "status": "True"}]}
IGNORED = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
SIGTERM = {"operator": "In", "values": [143]}


def policy(*rules: Fields) -> Fields:
    return {"backoffLimit": 0, "completions": 1, "podFailurePolicy": {"rules": list(rules)}}


def restarting(most: int, *rules: Fields, **status: int) -> Fields:
    return {"spec": {"failurePolicy": {"maxRestarts": most, "rules": list(rules)}}, "status": status}


def tries(
    spec: Fields,
    status: Fields | None = None,
    job_set: Fields | None = None,
    index_failures: str | None = None,
    **metadata: object,
) -> Tries:
    """What is told of a pod of this Job; with `job_set` of one that it belongs to."""
    sets = JobSets(Gangs(Parents(), "jobset.x-k8s.io", "Gang"))
    sets.add([msgspec.convert({"metadata": {"uid": "s"}, **(job_set or {})}, JobSetObject)])
    owner = {"kind": "JobSet", "apiVersion": "jobset.x-k8s.io/v1alpha2", "uid": "s", "controller": True}
    meta = {"uid": "j", "ownerReferences": [owner] if job_set is not None else [], **metadata}
    jobs = Jobs(Parents(), sets)
    jobs.add([msgspec.convert({"metadata": meta, "spec": spec, "status": status or {}}, JobObject)])
    return jobs.of_pod("j", index_failures)


@pytest.mark.parametrize("restarts", ["Never", "OnFailure"])
@pytest.mark.parametrize(("limit", "failed", "left"), [(0, 0, 0), (6, 5, 1), (6, 6, 0), (6, 9, 0)])
def test_an_eviction_is_one_failure_whatever_the_restart_policy(
    restarts: str, limit: int, failed: int, left: int
) -> None:
    template = {"spec": {"restartPolicy": restarts}}
    told = tries({"backoffLimit": limit, "completions": 1, "template": template}, {"failed": failed})
    why = f"its Job has no retries left (backoffLimit {limit}, {failed} failed)"
    assert (told.fatal, told.retries) == ("" if left else why, left)


@pytest.mark.parametrize(
    ("rules", "fatal"),
    [
        ([IGNORED], ""),
        ([{"action": "Count", "onExitCodes": {"operator": "In", "values": [42]}}, IGNORED], ""),
        ([{"action": "FailJob", "onExitCodes": SIGTERM}, IGNORED], "fails it"),
        ([{"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [1]}}, IGNORED], "fails it"),
        ([{"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [143]}}, IGNORED], ""),
        ([{"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget"}]}], "fails it"),
        ([{"action": "FailIndex", "onExitCodes": SIGTERM}], "gives an evicted index up"),
        ([{"action": "Ignore", "onPodConditions": [{"type": "ConfigIssue"}]}], "no retries left"),
        (
            [{"action": "Count", "onPodConditions": [{"type": "DisruptionTarget"}]}, IGNORED],
            "no retries left",
        ),
        ([], "no retries left"),
    ],
)
def test_the_first_rule_about_evictions_decides(rules: list[Fields], fatal: str) -> None:
    told = tries(policy(*rules)).fatal
    assert fatal in told
    assert bool(told) == bool(fatal)


@pytest.mark.parametrize(("failures", "is_fatal"), [(None, False), ("0", False), ("1", True), ("?", False)])
def test_each_index_has_a_limit_of_its_own(failures: str | None, *, is_fatal: bool) -> None:
    spec: Fields = {
        "completionMode": "Indexed",
        "completions": 8,
        "backoffLimit": 2**31 - 1,
        "backoffLimitPerIndex": 1,
    }
    told = tries(spec, index_failures=failures)
    assert (told.retries, bool(told.fatal)) == (None, is_fatal)


@pytest.mark.parametrize(
    ("spec", "succeeded", "is_fatal"),
    [
        ({"parallelism": 3}, 1, True),
        ({"parallelism": 3}, 0, False),
        ({"parallelism": 3, "completions": 3}, 1, False),
    ],
)
def test_a_work_queue_ends_with_its_first_success(spec: Fields, succeeded: int, *, is_fatal: bool) -> None:
    told = tries({"backoffLimit": 6, **spec}, {"succeeded": succeeded}, restarting(3))
    assert bool(told.fatal) == is_fatal


@pytest.mark.parametrize("job_set", [{}, restarting(3)])
def test_of_a_job_that_ended_and_one_that_nobody_lists_nothing_is_known(job_set: Fields) -> None:
    assert tries({"backoffLimit": 0}, ENDED, job_set) == Tries()
    assert Jobs(Parents(), JobSets(Gangs(Parents(), "", "Gang"))).of_pod("j", None) == Tries()


BY_LIMIT: Fields = {"onJobFailureReasons": ["BackoffLimitExceeded"]}


@pytest.mark.parametrize(
    ("job_set", "is_fatal"),
    [
        ({}, True),
        (restarting(0), True),
        (restarting(3, restarts=2), False),
        (restarting(3, restarts=3), True),
        (restarting(3, restarts=9, restartsCountTowardsMax=2), False),
        (restarting(3, {"action": "FailJobSet", **BY_LIMIT}), True),
        (restarting(3, {"action": "FailJobSet", "onJobFailureReasons": ["PodFailurePolicy"]}), False),
        (restarting(3, {"action": "FailJobSet", "targetReplicatedJobs": ["driver"]}), False),
        (restarting(3, {"action": "FailJobSet", "targetReplicatedJobs": ["workers"]}), True),
        (restarting(0, {"action": "RestartJobSetAndIgnoreMaxRestarts", **BY_LIMIT}), False),
    ],
)
def test_a_job_set_may_start_its_jobs_again(job_set: Fields, *, is_fatal: bool) -> None:
    labels = {"jobset.sigs.k8s.io/replicatedjob-name": "workers"}
    told = tries({"backoffLimit": 0, "completions": 1}, job_set=job_set, labels=labels)
    assert bool(told.fatal) == is_fatal
