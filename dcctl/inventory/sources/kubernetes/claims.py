"""Claims that no running pod stands for: their devices are taken all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.model import ENDED, Member, Resources, Workload

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dcctl.inventory.sources.kubernetes.dra import Claimed, Key, Published
    from dcctl.inventory.sources.kubernetes.pods import Group


def living(groups: Iterable[Group]) -> frozenset[str]:
    """UIDs of the pods that are on a node and have not ended: a claim's devices count for one of these."""
    return frozenset(
        member.uid
        for group in groups
        for member in group.members
        if member.uid and member.node is not None and member.phase not in ENDED
    )


def holders(
    claims: Iterable[Claimed], taken: set[Key], devices: Mapping[Key, Published], source: str
) -> tuple[Workload, ...]:
    """One workload for each claim, or for the group that it is reserved for, with a member per node.

    What is in `taken` is counted for a pod already.
    """
    taken = set(taken)
    members: dict[tuple[str, str, str], list[Member]] = {}
    for claim in sorted(claims):
        kind, name = ("PodGroup", claim.group) if claim.group else ("ResourceClaim", claim.name)
        own = [key for key in dict.fromkeys(claim.keys) if key in devices and key not in taken]
        taken.update(own)
        if own:
            found = members.setdefault((claim.namespace, kind, name), [])
            found += _members(claim.name, [devices[key] for key in own])
    return tuple(
        Workload(f"{space}/{kind.lower()}/{name}", kind=kind, owner=space, source=source, members=tuple(rows))
        for (space, kind, name), rows in members.items()
    )


def _members(name: str, devices: Iterable[Published]) -> list[Member]:
    by_node: dict[str, list[Published]] = {}
    for each in devices:
        by_node.setdefault(each.node, []).append(each)
    return [
        Member(name, node, "running", _amount(rows), devices=_ids(rows))
        for node, rows in sorted(by_node.items())
    ]


def _amount(rows: list[Published]) -> Resources:
    """The devices alone: a claim runs nothing."""
    counts: dict[str, int] = {}
    for row in rows:
        resource = row.accelerator.resource
        counts[resource] = counts.get(resource, 0) + 1
    return Resources(cpu_milli=0, memory_bytes=0, storage_bytes=0, pods=0, devices=counts)


def _ids(rows: list[Published]) -> tuple[str, ...]:
    return tuple(sorted(row.accelerator.id for row in rows if row.accelerator.id is not None))
