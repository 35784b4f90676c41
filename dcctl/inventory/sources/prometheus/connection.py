"""Where a store of time series is and as whom it is asked. Secrets come from files and commands."""

from __future__ import annotations

import base64
import os
import ssl
import subprocess
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, urlsplit

from dcctl.errors import UsageError
from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.kubernetes.auth import Connection
from dcctl.redaction import first_line_of_a_program, without_userinfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from urllib3 import PoolManager

_COMMAND_S = 30


class Access(NamedTuple):
    """What a configuration says of a server. `url` is what stands before `/api/v1`."""

    url: str
    tenant: str | None = None
    tenant_header: str = "X-Scope-OrgID"
    token_file: str | None = None
    token_command: tuple[str, ...] = ()
    username: str | None = None
    password_file: str | None = None
    password_command: tuple[str, ...] = ()
    ca_file: str | None = None


def connect(access: Access) -> Connection:
    """Everything needed for requests, with nothing sent yet. UsageError for what cannot be right."""
    parts = _checked(access)
    pool = _pool(access, parts.hostname or "")
    return Connection(access.url.rstrip("/"), pool, lambda: _headers(access), None)


def _checked(access: Access) -> SplitResult:
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
    return parts


def _pool(access: Access, host: str) -> PoolManager:
    """One connection: questions are asked one at a time. Proxies as the environment says."""
    import urllib3

    context = ssl.create_default_context()
    if access.ca_file:
        try:
            context = ssl.create_default_context(cafile=str(Path(access.ca_file).expanduser()))
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"ca_file {access.ca_file}", _reason(error)) from error
    proxy = urllib.request.getproxies().get(urlsplit(access.url).scheme)
    if proxy and not urllib.request.proxy_bypass(host):
        return urllib3.ProxyManager(proxy, maxsize=1, ssl_context=context)
    return urllib3.PoolManager(maxsize=1, ssl_context=context)


def _headers(access: Access) -> dict[str, str]:
    """The headers that say who asks. Read for each request: tokens are renewed while a run goes on."""
    headers = {access.tenant_header: access.tenant} if access.tenant else {}
    token = _secret("token", access.token_file, access.token_command)
    if token is not None:
        return {**headers, "Authorization": f"Bearer {token}"}
    password = _secret("password", access.password_file, access.password_command)
    if access.username is not None:
        pair = f"{access.username}:{password or ''}".encode()
        return {**headers, "Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}
    return headers


def _secret(noun: str, file: str | None, command: Sequence[str]) -> str | None:
    """Read a secret; None: none is configured. SourceError, without it, when it cannot be had."""
    if file:
        try:
            text = Path(file).expanduser().read_text(encoding="utf-8")
        except (OSError, ValueError, RuntimeError) as error:
            raise SourceError(f"{noun}_file", f"{noun}_file {file}: {_reason(error)}", "denied") from error
    elif command:
        text = _said(noun, command)
    else:
        return None
    secret = text.strip()
    if not secret or not secret.isprintable() or not secret.isascii():
        raise SourceError(noun, f"the {noun} is empty or not one line of text", "denied")
    return secret


def _said(noun: str, command: Sequence[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the user's own command
            [os.path.expanduser(command[0]), *command[1:]],  # noqa: PTH111 - it may be no path
            capture_output=True,
            text=True,
            timeout=_COMMAND_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise SourceError(noun, f"{noun}_command {command[0]}: {_reason(error)}", "denied") from error
    if done.returncode:
        why = first_line_of_a_program(done.stderr) or "no message"
        raise SourceError(noun, f"{noun}_command {command[0]}: exit {done.returncode}: {why}", "denied")
    return done.stdout


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
