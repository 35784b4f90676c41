"""Who stands in the way: the least work, of all nodes, with all that keeps a member out."""

from __future__ import annotations

from typing import Any

import pytest

from dcctl.inventory.placement import HostPort, Neighbours, Selector, Template
from dcctl.packing.blocking import in_the_way
from dcctl.packing.problem import Bin, Held, ItemClass, Job, Problem, Running
from dcctl.packing.solve import solved
from dcctl.packing.whatif import Scene
from tests.unit.packing.problems import SPACE, a_bin, device, job, need

HOST = "kubernetes.io/hostname"
MINE = Selector({"app": "a"})


def scene(bins: tuple[Bin, ...], classes: tuple[ItemClass, ...], *held: Held, **running: Running) -> Scene:
    return Scene(solved(Problem(SPACE, bins, classes, (), held, running)))


def names(found: Scene, wanted: Job, **other: Any) -> list[str]:
    return sorted(f"{one.job}/{one.member}" for unit in in_the_way(found, wanted, **other) for one in unit)


@pytest.mark.parametrize(
    "template",
    [
        Template(ports=(HostPort(80),)),
        Template(labels={"app": "a"}, neighbours=(Neighbours(HOST, MINE, apart=True),)),
    ],
    ids=["port", "anti-affinity"],
)
def test_who_keeps_others_out_by_a_rule_stands_in_the_way(template: Template) -> None:
    home = a_bin("a", 8000, (), labels={HOST: "a"})
    found = scene((home,), (ItemClass(need(), template),), Held("w", "0", 0, 0))
    assert names(found, job("j", 0)) == ["w/0"]
