"""A scene that goes on: some have left for good, others have come."""

from __future__ import annotations

from msgspec.structs import replace

from dcctl.inventory.model import Taint
from dcctl.inventory.placement import Selector, Spread, Template
from dcctl.packing.changed import opened
from dcctl.packing.problem import Held, ItemClass, Problem, Running
from dcctl.packing.reasons import NONE, Reason
from dcctl.packing.scene import Scene
from dcctl.packing.solve import solved
from tests.unit.packing.problems import SPACE, a_bin, device, job, need

_ZONE = "topology.kubernetes.io/zone"


def scene(*held: Held, template: Template = Template()) -> Scene:  # noqa: B008  # a constant
    bins = tuple(
        a_bin(f"n{at}", devices=(device(free_milli=0 if any(one.bin == at for one in held) else 1000),),
              labels={_ZONE: f"z{at % 2}"})
        for at in range(3)
    )  # fmt: skip
    classes = (ItemClass(need(devices=1), template),)
    return Scene(solved(Problem(SPACE, bins, classes, (), held=held, running={"old": Running()})))


def test_who_left_is_gone_and_who_came_stands() -> None:
    old, new = Held("old", "m", 0, 0, (0,)), Held("old", "m", 2, 0, (0,))
    one = scene(old)
    one.settle((old,), (new,))
    assert (one.of("old"), one.on(0), one.on(2)) == ([new], [], [new])
    placed = one.placer.place(job("next", 0, 3))
    assert sorted(stand.put.bin for stand in placed.stands) == [0, 1]


def test_a_bin_without_its_cordon_is_closed_for_all_else() -> None:
    shut = Taint("node.kubernetes.io/unschedulable", "NoSchedule")
    one = replace(a_bin("n"), closed=Reason.CORDONED, taints=(shut, Taint("pool", "NoSchedule")))
    assert (opened(one).closed, opened(one).taints) == (NONE, (Taint("pool", "NoSchedule"),))
    assert opened(replace(one, closed=Reason.CORDONED | Reason.UNKNOWN)).closed == Reason.UNKNOWN


def test_domains_are_told_of_a_spread_that_is_the_only_rule() -> None:
    app = Selector({"app": "a"})
    even = Template(labels={"app": "a"}, spreads=(Spread(_ZONE, app),))
    domains = scene(template=even).placer.engine.relations.domains(0)
    assert domains is not None
    assert [one.tolist() for one in domains] == [[True, False, True], [False, True, False]]
    few = replace(even, spreads=(Spread(_ZONE, app, min_domains=3),))
    both = replace(even, spreads=(*even.spreads, Spread("kubernetes.io/hostname", app)))
    for other in (Template(), few, both):
        assert scene(template=other).placer.engine.relations.domains(0) is None
