"""What a site decides about rights: whom it trusts with what."""

from __future__ import annotations

from msgspec import Struct


class Trusted(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody whose rights are meant, for some checks."""

    who: str
    """`Group/admins`, `User/oidc:*`, `gpu-operator/ServiceAccount/gpu-operator`; `*` and `?` are any."""
    checks: tuple[str, ...] = ("RBAC-*",)
    """Ids of checks that do not ask about them."""


class Rights(Struct, frozen=True, forbid_unknown_fields=True):
    """The table [audit.rights]."""

    trusted: tuple[Trusted, ...] = ()
    """Beside those that dcctl knows: controllers of well-known operators, by namespace and account."""
    break_glass: tuple[str, ...] = ("super-admin.conf", "apiserver-kubelet-client.crt")
    """Ends of the names of certificates that may be of system:masters."""
    system_namespaces: tuple[str, ...] = ("kube-system", "kube-public", "kube-node-lease")
    """Namespaces that are no tenant's; `*` and `?` are any."""
