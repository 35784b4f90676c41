"""Where a store of time series is and as whom it is asked. Secrets come from files and commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from dcctl.errors import UsageError
from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.http.connection import Connection, basic, bearer, pool, tls
from dcctl.inventory.sources.secret import Secret
from dcctl.redaction import without_userinfo

if TYPE_CHECKING:
    from ssl import SSLContext


class Access(NamedTuple):
    """What a configuration says of a server. `url` is what stands before `/api/v1`."""

    url: str
    tenant: str | None = None
    tenant_header: str = "X-Scope-OrgID"
    token_file: str | None = None
    token_command: str | None = None
    username: str | None = None
    password_file: str | None = None
    password_command: str | None = None
    ca_file: str | None = None


def connect(access: Access) -> Connection:
    """Everything needed for requests, with nothing sent yet. UsageError for what cannot be right."""
    _check(access)
    connections = pool(access.url, _context(access), proxies=True)
    return Connection(access.url.rstrip("/"), connections, lambda: _headers(access))


def _check(access: Access) -> None:
    shown = without_userinfo(access.url)
    try:
        parts = urlsplit(access.url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"prometheus {shown}", str(error), "--prometheus http://HOST:9090") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise UsageError(f"prometheus {shown}", "is not an http(s) URL", "--prometheus http://HOST:9090")
    if parts.username or parts.password:
        why = "a URL holds no name and password; use username and password_file of the configuration"
        raise UsageError(f"prometheus {shown}", why, "dcctl man dcctl.toml | man -l -")
    if parts.query or parts.fragment:
        raise UsageError(f"prometheus {shown}", "ends before `/api/v1`, without ? and #")


def _context(access: Access) -> SSLContext:
    try:
        return tls(str(Path(access.ca_file).expanduser()) if access.ca_file else None)
    except OSError as error:
        raise UsageError(f"ca_file {access.ca_file}", _reason(error)) from error


def _headers(access: Access) -> dict[str, str]:
    """The headers that say who asks. Read for each request: tokens are renewed while a run goes on."""
    headers = {access.tenant_header: access.tenant} if access.tenant else {}
    token = Secret(access.token_file, access.token_command)
    if token:
        return {**headers, **bearer(_read(token, "the token"))}
    if access.username is not None:
        password = Secret(access.password_file, access.password_command)
        told = _read(password, "the password") if password else ""
        return {**headers, **basic(access.username, told)}
    return headers


def _read(secret: Secret, noun: str) -> str:
    """Read a secret. SourceError, without it, when it cannot be had or could not stand in a header."""
    text = secret.read(noun).strip()
    if not text.isprintable() or (noun == "the token" and not text.isascii()):
        raise SourceError(noun, f"{noun} is not printable text", "unauthenticated")
    return text


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
