"""What holds of every fleet: pods leave or stay, gates only open, order does not matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.drain.request import Gates
from dcctl.inventory.disruption import Disruption
from dcctl.inventory.model import Budget, Fleet, Member, Workload
from tests.examples import examples
from tests.unit.drain.standing import LEAVING, fleet, pod, sorted_out, work

if TYPE_CHECKING:
    from dcctl.drain.work.classify import Classified

_TOLD = {
    "made": Disruption(controller="ReplicaSet"),
    "bare": Disruption(),
    "daemon": Disruption(controller="DaemonSet"),
    "mirror": Disruption(mirror=True),
    "disk": Disruption(controller="Job", scratch="disk"),
    "pdb": Disruption(controller="ReplicaSet", budgets=("pdb",)),
    "two": Disruption(controller="ReplicaSet", budgets=("pdb", "other")),
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


def _blocking(found: Classified) -> set[tuple[str, str, str]]:
    return {(one.why, one.subject, one.says) for one in found.findings if one.blocks}


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


def _evicted(found: Classified, name: str) -> bool:
    leaves = (leave for unit in found.units for leave in unit.leaves)
    return any(leave.pod == name and leave.how != "wait" for leave in leaves)


@examples(50)
@given(fleets())
def test_the_same_fleet_gives_the_same_whatever_its_order(one: Fleet) -> None:
    turned = replace(one, workloads=one.workloads[::-1])
    assert sorted_out(one)[:3] == sorted_out(turned)[:3]
