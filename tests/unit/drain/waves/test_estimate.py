"""When waves begin and end: windows, waits, grace, and a deadline that is missed."""

from msgspec.structs import replace

from dcctl.drain.campaign import Leave, Unit, Wave
from dcctl.drain.request import Request
from dcctl.drain.waves.calendar import window
from dcctl.drain.waves.estimate import CHECKPOINT_S, GRACE_S, READY_S, Times, seconds_of, timed
from tests.asked import hook_of

NOON = 1_763_812_800
"""Saturday 2025-11-22 12:00 UTC."""
H = 3600
POD = Leave("a/b-0", "n1", grace_s=60)
UNIT = Unit("a/b", "Job", (POD,))
WAITED = Unit("a/w", "Job", (replace(POD, how="wait"),), waits_until_s=NOON + 2 * H)


def wave(*units: Unit, number: int = 1, rounds: int = 1, after_return: bool = False) -> Wave:
    return Wave(number, (f"n{number}",), units, rounds=rounds, after_return=after_return)


def times(*waves: Wave, request: Request = Request(("n1",), "n1")) -> Times:  # noqa: B008 - frozen
    return timed(waves, request, NOON, "UTC")


def spans(found: Times) -> list[tuple[int | None, int | None]]:
    return [
        (one.start_s and one.start_s - NOON, None if one.end_s is None else one.end_s - NOON)
        for one in found.waves
    ]


def test_a_unit_takes_its_checkpoint_and_its_grace_not_the_time_out_of_its_hook() -> None:
    hook = hook_of("exec save", timeout_s=7200)
    assert seconds_of(UNIT) == 60
    assert seconds_of(replace(UNIT, hook=hook)) == CHECKPOINT_S["exec"] + 60
    assert seconds_of(replace(UNIT, hook=hook, proved=True)) == 60
    assert seconds_of(replace(UNIT, leaves=(Leave("a/b-0", "n1"),))) == GRACE_S
    assert seconds_of(UNIT, rounds=3) == 3 * 60 + 2 * READY_S


def test_waves_follow_each_other() -> None:
    assert spans(times(wave(UNIT), wave(), wave(UNIT, rounds=2))) == [(0, 60), (60, 60), (60, 210)]


def test_a_wave_ends_with_what_it_waits_for() -> None:
    assert spans(times(wave(WAITED))) == [(0, 2 * H)]
    assert spans(times(wave(replace(WAITED, after_wait="evict")))) == [(0, 2 * H + 60)]
    assert spans(times(wave(replace(WAITED, waits_until_s=None)), wave(UNIT))) == [(0, None), (None, None)]


def test_nobody_knows_when_nodes_are_back() -> None:
    assert spans(times(wave(UNIT), wave(UNIT, after_return=True))) == [(0, 60), (None, None)]


def test_it_begins_not_before_its_time_and_in_a_window() -> None:
    later = Request(("n1",), not_before_s=NOON + H)
    assert spans(times(wave(UNIT), request=later)) == [(H, H + 60)]
    night = Request(("n1",), windows=(window("daily 22:00-23:00"),))
    assert spans(times(wave(UNIT), request=night)) == [(10 * H, 10 * H + 60)]


def test_a_wave_that_no_longer_fits_in_a_window_waits_for_the_next() -> None:
    tight = Request(("n1",), windows=(window("daily 11:59-12:01"),))
    found = times(wave(UNIT), wave(UNIT), request=tight)
    assert spans(found) == [(0, 60), (24 * H - 60, 24 * H)]
    assert not found.findings


def test_a_wave_that_is_longer_than_any_window_is_named() -> None:
    short = Request(("n1",), windows=(window("daily 22:00-22:01 Europe/Berlin"),))
    (one,) = times(wave(UNIT, rounds=2), request=short).findings
    assert (one.why, one.subject, one.blocks, one.cure) == ("window", "wave 1", True, "a longer --window")
    assert "takes about 2 min 30 s" in one.says
    assert "2025-11-22 22:00 Europe/Berlin" in one.says


