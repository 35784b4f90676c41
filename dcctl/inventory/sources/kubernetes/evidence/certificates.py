"""When certificates end; nothing else of them is looked at here, and keys are never read."""

from __future__ import annotations

from base64 import b64decode
from datetime import datetime  # noqa: TC003  # msgspec resolves annotations at run time
from typing import TYPE_CHECKING

from msgspec import field

from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.secrets import Certificate
from dcctl.inventory.sources.kubernetes.evidence.row import Row
from dcctl.inventory.sources.kubernetes.listed import Listed
from dcctl.inventory.sources.kubernetes.types import Meta, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator


class IssuedStatus(Wire):
    """What cert-manager says of a certificate."""

    not_after: datetime | None = None


class Issued(Wire):
    """A Certificate of cert-manager."""

    metadata: Meta = field(default_factory=Meta)
    status: IssuedStatus = field(default_factory=IssuedStatus)


def issued(item: Issued, cluster: str) -> Iterator[Certificate]:
    """Yield the certificate of an object; one that was never issued has no end."""
    ends, silent = item.status.not_after, {}
    if ends is None:
        silent = {"ends_at_s": Silence("it was never issued", "missing")}
    yield Certificate(
        cluster=cluster,
        name=f"{item.metadata.namespace}/{item.metadata.name}",
        ends_at_s=None if ends is None else int(ends.timestamp()),
        silent=silent,
    )


def end_of(bundle: str) -> tuple[int | None, dict[str, Silence]]:
    """Return as `end_of_pem` of what an object holds in base64."""
    try:
        return end_of_pem(b64decode(bundle, validate=True))
    except ValueError:
        return None, {"ends_at_s": Silence("it is no certificate", "invalid")}


def end_of_pem(bundle: bytes) -> tuple[int | None, dict[str, Silence]]:
    """Return when the last of some certificates ends, else why nobody knows.

    The last one: while authorities are exchanged, a bundle holds the old and the new.
    """
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificates(bundle)
    except ValueError:
        return None, {"ends_at_s": Silence("it is no certificate", "invalid")}
    return max(int(one.not_valid_after_utc.timestamp()) for one in found), {}


ROWS = (
    Row(
        Listed("cert-manager.io", ("v1",), "certificates", "when certificates end", custom=True),
        Issued,
        ("certificates",),
        issued,
    ),
)
