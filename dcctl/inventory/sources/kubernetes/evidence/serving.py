"""The certificate that the API server itself shows: how long everybody can still talk to it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.secrets import Certificate
from dcctl.inventory.sources.kubernetes.evidence.certificates import end_of_pem

if TYPE_CHECKING:
    from collections.abc import Iterator


def shown_by(url: str, cluster: str, timeout_s: float) -> Iterator[Certificate]:
    """Yield the certificate that answers at this address, trusted or not; none where it speaks no TLS."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        return
    try:
        pem = ssl.get_server_certificate((parts.hostname, parts.port or 443), timeout=timeout_s)
    except (OSError, ValueError) as error:
        why = {"ends_at_s": Silence(f"no certificate was shown: {error}", "unreachable")}
        yield Certificate(cluster=cluster, name="API server", silent=why)
        return
    ends_at_s, silent = end_of_pem(pem.encode())
    yield Certificate(cluster=cluster, name="API server", ends_at_s=ends_at_s, silent=silent)
