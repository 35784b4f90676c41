"""Every pod on a target leaves or stays, and what must be known is named before the start."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.drain.request import Done, Gates, Request, Rule
from dcctl.drain.work.units import rounds
from dcctl.inventory.devices import Accelerator, Process
from dcctl.inventory.disruption import Cordon, Disruption
from dcctl.inventory.model import Fleet, Gap, Member
from tests.asked import hook_of
from tests.unit.drain.standing import GPUS, LEAVING, NOW_S, budget, fleet, node, only, pod, sorted_out, work

_BUDGET = Disruption(controller="ReplicaSet", budgets=("pdb",))


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


@pytest.mark.parametrize(
    ("kind", "indexed", "least", "gang"),
    [
        ("Job", True, None, True),
        ("Job", False, None, False),
        ("Job", True, 1, False),
        ("Job", False, 2, True),
        ("RayCluster", False, None, True),
        ("RayJob", False, None, True),
        ("RayCluster", False, 1, False),
    ],
)
def test_who_stops_as_a_whole(kind: str, indexed: bool, least: int | None, gang: bool) -> None:
    told = {"told": Disruption(controller="Job", indexed=indexed)}
    members = [pod(f"w{at}", f"n{at}", "told") for at in (1, 2, 3)]
    (unit,) = sorted_out(fleet(work("ns/a", *members, kind=kind, gang_min=least), disruptions=told)).units
    assert (unit.gang, unit.stops) == (gang, 3 if gang else 2)


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
    assert (asked.hook, asked.proved) == (hook_of("exec /save", timeout_s=120, annotated=True), False)
    assert (proved.hook, proved.proved) == (asked.hook, True)
    waived = sorted_out(one, gates=Gates(waive_checkpoint=("ns/*",)))
    assert waived.units[0].hook is None
    assert (
        only(waived, "checkpoint").says == "is evicted without proof of a checkpoint: --waive-checkpoint ns/*"
    )


def test_the_hook_of_a_gang_is_found_where_its_leader_stands() -> None:
    told = {"leader": Disruption(controller="PyTorchJob", checkpoint="exec /save")}
    gang = work("ns/llm", pod("w1"), pod("w0", "n4", "leader"), kind="PyTorchJob", gang_min=2)
    assert sorted_out(fleet(gang, disruptions=told)).units[0].hook == hook_of("exec /save", annotated=True)


def test_the_hook_of_work_that_is_no_gang_is_that_of_the_pods_that_leave() -> None:
    told = {"other": Disruption(controller="Job", checkpoint="exec /save")}
    apart = work("ns/batch", pod("w1"), pod("w0", "n4", "other"), kind="Job")
    assert sorted_out(fleet(apart, disruptions=told)).units[0].hook is None


@pytest.mark.parametrize("turned", [False, True])
def test_what_one_member_asks_for_holds_for_its_gang(turned: bool) -> None:
    told = {"kept": Disruption("PyTorchJob", when_drained="never"), "free": Disruption("PyTorchJob")}
    members = [pod("w0", "n1", "kept"), pod("w1", "n2", "free")]
    if turned:
        members = [pod("w0", "n1", "free"), pod("w1", "n2", "kept")]
    found = sorted_out(fleet(work("ns/llm", *members, kind="PyTorchJob", gang_min=2), disruptions=told))
    assert {leave.how for leave in found.units[0].leaves} == {"wait"}
    assert only(found, "never").blocks


@pytest.mark.parametrize(
    ("allowed", "least"), [((3, 1), 1), ((1, 3), 1), ((None, 2), None), ((2, None), None)]
)
def test_of_two_that_tell_of_one_budget_the_one_that_allows_less_holds(
    allowed: tuple[int | None, int | None], least: int | None
) -> None:
    works = (
        work(f"ns/{name}", pod(name, told="told"), budgets=(budget(allowed=count),))
        for name, count in zip("ab", allowed, strict=True)
    )
    assert sorted_out(fleet(*works, disruptions={"told": _BUDGET})).budgets["ns/pdb"].allowed == least


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


@pytest.mark.parametrize(
    ("cordon", "says"),
    [
        (None, "is out of service already, and it does not tell who did that"),
        (Cordon("karpenter.sh", who="ada", reason="spot"), "karpenter.sh (ada) took it out of service: spot"),
        (Cordon("dcctl", run="r1"), ""),
    ],
)
def test_nodes_that_somebody_else_took_out_of_service(cordon: Cordon | None, says: str) -> None:
    one = fleet(nodes=(node("n1", schedulable=False, cordon=cordon), node("n2")))
    shut, opened = sorted_out(one), sorted_out(one, gates=Gates(foreign_cordons=True))
    assert [(each.says, each.blocks, each.cure) for each in shut.findings] == (
        [(says, True, "--foreign-cordons")] if says else []
    )
    assert [(each.says, each.blocks) for each in opened.findings] == ([(says, False)] if says else [])


def test_what_has_not_begun_is_asked_for_no_checkpoint() -> None:
    told = {"told": Disruption(controller="Job", checkpoint="exec /save")}
    one = fleet(work("ns/llm", pod("a", told="told", phase="pending"), kind="Job"), disruptions=told)
    assert sorted_out(one).units[0].hook is None


@pytest.mark.parametrize(
    ("text", "restarts"), [("wait", 0), ("wait 30m then evict", 1), ("wait 2h then evict", 0), ("never", 0)]
)
def test_what_ends_before_it_would_be_evicted_does_not_restart(text: str, restarts: int) -> None:
    assert sorted_out(_waiting(text)).units[0].restarts == restarts


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


def test_nothing_is_asked_of_nodes_that_no_work_stands_on() -> None:
    assert sorted_out(fleet(work("ns/web", pod("a", "n3")))) == ((), (), (), {})


def test_a_request_may_name_another_grace() -> None:
    from dcctl.drain.work.classify import classify

    told = {"told": Disruption(controller="Job", grace_s=30)}
    one = fleet(work("ns/web", pod("a", told="told")), disruptions=told)
    graces = [
        classify(one, Request(("n1",), grace_s=grace), Done(), NOW_S).units[0].leaves[0].grace_s
        for grace in (None, 0)
    ]
    assert graces == [30, 0]
