"""What claims that were given nothing yet ask for, and which pods wait for them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from msgspec import field

from dcctl.inventory.sources.kubernetes.types import Wire
from dcctl.inventory.vendors import DRA_NOT_BOARDS, dra_vendor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dcctl.inventory.sources.kubernetes.types import Pod

ClaimName = tuple[str, str]
"""(namespace, name)."""
Wanted = dict[str, int | None]
"""Devices by class; None: all there are, whatever their number."""


class Ask(Wire):
    """Devices of one class."""

    device_class_name: str = ""
    allocation_mode: str = ""
    count: int = 1
    admin_access: bool | None = None


class DeviceRequest(Ask):
    """What a claim asks for; resource.k8s.io/v1beta1 has no `exactly` around it."""

    exactly: Ask | None = None
    first_available: list[Ask] | None = None

    def best(self) -> Ask:
        """The request itself, or the best of its alternatives."""
        return self.exactly or (self.first_available[0] if self.first_available else self)


class DeviceClaim(Wire):
    """The requests of a claim."""

    requests: list[DeviceRequest] | None = None


class ClaimSpec(Wire):
    """What a ResourceClaim says."""

    devices: DeviceClaim = field(default_factory=DeviceClaim)


class Waiting(NamedTuple):
    """A pod without a node, and the claims that it cannot start without."""

    name: str
    uid: str
    claims: tuple[ClaimName | None, ...]
    """None: one that is still to be made from its template."""


class Asked(NamedTuple):
    """What waiting pods ask for by claims that were given nothing."""

    counts: dict[str, dict[str, int] | None]
    """By UID of pod, devices by resource name; None where nobody can tell."""
    unknown: Counter[str]
    """How many of these pods ask for what cannot be counted, by what it is."""


def wanted(spec: ClaimSpec) -> Wanted:
    """The devices that a claim asks for; those of administrators take nothing."""
    found: Wanted = {}
    for ask in (each.best() for each in spec.devices.requests or ()):
        if not ask.admin_access:
            before = found.get(ask.device_class_name, 0)
            more = None if ask.allocation_mode == "All" else max(1, ask.count)
            found[ask.device_class_name] = None if before is None or more is None else before + more
    return found


def waiting(pod: Pod) -> Waiting | None:
    """The pod, when it has no node yet and names claims."""
    claims, meta = pod.spec.resource_claims, pod.metadata
    if not claims or pod.spec.node_name or pod.status.phase != "Pending":
        return None
    made = {each.name: each.resource_claim_name for each in pod.status.resource_claim_statuses or ()}
    names = [each.resource_claim_name or made.get(each.name, "") for each in claims]
    needed = [name for name in names if name is not None]
    return Waiting(meta.name, meta.uid, tuple((meta.namespace, name) if name else None for name in needed))


def asked(pods: Iterable[Waiting], claims: Mapping[ClaimName, Wanted], resources: Mapping[str, str]) -> Asked:
    """What each pod waits for. A claim that several share is counted once, for the first by name.

    `claims` is what each still asks for, `resources` the name under which the boards of a driver are counted.
    """
    found = Asked({}, Counter())
    seen: set[ClaimName] = set()
    for pod in sorted(pods, key=lambda one: (one.name, one.uid)):
        counts: Counter[str] = Counter()
        doubts: set[str] = set()
        for claim in pod.claims:
            if claim is None or claim not in claims:
                doubts.add("a claim that is not there yet")
            elif claim not in seen:
                _count(claims[claim], resources, counts, doubts)
                seen.add(claim)
        found.counts[pod.uid] = None if doubts else dict(counts)
        found.unknown.update(doubts)
    return found


def _count(wants: Wanted, resources: Mapping[str, str], counts: Counter[str], doubts: set[str]) -> None:
    """The devices of one claim, or what is in doubt about them. By custom a class has its driver's name."""
    for name, count in wants.items():
        if name in DRA_NOT_BOARDS:
            continue
        if dra_vendor(name) is None:
            doubts.add(f"the device class {name}, of which the driver is not known")
        elif count is None:
            doubts.add(f"all devices of the class {name}")
        else:
            counts[resources.get(name, name)] += count
