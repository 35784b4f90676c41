"""What is named before the start: each finding with its sentence, its cure and the gate that opens it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from msgspec.structs import replace

from dcctl.drain.campaign import Finding
from dcctl.drain.request import Done, Gates, Rule
from dcctl.drain.work.pods import asked_of, barrier
from dcctl.drain.work.pods import on as standing_on
from dcctl.inventory.disruption import Disruption
from tests.asked import hook_of
from tests.unit.drain.standing import GPUS, budget, fleet, only, pod, sorted_out, work

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.inventory.model import Budget, Fleet

_BUDGET = Disruption(controller="ReplicaSet", budgets=("pdb",))
_TWO = Disruption(controller="ReplicaSet", budgets=("pdb", "other"))
_NEVER = budget(desired_healthy=3, current_healthy=3, expected=3)
_NOW = budget(desired_healthy=2, current_healthy=2, expected=3)
_SICK = budget(desired_healthy=2, current_healthy=1, expected=3)


class Case(NamedTuple):
    """One pod `a` of `ns/web` on n1, and the finding that it is."""

    why: str
    says: str
    cure: str
    told: Disruption | None = Disruption(controller="ReplicaSet")
    budgets: tuple[Budget, ...] = ()
    opens: Gates | None = None
    blocks: bool = True
    kind: str = "Deployment"
    rules: tuple[Rule, ...] = ()
    facts: Mapping[str, Any] = MappingProxyType({})


_ALLOW = Gates(allow_pdb_violation=("ns/pdb",))
_BOTH = Gates(allow_pdb_violation=("ns/pdb", "ns/other"))
CASES = {
    "a budget that never allows any": Case(
        "budget-never",
        "PDB ns/pdb allows 0 of 1, and never more: it wants 1 healthy",
        "kubectl scale deployment/web --namespace ns --replicas=2, or --allow-pdb-violation ns/pdb",
        _BUDGET,
        (budget(desired_healthy=1, current_healthy=1, expected=1),),
        _ALLOW,
    ),
    "the same of what cannot be scaled": Case(
        "budget-never",
        "PDB ns/pdb allows 0 of 3, and never more: it wants 3 healthy",
        "kubectl edit pdb pdb --namespace ns, or --allow-pdb-violation ns/pdb",
        _BUDGET,
        (_NEVER,),
        _ALLOW,
        kind="Job",
    ),
    "a budget that allows none now": Case(
        "budget",
        "PDB ns/pdb allows 0 of 3 now: 2 are healthy, and it wants 2",
        "kubectl describe pdb pdb --namespace ns, or --allow-pdb-violation ns/pdb",
        _BUDGET,
        (_NOW,),
        _ALLOW,
    ),
    "a budget of which nobody knows what it allows": Case(
        "budget",
        "nobody knows how many PDB ns/pdb allows to go",
        "kubectl describe pdb pdb --namespace ns, or --allow-pdb-violation ns/pdb",
        _BUDGET,
        (budget(allowed=None),),
        _ALLOW,
    ),
    "a budget that is named and not there": Case(
        "budget",
        "nobody knows how many PDB ns/pdb allows to go",
        "kubectl describe pdb pdb --namespace ns, or --allow-pdb-violation ns/pdb",
        _BUDGET,
        (),
        _ALLOW,
    ),
    "two budgets on one pod": Case(
        "budgets-two",
        "2 PDBs cover it, ns/pdb and ns/other: the server evicts no such pod",
        "kubectl edit pdb other --namespace ns"
        ", or --allow-pdb-violation ns/pdb --allow-pdb-violation ns/other",
        _TWO,
        (budget(allowed=1), budget("other", allowed=1)),
        _BOTH,
    ),
    "not ready, and too few are healthy": Case(
        "budget-unhealthy",
        "not ready, and PDB ns/pdb lets such pods go only while enough others are healthy"
        ": it wants 2, and 1 are",
        "kubectl patch pdb pdb --namespace ns"
        ' --patch \'{"spec":{"unhealthyPodEvictionPolicy":"AlwaysAllow"}}\''
        ", or --allow-pdb-violation ns/pdb",
        _BUDGET,
        (_SICK,),
        _ALLOW,
        facts={"ready": False},
    ),
    "files on the disk of the node": Case(
        "emptydir",
        "the files of its emptyDir volumes on the disk of the node are lost",
        "--delete-emptydir-data",
        Disruption(controller="ReplicaSet", scratch="disk"),
        opens=Gates(delete_emptydir_data=True),
    ),
    "files in memory": Case(
        "emptydir",
        "its emptyDir volumes in memory are lost, as whenever it restarts",
        "",
        Disruption(controller="ReplicaSet", scratch="memory"),
        blocks=False,
    ),
    "nobody makes it anew": Case(
        "unmanaged",
        "no controller makes it anew: evicted, it is gone",
        "--force",
        Disruption(),
        opens=Gates(force=True),
        kind="Pod",
    ),
    "eviction ends it for good": Case(
        "fatal",
        "evicting it ends the Job for good: backoffLimit 0",
        "--force",
        Disruption(controller="Job", fatal="backoffLimit 0"),
        opens=Gates(force=True),
        kind="Job",
    ),
    "it is made anew from another template": Case(
        "unknown",
        "is made anew from another template than it was: whether that fits is not known",
        "",
        Disruption(controller="StatefulSet", changed=True),
        blocks=False,
        kind="StatefulSet",
    ),
    "it asks to be left alone": Case(
        "protected",
        "asks to be left alone: karpenter.sh/do-not-disrupt=true",
        "--disturb-protected",
        Disruption(controller="ReplicaSet", protected=("karpenter.sh/do-not-disrupt=true",)),
        opens=Gates(disturb_protected=True),
    ),
    "it has finalizers": Case(
        "finalizer",
        "stays, though it was deleted, until somebody lifts example.com/keep",
        "kubectl get pod a --namespace ns --output jsonpath={.metadata.finalizers}",
        Disruption(controller="ReplicaSet", finalizers=("example.com/keep",)),
        blocks=False,
    ),
    "an annotation that cannot be read": Case(
        "annotation",
        "dcctl.io/checkpoint: signal needs a proof: file PATH, or annotation KEY",
        "correct the annotation on its pods, or --policy FILE with a rule for it",
        Disruption(controller="ReplicaSet", checkpoint="signal USR1"),
    ),
    "nobody told what eviction does": Case(
        "unknown",
        "nobody told what its eviction does: who makes it anew, which files it loses, which PDBs cover it",
        "dcctl drain on the live cluster; leave the node out with -x",
        None,
    ),
    "a rule that says never": Case(
        "never",
        "its rule says that it is never evicted",
        "dcctl.io/when-drained: evict on its pods, or --policy FILE with a rule for it",
        Disruption(controller="ReplicaSet", when_drained="never"),
    ),
    "a wait that nobody knows the end of": Case(
        "deadline",
        "is waited for, and nobody knows when it ends",
        "dcctl.io/when-drained: wait 4h then evict on its pods, or --policy FILE with a rule for it",
        Disruption(controller="Job", when_drained="wait"),
        blocks=False,
    ),
    "a checkpoint that is waived": Case(
        "checkpoint",
        "is evicted without proof of a checkpoint: the owners agree",
        "",
        blocks=False,
        rules=(Rule(hook=hook_of("exec save"), waived="the owners agree"),),
    ),
    "work on GPUs that nobody asks for a checkpoint": Case(
        "checkpoint",
        "nothing asks it for a checkpoint: nobody knows when it wrote the last one"
        ", so all that it computed may be lost",
        "dcctl.io/checkpoint on its pods, or --policy FILE with a rule for it and its checkpoint",
        Disruption(controller="Job"),
        blocks=False,
        kind="Job",
        facts={"requests": GPUS},
    ),
}


def _fleet_of(case: Case) -> Fleet:
    told = {} if case.told is None else {"told": case.told}
    member = pod("a", "n1", "told" if told else None, **case.facts)
    return fleet(work("ns/web", member, kind=case.kind, budgets=case.budgets), disruptions=told)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_finding_says_what_and_how_it_is_cured(case: Case) -> None:
    found = sorted_out(_fleet_of(case), rules=case.rules)
    expected = Finding(case.why, "ns/a", case.says, ("n1",), case.blocks, case.cure)  # type: ignore[arg-type]
    assert found.findings == (expected,)
    assert [leave.pod for unit in found.units for leave in unit.leaves] == ["ns/a"]


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.opens], ids=lambda case: case.says)
def test_a_gate_that_is_open_keeps_the_sentence_and_blocks_nothing(case: Case) -> None:
    one = only(sorted_out(_fleet_of(case), gates=case.opens or Gates()), case.why)
    assert (one.says, one.blocks, one.cure) == (case.says, False, "")


@pytest.mark.parametrize(
    ("budgets", "facts"),
    [
        ((budget(allowed=1, desired_healthy=2, expected=3),), {}),
        ((_NOW,), {"phase": "pending", "ready": False}),
        ((replace(_SICK, unhealthy_always=True),), {"ready": False}),
        ((_NOW,), {"ready": False}),  # as many are healthy as it wants
    ],
)
def test_the_server_lets_go_what_disrupts_nothing(budgets: tuple[Budget, ...], facts: dict[str, Any]) -> None:
    one = fleet(
        work("ns/web", pod("a", told="told", **facts), budgets=budgets), disruptions={"told": _BUDGET}
    )
    assert sorted_out(one).findings == ()


@pytest.mark.parametrize(
    ("desired", "current", "spared"), [(0, 0, False), (2, 2, True), (2, 1, False), (None, 2, False)]
)
def test_whether_a_budget_spares_what_is_not_ready(desired: int | None, current: int, spared: bool) -> None:
    one = fleet(
        work(
            "ns/web",
            pod("a", told="told", ready=False),
            budgets=(budget(desired_healthy=desired, current_healthy=current),),
        ),
        disruptions={"told": _BUDGET},
    )
    ((_, [found]),) = standing_on(one, {"n1"})
    assert (asked_of(found) == ()) is spared
    assert (barrier(found, asked_of(found)) == "") is spared


def test_two_budgets_stop_even_what_is_not_ready() -> None:
    budgets = (replace(_NOW, unhealthy_always=True), budget("other", unhealthy_always=True))
    one = fleet(
        work("ns/web", pod("a", told="told", ready=False), budgets=budgets), disruptions={"told": _TWO}
    )
    assert only(sorted_out(one), "budgets-two").blocks


def test_one_of_two_budgets_named_opens_nothing() -> None:
    one = _fleet_of(CASES["two budgets on one pod"])
    found = sorted_out(one, gates=_ALLOW)
    assert only(found, "budgets-two").blocks
    assert found.units[0].leaves[0].how == "evict"


def test_what_a_budget_that_may_be_broken_holds_is_deleted_and_nothing_else() -> None:
    one = fleet(
        work("ns/held", pod("a", told="told"), budgets=(_NEVER,)),
        work("ns/spared", pod("b", told="told"), budgets=(budget(allowed=2),)),
        disruptions={"told": _BUDGET},
    )
    found = sorted_out(one, gates=_ALLOW)
    assert {leave.pod: leave.how for unit in found.units for leave in unit.leaves} == {
        "ns/a": "delete",
        "ns/b": "evict",
    }


@pytest.mark.parametrize(("retries", "blocks"), [(None, False), (1, True), (2, False)])
def test_more_evictions_than_a_job_takes_failures_end_it(retries: int | None, blocks: bool) -> None:
    told = {"told": Disruption(controller="Job", retries=retries)}
    one = fleet(work("ns/job", *(pod(name, told="told") for name in "ab"), kind="Job"), disruptions=told)
    says = [each.says for each in sorted_out(one).findings if each.why == "fatal"]
    ends = "evicting 2 pods of it ends the Job for good: it takes 1 failure more"
    assert says == ([ends] if blocks else [])
    assert not any(each.blocks for each in sorted_out(one, gates=Gates(force=True)).findings)


def test_a_campaign_that_has_begun_waits_for_a_budget_that_it_used_up() -> None:
    one = _fleet_of(CASES["a budget that allows none now"])
    met = only(sorted_out(one, done=Done(waves=1)), "budget")
    assert not met.blocks
    assert met.says.endswith("; it is waited for")
    for name in ("a budget that never allows any", "a budget of which nobody knows what it allows"):
        assert sorted_out(_fleet_of(CASES[name]), done=Done(waves=1)).findings[0].blocks
