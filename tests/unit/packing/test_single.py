"""Each part lost by itself: what is certain without placing is what placing finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.inventory.model import Fleet
from dcctl.packing.fit.parts import parts_of
from dcctl.packing.greedy.place import Placer
from dcctl.packing.problem import Held, ItemClass, Problem, Quota, Running
from dcctl.packing.questions.single import single_failures
from dcctl.packing.scene import Scene
from dcctl.packing.solve import Options, solved
from tests.unit.packing.problems import SPACE, a_bin, device, need, problems

if TYPE_CHECKING:
    from dcctl.inventory.placement import Level

_WITHIN: st.SearchStrategy[Level | None] = st.sampled_from((None, None, "node", "rack", "zone", "site"))


@st.composite
def crowded(draw: st.DrawFn) -> Problem:
    """What a plan placed stands, as gangs and by itself."""
    one = draw(problems(nodes=8, work=8))
    sites = draw(st.sampled_from((("s",), ("s", "t"))))
    bins = tuple(
        replace(each, path=(*each.path[:-1], sites[at % len(sites)])) for at, each in enumerate(one.bins)
    )
    made = solved(replace(one, bins=bins, held=(), running={}, quotas=()))
    state = made.placer.engine.state
    full = tuple(
        replace(
            each,
            free=tuple(state.free[at].tolist()),
            devices=tuple(
                replace(board, free_milli=int(state.milli[at, number]))
                for number, board in enumerate(each.devices)
            ),
        )
        for at, each in enumerate(bins)
    )
    held = tuple(
        Held(found.job.id, stand.member, stand.put.bin, stand.of, stand.put.devices)
        for found in made.placed
        for stand in found.stands
    )
    running = {
        found.job.id: Running(
            minimum=draw(st.sampled_from((0, 1, len(found.stands)))),
            within=draw(_WITHIN),
            priority=draw(st.integers(0, 1)),
        )
        for found in made.placed
    }
    return replace(one, bins=full, jobs=(), held=held, running=running, quotas=())


@st.composite
def limited(draw: st.DrawFn) -> Problem:
    """The same under quotas; less may be recorded as used than those who stand hold, or more."""
    one = draw(crowded())
    quotas = tuple(
        Quota(
            name, {"gpu": draw(st.integers(0, 4)) * 1000}, {"gpu": draw(st.sampled_from((0, 0, 1000, 8000)))}
        )
        for name in draw(st.sampled_from(((), ("q",), ("q",), ("q", "r"))))
    )
    ids = [quota.id for quota in quotas]
    counted = st.lists(st.sampled_from(ids), unique=True).map(tuple) if ids else st.just(())
    running = {name: replace(known, quotas=draw(counted)) for name, known in one.running.items()}
    return replace(one, quotas=quotas, running=running)


@given(limited(), st.sampled_from((Options(), Options("first-fit"))))
def test_every_loss_is_told_as_placing_all_of_it_would(one: Problem, options: Options) -> None:
    told_as_placed(one, options)


def told_as_placed(one: Problem, options: Options) -> None:
    scene = Scene(solved(one, options))
    for found in single_failures(scene, parts_of(one.bins, Fleet())):
        loss = scene.lose(found.part.bins)
        assert found.stopped == len(loss.hits)
        assert {(each.job, each.members) for each in found.homeless} == {
            (hit.job, hit.homeless) for hit in loss.hits if hit.homeless
        }


def test_less_of_a_quota_is_recorded_as_used_than_is_held() -> None:
    """Nothing of it is used once they stop, so the first takes what the second needs."""
    lost = a_bin("a", devices=(device(0, 0), device(1, 0)))
    bins = (lost, *(a_bin(name, devices=(device(),)) for name in "bcd"))
    held = tuple(Held(name, "0", 0, 0, (at,)) for at, name in enumerate("wx"))
    running = {name: Running(quotas=("q",)) for name in "wx"}
    quotas = (Quota("q", {"gpu": 1000}, {"gpu": 0}),)
    one = Problem(SPACE, bins, (ItemClass(need(devices=1)),), (), held, running, quotas=quotas)
    assert [each.homeless for each in Scene(solved(one)).lose((0,)).hits] == [0, 1]
    told_as_placed(one, Options())


def test_a_rack_of_which_nobody_told_the_zone_is_room_within_a_zone() -> None:
    bins = (a_bin("a", path=("", "", "", "", "s")), a_bin("b", path=("", "", "r", "", "s")))
    running = {"w": Running(within="zone")}
    one = Problem(SPACE, bins, (ItemClass(need()),), (), (Held("w", "0", 0, 0),), running)
    assert Scene(solved(one)).lose((0,)).homeless == 0
    told_as_placed(one, Options())


def test_the_last_room_may_go_to_another() -> None:
    """Two stop, one device is free: it is not certain that the second finds room."""
    bins = (a_bin("a", devices=(device(0, 0), device(1, 0))), a_bin("b", devices=(device(),)))
    held = tuple(Held(name, "0", 0, 0, (at,)) for at, name in enumerate("wx"))
    one = Problem(SPACE, bins, (ItemClass(need(devices=1)),), (), held)
    assert [each.homeless for each in Scene(solved(one)).lose((0,)).hits] == [0, 1]
    told_as_placed(one, Options())


@pytest.mark.parametrize("free", [0, 9])
def test_nobody_is_placed_where_it_is_certain(free: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else thousands of losses would take minutes."""
    held_bins = tuple(a_bin(f"n{at}", devices=(device(0, 0),)) for at in range(4))
    bins = (*held_bins, *(a_bin(f"x{at}", devices=(device(),)) for at in range(free)))
    held = tuple(Held("gang", str(at), at, 0, (0,)) for at in range(3))
    held = (*held, Held("single", "0", 3, 0, (0,)))
    one = Problem(
        SPACE,
        bins,
        (ItemClass(need(devices=1)),),
        (),
        held,
        {"gang": Running(minimum=3), "single": Running()},
    )
    scene = Scene(solved(one))
    monkeypatch.delattr(Placer, "place")
    found = list(single_failures(scene, parts_of(bins, Fleet())))
    gpus = [sum(each.gpu_milli for each in single.homeless) for single in found]
    assert gpus == ([0] * 13 if free else [3000, 3000, 3000, 1000])
