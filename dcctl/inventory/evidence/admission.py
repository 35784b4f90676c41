"""What a cluster lets in."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from dcctl.inventory.devices import Fact
from dcctl.inventory.evidence.base import Subject
from dcctl.inventory.placement import Selector

Control = Literal["pods", "signatures"]
"""What a policy looks after: what pods may do to their node, who signed their images."""


class Namespace(Subject, frozen=True, kw_only=True):
    """A namespace with its labels; `pod-security.kubernetes.io/enforce` is among them."""

    cluster: str = ""
    name: str
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """`Namespace/nlp`."""
        return f"Namespace/{self.name}"


class Matched(Fact, frozen=True):
    """Requests that a rule of a webhook is for. `*` is any."""

    operations: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()


class Webhook(Subject, frozen=True, kw_only=True):
    """One webhook of an admission configuration."""

    cluster: str = ""
    configuration: str = ""
    name: str
    mutating: bool = False
    ignores_failure: bool = False
    """What comes while it does not answer is let in."""
    rules: tuple[Matched, ...] = ()
    namespaces: Selector = Selector()
    """Labels of the namespaces that it is for."""
    excluded: tuple[str, ...] = ()
    """Names of namespaces that its conditions (CEL) leave out."""

    @property
    def key(self) -> str:
        """`ValidatingWebhook/kyverno-resource/validate.kyverno.svc`."""
        kind = "MutatingWebhook" if self.mutating else "ValidatingWebhook"
        return f"{kind}/{self.configuration}/{self.name}" if self.configuration else f"{kind}/{self.name}"


class AdmissionPolicy(Subject, frozen=True, kw_only=True):
    """A policy of Kyverno, Gatekeeper, Sigstore or of the API server itself, bound to what it is for."""

    cluster: str = ""
    namespace: str = ""
    name: str
    kind: str = ""
    """Of its object: `ClusterPolicy`, `K8sPSPPrivilegedContainer`, `ValidatingAdmissionPolicy`."""
    enforces: bool = False
    """It turns away what breaks it, where others only tell."""
    controls: tuple[Control, ...] = ()
    binds: str = ""
    """The policy of the API server that this one binds: it has that one's controls."""
    included: tuple[str, ...] = ()
    """Namespaces that it is for, with `*` and `?`; empty: all."""
    excluded: tuple[str, ...] = ()
    selector: Selector | None = None
    """Labels of the namespaces that it is for; None: not told by labels."""

    @property
    def key(self) -> str:
        """`ClusterPolicy/restrict-privileged`, `nlp/Policy/signed`."""
        kind = self.kind or "AdmissionPolicy"
        return f"{self.namespace}/{kind}/{self.name}" if self.namespace else f"{kind}/{self.name}"
