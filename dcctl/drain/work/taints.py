"""Taints by which somebody else keeps work away from nodes: dcctl neither sets nor lifts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.drain.campaign import Finding
from dcctl.inventory.marks import MARKS
from dcctl.inventory.vendors import device

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from dcctl.inventory.model import Fleet, Taint

_KEEPS_OUT: Final = ("NoSchedule", "NoExecute")
_BY_ITSELF: Final = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/", "node-role.kubernetes.io/")
"""How keys begin that Kubernetes sets and lifts, or by which it tells what a node is for."""
_BY_HAND: Final = "node.kubernetes.io/out-of-service"
"""The one of them that a person sets, and has to lift."""
_OF_TOOLS: Final = frozenset(mark.key for mark in MARKS if mark.kind == "taint")
"""Of tools of which `blind.foreign` tells."""


def keeping_away(fleet: Fleet, names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return the taints of others on these nodes, `example.com/x:NoSchedule`, by the name of the node.

    What dedicates nodes is none: it names an accelerator, or work tolerates its key by name.
    """
    told = {node.name: [one for one in node.taints if _is_foreign(one)] for node in fleet.nodes}
    told = {name: told[name] for name in names if told.get(name)}
    meant = _tolerated(fleet) if told else frozenset()
    found = {
        name: tuple(_words(one) for one in taints if one.key not in meant) for name, taints in told.items()
    }
    return {name: taints for name, taints in found.items() if taints}


def taint_findings(fleet: Fleet, names: Collection[str]) -> Iterator[Finding]:
    """Yield what keeps work away from these nodes and is not ours; it blocks nothing."""
    for name, taints in keeping_away(fleet, names).items():
        what = f"the taint{'s' if len(taints) > 1 else ''} {', '.join(taints)}"
        stays = "they stay" if len(taints) > 1 else "it stays"
        says = f"has {what}: somebody keeps work away; on return {stays}"
        yield Finding("taint", name, says, (name,), blocks=False)


def _is_foreign(taint: Taint) -> bool:
    """Whether nobody that is known sets it."""
    known = taint.key in _OF_TOOLS or device(taint.key) is not None
    by_itself = taint.key.startswith(_BY_ITSELF) and taint.key != _BY_HAND
    return taint.effect in _KEEPS_OUT and not known and not by_itself


def _tolerated(fleet: Fleet) -> frozenset[str]:
    """Keys that work tolerates by name. What runs on every node tolerates also what keeps all others away."""
    keys = {
        member.template
        for work in fleet.workloads
        if work.kind != "DaemonSet"
        for member in work.members
        if member.template
    }
    templates = (fleet.templates[key] for key in keys if key in fleet.templates)
    return frozenset(one.key for template in templates for one in template.tolerations)


def _words(taint: Taint) -> str:
    """As kubectl writes it: `example.com/x=y:NoSchedule`."""
    return f"{taint.key}{'=' if taint.value else ''}{taint.value}:{taint.effect}"
