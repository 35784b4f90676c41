"""What the demo cluster lets in: one namespace that enforces nothing, one webhook that fails open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.inventory.demo.evidence.rbac import spaces
from dcctl.inventory.evidence.admission import AdmissionPolicy, Matched, Namespace, Webhook
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.placement import Expression, Selector

if TYPE_CHECKING:
    from dcctl.inventory.model import Fleet

_ENFORCE: Final = "pod-security.kubernetes.io/enforce"
_OPEN: Final = "rl"
"""Somebody took the label away to make a debugger work."""
_SYSTEM: Final = ("gpu-operator", "kube-node-lease", "kube-public", "kube-system")
_PODS: Final = (Matched(("CREATE", "UPDATE"), ("",), ("pods",)),)
_NOT_SYSTEM: Final = Selector(
    expressions=(Expression("kubernetes.io/metadata.name", "NotIn", ("kube-system",)),)
)


def part(fleet: Fleet) -> Evidence:
    """Return what the demo cluster lets in."""
    tenants = tuple(
        Namespace(name=space, labels={"team": space} | ({} if space == _OPEN else {_ENFORCE: "baseline"}))
        for space in spaces(fleet)
    )
    system = tuple(Namespace(name=name) for name in _SYSTEM)
    return Evidence(
        namespaces=tuple(sorted((*tenants, *system), key=lambda one: one.key)),
        webhooks=(
            Webhook(
                configuration="gatekeeper",
                name="validation.gatekeeper.sh",
                ignores_failure=True,
                rules=_PODS,
                namespaces=_NOT_SYSTEM,
            ),
            Webhook(
                configuration="policy.sigstore.dev",
                name="policy.sigstore.dev",
                rules=_PODS,
                namespaces=_NOT_SYSTEM,
            ),
        ),
        admission_policies=(
            AdmissionPolicy(
                name="signed-by-the-site", kind="ClusterImagePolicy", enforces=True, controls=("signatures",)
            ),
        ),
    )
