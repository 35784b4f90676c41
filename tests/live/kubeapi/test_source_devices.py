"""Devices that only claims hand out: who holds them, and what is then free, the whole way over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcctl.assess.fleet import judge_fleet
from dcctl.assess.idle import Rule
from tests.kubeapi import objects, shapes
from tests.live.kubeapi.source import source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dcctl.inventory.model import Fleet
    from tests.kubeapi import ApiServer
    from tests.kubeapi.status import Obj

DRIVER = "gpu.nvidia.com"
NOW_S = 1_760_000_000


def device(index: int, **more: object) -> Obj:
    attributes = {"type": {"string": "gpu"}, "uuid": {"string": f"GPU-{index}"}}
    return {"name": f"gpu-{index}", "attributes": attributes, **more}


def published(*devices: Obj, driver: str = DRIVER) -> Obj:
    return shapes.resource_slice("s1", "g1", driver, devices or [device(index) for index in range(4)])


def claim(name: str, *devices: str, users: Sequence[tuple[str, str]] = (), driver: str = DRIVER) -> Obj:
    """A claim that holds these devices of node g1; `users` are (resource, name) it is reserved for."""
    made = shapes.resource_claim(name, "ml", driver, 1, [(driver, "g1", each) for each in devices])
    if users:
        made["status"]["reservedFor"] = [
            {"resource": resource, "name": user, "uid": objects.uid("Pod", "ml", user)}
            for resource, user in users
        ]
    return made


def read(server: ApiServer, folder: Path, *found: Obj) -> Fleet:
    server.load([objects.node("g1"), *found])
    return source(server, folder).collect()


def states(fleet: Fleet) -> dict[str, int]:
    """How many boards of the only node are in each state."""
    (node,) = judge_fleet(fleet, Rule(), NOW_S)
    return {word: count for word, count in node.tally.by_state.items() if count}


def test_a_device_that_a_pod_claims_is_not_free(server: ApiServer, tmp_path: Path) -> None:
    pod = objects.pod("a", "ml", "g1")
    fleet = read(server, tmp_path, published(), pod, claim("c", "gpu-0", users=[("pods", "a")]))
    assert states(fleet) == {"allocated": 1, "free": 3}


def test_so_it_is_with_the_drivers_of_other_vendors(server: ApiServer, tmp_path: Path) -> None:
    driver = "gpu.intel.com"
    held = claim("c", "gpu-1", users=[("pods", "a")], driver=driver)
    fleet = read(server, tmp_path, published(driver=driver), objects.pod("a", "ml", "g1"), held)
    assert states(fleet) == {"allocated": 1, "free": 3}


def test_a_claim_that_no_pod_uses_holds_its_devices(server: ApiServer, tmp_path: Path) -> None:
    fleet = read(server, tmp_path, published(), claim("c", "gpu-0", "gpu-2"))
    assert states(fleet) == {"allocated": 2, "free": 2}
    (work,) = fleet.workloads
    assert (work.id, work.kind, work.members[0].devices) == (
        "ml/resourceclaim/c",
        "ResourceClaim",
        ("GPU-0", "GPU-2"),
    )


def test_so_does_one_whose_pods_have_ended(server: ApiServer, tmp_path: Path) -> None:
    ended = objects.pod("a", "ml", "g1", phase="Failed")
    fleet = read(server, tmp_path, published(), ended, claim("c", "gpu-0", users=[("pods", "a")]))
    assert states(fleet) == {"allocated": 1, "free": 3}


def test_claims_of_a_group_of_pods_are_one_workload(server: ApiServer, tmp_path: Path) -> None:
    group = [("podgroups", "band")]
    fleet = read(
        server, tmp_path, published(), claim("c", "gpu-0", users=group), claim("d", "gpu-1", users=group)
    )
    assert states(fleet) == {"allocated": 2, "free": 2}
    assert [(work.id, len(work.members)) for work in fleet.workloads] == [("ml/podgroup/band", 2)]


def test_a_device_in_two_claims_is_one_device(server: ApiServer, tmp_path: Path) -> None:
    pods = [objects.pod(name, "ml", "g1") for name in "ab"]
    both = [claim(f"c{name}", "gpu-0", users=[("pods", name)]) for name in "ab"]
    fleet = read(server, tmp_path, published(), *pods, *both, claim("c", "gpu-0"))
    assert states(fleet) == {"allocated": 1, "free": 3}
    members = [member for work in fleet.workloads for member in work.members]
    assert sum(sum(m.requests.devices.values()) for m in members if m.requests is not None) == 1


@pytest.mark.parametrize(("effect", "free"), [("NoExecute", 3), ("NoSchedule", 3), ("None", 4)])
def test_a_tainted_device_is_not_free(server: ApiServer, tmp_path: Path, effect: str, free: int) -> None:
    sick = device(0, taints=[{"key": "gpu.nvidia.com/unhealthy", "effect": effect}])
    fleet = read(server, tmp_path, published(sick, *(device(index) for index in range(1, 4))))
    assert states(fleet) == {word: n for word, n in {"free": free, "unavailable": 4 - free}.items() if n}


def test_a_tainted_device_that_is_held_takes_no_other_away(server: ApiServer, tmp_path: Path) -> None:
    sick = device(0, taints=[{"key": "gpu.nvidia.com/unhealthy", "effect": "NoExecute"}])
    fleet = read(server, tmp_path, published(sick, device(1)), claim("c", "gpu-0"))
    assert states(fleet) == {"allocated": 1, "free": 1}


@pytest.mark.parametrize("where", [{"allNodes": True}, {"nodeSelector": {"nodeSelectorTerms": []}}])
def test_devices_of_no_single_node_are_a_gap(server: ApiServer, tmp_path: Path, where: Obj) -> None:
    everywhere = published()
    del everywhere["spec"]["nodeName"]
    everywhere["spec"] |= where
    (gap,) = read(server, tmp_path, everywhere).gaps
    assert gap.subject == "device pool gpu.nvidia.com/g1"
    assert "not bound to one node: 4" in gap.reason
