"""What a site decides about secrets and certificates."""

from __future__ import annotations

from msgspec import Struct


class Secrets(Struct, frozen=True, forbid_unknown_fields=True):
    """The table [audit.secrets]."""

    token_days: int = 90
    """A lasting token that is older has to be exchanged, or to go."""
    certificate_days: int = 30
    """A certificate that ends sooner has to be renewed."""
    certificate_days_critical: int = 7
    """With fewer days left it is critical."""
    pull_namespaces: int = 10
    """In more namespaces than these, a pull secret of one name is one that all share."""
    encrypted_classes: tuple[str, ...] = ()
    """Storage classes whose volumes the site knows to be encrypted below; `*` and `?` are any."""
