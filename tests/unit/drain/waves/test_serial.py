"""What kubectl drain would cost on the same nodes, one after the other."""

from msgspec.structs import replace

from dcctl.drain.campaign import Leave, Unit
from dcctl.drain.request import Gates, Request
from dcctl.drain.waves.loss import Past
from dcctl.drain.waves.serial import Never, Stop, never, refused, serial
from dcctl.inventory.model import Budget, Disruption
from tests.asked import hook_of
from tests.unit.drain.fleets import fleet, work

NODES = ("n1", "n2", "n3")
GANG = Unit(
    "a/b",
    "PyTorchJob",
    tuple(Leave(f"a/b-{at}", node, grace_s=30, gpu_milli=8000) for at, node in enumerate(NODES)),
    gang=True,
    gpu_milli=24_000,
    restarts=1,
)


def test_a_gang_restarts_at_each_node_and_goes_on_from_its_last_checkpoint() -> None:
    found = serial(NODES, [Stop(GANG, ((24_000, Past(0)),))], (), 1000)
    assert (found.restarts, found.lost_gpu_ms) == (3, 24_000 * (1000 + 30 + 30))


def test_it_keeps_what_it_writes_in_between() -> None:
    found = serial(NODES, [Stop(GANG, ((24_000, Past(0, 900, 600)),))], (), 1000, between_s=570)
    assert found.lost_gpu_ms == 24_000 * (100 + 0 + 0)


def test_nobody_asks_for_a_checkpoint_and_nothing_is_waited_for() -> None:
    hooked = replace(GANG, hook=hook_of("signal USR1"), proved=True)
    waited = replace(
        GANG, restarts=0, leaves=tuple(replace(one, how="wait") for one in GANG.leaves), waits_until_s=5000
    )
    plain = serial(NODES, [Stop(GANG, ((24_000, Past(0)),))], (), 1000)
    assert serial(NODES, [Stop(hooked, ((24_000, Past(0)),))], (), 1000) == plain
    assert serial(NODES, [Stop(waited, ((24_000, Past(0)),))], (), 1000) == plain


def test_what_is_served_by_others_costs_nothing() -> None:
    served = replace(GANG, kind="Deployment", gang=False, restarts=0)
    assert serial(NODES, [Stop(served, ((8000, Past()),) * 3)], (), 1000).lost_gpu_ms == 0


def test_members_that_do_not_need_each_other_lose_their_own() -> None:
    apart = replace(GANG, kind="Job", gang=False)
    pasts = ((8000, Past(0)), (8000, Past(500)), (8000, Past(1000)))
    found = serial(NODES, [Stop(apart, pasts)], (), 1000)
    assert found.lost_gpu_ms == 8000 * (1000 + 530 + 60)


def test_unknown_is_not_nothing() -> None:
    assert serial(NODES, [Stop(GANG, ((24_000, Past()),))], (), 1000).lost_gpu_ms is None


def test_one_refused_pod_keeps_all_of_its_node() -> None:
    found = serial(NODES, [Stop(GANG, ((24_000, Past(0)),))], {"n2"}, 1000)
    assert (found.restarts, found.stuck) == (2, ("n2",))
    assert found.lost_gpu_ms == 24_000 * (1000 + 30)


def test_kubectl_refuses_what_nobody_makes_anew_unless_it_is_forced() -> None:
    whole = fleet(3, work("lone", [0]), work("kept", [1]))
    lone = replace(whole.workloads[0].members[0], disruption="lone")
    whole = replace(
        whole,
        workloads=(replace(whole.workloads[0], members=(lone,)), *whole.workloads[1:]),
        disruptions={**whole.disruptions, "lone": Disruption(grace_s=30)},
    )
    request = Request(("n00", "n01"))
    assert refused(whole, request) == {"n00"}
    assert refused(whole, replace(request, gates=Gates(force=True))) == set()


def test_kubectl_gets_to_no_node_after_one_on_which_it_asks_for_ever() -> None:
    keeps = Never(asking=frozenset(("a/b-1",)))
    found = serial(NODES, [Stop(GANG, ((24_000, Past(0)),))], (), 1000, never=keeps)
    assert (found.restarts, found.held, found.stuck) == (1, ("n2",), ("n3",))
    assert found.lost_gpu_ms == 24_000 * 1000


def test_two_pdbs_keep_a_pod_alone_and_kubectl_goes_on() -> None:
    apart = replace(GANG, kind="Job", gang=False)
    keeps = Never(failing=frozenset(("a/b-1",)))
    found = serial(NODES, [Stop(apart, ((8000, Past(0)),) * 3)], (), 1000, never=keeps)
    assert (found.restarts, found.held, found.stuck) == (2, ("n2",), ())
    assert found.lost_gpu_ms == 8000 * (1000 + 1030)


def test_a_refused_node_is_passed_over_before_its_pdb_is_asked() -> None:
    keeps = Never(asking=frozenset(("a/b-0",)))
    found = serial(NODES, [Stop(GANG, ((24_000, Past(0)),))], {"n1"}, 1000, never=keeps)
    assert (found.restarts, found.held, found.stuck) == (2, (), ("n1",))


def test_what_the_server_never_lets_go() -> None:
    two = (Budget("x", 1, 1, 2, 2), Budget("y", 1, 1, 2, 2))
    full = (Budget("z", 0, 2, 2, 2),)
    now = (Budget("w", 0, 1, 1, 2),)
    whole = fleet(
        2, work("two", [0, 1], budgets=two), work("full", [0, 1], budgets=full), work("now", [0], budgets=now)
    )
    assert never(whole, Request(("n00",))) == Never(frozenset(("a/two-0",)), frozenset(("a/full-0",)))
