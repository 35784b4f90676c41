"""Every pod on a target leaves or stays, and what must be known is named before the start."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.drain.campaign import Finding
from dcctl.drain.pods import asked_of, barrier
from dcctl.drain.pods import on as standing_on
from dcctl.drain.request import Done, Gates, Hook, Request, Rule
from dcctl.drain.units import part, rounds
from dcctl.inventory.devices import Accelerator, Process
from dcctl.inventory.disruption import Disruption
from dcctl.inventory.model import Budget, Fleet, Gap, Member, Workload
from tests.examples import examples
from tests.unit.drain.standing import GPUS, LEAVING, NOW_S, budget, fleet, node, only, pod, sorted_out, work

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
    facts: dict[str, object] = {}


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
        rules=(Rule(hook=Hook("exec", "save"), waived="the owners agree"),),
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
def test_the_server_lets_go_what_disrupts_nothing(
    budgets: tuple[Budget, ...], facts: dict[str, object]
) -> None:
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


def test_a_campaign_that_has_begun_waits_for_a_budget_that_it_used_up() -> None:
    one = _fleet_of(CASES["a budget that allows none now"])
    met = only(sorted_out(one, done=Done(waves=1)), "budget")
    assert not met.blocks
    assert met.says.endswith("; it is waited for")
    for name in ("a budget that never allows any", "a budget of which nobody knows what it allows"):
        assert sorted_out(_fleet_of(CASES[name]), done=Done(waves=1)).findings[0].blocks


@pytest.mark.parametrize(
    ("member", "why"),
    [
        (pod("a", told="mirror"), "mirror"),
        (pod("a", told="mirror", phase="succeeded"), "mirror"),
        (pod("a", phase="succeeded"), "finished"),
        (pod("a", told="daemon", phase="failed"), "finished"),
        (pod("a", template=LEAVING), "leaving"),
        (pod("a", told="daemon"), "daemonset"),
    ],
)
def test_what_stays(member: Member, why: str) -> None:
    kinds = {"mirror": Disruption(mirror=True), "daemon": Disruption(controller="DaemonSet")}
    found = sorted_out(fleet(work("ns/web", member), disruptions=kinds))
    assert [(stay.pod, stay.node, stay.why) for stay in found.stays] == [("ns/a", "n1", why)]
    assert (found.units, found.findings) == ((), ())


def test_a_daemon_is_known_by_the_kind_of_its_work_alone() -> None:
    found = sorted_out(fleet(work("ns/agent", pod("a", told=None), kind="DaemonSet")))
    assert [stay.why for stay in found.stays] == ["daemonset"]


def test_what_is_being_deleted_and_has_finalizers_is_told() -> None:
    told = {"told": Disruption(controller="ReplicaSet", finalizers=("example.com/keep",))}
    found = sorted_out(fleet(work("ns/web", pod("a", told="told", template=LEAVING)), disruptions=told))
    assert only(found, "finalizer").subject == "ns/a"


def test_a_gang_that_falls_below_its_minimum_stops_as_a_whole() -> None:
    members = [pod(f"w{at}", f"n{at}", requests=GPUS) for at in range(1, 5)]
    (unit,) = sorted_out(fleet(work("ns/llm", *members, kind="PyTorchJob", gang_min=4))).units
    assert (unit.gang, unit.stops, unit.gpu_milli, unit.restarts) == (True, 4, 32_000, 1)
    assert [leave.pod for leave in unit.leaves] == ["ns/w1", "ns/w2"]
    (elastic,) = sorted_out(fleet(work("ns/llm", *members, kind="PyTorchJob", gang_min=2))).units
    assert (elastic.stops, elastic.gpu_milli) == (2, 16_000)
    (untold,) = sorted_out(fleet(work("ns/llm", *members, kind="PyTorchJob"))).units
    assert (untold.gang, untold.stops) == (True, 4)


def test_the_order_in_which_units_are_moved() -> None:
    told = {"bare": Disruption(), "wait": Disruption(controller="Job", when_drained="wait 1h then evict")}
    one = fleet(
        work("ns/bare", pod("f", told="bare"), kind="Pod"),
        work("ns/web", pod("e")),
        work("ns/db", pod("d"), kind="StatefulSet"),
        work("ns/later", pod("g", told="wait"), kind="Job"),
        work("ns/job", pod("c"), kind="Job"),
        work("ns/small", pod("b", requests=GPUS), kind="PyTorchJob", gang_min=2),
        work("ns/large", *(pod(f"a{at}", requests=GPUS) for at in range(3)), kind="PyTorchJob", gang_min=3),
        disruptions=told,
    )
    order = [unit.workload for unit in sorted_out(one).units]
    assert order == ["ns/large", "ns/small", "ns/job", "ns/db", "ns/web", "ns/bare", "ns/later"]


def test_work_served_by_others_meanwhile_does_not_restart() -> None:
    served = fleet(work("ns/web", pod("a"), pod("b", "n3")))
    alone = fleet(work("ns/web", pod("a"), pod("b", "n3", ready=False)))
    assert [sorted_out(one).units[0].restarts for one in (served, alone)] == [0, 1]


def test_a_hook_is_asked_of_its_unit_until_it_is_proved_or_waived() -> None:
    told = {"told": Disruption(controller="Job", checkpoint="exec /save", patience="2m")}
    one = fleet(work("ns/llm", pod("a", told="told", requests=GPUS), kind="Job"), disruptions=told)
    asked, proved = sorted_out(one).units[0], sorted_out(one, done=Done(proved=("ns/llm",))).units[0]
    assert (asked.hook, asked.proved) == (Hook("exec", "/save", timeout_s=120), False)
    assert (proved.hook, proved.proved) == (asked.hook, True)
    waived = sorted_out(one, gates=Gates(waive_checkpoint=("ns/*",)))
    assert waived.units[0].hook is None
    assert (
        only(waived, "checkpoint").says == "is evicted without proof of a checkpoint: --waive-checkpoint ns/*"
    )


def test_the_hook_of_a_gang_is_found_where_its_leader_stands() -> None:
    told = {"leader": Disruption(controller="PyTorchJob", checkpoint="exec /save")}
    gang = work("ns/llm", pod("w1"), pod("w0", "n4", "leader"), kind="PyTorchJob", gang_min=2)
    assert sorted_out(fleet(gang, disruptions=told)).units[0].hook == Hook("exec", "/save")


@pytest.mark.parametrize(
    ("at_s", "every_s", "says"),
    [
        (NOW_S - 840, None, "what it computed since the last one, 14 min ago, is lost"),
        (None, 1800, "it writes one every 30 min, and loses what it computed since"),
    ],
)
def test_how_much_is_lost_without_a_hook(at_s: int | None, every_s: int | None, says: str) -> None:
    one = fleet(work("ns/llm", pod("a", requests=GPUS), kind="Job", checkpointed_at_s=at_s))
    found = sorted_out(one, rules=(Rule(checkpoint_every_s=every_s),))
    assert only(found, "checkpoint").says == f"nothing asks it for a checkpoint: {says}"


def _waiting(text: str) -> Fleet:
    told = {"told": Disruption(controller="Job", when_drained=text, scratch="disk")}
    facts = {"started_at_s": NOW_S - 600, "duration_s": 3600}
    return fleet(work("ns/eval", pod("a", told="told"), kind="Job", **facts), disruptions=told)


@pytest.mark.parametrize(
    ("text", "begun_s", "how", "until_s", "whys"),
    [
        ("wait", None, "wait", NOW_S + 3000, set()),
        ("wait 30m", None, "wait", NOW_S + 1800, set()),
        ("wait 2h then evict", None, "wait", NOW_S + 3000, {"emptydir"}),
        ("wait 30m", NOW_S - 600, "wait", NOW_S + 1200, set()),
        ("wait 30m", NOW_S - 1800, "wait", NOW_S, {"deadline"}),
        ("wait 30m then evict", NOW_S - 1800, "evict", None, {"emptydir"}),
        ("never", None, "wait", None, {"never"}),
    ],
)
def test_what_is_waited_for(
    text: str, begun_s: int | None, how: str, until_s: int | None, whys: set[str]
) -> None:
    found = sorted_out(_waiting(text), done=Done(begun_s=begun_s))
    (unit,) = found.units
    assert (unit.leaves[0].how, unit.waits_until_s) == (how, until_s)
    assert {one.why for one in found.findings if one.blocks} == whys


def test_several_pods_of_one_work_are_one_finding() -> None:
    told = {"told": Disruption(controller="ReplicaSet", scratch="disk")}
    one = fleet(work("ns/web", *(pod(f"p{at}", f"n{at}", "told") for at in (2, 1))), disruptions=told)
    met = only(sorted_out(one), "emptydir")
    assert (met.subject, met.nodes) == ("ns/web", ("n1", "n2"))


def test_a_gap_of_work_on_a_target_blocks() -> None:
    gaps = (
        Gap(
            "kubernetes",
            "pods of other namespaces",
            "not asked for",
            part="work",
            hint="leave out --namespace",
        ),
        Gap("kubernetes", "ns/odd", "requests are unreadable", node="n9", part="work"),
    )
    met = only(sorted_out(fleet(gaps=gaps)), "unknown")
    assert (met.subject, met.nodes, met.cure) == ("kubernetes", ("n1", "n2"), "leave out --namespace")
    assert met.says == "pods of other namespaces: not asked for: what else runs here is not known"
    assert met.blocks


def test_a_node_of_no_scheduler_blocks() -> None:
    one = fleet(nodes=(node("n1", sources=("ssh",)), node("n2")))
    met = only(sorted_out(one), "unknown")
    assert (met.subject, met.nodes, met.blocks) == ("n1", ("n1",), True)


def test_a_node_that_is_not_ready_is_told_where_something_stands_on_it() -> None:
    nodes = (node("n1", ready=False), node("n2", ready=False))
    met = only(sorted_out(fleet(work("ns/web", pod("a")), nodes=nodes)), "not-ready")
    assert (met.subject, met.blocks) == ("n1", False)
    assert "node.kubernetes.io/out-of-service" in met.cure


@pytest.mark.parametrize(
    ("process", "met"),
    [
        (
            Process(7, name="python", user="ada"),
            "1 process of no known work on its accelerators: python of ada",
        ),
        (Process(7, pod_uid="gone"), "1 process of no known work on its accelerators: PID 7"),
        (Process(7, pod_uid="uid-a"), ""),
        (Process(7, job_id="ns/web"), ""),
    ],
)
def test_accelerators_that_somebody_holds_of_whom_no_scheduler_told(process: Process, met: str) -> None:
    boards = (Accelerator(0, processes=(process,)),)
    one = fleet(work("ns/web", pod("a")), nodes=(node("n1", accelerators=boards), node("n2")))
    says = [each.says for each in sorted_out(one).findings if each.why == "device"]
    assert says == ([met] if met else [])
    if met:
        assert only(sorted_out(one), "device").blocks
        assert not only(sorted_out(one, gates=Gates(force=True)), "device").blocks


def test_a_process_without_a_name_may_be_of_work_that_holds_boards_there() -> None:
    nodes = (node("n1", accelerators=(Accelerator(0, processes=(Process(7),)),)), node("n2"))
    assert sorted_out(fleet(work("ns/web", pod("a", requests=GPUS)), nodes=nodes)).findings == ()


def test_turns_that_budgets_need() -> None:
    one = fleet(
        work(
            "ns/web",
            *(pod(f"p{at}", f"n{at % 2 + 1}", "told") for at in range(5)),
            budgets=(budget(allowed=2),),
        ),
        work("ns/free", *(pod(f"q{at}") for at in range(9))),
        disruptions={"told": _BUDGET},
    )
    found = sorted_out(one)
    leaves = [leave for unit in found.units for leave in unit.leaves]
    assert rounds(leaves, found.budgets) == 3
    assert rounds([leave for leave in leaves if leave.node == "n1"], found.budgets) == 2
    assert rounds(leaves, {}) == 5
    assert rounds([replace(leave, how="delete") for leave in leaves], found.budgets) == 1
    assert rounds((), {}) == 1


def test_a_part_of_a_unit_is_what_stands_there_and_a_gang_has_no_parts() -> None:
    members = [pod(f"p{at}", f"n{at}", requests=GPUS) for at in (1, 2)]
    (served,) = sorted_out(fleet(work("ns/web", *members))).units
    (gang,) = sorted_out(fleet(work("ns/llm", *members, kind="PyTorchJob", gang_min=2))).units
    half = part(served, {"n2"})
    assert half is not None
    assert ([leave.pod for leave in half.leaves], half.stops, half.gpu_milli) == (["ns/p2"], 1, 8000)
    assert part(gang, {"n2"}) is gang
    assert part(served, {"n3"}) is None


_TOLD = {
    "made": Disruption(controller="ReplicaSet"),
    "bare": Disruption(),
    "daemon": Disruption(controller="DaemonSet"),
    "mirror": Disruption(mirror=True),
    "disk": Disruption(controller="Job", scratch="disk"),
    "pdb": _BUDGET,
    "two": _TWO,
    "protected": Disruption(controller="Job", protected=("a=b",)),
    "never": Disruption(controller="Job", when_drained="never"),
    "wait": Disruption(controller="Job", when_drained="wait 1h then evict"),
    "hook": Disruption(controller="Job", checkpoint="exec save"),
    "odd": Disruption(controller="Job", checkpoint="pray"),
}


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    count = st.none() | st.integers(0, 3)
    works = []
    for at in range(draw(st.integers(0, 5))):
        members = [
            pod(
                f"p{at}-{each}",
                draw(st.sampled_from((None, "n1", "n2", "n3"))),
                draw(st.sampled_from((*_TOLD, None))),
                phase=draw(st.sampled_from(("pending", "running", "succeeded", "failed", "unknown"))),
                ready=draw(st.sampled_from((True, False, None))),
                template=draw(st.sampled_from((None, LEAVING))),
            )
            for each in range(draw(st.integers(0, 4)))
        ]
        budgets = [
            Budget(name, draw(count), draw(count), draw(count), draw(count), draw(st.booleans()))
            for name in draw(st.sets(st.sampled_from(("pdb", "other"))))
        ]
        kind = draw(st.sampled_from(("Deployment", "Job", "PyTorchJob", "DaemonSet", "Pod")))
        gang = draw(st.none() | st.integers(1, 4))
        works.append(work(f"ns/w{at}", *members, kind=kind, budgets=tuple(budgets), gang_min=gang))
    return fleet(*works, disruptions=_TOLD)


_GATES = st.builds(
    Gates,
    force=st.booleans(),
    delete_emptydir_data=st.booleans(),
    allow_pdb_violation=st.sets(st.sampled_from(("ns/pdb", "ns/other"))).map(lambda one: tuple(sorted(one))),
    waive_checkpoint=st.sampled_from(((), ("*",))),
    disturb_protected=st.booleans(),
)


def _members(one: Fleet) -> list[tuple[Workload, Member]]:
    return [(each, member) for each in one.workloads for member in each.members]


@examples(200)
@given(fleets(), _GATES)
def test_every_pod_on_a_target_leaves_or_stays_and_no_other_does(one: Fleet, gates: Gates) -> None:
    found = sorted_out(one, gates=gates)
    leaves = [leave.pod for unit in found.units for leave in unit.leaves]
    stays = [stay.pod for stay in found.stays]
    here = [f"ns/{member.name}" for _, member in _members(one) if member.node in ("n1", "n2")]
    assert sorted(leaves + stays) == sorted(here)
    assert {leave.node for unit in found.units for leave in unit.leaves} <= {"n1", "n2"}


@examples(200)
@given(fleets(), _GATES)
def test_gates_that_are_opened_only_ever_remove_what_blocks(one: Fleet, gates: Gates) -> None:
    shut, opened = sorted_out(one), sorted_out(one, gates=gates)
    assert _blocking(opened) <= _blocking(shut)
    told = {(each.why, each.subject, each.says) for each in opened.findings if each.why != "checkpoint"}
    assert told == {(each.why, each.subject, each.says) for each in shut.findings if each.why != "checkpoint"}


def _blocking(found: object) -> set[tuple[str, str, str]]:
    findings: tuple[Finding, ...] = found.findings  # type: ignore[attr-defined]
    return {(one.why, one.subject, one.says) for one in findings if one.blocks}


@examples(200)
@given(fleets())
def test_what_is_neither_asked_nor_told_of_is_evicted_only_where_a_finding_blocks(one: Fleet) -> None:
    """A pod that the server would refuse, or that must be left alone, never leaves without a word."""
    found = sorted_out(one)
    blocked = {each.subject for each in found.findings if each.blocks}
    for each, member in _members(one):
        told = one.disruptions.get(member.disruption or "")
        name = f"ns/{member.name}"
        leaves = any(leave.pod == name for unit in found.units for leave in unit.leaves)
        risky = told is None or told.scratch == "disk" or told.protected or not told.controller
        if leaves and risky and _evicted(found, name):
            assert blocked & {name, each.id}


def _evicted(found: object, name: str) -> bool:
    leaves = (leave for unit in found.units for leave in unit.leaves)  # type: ignore[attr-defined]
    return any(leave.pod == name and leave.how != "wait" for leave in leaves)


@examples(50)
@given(fleets())
def test_the_same_fleet_gives_the_same_whatever_its_order(one: Fleet) -> None:
    turned = replace(one, workloads=one.workloads[::-1])
    assert sorted_out(one)[:3] == sorted_out(turned)[:3]


def test_nothing_is_asked_of_nodes_that_no_work_stands_on() -> None:
    assert sorted_out(fleet(work("ns/web", pod("a", "n3")))) == ((), (), (), {})


def test_a_request_may_name_another_grace() -> None:
    from dcctl.drain.classify import classify

    told = {"told": Disruption(controller="Job", grace_s=30)}
    one = fleet(work("ns/web", pod("a", told="told")), disruptions=told)
    graces = [
        classify(one, Request(("n1",), grace_s=grace), Done(), NOW_S).units[0].leaves[0].grace_s
        for grace in (None, 0)
    ]
    assert graces == [30, 0]