def test_a_deadline_that_is_missed_says_by_how_much_and_what_helps() -> None:
    due = Request(("n1",), "@rack2", deadline_s=NOON + H)
    assert not times(wave(UNIT), request=due).findings
    (one,) = times(wave(UNIT), wave(WAITED, number=2), request=due).findings
    assert (one.why, one.subject, one.nodes, one.blocks) == ("deadline", "@rack2", ("n2",), True)
    assert one.says == "the last wave ends about 1 h after 2025-11-22 13:00 UTC"
    assert one.cure == "a rule with a shorter wait for a/w"


def test_a_deadline_of_which_nobody_knows_whether_it_is_kept_is_told_but_blocks_nothing() -> None:
    due = Request(("n1",), deadline_s=NOON + H)
    (one,) = times(wave(UNIT), wave(UNIT, number=2, after_return=True), request=due).findings
    assert (one.subject, one.blocks) == ("wave 2", False)
    assert "back in service" in one.says
    (one,) = times(wave(replace(WAITED, waits_until_s=None)), request=due).findings
    assert "nobody knows when a/w ends" in one.says


def test_a_deadline_that_is_missed_even_with_nodes_back_at_once_blocks() -> None:
    due = Request(("n1",), "@rack2", deadline_s=NOON + 100)
    found = times(wave(UNIT), wave(UNIT, number=2, after_return=True), request=due)
    (one,) = found.findings
    assert (one.why, one.subject, one.blocks, one.cure) == (
        "deadline", "@rack2", True, "a larger --max-unavailable",
    )  # fmt: skip
    says = "even with nodes back at once, the last wave ends about 20 s after 2025-11-22 12:01 UTC"
    assert one.says == says
    endless = times(wave(replace(WAITED, waits_until_s=None)), wave(UNIT, rounds=2), request=due)
    assert [each.says[:28] for each in endless.findings] == ["even if a/w ended at once, t"]


def until(seconds: int, **more: object) -> Unit:
    return replace(WAITED, waits_until_s=NOON + seconds, **more)


NIGHT = Request(("n1",), windows=(window("daily 11:00-13:00"),))


def test_a_wave_that_waits_ends_in_the_window_in_which_it_begins() -> None:
    gone = {"after_wait": "evict"}
    assert spans(times(wave(until(H - 60, **gone)), request=NIGHT)) == [(0, H)]
    later = times(wave(until(H - 59, **gone)), wave(UNIT), request=NIGHT)
    assert spans(later) == [(23 * H, 23 * H + 60), (23 * H + 60, 23 * H + 120)]
    assert not later.findings
    months = times(wave(until(24 * H * 60, **gone)), request=NIGHT)
    assert spans(months) == [(24 * H * 60 + 60, 24 * H * 60 + 120)]
    hooked = until(H - 60, hook=hook_of("exec save"), **gone)
    assert spans(times(wave(hooked), request=NIGHT)) == [(23 * H, 23 * H + 180)]


def test_a_wave_that_waits_and_is_longer_than_any_window_blocks() -> None:
    slow = until(600, after_wait="evict", leaves=(replace(POD, how="wait", grace_s=3 * H),))
    (one,) = times(wave(slow), request=NIGHT).findings
    assert (one.why, one.blocks) == ("window", True)
    assert "takes about 3 h, longer than any window" in one.says


def test_a_wave_after_a_return_that_no_window_holds_blocks_as_well() -> None:
    slow = replace(UNIT, leaves=(replace(POD, grace_s=3 * H),))
    (one,) = times(wave(UNIT), wave(slow, number=2, after_return=True), request=NIGHT).findings
    assert (one.why, one.subject, one.blocks) == ("window", "wave 2", True)


def test_what_nobody_knows_the_end_of_may_go_on_past_its_window() -> None:
    (one,) = times(wave(replace(WAITED, waits_until_s=None)), request=NIGHT).findings
    assert (one.why, one.blocks) == ("window", False)
    assert one.says == "nobody knows when a/w ends: it may go on past the end of its window"
