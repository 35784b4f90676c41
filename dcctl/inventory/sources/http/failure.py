"""Why a request failed, in the words of a gap: every failure has a cause, and a name to tell it by."""

from __future__ import annotations

import re
import ssl
import time
from contextlib import suppress
from email.utils import parsedate_to_datetime
from http.client import HTTPException, IncompleteRead
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from dcctl.redaction import without_credentials

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.inventory.model import Cause

Trouble: TypeAlias = Literal[
    "proxy",
    "name",
    "connect",
    "connect in time",
    "answer in time",
    "broken off",
    "broken",
    "garbled",
    "too large",
    "no TLS",
    "handshake",
    "TLS",
    "our certificate",
    "untrusted",
    "expired",
    "other name",
]
"""What went wrong on the way, before or beside what the server said."""
LONGER = "a longer --timeout"
_MESSAGE_CHARS = 300
_AGAIN = (408, 429, 500, 502, 503, 504)
_CAUSES: Final[dict[int, Cause]] = {
    401: "unauthenticated",
    403: "denied",
    404: "missing",
    405: "unsupported",
    406: "unsupported",
    415: "unsupported",
}


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
        trouble: Trouble | None = None,
    ) -> None:
        """`wait_s` is the time that the server asks to be left alone, `status` its HTTP code.

        `after` is how many items of a list came before its failure and were kept.
        """
        super().__init__(reason)
        self.reason, self.cause, self.hint = reason, cause, hint
        self.again, self.status, self.wait_s, self.after = again, status, wait_s, after
        self.trouble = trouble
        self.may_be_done = False
        """Whether an earlier try of the same request may have done what it asks for."""
        self.causes: dict[str, str] = {}
        """What the server says led to it, by the name that it has for each."""

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


def of_status(code: int, headers: Mapping[str, str], said: str = "") -> Failure:
    """The failure behind an HTTP code that is no success; `said`: what the server adds, on one line."""
    why = f"HTTP {code}: {said}" if said else f"HTTP {code}"
    cause = _CAUSES.get(code, "failed")
    wait_s = retry_after(headers) if code in _AGAIN else None
    return Failure(why, cause, again=code in _AGAIN, status=code, wait_s=wait_s)


def one_line(text: str) -> str:
    """What a server says, on one line that is not too long."""
    return " ".join(text.split())[:_MESSAGE_CHARS]


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to leave the server alone, told as such or as a date; None: it asks for nothing."""
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,6}", text):
        return float(text)
    with suppress(ValueError, OverflowError):
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    return None


def of_transport(error: Exception, host: str) -> Failure:
    """The failure behind an exception of urllib3 or of the operating system."""
    from urllib3 import exceptions as http

    host = without_credentials(_without_user(host))

    if isinstance(error, (http.SSLError, ssl.SSLError)):
        return _tls(error, host)
    if isinstance(error, (http.ProxyError, http.NewConnectionError, http.TimeoutError, TimeoutError)):
        return _unreached(error, host)
    if isinstance(error, IncompleteRead) or any(isinstance(each, IncompleteRead) for each in error.args):
        return broken_off()
    if isinstance(error, (http.ProtocolError, OSError)):
        trouble: Trouble = "garbled" if isinstance(_innermost(error), HTTPException) else "broken"
        return Failure(f"the connection broke: {_root(error)}", "failed", again=True, trouble=trouble)
    return Failure(f"{host}: {_root(error)}", "failed")


def broken_off() -> Failure:
    """The failure of an answer that ends before it is whole."""
    return Failure("the answer broke off", "truncated", again=True, trouble="broken off")


def _unreached(error: Exception, host: str) -> Failure:
    """Proxy, name, connection and answer are told apart."""
    from urllib3 import exceptions as http

    if isinstance(error, http.ProxyError):
        return Failure(f"the proxy does not answer: {_root(error)}", "unreachable", trouble="proxy")
    if isinstance(error, http.NameResolutionError):
        return Failure(f"{host}: the name does not resolve", "unreachable", trouble="name")
    if isinstance(error, http.NewConnectionError):
        return Failure(f"{host}: {_root(error)}", "unreachable", trouble="connect")
    if isinstance(error, http.ConnectTimeoutError):
        why = f"{host}: no connection within the deadline"
        return Failure(why, "timeout", again=True, trouble="connect in time")
    return Failure("no answer within the deadline", "timeout", LONGER, again=True, trouble="answer in time")


def _innermost(error: BaseException) -> BaseException:
    seen = error
    while (inner := _inner(seen)) is not None:
        seen = inner
    return seen


def _root(error: BaseException) -> str:
    """The innermost cause, in the operating system's words where it has some."""
    seen = _innermost(error)
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
        why = f"{host}: the server refuses our client certificate ({_alert(text)})"
        return Failure(why, "unauthenticated", trouble="our certificate")
    if "wrong version number" in text or "record layer" in text:
        return Failure(f"{host}: does not speak TLS", "invalid", trouble="no TLS")
    if "eof" in text or "reset" in text:
        return Failure(f"{host}: the TLS handshake broke off", "failed", again=True, trouble="handshake")
    return Failure(f"{host}: TLS failed: {seen or error}", "invalid", trouble="TLS")


def _certificate(error: ssl.SSLCertVerificationError, host: str) -> Failure:
    why = f"{host}: the server's certificate is not trusted: {error.verify_message}"
    if error.verify_code == 10:
        return Failure(f"{host}: the server's certificate has expired", "invalid", trouble="expired")
    trouble: Trouble = "other name" if error.verify_code in (62, 64) else "untrusted"
    return Failure(why, "invalid", trouble=trouble)


def _alert(text: str) -> str:
    match = re.search(r"alert ([a-z ]+)", text)
    return match[1].strip() if match else "alert"
