"""ResourceQuotas as the model has them."""

from __future__ import annotations

import pytest

from dcctl.inventory.diff import diff
from dcctl.inventory.merge import merge
from dcctl.inventory.model import Fleet, Gap, Quota, Resources
from dcctl.inventory.nodeset import restrict
from dcctl.inventory.snapshot import decode, encode
from dcctl.inventory.sources.kubernetes.quotas import (
    QuotaObject,
    Quotas,
    QuotaSpec,
    QuotaStatus,
    ScopeExpression,
    ScopeSelector,
)
from dcctl.inventory.sources.kubernetes.types import Meta

GPU = "nvidia.com/gpu"


def read(spec: QuotaSpec, status: QuotaStatus | None = None) -> Quotas:
    found = Quotas("kubernetes:prod")
    found.add([QuotaObject(Meta("compute", "nlp"), spec, status or QuotaStatus())])
    return found


def test_amounts_are_what_the_controller_enforces_in_the_units_of_the_model() -> None:
    hard = {
        "requests.cpu": "64",
        "cpu": "8500m",
        "requests.memory": "1Ti",
        "requests.ephemeral-storage": "1G",
        "count/pods": "10",
        f"requests.{GPU}": "0",
        f"limits.{GPU}": "1",
        "limits.cpu": "1",
        "services": "2",
        "requests.storage": "1Ti",
        "count/jobs.batch": "3",
    }
    used = {"requests.cpu": "1", "cpu": "1", "pods": "3"}
    assert read(QuotaSpec({"pods": "1"}), QuotaStatus(hard, used)).found == [
        Quota(
            "compute",
            "nlp",
            "kubernetes:prod",
            Resources(8500, 1 << 40, 10**9, 10, {GPU: 0}),
            Resources(cpu_milli=1000, pods=3),
        )
    ]


def test_one_that_nobody_has_counted_yet_says_so() -> None:
    (one,) = read(QuotaSpec({"pods": "1"})).found
    assert (one.hard, one.used) == (Resources(pods=1), None)


def test_quotas_of_other_things_are_passed_over_and_bad_amounts_are_told() -> None:
    assert read(QuotaSpec({"count/secrets": "5", "limits.cpu": "1"})).found == []
    found = read(QuotaSpec({"pods": "many"}))
    assert found.found == []
    assert [name for name, _ in found.bad] == ["nlp/compute"]
    found.clear()
    assert not found.bad


@pytest.mark.parametrize(
    ("scopes", "selected", "expected"),
    [
        (["BestEffort"], (), (True, (), ())),
        (["NotBestEffort"], (), (False, (), ())),
        (["Terminating"], (), (None, (), ("Terminating Exists",))),
        (None, (("PriorityClass", "In", ["low", "high"]),), (None, ("high", "low"), ())),
        (None, (("PriorityClass", "NotIn", ["low"]),), (None, (), ("PriorityClass NotIn low",))),
        (None, (("BestEffort", "Exists", None),), (True, (), ())),
    ],
)
def test_scopes_are_read_where_they_are_simple(
    scopes: list[str] | None, selected: tuple[tuple[str, str, list[str] | None], ...], expected: object
) -> None:
    selector = ScopeSelector([ScopeExpression(*each) for each in selected])
    (one,) = read(QuotaSpec({"pods": "1"}, scopes, selector)).found
    assert (one.best_effort, one.priority_classes, one.scopes) == expected


def test_a_quota_is_kept_whatever_is_done_to_the_fleet() -> None:
    mine = Quota("compute", "nlp", "kubernetes:a", Resources(pods=1, devices={GPU: 0}), Resources(pods=1))
    other = Quota("compute", "nlp", "kubernetes:b", Resources(pods=2))
    one, two = Fleet(quotas=(mine,)), Fleet(quotas=(other,))
    assert merge([two, one, one]).quotas == (mine, other)
    assert decode(encode(one), "f") == one
    assert restrict(one, set()).quotas == (mine,)


def test_a_changed_quota_is_a_change_and_its_use_is_none() -> None:
    old = Fleet(quotas=(Quota("compute", "nlp", "k", Resources(pods=1), Resources(pods=1)),))
    used = Fleet(quotas=(Quota("compute", "nlp", "k", Resources(pods=1), Resources(pods=0)),))
    new = Fleet(quotas=(Quota("compute", "nlp", "k", Resources(pods=2)),))
    assert diff(old, used) == ()
    (change,) = diff(old, new)
    assert (change.subject, change.path, change.old, change.new) == (
        "quota nlp/compute",
        "hard.pods",
        "1",
        "2",
    )
    assert [each.kind for each in diff(old, Fleet())] == ["removed"]
    unread = Fleet(gaps=(Gap("k", "resourcequotas", "HTTP 403", "denied"),))
    assert {each.subject for each in diff(old, unread)} == {"gap k resourcequotas"}
