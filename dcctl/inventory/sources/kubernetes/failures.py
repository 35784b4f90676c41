"""Why a request failed, in the words of a gap: every failure has a cause of its own and a hint."""

from __future__ import annotations

import re
import ssl
from http.client import IncompleteRead
from typing import TYPE_CHECKING

import msgspec

from dcctl.redaction import without_credentials

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dcctl.inventory.model import Cause

LONGER = "a longer --timeout"
_MESSAGE_CHARS = 300
_RETRY_STATUS = (408, 429, 500, 502, 503, 504)
_FORBIDDEN = re.compile(r'\S+ is forbidden: (User ".*?" cannot \w+) resource "[^"]*" in API group "[^"]*"')
"""The API server names the resource three times over; a gap names it once, as its subject."""


class Failure(Exception):  # noqa: N818  # it is an answer that lists pass on, and Error is everywhere else
    """One request, or one list, failed. `again` says whether trying again may help."""

    def __init__(
        self,
        reason: str,
        cause: Cause,
        hint: str = "",
        *,
        again: bool = False,
        status: int | None = None,
        wait_s: float | None = None,
        after: int = 0,
    ) -> None:
        """`wait_s` is the time that the server asks to be left alone, `status` its HTTP code.

        `after` is how many items of a list came before its failure and were kept.
        """
        super().__init__(reason)
        self.reason, self.cause, self.hint = reason, cause, hint
        self.again, self.status, self.wait_s, self.after = again, status, wait_s, after
        self.may_be_done = False
        """Whether an earlier try of the same request may have done what it asks for."""

    @property
    def is_refusal(self) -> bool:
        """Whether it proves that what was asked for was not done: 4xx, but not 408 or 429."""
        status = self.status or 0
        return 400 <= status < 500 and status not in (408, 429) and not self.may_be_done

    @property
    def nothing_answers(self) -> bool:
        """Whether no other request to this server would do better."""
        return self.cause in ("unreachable", "unauthenticated") or (
            self.cause == "invalid" and self.status is None
        )


class _Status(msgspec.Struct):
    """The API server's way of saying no."""

    message: str = ""


def of_status(code: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """The failure behind an HTTP code that is not 200."""
    said = _message(body)
    why = f"HTTP {code}: {said}" if said else f"HTTP {code}"
    if code == 401:
        return Failure(why, "unauthenticated", "log in again", status=code)
    if code == 403:
        why = _FORBIDDEN.sub(r"\1 this", why)  # alike for every list, so that ten refusals are one line
        return Failure(why, "denied", "dcctl inventory sources --rbac | kubectl apply -f -", status=code)
    if code == 404:
        return Failure(why, "missing", status=code)
    if code in (406, 415):
        return Failure(why, "unsupported", status=code)
    return Failure(why, "failed", again=code in _RETRY_STATUS, status=code, wait_s=_retry_after(headers))


def _message(body: bytes) -> str:
    try:
        said = msgspec.json.decode(body, type=_Status).message
    except msgspec.DecodeError:
        said = ""
    return " ".join(said.split())[:_MESSAGE_CHARS]


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait; the API server never uses the form with a date."""
    text = headers.get("Retry-After", "")
    return float(text) if re.fullmatch(r"\d{1,6}", text) else None


def of_transport(error: Exception, host: str) -> Failure:
    """The failure behind an exception of urllib3 or of the operating system."""
    from urllib3 import exceptions as http

    host = without_credentials(_without_user(host))

    if isinstance(error, (http.SSLError, ssl.SSLError)):
        return _tls(error, host)
    if isinstance(error, (http.ProxyError, http.NewConnectionError, http.TimeoutError)):
        return _unreached(error, host)
    if isinstance(error, IncompleteRead) or any(isinstance(each, IncompleteRead) for each in error.args):
        return Failure("the answer broke off", "truncated", again=True)
    if isinstance(error, (http.ProtocolError, OSError)):
        return Failure(f"the connection broke: {_root(error)}", "failed", again=True)
    return Failure(f"{host}: {_root(error)}", "failed")


def _unreached(error: Exception, host: str) -> Failure:
    """Proxy, name, connection and answer are told apart."""
    from urllib3 import exceptions as http

    look = "kubectl cluster-info"
    if isinstance(error, http.ProxyError):
        hint = "check HTTPS_PROXY and proxy-url"
        return Failure(f"the proxy does not answer: {_root(error)}", "unreachable", hint)
    if isinstance(error, http.NameResolutionError):
        return Failure(f"{host}: the name does not resolve", "unreachable", look)
    if isinstance(error, http.NewConnectionError):
        return Failure(f"{host}: {_root(error)}", "unreachable", look)
    if isinstance(error, http.ConnectTimeoutError):
        return Failure(f"{host}: no connection within the deadline", "timeout", look, again=True)
    return Failure("no answer within the deadline", "timeout", LONGER, again=True)


def _root(error: BaseException) -> str:
    """The innermost cause, in the operating system's words where it has some."""
    seen = error
    while (inner := _inner(seen)) is not None:
        seen = inner
    return without_credentials(str(getattr(seen, "strerror", None) or seen or type(seen).__name__))


def _without_user(host: str) -> str:
    """The URL of the server, or what stands in its place, without a name and password before it."""
    scheme, mark, rest = host.rpartition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"


def _inner(error: BaseException) -> BaseException | None:
    for each in (error.__cause__, *error.args, error.__context__):
        if isinstance(each, BaseException) and each is not error:
            return each
    return None


def _tls(error: Exception, host: str) -> Failure:
    """Expired, unknown, wrong name, refused client certificate and no TLS at all are told apart."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, ssl.SSLError):
        seen = _inner(seen)
    if isinstance(seen, ssl.SSLCertVerificationError):
        return _certificate(seen, host)
    text = str(seen or error).lower()
    if "alert" in text and ("certificate" in text or "unknown ca" in text):
        return Failure(
            f"{host}: the server refuses our client certificate ({_alert(text)})",
            "unauthenticated",
            "log in again",
        )
    if "wrong version number" in text or "record layer" in text:
        return Failure(
            f"{host}: does not speak TLS", "invalid", "check `server:` in the kubeconfig (http or https)"
        )
    if "eof" in text or "reset" in text:
        return Failure(f"{host}: the TLS handshake broke off", "failed", again=True)
    return Failure(f"{host}: TLS failed: {seen or error}", "invalid")


def _certificate(error: ssl.SSLCertVerificationError, host: str) -> Failure:
    why = f"{host}: the server's certificate is not trusted: {error.verify_message}"
    if error.verify_code == 10:
        return Failure(
            f"{host}: the server's certificate has expired", "invalid", "renew it: kubeadm certs renew all"
        )
    if error.verify_code in (62, 64):
        return Failure(why, "invalid", "check `server:` and tls-server-name in the kubeconfig")
    return Failure(why, "invalid", "check certificate-authority-data in the kubeconfig")


def _alert(text: str) -> str:
    match = re.search(r"alert ([a-z ]+)", text)
    return match[1].strip() if match else "alert"


def client_certificate_expiry(path: Path, now_s: int) -> str | None:
    """When our certificate expired, if it has: the likely cause of a 401."""
    from cryptography import x509

    try:
        until = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return None
    return until.date().isoformat() if until.timestamp() < now_s else None
