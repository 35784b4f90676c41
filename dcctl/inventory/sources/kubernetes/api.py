"""How an API server is spoken to: how it says no, and what to do about it."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from dcctl.inventory.sources.http.dialect import Dialect
from dcctl.inventory.sources.http.failure import LONGER, Failure, of_status, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dcctl.inventory.sources.http.failure import Trouble

METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
"""Metadata where the server can leave the rest out, else everything: both decode alike."""
_FORBIDDEN = re.compile(r'\S+ is forbidden: (User ".*?" cannot \w+) resource "[^"]*" in API group "[^"]*"')
"""The API server names the resource three times over; a gap names it once, as its subject."""
_LOG_IN = "log in again"
_LOOK = "kubectl cluster-info"
ROLE_HINT: Final = "dcctl inventory sources --rbac | kubectl apply -f -"
"""What to type where the API server refuses; audits need more, and say so."""
_HINTS: Final[dict[int, str]] = {401: _LOG_IN, 403: ROLE_HINT}


class _Cause(msgspec.Struct):
    reason: str = ""
    message: str = ""


class _Details(msgspec.Struct):
    causes: list[_Cause] | None = None


class Status(msgspec.Struct):
    """The API server's way of saying no."""

    message: str = ""
    reason: str = ""
    """In one word: NotFound, Forbidden, TooManyRequests."""
    details: _Details | None = None

    @property
    def causes(self) -> dict[str, str]:
        """What led to it, by the name that the server has for each."""
        found = self.details.causes if self.details is not None else None
        return {one.reason: one_line(one.message) for one in found or ()}


class ApiServer(Dialect):
    """Any API server; `client_certificate` is what says who we are, where that is a certificate."""

    hints: ClassVar[Mapping[Trouble, str]] = {
        "proxy": "check HTTPS_PROXY and proxy-url",
        "name": _LOOK,
        "connect": _LOOK,
        "connect in time": _LOOK,
        "answer in time": LONGER,
        "too large": "set `namespace` in the configuration",
        "no TLS": "check `server:` in the kubeconfig (http or https)",
        "our certificate": _LOG_IN,
        "untrusted": "check certificate-authority-data in the kubeconfig",
        "expired": "renew it: kubeadm certs renew all",
        "other name": "check `server:` and tls-server-name in the kubeconfig",
    }

    def __init__(self, client_certificate: Path | None = None) -> None:
        self._certificate = client_certificate

    def refused(self, code: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """What its answer means; behind a 401 may be a certificate of ours that has expired."""
        expired = self._expired() if code == 401 else None
        if expired is not None:
            why = f"our client certificate expired on {expired}"
            hint = f"{_LOG_IN}, or renew it: kubeadm certs renew admin.conf"
            return Failure(why, "unauthenticated", hint, status=401)
        status = status_of(body)
        said = one_line(status.message)
        if code == 403:
            said = _FORBIDDEN.sub(r"\1 this", said)  # alike for every list, so that ten refusals are one line
        failure = of_status(code, headers, said)
        failure.hint = _HINTS.get(code, "")
        failure.causes = status.causes
        return failure

    def _expired(self) -> str | None:
        path = self._certificate
        return None if path is None else client_certificate_expiry(path, int(time.time()))


def status_of(body: bytes) -> Status:
    """What an answer says that says no; empty where it is not the API server's own."""
    try:
        return msgspec.json.decode(body, type=Status)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Status()


def client_certificate_expiry(path: Path, now_s: int) -> str | None:
    """When our certificate expired, if it has: the likely cause of a 401."""
    from cryptography import x509

    try:
        until = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return None
    return until.date().isoformat() if until.timestamp() < now_s else None
