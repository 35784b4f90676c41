"""What the scheduler counts for a pod: Kubernetes' own formula, on exact integers.

Source: PodRequests in k8s.io/component-helpers/resource/helpers.go (1.36), which follows KEP-753 (sidecars),
KEP-1287 (resize in place), KEP-2837 and KEP-5419 (pod-level resources and their resize).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from dcctl.inventory.model import Resources
from dcctl.inventory.sources.kubernetes.quantity import NANO, ceil_milli, ceil_units, parse
from dcctl.inventory.sources.kubernetes.types import Amount, Amounts

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from dcctl.inventory.sources.kubernetes.types import Container, ContainerStatus, Pod

Nano = dict[str, int]
"""Thousand-millionths by resource name."""

FINISHED = Resources(cpu_milli=0, memory_bytes=0, storage_bytes=0, pods=0)
"""A pod that has ended holds nothing."""

T = TypeVar("T")
_AMOUNT = msgspec.json.Decoder(Amount | None)
_AMOUNTS = msgspec.json.Decoder(Amounts | None)
_NOT_DEVICES = ("hugepages-", "attachable-volumes-")
_POD_LEVEL = ("cpu", "memory")


class Interner:
    """Equal amounts become one object: a fleet of 100,000 pods has a few hundred different ones."""

    def __init__(self) -> None:
        self._by_shape: dict[Hashable, Resources] = {}
        self._by_value: dict[Hashable, Resources] = {}

    def of_pod(self, pod: Pod) -> Resources:
        """What the scheduler counts for a pod that has not ended. Raises ValueError for a bad quantity."""
        shape = _shape(pod)
        found = self._by_shape.get(shape)
        if found is None:
            asked = {"cpu": 0, "memory": 0, "ephemeral-storage": 0, **pod_requests(pod), "pods": NANO}
            found = self._by_shape[shape] = self.intern(resources(asked))
        return found

    def of_amounts(self, amounts: Amounts | None) -> Resources | None:
        """A node's capacity or allocatable; None when it does not say. Raises ValueError."""
        if amounts is None:
            return None
        return self.intern(resources({name: parse(text) for name, text in amounts.items()}))

    def intern(self, amount: Resources) -> Resources:
        """The one object that equals this one."""
        devices = tuple(sorted(amount.devices.items()))
        key = (amount.cpu_milli, amount.memory_bytes, amount.storage_bytes, amount.pods, devices)
        return self._by_value.setdefault(key, amount)


def resources(nano: Nano) -> Resources:
    """The scheduler's amounts in the model's units; a dimension that is not there is None."""

    def whole(name: str) -> int | None:
        return ceil_units(nano[name]) if name in nano else None

    return Resources(
        cpu_milli=ceil_milli(nano["cpu"]) if "cpu" in nano else None,
        memory_bytes=whole("memory"),
        storage_bytes=whole("ephemeral-storage"),
        pods=whole("pods"),
        devices={
            name: ceil_units(amount) for name, amount in sorted(nano.items()) if is_device(name) and amount
        },
    )


def is_device(name: str) -> bool:
    """Whether a resource is an extended one: its name has a domain."""
    return "/" in name and not name.startswith(_NOT_DEVICES)


def pod_requests(pod: Pod) -> Nano:
    """What the scheduler counts for this pod, whatever its phase. Raises ValueError for a bad quantity."""
    spec, statuses, infeasible = pod.spec, _statuses(pod), _infeasible(pod)
    total: Nano = {}
    for container in spec.containers or ():
        _add(total, _effective(container, statuses, infeasible))
    _raise_to(total, _starting(spec.init_containers or (), total, statuses, infeasible))
    _pod_level(total, pod, infeasible)
    _add(total, _nano(spec.overhead))
    for mapped in _served_by_claims(pod):
        total.pop(mapped, None)
    return total


def _starting(
    containers: Iterable[Container], total: Nano, statuses: dict[str, ContainerStatus], infeasible: bool
) -> Nano:
    """The peak while init containers run; sidecars are added to `total`, since they keep running."""
    sidecars: Nano = {}
    peak: Nano = {}
    for container in containers:
        if container.restart_policy == "Always":
            asked = _effective(container, statuses, infeasible)
            _add(total, asked)
            _add(sidecars, asked)
            _raise_to(peak, sidecars)
        else:
            both = dict(sidecars)
            _add(both, _defaulted(amount_in(container.resources)))
            _raise_to(peak, both)
    return peak


