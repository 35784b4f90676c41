"""What a site decides about networks: what may be reached from outside, and who may join which."""

from __future__ import annotations

from datetime import date  # msgspec resolves annotations at run time

from msgspec import Struct


class Approved(Struct, frozen=True, forbid_unknown_fields=True):
    """Namespaces whose pods may join a second network; `*` and `?` are any."""

    network: str
    """`storage/rdma-*`."""
    namespaces: tuple[str, ...]


class Retired(Struct, frozen=True, forbid_unknown_fields=True):
    """An ingress controller whose makers have said when they stop."""

    image: str
    """A place in a registry."""
    since: date
    """The last day on which they mend it."""


class Network(Struct, frozen=True, forbid_unknown_fields=True):
    """The table [audit.network]."""

    exposed: tuple[str, ...] = ()
    """Services that are meant to be reached from outside: `ingress/gateway`; `*` and `?` are any."""
    approved: tuple[Approved, ...] = ()
    """Beside the namespace that a second network is in."""
    retired: tuple[Retired, ...] = (Retired("registry.k8s.io/ingress-nginx", date(2026, 3, 31)),)
    """Ingress controllers that nobody mends any more."""
