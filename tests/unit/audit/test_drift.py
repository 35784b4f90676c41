"""Drift in pools of like nodes: who deviates, and what is a rollout."""

from __future__ import annotations

from random import Random

import pytest

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import evaluate
from dcctl.audit.facts.drift import Deviation, deviations
from dcctl.audit.scene import Scene
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.model import Fleet, Node, System

NOW_S = 1_750_000_000
SHARE = 250


def _pool(size: int, name: str = "train") -> list[Node]:
    system = System(driver="560", cuda="12.6", kernel="6.1", os="Debian 12")
    return [Node(f"{name}{number:04d}", pools=(name,), system=system) for number in range(size)]


def _failed(nodes: list[Node]) -> list[tuple[str, str, tuple[str, ...]]]:
    scene = Scene(Evidence(fleet=Fleet(nodes=tuple(nodes))), NOW_S)
    tallies = evaluate(scene, [CATALOGUE[name] for name in ("DRF-01", "DRF-03")])
    return [(one.subject, one.where, one.nodes) for t in tallies for one in t.outcomes if one.state == "fail"]


@pytest.mark.parametrize("size", [8, 9, 16, 63, 128, 512, 1024])
def test_one_deviant_is_found_and_named_wherever_it_stands(size: int) -> None:
    chance = Random(size)
    for at in {0, size - 1, chance.randrange(size)}:
        nodes = _pool(size)
        nodes[at] = Node(nodes[at].name, pools=("train",), system=System(driver="550", cuda="12.6"))
        assert _failed(nodes) == [("pool train/driver", "550", (nodes[at].name,))]


def test_one_deviant_is_found_in_a_pool_of_every_size() -> None:
    chance = Random(8)
    for size in range(8, 1025):
        at = f"n{chance.randrange(size):04d}"
        values = {**{f"n{number:04d}": "560" for number in range(size)}, at: "550"}
        assert deviations(values, SHARE) == [Deviation("550", (at,), ("560",))], size


def test_a_thousand_clean_pools_raise_no_alarm() -> None:
    chance = Random(5)
    nodes = [node for number in range(1000) for node in _pool(chance.randrange(1, 12), f"p{number:03d}x")]
    assert _failed(nodes) == []


@pytest.mark.parametrize("share", [26, 40, 50, 60, 74])
def test_a_staged_rollout_is_told_once_at_every_stage(share: int) -> None:
    values = {f"n{number:03d}": "560" if number < share else "550" for number in range(100)}
    (one,) = deviations(values, SHARE)
    assert one.value == ""
    assert len(one.nodes) == min(share, 100 - share)
    assert set(one.usual) == {"550", "560"}


def test_the_ends_of_a_rollout_name_those_who_are_ahead_or_behind() -> None:
    first = {f"n{number:03d}": "560" if number < 25 else "550" for number in range(100)}
    assert deviations(first, SHARE) == [Deviation("560", tuple(f"n{n:03d}" for n in range(25)), ("550",))]
    last = {f"n{number:03d}": "560" if number < 75 else "550" for number in range(100)}
    assert deviations(last, SHARE) == [Deviation("550", tuple(f"n{n:03d}" for n in range(75, 100)), ("560",))]


def test_order_of_the_nodes_changes_nothing() -> None:
    values = {"b": "1", "a": "2", "c": "2", "d": "2", "e": "2"}
    assert deviations(values, SHARE) == deviations(dict(reversed(values.items())), SHARE)
    assert deviations({}, SHARE) == []


def test_who_deviates_beside_a_rollout_is_named_and_the_rollout_is_left_alone() -> None:
    nodes = _pool(16)
    for at in range(6):
        nodes[at] = Node(nodes[at].name, pools=("train",), system=System(driver="570", cuda="12.6"))
    nodes[15] = Node(nodes[15].name, pools=("train",), system=System(driver="550", cuda="12.6"))
    found = [(where, names) for subject, where, names in _failed(nodes) if subject.endswith("/driver")]
    assert found == [("split", ("train0015",)), ("550", ("train0015",))]
    nodes[15] = nodes[14]
    assert [names for _, where, names in _failed(nodes[:15]) if where == "split"] == [()]
