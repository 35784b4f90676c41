"""What a request is sent over: a pool of connections, who asks, and how the server is spoken to."""

from __future__ import annotations

import base64
import ssl
import urllib.request
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from dcctl.inventory.sources.http.dialect import Dialect

if TYPE_CHECKING:
    from collections.abc import Callable

    from urllib3 import PoolManager


class Connection(NamedTuple):
    """A server and the means to reach it. `headers()` may renew a token; its answer is secret."""

    host: str
    """What stands before every path: `https://HOST:PORT/BELOW`."""
    pool: PoolManager
    headers: Callable[[], dict[str, str]]
    dialect: Dialect = Dialect()


def tls(ca_file: str | None = None, *, verify: bool = True) -> ssl.SSLContext:
    """Whom to trust: the system's CAs, those of a file, or anybody. OSError: the file holds none."""
    context = ssl.create_default_context(cafile=ca_file)
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def pool(url: str, context: ssl.SSLContext, *, proxies: bool) -> PoolManager:
    """One connection at a time to the server of `url`; `proxies`: by those of the environment, if any."""
    import urllib3

    if context.verify_mode == ssl.CERT_NONE:  # as was asked for; a warning per request would say it again
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme) if proxies else None
    if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
        return bounded(urllib3.ProxyManager(proxy, maxsize=1, ssl_context=context))
    return bounded(urllib3.PoolManager(maxsize=1, ssl_context=context))


def bounded(pool: PoolManager) -> PoolManager:
    """The pool, whose connections give up in time also on a server that drips."""
    from dcctl.inventory.sources.http.bounded import POOLS

    pool.pool_classes_by_scheme = POOLS
    return pool


def bearer(token: str) -> dict[str, str]:
    """The header of who has a token."""
    return {"Authorization": f"Bearer {token}"}


def basic(user: str, password: str) -> dict[str, str]:
    """The header of who has a password."""
    pair = f"{user}:{password}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}
