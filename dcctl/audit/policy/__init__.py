"""What a site decides: limits, allowlists and regions. Every value has a default that the documents tell."""

from __future__ import annotations

from msgspec import Struct

from dcctl.audit.policy.components import ComponentPolicy
from dcctl.audit.policy.hosts import HostPolicy


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """The table [audit] of a context, one section per topic; what is not there has the default."""

    components: ComponentPolicy = ComponentPolicy()
    hosts: HostPolicy = HostPolicy()
