"""Secrets and certificates of the demo cluster: a token that is old, a certificate with 12 days left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.secrets import Certificate, SecretNote

if TYPE_CHECKING:
    from dcctl.inventory.model import Fleet

DAY_S: Final = 86_400
_WEBHOOKS: Final = "webhook gatekeeper/validation.gatekeeper.sh"


def part(fleet: Fleet) -> Evidence:
    """Return the Secrets and certificates, with days counted from when the fleet was looked at."""
    now_s = fleet.taken_at_s or 0
    token = SecretNote(
        namespace="code",
        name="ci-token",
        kind="token",
        account="ci",
        made_at_s=max(0, now_s - 400 * DAY_S),
        used_on="2025-02-03",
    )
    return Evidence(
        secrets=(
            token,
            SecretNote(namespace="nlp", name="registry", kind="pull", made_at_s=max(0, now_s - 90 * DAY_S)),
        ),
        certificates=(
            Certificate(name="API server", ends_at_s=now_s + 300 * DAY_S),
            Certificate(name=_WEBHOOKS, ends_at_s=now_s + 12 * DAY_S),
        ),
    )