def _effective(container: Container, statuses: dict[str, ContainerStatus], infeasible: bool) -> Nano:
    """Spec, or the most of spec, running and allocated while a resize in place is under way."""
    asked = _defaulted(amount_in(container.resources))
    status = statuses.get(container.name)
    actuated = None if status is None else amount_in(status.resources)
    if status is None or actuated is None:
        return asked
    return _most(asked, actuated, _read(_AMOUNTS, status.allocated_resources), infeasible)


def amount_in(raw: msgspec.Raw) -> Amount | None:
    """What a container asks for, from its text. Raises ValueError for what is malformed."""
    return _read(_AMOUNT, raw)


def _read(decoder: msgspec.json.Decoder[T], raw: msgspec.Raw) -> T | None:
    if not raw:
        return None
    try:
        return decoder.decode(raw)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error


def _most(asked: Nano, actuated: Amount, allocated: Amounts | None, infeasible: bool) -> Nano:
    most: Nano = {} if infeasible else dict(asked)
    _raise_to(most, _nano(actuated.requests))
    _raise_to(most, _nano(allocated))
    return most


def _pod_level(total: Nano, pod: Pod, infeasible: bool) -> None:
    if pod.spec.resources is None:
        return
    asked = {name: value for name, value in _nano(pod.spec.resources.requests).items() if _is_pod_level(name)}
    if asked and pod.status.resources is not None:
        most = _most(asked, pod.status.resources, pod.status.allocated_resources, infeasible)
        asked = {name: most.get(name, 0) for name in asked}
    total.update(asked)


def _is_pod_level(name: str) -> bool:
    return name in _POD_LEVEL or name.startswith("hugepages-")


def _defaulted(amount: Amount | None) -> Nano:
    """Requests; a limit without a request is a request, as the API server's defaults make it."""
    if amount is None:
        return {}
    return {**_nano(amount.limits), **_nano(amount.requests)}


def _nano(amounts: Amounts | None) -> Nano:
    return {name: parse(text) for name, text in amounts.items()} if amounts else {}


def _add(total: Nano, more: Nano) -> None:
    for name, value in more.items():
        total[name] = total.get(name, 0) + value


def _raise_to(total: Nano, other: Nano) -> None:
    for name, value in other.items():
        if name not in total or total[name] < value:
            total[name] = value


def _statuses(pod: Pod) -> dict[str, ContainerStatus]:
    status = pod.status
    return {
        each.name: each
        for each in (*(status.container_statuses or ()), *(status.init_container_statuses or ()))
    }


def _infeasible(pod: Pod) -> bool:
    for condition in pod.status.conditions or ():
        if condition.type == "PodResizePending":
            return condition.reason == "Infeasible"
    return False


def _served_by_claims(pod: Pod) -> list[str]:
    """Extended resources that a claim stands for: the claim's devices are counted instead."""
    claim = pod.status.extended_resource_claim_status
    return [each.resource_name for each in claim.request_mappings or ()] if claim else []


def _shape(pod: Pod) -> Hashable:
    """Equal for pods that count alike. Cheap: text is compared, nothing is parsed."""
    spec, status = pod.spec, pod.status
    return (
        tuple([(each.name, bytes(each.resources)) for each in spec.containers or ()]),
        tuple(
            [(each.name, each.restart_policy, bytes(each.resources)) for each in spec.init_containers or ()]
        ),
        tuple([_status_shape(each) for each in status.container_statuses or ()]),
        tuple([_status_shape(each) for each in status.init_container_statuses or ()]),
        tuple(spec.overhead.items()) if spec.overhead else None,
        _pairs(spec.resources),
        _pairs(status.resources),
        tuple(status.allocated_resources.items()) if status.allocated_resources else None,
        _infeasible(pod),
        tuple(_served_by_claims(pod)),
    )


def _status_shape(status: ContainerStatus) -> Hashable:
    return status.name, bytes(status.resources), bytes(status.allocated_resources)


def _pairs(amount: Amount | None) -> Hashable:
    if amount is None:
        return None
    return (
        tuple(amount.requests.items()) if amount.requests else None,
        tuple(amount.limits.items()) if amount.limits else None,
    )
