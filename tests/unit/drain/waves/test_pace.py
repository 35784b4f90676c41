"""Work that nobody can ask for a checkpoint leaves after its next one, if that saves work."""

import pytest
from msgspec.structs import replace

from dcctl.drain.campaign import Leave, Unit, Wave
from dcctl.drain.plan import plan
from dcctl.drain.request import Done, Request, Rule
from dcctl.drain.told.words import before_of, to_of
from dcctl.drain.waves.calendar import window
from dcctl.drain.waves.loss import Past
from dcctl.drain.waves.pace import WRITTEN_S, paced
from tests.asked import hook_of
from tests.unit.drain.fleets import NOW_S, fleet, work

GANG = Unit("a/b", "PyTorchJob", (Leave("a/b-0", "n1"),), gang=True, gpu_milli=8000, restarts=1)
REQUEST = Request(("n1",))


def pasts(last_s: int | None, every_s: int | None) -> list[tuple[int, Past]]:
    return [(8000, Past(0, last_s, every_s))]


def test_it_is_waited_for_until_the_next_is_written() -> None:
    found = paced(GANG, pasts(9000, 1800), REQUEST, 10_000)
    assert (found.paced, found.after_wait, found.waits_until_s) == (True, "evict", 10_800 + WRITTEN_S)
    assert [leaf.how for leaf in found.leaves] == ["wait"]


def test_it_is_the_next_after_the_campaign_may_begin() -> None:
    later = replace(REQUEST, not_before_s=20_500)
    assert paced(GANG, pasts(9000, 1800), later, 10_000).waits_until_s == 21_600 + WRITTEN_S


@pytest.mark.parametrize(
    ("last_s", "every_s"),
    [(None, 1800), (9000, None), (9900, 1800), (1000, 1800)],
    ids=["no last", "no pace", "just written", "out of step"],
)
def test_it_is_not_waited_for_in_vain(last_s: int | None, every_s: int | None) -> None:
    assert paced(GANG, pasts(last_s, every_s), REQUEST, 10_000) == GANG


def test_what_is_asked_or_waits_already_is_left_as_it_is() -> None:
    for unit in (
        replace(GANG, hook=hook_of("signal USR1")),
        replace(GANG, leaves=(Leave("a/b-0", "n1", how="wait"),)),
        replace(GANG, leaves=(Leave("a/b-0", "n1", how="delete"),)),
        replace(GANG, restarts=0),
    ):
        assert paced(unit, pasts(9000, 1800), REQUEST, 10_000) == unit


def test_no_deadline_is_missed_for_it() -> None:
    assert not paced(GANG, pasts(9000, 1800), replace(REQUEST, deadline_s=10_900), 10_000).paced
    assert paced(GANG, pasts(9000, 1800), replace(REQUEST, deadline_s=11_000), 10_000).paced


def test_nor_is_the_end_of_the_window() -> None:
    # 10 000 is 02:46:40; the next checkpoint is written at 10 920, 03:02, and the grace is 30 s
    short = replace(REQUEST, windows=(window("daily 02:00-03:02"),))
    assert not paced(GANG, pasts(9000, 1800), short, 10_000).paced
    assert paced(
        GANG, pasts(9000, 1800), replace(REQUEST, windows=(window("daily 02:00-03:03"),)), 10_000
    ).paced


def test_a_plan_loses_no_more_than_what_is_computed_while_it_is_written() -> None:
    whole = fleet(4, work("job", [0, 1], gpus=4, gang=True, checkpointed_at_s=NOW_S - 1500))
    rules = (Rule(checkpoint_every_s=1800),)
    (wave,) = plan(whole, Request(("n00", "n01"), rules=rules), Done(), NOW_S).waves
    assert wave.units[0].lost_gpu_ms == 8000 * WRITTEN_S
    assert wave.end_s == NOW_S + 300 + WRITTEN_S + 30


def test_it_reads_as_what_it_is() -> None:
    unit = paced(GANG, pasts(9000, 1800), REQUEST, 10_000)
    wave = Wave(1, ("n1",), (replace(unit, leaves=(replace(unit.leaves[0], to="n2"),)),))
    assert before_of(wave, 10_000, {}) == "the next checkpoint of b, in about 15 min"
    assert to_of(wave) == "n2, gang whole"
