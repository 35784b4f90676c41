"""Devices that only claims hand out: who holds them, and what is then free, the whole way over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
