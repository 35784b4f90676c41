"""Pod requests, compared with a slow and literal reading of the formula of KEP-753 and KEP-1287."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.inventory.sources.kubernetes.quantity import parse
from dcctl.inventory.sources.kubernetes.requests import Interner, pod_requests
from dcctl.inventory.sources.kubernetes.types import Pod
from tests.examples import examples

Json = dict[str, Any]
NAMES = ("cpu", "memory", "nvidia.com/gpu", "ephemeral-storage")
AMOUNTS = st.dictionaries(
    st.sampled_from(NAMES), st.sampled_from(("1", "250m", "3", "2Gi", "1.5")), max_size=4
)


def pod_of(obj: Json) -> Pod:
    return msgspec.json.decode(json.dumps(obj), type=Pod)


@st.composite
def pods(draw: st.DrawFn) -> Json:
    containers = [
        {"name": f"c{i}", "resources": {"requests": draw(AMOUNTS)}} for i in range(draw(st.integers(1, 3)))
    ]
    init: list[Json] = []
    for i in range(draw(st.integers(0, 4))):
        kind: Json = {"restartPolicy": "Always"} if draw(st.booleans()) else {}
        init.append({"name": f"i{i}", "resources": {"requests": draw(AMOUNTS)}, **kind})
    statuses = [
        {"name": each["name"], "resources": {"requests": draw(AMOUNTS)}, "allocatedResources": draw(AMOUNTS)}
        for each in (*containers, *init)
        if draw(st.booleans())
    ]
    status: Json = {"containerStatuses": statuses, "initContainerStatuses": []}
    if draw(st.booleans()):
        reason = draw(st.sampled_from(("Infeasible", "Deferred")))
        status["conditions"] = [{"type": "PodResizePending", "reason": reason}]
    spec: Json = {"containers": containers, "initContainers": init, "overhead": draw(AMOUNTS)}
    if draw(st.booleans()):
        spec["resources"] = {"requests": draw(AMOUNTS)}
    return {"metadata": {"name": "p"}, "spec": spec, "status": status}


def literally(pod: Json, name: str) -> int:
    """The formula for one resource: InitContainerUse(i), the running total, pod level, overhead."""
    spec, status = pod["spec"], pod["status"]
    infeasible = any(each["reason"] == "Infeasible" for each in status.get("conditions", []))
    actual = {each["name"]: each for each in status["containerStatuses"]}

    def effective(container: Json) -> int:
        asked = amount(container["resources"]["requests"], name)
        seen = actual.get(container["name"])
        if seen is None:
            return asked
        given = max(amount(seen["resources"]["requests"], name), amount(seen["allocatedResources"], name))
        return given if infeasible else max(asked, given)

    sidecars = [each.get("restartPolicy") == "Always" for each in spec["initContainers"]]
    uses = [
        effective(each) if sidecar else amount(each["resources"]["requests"], name)
        for each, sidecar in zip(spec["initContainers"], sidecars, strict=True)
    ]
    before = [
        sum(use for use, is_sidecar in zip(uses[:i], sidecars, strict=False) if is_sidecar)
        for i in range(len(uses))
    ]
    starting = [use + earlier for use, earlier in zip(uses, before, strict=True)]
    running = sum(map(effective, spec["containers"])) + sum(
        u for u, s in zip(uses, sidecars, strict=True) if s
    )
    total = max([running, *starting])
    pod_level = spec.get("resources", {}).get("requests", {})
    if name in ("cpu", "memory") and name in pod_level:
        total = amount(pod_level, name)
    return total + amount(spec["overhead"], name)


def amount(amounts: Json, name: str) -> int:
    return parse(amounts.get(name, "0"))


@examples(300)
@given(pods())
def test_requests_are_those_of_the_formula(pod: Json) -> None:
    found = pod_requests(pod_of(pod))
    assert {name: found.get(name, 0) for name in NAMES} == {name: literally(pod, name) for name in NAMES}


@given(pods(), pods())
def test_pods_that_count_alike_share_one_amount(first: Json, second: Json) -> None:
    interner = Interner()
    amounts = [interner.of_pod(pod_of(each)) for each in (first, second, first)]
    assert amounts[0] is amounts[2]
    alike = all(literally(first, name) == literally(second, name) for name in NAMES)
    assert (amounts[0] is amounts[1]) or not alike


def test_a_limit_without_a_request_counts_as_a_request() -> None:
    pod = pod_of(
        {
            "spec": {
                "containers": [
                    {"resources": {"limits": {"amd.com/gpu": "4", "cpu": "2"}, "requests": {"cpu": "1"}}}
                ]
            }
        }
    )
    found = Interner().of_pod(pod)
    assert (found.cpu_milli, found.devices) == (1000, {"amd.com/gpu": 4})


def test_memory_is_rounded_up_once_and_not_per_container() -> None:
    half = {"resources": {"requests": {"memory": "1500m", "cpu": "0.5m"}}}
    found = Interner().of_pod(pod_of({"spec": {"containers": [half, half]}}))
    assert (found.memory_bytes, found.cpu_milli) == (3, 1)


def test_an_extended_resource_that_a_claim_serves_is_not_counted_twice() -> None:
    pod = pod_of(
        {
            "spec": {"containers": [{"resources": {"requests": {"nvidia.com/gpu": "1"}}}]},
            "status": {
                "extendedResourceClaimStatus": {"requestMappings": [{"resourceName": "nvidia.com/gpu"}]}
            },
        }
    )
    assert Interner().of_pod(pod).devices == {}


def test_pod_level_resize_counts_the_most_of_spec_and_status() -> None:
    pod = pod_of(
        {
            "spec": {"containers": [{"name": "a"}], "resources": {"requests": {"cpu": "2", "memory": "1Gi"}}},
            "status": {"resources": {"requests": {"cpu": "3"}}, "allocatedResources": {"memory": "2Gi"}},
        }
    )
    found = Interner().of_pod(pod)
    assert (found.cpu_milli, found.memory_bytes) == (3000, 2 << 30)


def test_huge_pages_and_volume_slots_are_no_devices() -> None:
    requests = {"hugepages-2Mi": "4Mi", "attachable-volumes-aws-ebs": "1", "rdma/hca": "1"}
    found = Interner().of_pod(pod_of({"spec": {"containers": [{"resources": {"requests": requests}}]}}))
    assert found.devices == {"rdma/hca": 1}


def test_a_bad_quantity_is_refused() -> None:
    with pytest.raises(ValueError, match="'lots' is not a quantity"):
        Interner().of_pod(pod_of({"spec": {"containers": [{"resources": {"requests": {"cpu": "lots"}}}]}}))


def test_a_negative_request_is_refused_and_frees_nothing() -> None:
    asked = {"resources": {"requests": {"nvidia.com/gpu": "-1"}}}
    other = {"resources": {"requests": {"nvidia.com/gpu": "2"}}}
    with pytest.raises(ValueError, match="'-1' is a negative quantity"):
        Interner().of_pod(pod_of({"spec": {"containers": [other, asked]}}))
