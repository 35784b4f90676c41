"""Devices that only claims hand out: who holds them, and what is then free, the whole way over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcctl.assess.fleet.idle import Rule
from dcctl.assess.fleet.judge import judge_fleet
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


def asking(name: str, *requests: Obj) -> Obj:
    """A claim that was given nothing yet."""
    made = shapes.resource_claim(name, "ml", DRIVER, 1, [])
    made["spec"] = {"devices": {"requests": list(requests)}}
    made["status"] = {}
    return made


def exactly(count: int = 1, device_class: str = DRIVER, **more: object) -> Obj:
    return {"name": "r", "exactly": {"deviceClassName": device_class, "count": count, **more}}


def waiting_pod(name: str, *claims: str) -> Obj:
    named = [{"name": each, "resourceClaimName": each} for each in claims]
    return objects.pod(name, "ml", phase="Pending", requests={"cpu": "1"}, resourceClaims=named)


def awaited(fleet: Fleet) -> dict[str, dict[str, int] | None]:
    """By pod, the devices it waits for; None: unknown."""
    members = [one for work in fleet.workloads for one in work.members]
    return {one.name: None if one.requests is None else one.requests.devices for one in members}


@pytest.mark.parametrize(
    ("requests", "count"),
    [
        ([exactly(8)], 8),
        ([exactly(2), {"name": "b", "deviceClassName": DRIVER, "count": 3}], 5),
        ([{"name": "r", "firstAvailable": [{"name": "x", "deviceClassName": DRIVER, "count": 4}, {}]}], 4),
        ([exactly(4), exactly(1, adminAccess=True)], 4),
        ([exactly(4), exactly(1, "compute-domain-default-channel.nvidia.com")], 4),
    ],
    ids=["exactly", "v1beta1", "the first that is available", "administrator", "no board"],
)
def test_a_pod_waits_for_the_devices_of_its_claim(
    server: ApiServer, tmp_path: Path, requests: list[Obj], count: int
) -> None:
    fleet = read(server, tmp_path, published(), waiting_pod("w", "c"), asking("c", *requests))
    assert (awaited(fleet), fleet.gaps) == ({"w": {DRIVER: count}}, ())


def test_a_claim_that_several_wait_for_counts_once(server: ApiServer, tmp_path: Path) -> None:
    pods = waiting_pod("a", "c"), waiting_pod("b", "c")
    fleet = read(server, tmp_path, published(), *pods, asking("c", exactly(2)))
    assert awaited(fleet) == {"a": {DRIVER: 2}, "b": {}}


@pytest.mark.parametrize(
    ("request_", "subject"),
    [
        (exactly(allocationMode="All"), "all devices of the class gpu.nvidia.com"),
        (exactly(1, "fast"), "the device class fast, of which the driver is not known"),
    ],
    ids=["all", "class"],
)
def test_what_cannot_be_counted_is_unknown_and_never_nothing(
    server: ApiServer, tmp_path: Path, request_: Obj, subject: str
) -> None:
    fleet = read(server, tmp_path, published(), waiting_pod("w", "c"), asking("c", exactly(), request_))
    assert awaited(fleet) == {"w": None}
    assert [(gap.subject, gap.cause) for gap in fleet.gaps] == [(subject, "unsupported")]


def test_a_claim_that_could_not_be_read_leaves_the_requests_unknown(
    server: ApiServer, tmp_path: Path
) -> None:
    server.deny("admin", "list", "resourceclaims.resource.k8s.io")
    fleet = read(server, tmp_path, published(), waiting_pod("w", "c"), asking("c", exactly()))
    assert (awaited(fleet), [gap.subject for gap in fleet.gaps]) == (
        {"w": None},
        ["resourceclaims.resource.k8s.io"],
    )


def test_a_claim_of_a_template_is_found_by_the_status_of_the_pod(server: ApiServer, tmp_path: Path) -> None:
    pod = waiting_pod("w")
    pod["spec"]["resourceClaims"] = [{"name": "g", "resourceClaimTemplateName": "t"}, {"name": "none"}]
    pod["status"]["resourceClaimStatuses"] = [{"name": "g", "resourceClaimName": "w-g-x"}, {"name": "none"}]
    fleet = read(server, tmp_path, published(), pod, asking("w-g-x", exactly(2)))
    assert awaited(fleet) == {"w": {DRIVER: 2}}


def test_pods_wait_for_the_name_that_their_nodes_count(server: ApiServer, tmp_path: Path) -> None:
    server.load([objects.node("g1", 4), published(), waiting_pod("w", "c"), asking("c", exactly(2))])
    assert awaited(source(server, tmp_path).collect()) == {"w": {"nvidia.com/gpu": 2}}


def test_pods_that_share_a_device_both_name_it(server: ApiServer, tmp_path: Path) -> None:
    pods = objects.pod("a", "ml", "g1"), objects.pod("b", "ml", "g1")
    users = [("pods", "a"), ("pods", "b")]
    fleet = read(server, tmp_path, published(), *pods, claim("c", "gpu-0", users=users))
    members = [one for work in fleet.workloads for one in work.members]
    assert [(one.name, one.devices) for one in members] == [("a", ("GPU-0",)), ("b", ("GPU-0",))]
    assert awaited(fleet) == {"a": {DRIVER: 1}, "b": {}}
