"""Which taints dedicate a pool and which keep its work out."""

from __future__ import annotations

import pytest

from dcctl.inventory.model import Taint
from tests.unit.assess.fleet.build import asks, judged, node, words, work

_UPKEEP = (
    "node.kubernetes.io/unschedulable",
    "node.cloudprovider.kubernetes.io/uninitialized",
    "ToBeDeletedByClusterAutoscaler",
    "DeletionCandidateOfClusterAutoscaler",
    "karpenter.sh/disrupted",
    "karpenter.sh/disruption",
    "nvidia.com/gpu-driver-upgrade-in-progress",
    "maintenance",
    "example.com/gpu-maintenance",
    "ops/drain",
)


def _pool(key: str, tainted: int, of: int = 4, effect: str = "NoSchedule") -> tuple[str, ...]:
    """The states of the nodes of a pool without work, of which the first are tainted."""
    nodes = tuple(node(f"n{i}", taints=(Taint(key, effect),) if i < tainted else ()) for i in range(of))
    return tuple(words(state) for state in judged(nodes))


@pytest.mark.parametrize("key", _UPKEEP)
def test_upkeep_keeps_work_out_even_when_all_of_the_pool_has_it(key: str) -> None:
    assert set(_pool(key, tainted=4)) == {"u" * 8}


@pytest.mark.parametrize("key", ["nvidia.com/gpu", "sku", "dedicated", "example.com/workload-type", "gpu"])
def test_a_key_that_names_a_device_or_a_pool_dedicates(key: str) -> None:
    assert set(_pool(key, tainted=2)) == {"f" * 8}


def test_a_device_dedicates_the_only_node_that_has_it() -> None:
    assert _pool("nvidia.com/gpu", tainted=1) == ("f" * 8,) * 4
    assert _pool("dedicated", tainted=1) == ("u" * 8, *("f" * 8,) * 3)


@pytest.mark.parametrize(("key", "lived_with"), [("acme/vision", True), ("maintenance", False)])
def test_what_work_lives_with_dedicates_unless_it_is_upkeep(key: str, lived_with: bool) -> None:
    nodes = tuple(node(f"n{i}", taints=(Taint(key, "NoSchedule"),)) for i in range(2))
    assert words(judged(nodes)[1]) == "u" * 8
    assert words(judged(nodes, work("a", asks(), where="n0"))[1]) == ("f" if lived_with else "u") * 8


def test_of_several_taints_the_first_by_name_is_told() -> None:
    keys = (Taint("ops/reboot", "NoSchedule"), Taint("ops/drain", "NoSchedule"))
    (state,) = judged(node(taints=keys))
    assert state.unavailable == "taint ops/drain"
