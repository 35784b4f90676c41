"""GPU time that is lost: by what is known of checkpoints."""

import pytest
from msgspec.structs import replace

from dcctl.drain.campaign import Leave, Unit
from dcctl.drain.request import Done, Gates, Request, Rule
from dcctl.drain.waves.loss import Past, lost_gpu_ms, pasts_of, since
from dcctl.drain.work.pods import Pod
from dcctl.drain.work.units import moved, unit
from dcctl.inventory.disruption import Disruption
from dcctl.inventory.model import Member, Workload
from tests.asked import hook_of

H = 3600
HOOK = hook_of("exec save")
GANG = Unit("a/b", "PyTorchJob", (Leave("a/b-0", "n1"),), gang=True, gpu_milli=16_000, restarts=1)


@pytest.mark.parametrize(
    ("past", "lost"),
    [
        (Past(started_s=0), 10 * H),
        (Past(started_s=0, last_s=9 * H), H),
        (Past(started_s=0, last_s=9 * H, every_s=H // 2), 0),
        (Past(started_s=0, last_s=9 * H + 60, every_s=H // 2), H // 2 - 60),
        (Past(started_s=0, every_s=H), H // 2),
        (Past(started_s=10 * H - 60, every_s=H), 60),
        (Past(started_s=9 * H, last_s=H), H),
        (Past(last_s=11 * H), 0),
        (Past(), None),
        (Past(every_s=H), H // 2),
    ],
)
def test_seconds_that_are_computed_anew(past: Past, lost: int | None) -> None:
    assert since(past, 10 * H) == lost


def test_it_is_gpus_times_seconds() -> None:
    assert lost_gpu_ms(GANG, [(16_000, Past(0))], 60) == 16_000 * 60


def test_unknown_is_not_nothing() -> None:
    assert lost_gpu_ms(GANG, [(16_000, Past())], 60) is None
    assert lost_gpu_ms(GANG, [(16_000, Past(0))], None) is None
    assert lost_gpu_ms(GANG, [(16_000, Past(0, every_s=H))], None) == 16_000 * H // 2


@pytest.mark.parametrize(
    "one",
    [
        replace(GANG, hook=hook_of("signal USR1")),
        replace(GANG, proved=True),
        replace(GANG, restarts=0),
        replace(GANG, gpu_milli=0),
        replace(GANG, kind="LeaderWorkerSet"),
    ],
)
def test_nothing_is_lost_by_what_writes_one_first_ends_or_serves(one: Unit) -> None:
    assert lost_gpu_ms(one, [(16_000, Past())], 60) == 0


@pytest.mark.parametrize(
    ("rule", "gates", "lost"),
    [
        (Rule(hook=HOOK), Gates(), 0),
        (Rule(), Gates(), 16_000 * 60),
        (Rule(hook=HOOK, waived="agreed"), Gates(), 16_000 * 60),
        (Rule(hook=HOOK), Gates(waive_checkpoint=("a/*",)), 16_000 * 60),
        (Rule(mode="wait", wait_s=10, after_wait="evict", hook=HOOK), Gates(), 0),
        (Rule(mode="wait", wait_s=10, after_wait="evict"), Gates(), 16_000 * 60),
        (Rule(mode="wait", wait_s=10, after_wait="evict", hook=HOOK, waived="x"), Gates(), 16_000 * 60),
        (Rule(mode="wait", wait_s=10, after_wait="stop", hook=HOOK), Gates(), 0),
        (Rule(mode="wait", hook=HOOK), Gates(), 0),
    ],
)
def test_a_hook_saves_what_it_is_asked_for(rule: Rule, gates: Gates, lost: int) -> None:
    member = Member("b-0", "n1", "running", started_at_s=0, devices=("d",))
    work = Workload("a/b", kind="Job", members=(member,))
    pod = Pod(work, member, Disruption(controller="Job"))
    request = Request(("n1",), gates=gates)
    stops = moved(work, [pod], rule, request, Done(), 0)
    of = replace(unit(stops, request, Done()), gpu_milli=16_000)
    assert lost_gpu_ms(of, [(16_000, Past(0))], 60) == lost


def test_a_gang_computes_since_its_last_member_started() -> None:
    members = (
        Member("b-0", "n1", "running", started_at_s=100),
        Member("b-1", "n2", "running", started_at_s=900),
    )
    work = Workload("a/b", gang_min=2, members=members, started_at_s=50, checkpointed_at_s=800)
    assert pasts_of(GANG, work, 600) == ((16_000, Past(900, 800, 600)),)


def test_other_members_do_each_on_their_own() -> None:
    members = (Member("b-0", "n1", "running", started_at_s=100), Member("b-1", "n2", "running"))
    work = Workload("a/b", members=members, started_at_s=50)
    leaves = (Leave("a/b-0", "n1", gpu_milli=2000), Leave("a/b-1", "n2", gpu_milli=3000))
    one = Unit("a/b", "Job", leaves, gpu_milli=5000, restarts=1)
    assert pasts_of(one, work, None) == ((2000, Past(100)), (3000, Past(50)))
    assert lost_gpu_ms(one, pasts_of(one, work, None), 110) == 2000 * 10 + 3000 * 60
