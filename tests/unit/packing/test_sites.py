"""Where and when together: prices and carbon by site, data that has to be brought, gangs in two sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.inventory.conditions import Curve, SiteLink
from dcctl.inventory.model import Dataset
from dcctl.inventory.placement import Template
from dcctl.packing.greedy.engine import Put
from dcctl.packing.greedy.links import Links
from dcctl.packing.greedy.place import Placed, Stand
from dcctl.packing.greedy.sites import arrival
from dcctl.packing.preemption.blocking import fits_without
from dcctl.packing.preemption.preempt import preempting
from dcctl.packing.problem import Bin, Held, ItemClass, Job, Need, Problem, Running
from dcctl.packing.scene import Scene
from dcctl.packing.solve import Options, engine_of, solved
from dcctl.packing.timed.backfill import planned
from dcctl.packing.timed.bill import Bill, bills
from dcctl.packing.timed.offers import Offers
from dcctl.packing.verify.verify import verify
from dcctl.schedule.plan_time import why_then
from tests.unit.packing.problems import SPACE, a_bin, device, job

if TYPE_CHECKING:
    from dcctl.packing.plan import Plan

NOW = 0
HOUR = 3600
KW = 1_000_000
GB = 10**9


def node(name: str, site: str, power_mw: int | None = None) -> Bin:
    devices = tuple(replace(device(number), power_mw=power_mw) for number in (0, 1))
    return a_bin(name, 9000, devices, path=("", "", "", "", site))


NODES = (node("a", "s1"), node("b", "s1"), node("c", "s2"), node("d", "s2"))


def asking(power_mw: int = KW, bandwidth_bps: int = 0) -> ItemClass:
    """One member: both devices of a node."""
    return ItemClass(Need((1000, 0, 0, 1, bandwidth_bps, power_mw), 2))


def problem(*jobs: Job, one: ItemClass = asking(), bins: tuple[Bin, ...] = NODES, **other: Any) -> Problem:  # noqa: B008
    return Problem(SPACE, bins, (one,), jobs, now_s=NOW, **other)


def hourly(*values: int | None) -> Curve:
    """Whole units by hour, from now."""
    milli = tuple(None if value is None else value * 1000 for value in values)
    return Curve(tuple(range(0, len(values) * HOUR + 1, HOUR)), (*milli, None))


def stands(plan: Plan) -> dict[str, tuple[str, int | None]]:
    return {one.member: (one.node, one.start_s) for one in plan.assignments}


def test_the_cheapest_hours_before_the_deadline() -> None:
    prices = {"s1": hourly(9, 8, 5, 7, 1), "s2": hourly(9, 9, 9, 9, 9)}
    one = problem(job("j", 0, duration_s=HOUR, deadline_s=4 * HOUR), prices=prices)
    plan = planned(one)
    assert stands(plan) == {"j-0": ("a", 2 * HOUR)}
    assert bills(one, plan.assignments) == {"j": Bill(KW * HOUR, 5, None)}  # 1 kWh at 5 a MWh
    assert verify(plan, one) == ()


def test_without_a_deadline_it_starts_at_once_at_the_cheaper_site_or_waits_as_long_as_it_may() -> None:
    prices = {"s1": hourly(9, 8, 5, 1), "s2": hourly(8, 9, 9, 9)}
    one = problem(job("j", 0, duration_s=HOUR), prices=prices)
    assert stands(planned(one)) == {"j-0": ("c", 0)}
    assert stands(planned(one, Options(wait_s=2 * HOUR))) == {"j-0": ("a", 2 * HOUR)}


def test_what_members_draw_at_one_site_adds_up() -> None:
    gang = job("j", 0, 2, minimum=2, duration_s=HOUR, deadline_s=4 * HOUR)
    one = problem(gang, prices={"": hourly(5, 5, 5, 5)})
    offers = Offers(one, Options(), engine_of(one, "first-fit").items, Links())
    offer = next(offers.rounds(gang, NOW, ()))[0]
    stands = [Stand(0, f"j-{at}", Put(at, (0, 1))) for at in (0, 1)]  # both in s1
    _, alone, *_ = offers.priced(gang, offer, Placed(gang, stands[:1]))
    _, both, *_ = offers.priced(gang, offer, Placed(gang, stands))
    assert isinstance(alone, int)
    assert both == 2 * alone > 0


def test_of_equal_prices_the_one_that_emits_least() -> None:
    prices, carbon = {"": hourly(5, 5, 5)}, {"s1": hourly(400, 300, 350), "s2": hourly(400, 390, 310)}
    one = problem(job("j", 0, duration_s=HOUR, deadline_s=3 * HOUR), prices=prices, carbon=carbon)
    plan = planned(one)
    assert stands(plan) == {"j-0": ("a", HOUR)}
    assert bills(one, plan.assignments)["j"].carbon_mg == 300_000


def test_an_hour_whose_price_nobody_knows_is_not_free() -> None:
    one = problem(job("j", 0, duration_s=HOUR, deadline_s=3 * HOUR), prices={"s1": hourly(9, None, 8)})
    assert stands(planned(one)) == {"j-0": ("a", 2 * HOUR)}
    blind = problem(job("j", 0, duration_s=HOUR, deadline_s=3 * HOUR), prices={"s3": hourly(1, 1, 1)})
    plan = planned(blind)
    assert stands(plan) == {"j-0": ("a", 0)}
    assert bills(blind, plan.assignments)["j"].cost_milli is None


def test_a_site_whose_price_nobody_knows_is_not_the_cheaper_one() -> None:
    """Of each site one thing is not known: the price comes first, and what is not known is not nothing."""
    prices, carbon = {"s2": hourly(9, 9, 9)}, {"s1": hourly(1, 1, 1)}
    for deadline in ({}, {"deadline_s": 2 * HOUR}):
        one = problem(job("j", 0, duration_s=HOUR, **deadline), prices=prices, carbon=carbon)
        assert stands(planned(one)) == {"j-0": ("c", 0)}


@pytest.mark.parametrize(
    ("prices", "carbon", "says"),
    [
        ({"s1": hourly(9, 1, 9), "s2": hourly(9, 9, 9)}, {}, ["cheapest hours"]),
        ({"s1": hourly(9, 1, 9)}, {}, ["cheapest hours of those whose price is known"]),
        ({"s3": hourly(1, 1, 1)}, {}, []),
        ({"s3": hourly(1, 1, 1)}, {"s1": hourly(9, 1, 9)}, ["hours of least carbon"]),
        ({}, {"s3": hourly(1)}, []),
    ],
)
def test_no_hour_is_called_cheap_whose_price_nobody_knows(
    prices: dict[str, Curve], carbon: dict[str, Curve], says: list[str]
) -> None:
    work = job("j", 0, duration_s=HOUR, deadline_s=2 * HOUR)
    one = problem(work, prices=prices, carbon=carbon)
    told = list(why_then(one, work, planned(one).assignments, waited=False))
    assert told[:-1] == says
    assert told[-1].startswith("ends before its deadline")


def test_a_node_whose_site_nobody_tells_has_the_price_of_all_others() -> None:
    one = problem(
        job("j", 0, duration_s=HOUR, deadline_s=3 * HOUR),
        bins=(node("a", ""), node("c", "s2")),
        prices={"": hourly(3, 2, 3), "s2": hourly(3, 3, 3)},
    )
    assert stands(planned(one)) == {"j-0": ("a", HOUR)}


def test_power_is_that_of_the_devices_and_pue_counts() -> None:
    bins = (node("a", "s1", 3 * KW), node("c", "s2", KW))
    one = problem(
        job("j", 0, duration_s=HOUR, deadline_s=HOUR),
        bins=bins,
        prices={"s1": hourly(4), "s2": hourly(10)},
        pue_milli={"s2": 1100},
    )
    plan = planned(one)
    assert stands(plan) == {"j-0": ("c", 0)}, "2.2 kWh at 10 against 6 kWh at 4"
    assert bills(one, plan.assignments)["j"] == Bill(2_200_000 * HOUR, 22, None)
    unknown = replace(one, classes=(asking(0),), bins=NODES)
    assert bills(unknown, planned(unknown).assignments)["j"] == Bill(None, None, None)


def test_data_has_to_be_there_first() -> None:
    link = SiteLink("s1", "s2", 8 * GB, 1000)
    data = (Dataset("d", 3600 * GB, ("s2",)),)
    busy = (node("a", "s1"),)
    one = problem(job("j", 0, duration_s=60, data=data), bins=busy, links=(link,))
    plan = planned(one)
    assert stands(plan) == {"j-0": ("a", HOUR)}
    assert verify(plan, one) == ()
    early = replace(plan, assignments=tuple(replace(x, start_s=HOUR - 1) for x in plan.assignments))
    assert "j/j-0 starts before d can be there" in verify(early, one)


def test_data_is_near_or_the_power_is_cheap() -> None:
    """3.6 TB cost 3.6 to bring; an hour of 4 kWh costs 4 x 2 less where the data is not."""
    prices = {"s1": hourly(10, 10, 10), "s2": hourly(12, 12, 12)}
    work = job("j", 0, duration_s=HOUR, deadline_s=3 * HOUR, data=(Dataset("d", 3600 * GB, ("s2",)),))
    for cost, where in ((1, ("a", HOUR)), (3, ("c", 0))):
        link = SiteLink("s1", "s2", 8 * GB, cost)
        one = problem(work, one=asking(4 * KW), prices=prices, links=(link,))
        assert stands(planned(one)) == {"j-0": where}


def test_what_comes_over_one_link_comes_one_after_the_other() -> None:
    links = (SiteLink("a", "x", 8 * GB), SiteLink("b", "x", 8 * GB))
    two = (Dataset("p", 10 * GB, ("a",)), Dataset("q", 10 * GB, ("a", "b")))
    assert arrival(two, "x", links).after_s == 10
    assert arrival((*two, Dataset("r", 1, ("b",))), "x", links).after_s == 11
    assert arrival(two, "b", links).after_s is None
    assert (
        arrival(two, "", links).says
        == "no link is known from a to nodes whose data centre nobody tells for p"
    )


GANG = job("j", 0, 3, minimum=3)


@pytest.mark.parametrize(
    ("change", "links", "placed"),
    [
        ({}, (SiteLink("s1", "s2", 10),), 3),
        ({}, (SiteLink("s1", "s2", 9),), 0),
        ({}, (SiteLink("s1", "s3", 10),), 0),
        ({}, (), 0),
        ({"within": "site"}, (SiteLink("s1", "s2", 10),), 0),
        ({"minimum": 2}, (), 2),
        ({"minimum": 0}, (), 3),
    ],
)
@pytest.mark.parametrize("duration_s", [None, 60])
def test_a_gang_is_split_where_the_link_carries_it(
    change: dict[str, Any], links: tuple[SiteLink, ...], placed: int, duration_s: int | None
) -> None:
    """Two of three members stand in one site, and one in the other, which sends 10 bits a second."""
    work = replace(GANG, duration_s=duration_s, **change)
    one = problem(work, one=asking(bandwidth_bps=10), links=links)
    plan = planned(one)
    assert len(plan.assignments) == placed
    assert verify(plan, one) == ()
    if placed == 3 and links:
        blocked = "j is split over s1 and s2, whose link does not carry it"
        assert verify(plan, replace(one, links=())) == (blocked,)


def test_a_gang_that_does_not_say_what_it_sends_is_not_split() -> None:
    one = problem(GANG, links=(SiteLink("s1", "s2", 10**12),))
    assert not planned(one).assignments


def apart(*jobs: Job, rate: int, **other: Any) -> Problem:
    """Class 0 stands on nodes of pool p, class 1 of pool q: each has two in one site and one in the other."""
    bins = tuple(
        replace(node(f"{pool}{at}", "s2" if at else "s1"), name=f"{pool}{at}{copy}", labels={"pool": pool})
        for pool in "pq"
        for at, copy in ((0, 0), (0, 1), (1, 0))
    )
    need = asking(bandwidth_bps=10).need
    classes = tuple(ItemClass(need, Template(node_selector={"pool": pool})) for pool in "pq")
    links = (SiteLink("s1", "s2", rate),)
    return Problem(SPACE, bins, classes, jobs, now_s=NOW, links=links, **other)


@pytest.mark.parametrize(("rate", "start_s"), [(9, None), (10, 60), (19, 60), (20, 0)])
def test_gangs_share_a_link(rate: int, start_s: int | None) -> None:
    """Both have to be split, and send 10 bits a second as long as they run."""
    gangs = job("a", 0, 3, minimum=3, priority=9), job("b", 1, 3, minimum=3)
    at_once = apart(*gangs, rate=rate)
    plan = planned(at_once)
    assert len(plan.assignments) == {None: 0, 60: 3, 0: 6}[start_s]
    assert verify(plan, at_once) == ()
    one = replace(at_once, jobs=tuple(replace(each, duration_s=60) for each in gangs))
    timed = planned(one)
    assert {each.start_s for each in timed.assignments if each.job == "b"} == {start_s} - {None}
    assert verify(timed, one) == ()
    if start_s == 60:
        early = replace(
            timed, assignments=tuple(replace(each, start_s=0, end_s=60) for each in timed.assignments)
        )
        assert "s1 and s2 send more to each other than their links carry" in verify(early, one)


def test_a_gang_that_is_refused_for_another_says_what_is_left_of_the_link() -> None:
    gangs = job("a", 0, 3, minimum=3, priority=9), job("b", 1, 3, minimum=3)
    made = solved(apart(*gangs, rate=15))
    assert made.placer.apart(gangs[1]) == (
        "s1 and s2 together have room; 1 member would send 10 b/s over the link, which carries 15 b/s, "
        "of which 5 b/s is left"
    )
    made.placer.remove(made.placed[0])
    assert made.placer.apart(gangs[1]) == ""


@pytest.mark.parametrize(("ends_s", "start_s"), [(40, 40), (None, None)])
def test_a_gang_that_runs_in_two_sites_has_its_part_of_the_link(
    ends_s: int | None, start_s: int | None
) -> None:
    held = tuple(Held("old", str(at), at, 0, (0, 1)) for at in range(3))
    running = {"old": Running(minimum=3, ends_s=ends_s)}
    one = apart(job("b", 1, 3, minimum=3, duration_s=9), rate=15, held=held, running=running)
    plan = planned(one)
    assert {each.start_s for each in plan.assignments} == {start_s} - {None}
    assert verify(plan, one) == ()
    forced = planned(replace(one, held=(), running={}))
    assert verify(forced, one) == ("s1 and s2 send more to each other than their links carry",)


def test_a_gang_that_stops_gives_back_its_part_of_the_link() -> None:
    """Nodes and link are full of it; the bins say so, and of the link that it runs in two sites."""
    held = tuple(Held("old", str(at), at, 0, (0, 1)) for at in (0, 1, 2))
    running = {"old": Running(minimum=3, preemptible=True)}
    urgent = job("b", 1, 3, minimum=3, priority=9)
    one = apart(urgent, rate=15, held=held, running=running)
    taken = tuple(device(number, 0) for number in (0, 1))
    full = tuple(replace(each, devices=taken) if at < 3 else each for at, each in enumerate(one.bins))
    one = replace(one, bins=full)
    scene = Scene(solved(replace(one, jobs=())))
    links = scene.placer.links
    assert (links.left_bps("s1", "s2"), fits_without(scene, urgent, [held])) == (5, True)
    mark = scene.placer.mark()
    scene.release(held[:1])
    assert links.left_bps("s1", "s2") == 5  # one of the larger side
    scene.release(held[1:2])
    assert links.left_bps("s1", "s2") == 15
    scene.stand(held[:2])
    assert links.left_bps("s1", "s2") == 5
    scene.placer.undo(mark)
    assert links.left_bps("s1", "s2") == 5
    found = preempting(one, Options())
    assert [each.by for each in found.victims] == ["b"]
    assert verify(found.plan, found.problem) == ()


def hour_of(name: str) -> tuple[Dataset, ...]:
    """Data that takes an hour over a link of 8 GB/s."""
    return (Dataset(name, 3600 * GB, ("s2",)),)


@pytest.mark.parametrize(("second", "start_s"), [("e", 2 * HOUR), ("d", HOUR)])
def test_transfers_share_a_link_and_data_comes_once(second: str, start_s: int) -> None:
    work = [job("j", 0, duration_s=60, priority=9, data=hour_of("d")), job("k", 0, duration_s=60)]
    work[1] = replace(work[1], data=hour_of(second))
    one = problem(*work, bins=NODES[:2], links=(SiteLink("s1", "s2", 8 * GB),))
    plan = planned(one)
    assert {member: start for member, (_, start) in stands(plan).items()} == {"j-0": HOUR, "k-0": start_s}
    assert verify(plan, one) == ()
    both = replace(plan, assignments=tuple(replace(each, start_s=HOUR) for each in plan.assignments))
    told = "s1 and s2 cannot send each other all data in time"
    assert (told in verify(both, one)) == (second == "e")


@pytest.mark.parametrize(("lasts_s", "after_s"), [(HOUR // 2, HOUR + HOUR // 4), (None, 2 * HOUR)])
def test_data_takes_what_gangs_leave_of_a_link(lasts_s: int | None, after_s: int) -> None:
    links = Links((SiteLink("s1", "s2", 8 * GB),))
    links.window = (0, 1 << 62 if lasts_s is None else lasts_s)
    links.promise("s1", "s2", 4 * GB)
    assert links.arrival(hour_of("d"), "s1").after_s == after_s
    mark = links.mark()
    links.bring(hour_of("d"), "s1")
    links.window = (after_s - 1, after_s)
    assert links.left_bps("s1", "s2") == 0
    links.undo(mark)
    assert links.left_bps("s1", "s2") == (4 if lasts_s is None else 8) * GB
    if lasts_s is None:
        links.promise("s1", "s2", 4 * GB)
        links.window = (0, 1 << 62)
        links.promise("s2", "s1", 4 * GB)
        assert "promised to others for good" in links.arrival(hour_of("e"), "s1").says


@st.composite
def crossing(draw: st.DrawFn) -> Problem:
    """Gangs and data of three sites that are joined in a row, some of it timed."""
    bins = tuple(node(f"{site}{at}", site) for site in ("s1", "s2", "s3") for at in range(2))
    kinds = [Dataset(name, size, (site,)) for name, size, site in (("d", 50, "s1"), ("e", 90, "s3"))]
    data = st.lists(st.sampled_from([*kinds, Dataset("f", 70, ("s1", "s2"))]), max_size=2, unique=True)
    jobs = []
    for at in range(draw(st.integers(1, 6))):
        count = draw(st.integers(1, 5))
        lasts_s, late_s = draw(st.sampled_from((None, 10, 25))), draw(st.sampled_from((None, None, 90)))
        work = job(f"j{at}", 0, count, minimum=draw(st.sampled_from((0, count))), priority=at % 3)
        jobs.append(replace(work, duration_s=lasts_s, deadline_s=late_s, data=tuple(draw(data))))
    rates = st.sampled_from((10, 15, 20, 40))
    links = (SiteLink("s1", "s2", draw(rates)), SiteLink("s2", "s3", draw(rates)))
    prices = draw(st.sampled_from(({}, {"s1": hourly(3, 1)})))
    return problem(*jobs, one=asking(bandwidth_bps=10), bins=bins, links=links, prices=prices)


@given(crossing())
def test_no_link_carries_more_than_it_can(one: Problem) -> None:
    plan = planned(one)
    assert verify(plan, one) == ()
    assert planned(one) == plan


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 9)), min_size=6, max_size=6),
    st.lists(st.integers(0, 9), min_size=6, max_size=6),
    st.integers(1, 5),
    st.integers(1, 12),
    st.integers(0, 3),
)
def test_no_start_is_cheaper(
    one: list[int | None], other: list[int], halves: int, deadline: int, late: int
) -> None:
    """Against every start by the half hour, on a free fleet."""
    prices = {"s1": hourly(*one), "s2": hourly(*other)}
    half, last = HOUR // 2, deadline * HOUR // 2
    work = job("j", 0, duration_s=halves * half, deadline_s=last, earliest_s=late * half)
    asked = problem(work, prices=prices)
    plan = planned(asked)
    assert verify(plan, asked) == ()
    costs = [
        curve.integral(start, start + halves * half)
        for curve in prices.values()
        for start in range(late * half, last - halves * half + 1, half)
    ]
    known = [cost for cost in costs if cost is not None]
    if not costs:
        assert not plan.assignments
        assert plan.unplaced[0].earliest_end_s == (late + halves) * half
    elif known:
        [stand] = plan.assignments
        curve = prices["s1" if stand.node in "ab" else "s2"]
        assert curve.integral(stand.start_s or 0, stand.end_s or 0) == min(known)
