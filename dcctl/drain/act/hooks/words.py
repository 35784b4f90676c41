"""What a hook says, taken apart. What it may say is the matter of `dcctl.drain.policy.grammar`."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from dcctl.drain.policy.grammar import asking, proving

if TYPE_CHECKING:
    from dcctl.drain.request import Hook

_CLEAR: Final = "/?&=:@!$'()*+,;~%"
"""Left as they are in a path with its query."""
_ESCAPE: Final = re.compile(r"%[0-9a-f]{2}", re.IGNORECASE)


class Call(NamedTuple):
    """A request to a port of a pod."""

    method: str
    port: int
    path: str
    """With its query, quoted."""
    tls: bool = False


def demand_read(hook: Hook) -> None:
    """Return if the grammar knows the hook and its proof: nothing else is ever sent. ValueError."""
    how, what = asking(f"{hook.how} {hook.what}")
    proving(f"{hook.proof} {hook.proof_of}", how, what)


def signal_of(hook: Hook) -> str:
    """The name of a signal without SIG. ValueError for any other word: a shell is to read it."""
    return asking(f"{hook.how} {hook.what}")[1]


def command_of(hook: Hook) -> tuple[str, ...]:
    """The words of a command line. No shell reads it, unless it begins with one: `sh -c '…'`."""
    return tuple(shlex.split(hook.what))


def annotation_of(hook: Hook) -> tuple[str, str]:
    """The key and the value of an annotation; an empty value stands for the time of the request."""
    key, _, value = hook.what.partition("=")
    return key, value


def call_of(hook: Hook) -> Call:
    """A request: `POST :8080/path`, or with TLS `POST https://:8443/path`."""
    method, _, where = asking(f"{hook.how} {hook.what}")[1].partition(" ")
    scheme, _, rest = where.partition(":")
    if rest.startswith("//:"):
        rest = rest.removeprefix("//:")
    port, _, path = rest.partition("/")
    sent = _ESCAPE.sub(lambda found: found[0].upper(), quote(f"/{path}", safe=_CLEAR))
    return Call(method, int(port), sent, tls=scheme == "https")
