"""A plan for one GPU: its holders leave, and what else their node has is room for them."""

from __future__ import annotations

from msgspec.structs import replace

from dcctl.drain.campaign import Campaign, Stay
from dcctl.drain.plan import plan
from dcctl.drain.request import Done, Gates, Request
from dcctl.drain.work.devices import board_of
from dcctl.inventory.devices import Accelerator, DeviceName
from dcctl.inventory.model import Fleet, Resources, Workload
from tests.unit.drain.fleets import NOW_S, fleet, work

DRIVER = "gpu.nvidia.com"


def holding(name: str, gpu: int) -> Workload:
    """A job with one member on n00, which holds one GPU."""
    one = work(name, [0], gpus=0)
    asked = Resources(4000, 1 << 30, 0, 1, {DRIVER: 1})
    members = tuple(replace(member, requests=asked, devices=(f"GPU-{gpu}",)) for member in one.members)
    return replace(one, members=members)


def cluster(*works: Workload) -> Fleet:
    """Two nodes: n00 has GPUs 0 to 3, the other has none."""
    boards = tuple(
        Accelerator(at, f"GPU-{at}", resource=DRIVER, dra=DeviceName(DRIVER, "n00", f"gpu-{at}"))
        for at in range(4)
    )
    size = Resources(96_000, 1 << 40, 1 << 40, 110, {DRIVER: 4})
    found = fleet(2, *works)
    first, second = (replace(one, allocatable=size, capacity=size) for one in found.nodes)
    none = Resources(96_000, 1 << 40, 1 << 40, 110, {})
    nodes = (replace(first, accelerators=boards), replace(second, allocatable=none, capacity=none))
    return replace(found, nodes=nodes)


def planned(known: Fleet, *, gates: Gates = Gates(), done: Done = Done()) -> Campaign:  # noqa: B008
    request = Request(("n00",), boards=(board_of(known, "n00", "3"),), gates=gates)
    return plan(known, request, done, NOW_S)


def test_the_free_gpus_of_its_node_are_room_and_it_is_not() -> None:
    some = cluster(holding("a", 3), holding("b", 0))
    found = planned(some)
    (unit,) = found.waves[0].units
    assert (unit.workload, [leave.to for leave in unit.leaves]) == ("a/a", ["n00"])
    assert (found.verdict, found.boards) == ("fits", ("n00 GPU 3",))
    assert found.stays == (Stay("a/b-0", "n00", "elsewhere"),)
    full = cluster(*(holding(name, at) for at, name in enumerate("bcda")))
    assert planned(full).verdict == "does not fit"


def test_nobody_holds_it() -> None:
    found = planned(cluster(holding("b", 0)))
    assert [wave.units for wave in found.waves] == [()]
    assert planned(cluster(), done=Done(nodes=("n00",))).waves == ()


def test_a_claim_without_a_pod_is_decided_about_first() -> None:
    claim = holding("kept", 3)
    members = tuple(replace(one, uid=None) for one in claim.members)
    known = cluster(replace(claim, kind="ResourceClaim", members=members))
    (finding,) = planned(known).blocked
    assert "holds n00 GPU 3 without a pod" in finding.says
    assert finding.cure == "kubectl get resourceclaims --namespace a, or --force"
    assert planned(known, gates=Gates(force=True)).blocked == ()
