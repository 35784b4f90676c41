"""What a site decides about pods: what they may have of their node, and who may have more."""

from __future__ import annotations

from msgspec import Struct


class Exempt(Struct, frozen=True, forbid_unknown_fields=True):
    """Pods that need their node, pinned by three things at once: where they are, who they are, what they run.

    `*` and `?` are any, in all but images: these are places in a registry, whole steps of them.
    """

    namespace: str
    account: str
    images: tuple[str, ...]
    """`nvcr.io/nvidia`, `registry.example.com/mirror/nvidia/k8s-device-plugin`."""
    checks: tuple[str, ...] = ("POD-0?", "POD-1[0-6]")
    """Ids of checks that do not ask about them."""


class Pods(Struct, frozen=True, forbid_unknown_fields=True):
    """The table [audit.pods]."""

    exempt: tuple[Exempt, ...] = ()
    """Beside those that dcctl knows: operators of GPUs, networks and storage."""
    host_paths: tuple[str, ...] = (
        "/etc/localtime",
        "/usr/share/zoneinfo",
        "/etc/ssl/certs",
        "/etc/pki/ca-trust",
    )
    """Paths of the node that any pod may read, with what is below them."""
    sysctls: tuple[str, ...] = ()
    """Parameters of the kernel that pods may set beside the safe ones of Kubernetes."""
    seccomp_default: bool = False
    """The kubelets of the site have seccompDefault: a pod that says nothing has RuntimeDefault."""
