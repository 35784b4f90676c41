"""A command in a container, through the API server: what `kubectl exec` does, over a websocket."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote, urlencode, urlsplit

import msgspec
from msgspec import field

from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.http.failure import LONGER, Failure, of_transport, one_line
from dcctl.inventory.sources.kubernetes.types import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from websocket import WebSocket

    from dcctl.inventory.sources.http.connection import Connection

_PROTOCOLS: Final = ["v5.channel.k8s.io", "v4.channel.k8s.io"]
"""Alike for a command that reads nothing; API servers before 1.30 know the second alone."""
_STDOUT, _STDERR, _STATUS = 1, 2, 3
_KEPT_BYTES: Final = 64 << 10
"""The last of what a command says; the rest is dropped as it comes."""
_LOOK_S: Final = 0.5
"""How often a wait for a silent command looks whether it goes on."""
_PING_LOOKS: Final = 30
"""Looks between two pings: proxies cut connections that are silent for a minute."""
_NOT_REACHED: Final = "error dialing backend"
"""What an API server says of a kubelet to which it has no connection."""
_CLOSED: Final = "the connection closed before the command ended"


class Ran(NamedTuple):
    """A command that ended."""

    code: int
    out: str
    err: str


class _Cause(Wire):
    reason: str = ""
    message: str = ""


class _Details(Wire):
    causes: list[_Cause] | None = None


class _Status(Wire):
    status: str = ""
    message: str = ""
    reason: str = ""
    details: _Details = field(default_factory=_Details)


class Remote:
    """Runs commands in the containers of one cluster. May be used by several threads at once."""

    def __init__(
        self, connection: Connection, left_s: Callable[[], float], pause: Callable[[float], None]
    ) -> None:
        """`left_s`: seconds until all is over. `pause` waits so long; what it raises ends the wait."""
        self._connection, self._left_s, self._pause = connection, left_s, pause

    def run(self, pod: str, container: str, words: Sequence[str]) -> Ran:
        """The command ended. `pod` is its path at the API server. Asks once.

        Raises Failure; `may_be_done`: the command may have begun, and may run still.
        """
        from websocket import WebSocketException

        query = [("command", word) for word in words]
        query += [("container", container), ("stdout", "true"), ("stderr", "true")]
        socket = self._opened(f"{pod}/exec?{urlencode(query)}")
        try:
            return self._heard(socket)
        except (OSError, WebSocketException) as error:
            raise _begun(of_transport(_plain(error), self._connection.host)) from error
        finally:
            socket.shutdown()  # type: ignore[no-untyped-call]

    def _opened(self, target: str) -> WebSocket:
        """A websocket on which the API server has agreed to run the command."""
        import websocket
        from urllib3 import HTTPHeaderDict

        host, left_s = self._connection.host, self._left_s()
        if left_s <= 0:
            raise Failure("not asked: the time is over", "timeout", LONGER)
        try:
            return websocket.create_connection(
                f"ws{host.removeprefix('http')}{target}",
                timeout=left_s,
                header=self._headers(),
                subprotocols=_PROTOCOLS,
                suppress_origin=True,
                redirect_limit=0,
                **_transport(self._connection),
            )
        except websocket.WebSocketBadStatusException as error:
            headers = HTTPHeaderDict(error.resp_headers or {})
            refused = self._connection.dialect.refused(error.status_code, headers, error.resp_body or b"")
            raise (refused if _was_not_begun(refused) else _begun(refused)) from error
        except (
            ConnectionRefusedError,
            websocket.WebSocketAddressException,
            ssl.SSLCertVerificationError,
        ) as error:
            raise of_transport(_plain(error), host) from error
        except (OSError, websocket.WebSocketException) as error:
            raise _begun(of_transport(_plain(error), host)) from error

    def _headers(self) -> list[str]:
        try:
            told = {"User-Agent": "dcctl", **self._connection.headers()}
        except SourceError as error:
            raise Failure(error.reason, error.cause, error.hint) from error
        return [f"{name}: {value}" for name, value in told.items()]

    def _heard(self, socket: WebSocket) -> Ran:
        """Read until the status of the command comes."""
        said = {_STDOUT: bytearray(), _STDERR: bytearray()}
        while True:
            data = self._next(socket)
            if data is None:
                raise _begun(Failure(_CLOSED, "truncated", again=True))
            if not data:
                continue
            if data[0] == _STATUS:
                out, err = (said[each].decode(errors="replace") for each in (_STDOUT, _STDERR))
                return Ran(_code(data[1:]), out, err)
            if data[0] in said:
                kept = said[data[0]]
                kept += data[1:]
                del kept[:-_KEPT_BYTES]

    def _next(self, socket: WebSocket) -> bytes | None:
        """The next message; None: there is none any more."""
        from websocket import ABNF, WebSocketConnectionClosedException, WebSocketTimeoutException

        looks = 0
        while (left_s := self._left_s()) > 0:
            self._pause(0)
            socket.settimeout(max(0.01, min(_LOOK_S, left_s)))
            try:
                opcode, data = socket.recv_data()
            except WebSocketTimeoutException:
                looks += 1
                if looks % _PING_LOOKS == 0:
                    socket.ping()
                continue
            except WebSocketConnectionClosedException:
                return None
            return None if opcode == ABNF.OPCODE_CLOSE else bytes(data)
        raise _begun(Failure("it did not end in time, and may run still", "timeout", LONGER))


def _code(body: bytes) -> int:
    """The exit code that the kubelet tells. Raises Failure where it could not run the command."""
    try:
        status = msgspec.json.decode(body, type=_Status)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _begun(Failure("what the kubelet says of its end is not understood", "invalid")) from error
    if status.status == "Success":
        return 0
    told = [one.message for one in status.details.causes or () if one.reason == "ExitCode"]
    if status.reason == "NonZeroExitCode" and told and told[0].isdecimal():
        return int(told[0])
    raise _begun(Failure(one_line(status.message) or "the kubelet could not run it", "failed"))


def _was_not_begun(refused: Failure) -> bool:
    """Whether an answer proves it: others come also where the kubelet was asked and its answer was lost."""
    return 400 <= (refused.status or 0) < 500 or _NOT_REACHED in refused.reason


def _begun(failure: Failure) -> Failure:
    failure.may_be_done = True
    return failure


def _plain(error: Exception) -> Exception:
    """As the operating system says it: the websocket library has names of its own."""
    from websocket import WebSocketTimeoutException

    return (
        TimeoutError(str(error))
        if isinstance(error, WebSocketTimeoutException)
        else (error if isinstance(error, OSError) else ConnectionError(one_line(str(error))))
    )


def _transport(connection: Connection) -> dict[str, Any]:
    """TLS and proxy as all other requests have them, for the websocket library."""
    told, proxy = connection.pool.connection_pool_kw, connection.pool.proxy
    # Without a proxy it would ask the environment, which the client of all other requests has done already.
    options: dict[str, Any] = {"http_proxy_host": "none", "http_no_proxy": ["*"]}
    if proxy is not None:
        user = tuple(unquote(part) for part in (proxy.auth or "").split(":", 1))
        options = {"http_proxy_host": proxy.host, "http_proxy_port": proxy.port or 80, "http_no_proxy": [""]}
        options |= {"http_proxy_auth": user} if len(user) == 2 else {}
    if urlsplit(connection.host).scheme == "https":
        options["sslopt"] = _tls(told)
    return options


def _tls(told: dict[str, object]) -> dict[str, object]:
    ca, data = told.get("ca_certs"), told.get("ca_cert_data")
    verify = told.get("cert_reqs") != ssl.CERT_NONE
    names = verify and told.get("assert_hostname") is not False
    context = ssl.create_default_context(cafile=str(ca) if ca else None, cadata=str(data) if data else None)
    context.check_hostname = names
    context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    if told.get("cert_file"):
        key = told.get("key_file")
        context.load_cert_chain(str(told["cert_file"]), str(key) if key else None)
    options = {"context": context, "check_hostname": names, "cert_reqs": context.verify_mode}
    return options | ({"server_hostname": told["server_hostname"]} if told.get("server_hostname") else {})
