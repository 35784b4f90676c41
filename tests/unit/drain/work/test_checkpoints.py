"""Who is asked for a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.drain.campaign import Leave, Unit
from dcctl.drain.work.checkpoints import PROOF_LASTS_S, asked_pods, leader_of, still_proves
from dcctl.inventory.model import Member, Workload
from tests.asked import hook_of

if TYPE_CHECKING:
    from dcctl.drain.request import Hook

EXEC = hook_of("exec save")
LEAVES = (Leave("ml/a-10", "g1", "ten"), Leave("ml/a-2", "g1", "two"))


def unit(hook: Hook | None = EXEC, *, gang: bool = True, leader: str = "") -> Unit:
    return Unit("ml/a", "Job", LEAVES, hook=hook, gang=gang, leader=leader)


def test_a_gang_is_asked_by_its_leader_wherever_it_stands() -> None:
    assert asked_pods(unit()) == (("ml/a-2", "two"),)
    assert asked_pods(unit(leader="ml/a-0")) == (("ml/a-0", None),)


def test_each_is_asked_of_what_is_no_gang_or_where_all_are_wanted() -> None:
    both = (("ml/a-2", "two"), ("ml/a-10", "ten"))
    assert asked_pods(unit(gang=False)) == both
    assert asked_pods(unit(hook_of("exec save", of="all"), leader="ml/a-0")) == both


def test_nobody_is_asked_without_a_hook() -> None:
    assert asked_pods(unit(None)) == ()
    assert asked_pods(Unit("ml/a", "Job", (), hook=EXEC, gang=True)) == ()


def test_the_leader_comes_first_by_name_of_those_that_stand() -> None:
    def work(*names: str) -> Workload:
        return Workload("ml/a", members=tuple(Member(name, "g1", "running") for name in names))

    assert leader_of(work("a-10", "a-2", "a-1")) == "ml/a-1"
    assert leader_of(work("a-worker-0", "a-master-0")) == "ml/a-master-0"
    assert leader_of(work("a-0-1", "a-0", "a-0-2")) == "ml/a-0"
    ended = Member("a-0", "g1", "succeeded")
    assert (
        leader_of(Workload("ml/a", members=(ended, Member("a-1", "g1", "running"), Member("a-00"))))
        == "ml/a-1"
    )
    assert leader_of(Workload("ml/a")) == ""


def test_a_proof_grows_old() -> None:
    assert still_proves(100, 100 + PROOF_LASTS_S)
    assert not still_proves(100, 101 + PROOF_LASTS_S)
    assert not still_proves(100, 99)
