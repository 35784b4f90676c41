"""What a hook says, read. Each function raises ValueError, in words for a person, for what it is not."""

from __future__ import annotations

import re
import shlex
from typing import Final, NamedTuple
from urllib.parse import quote

SIGNALS: Final = frozenset(
    ("ABRT", "ALRM", "CONT", "HUP", "INT", "IO", "PROF", "PWR", "QUIT", "TERM", "TSTP", "TTIN", "TTOU", "URG",
     "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ")
)  # fmt: skip
"""Those that a process can handle and a shell knows by name: not KILL and STOP, and none for crashes."""
_KEY = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?", re.ASCII)
_CALL = re.compile(r"(?:(GET|POST) )?(https?://)?:(\d{1,5})(/\S*)?", re.ASCII)
_CLEAR: Final = "/?&=:@!$'()*+,;~%"
"""Left as they are in a path with its query."""


class Call(NamedTuple):
    """A request to a port of a pod."""

    method: str
    port: int
    path: str
    """With its query, quoted."""
    tls: bool = False


def signal_of(what: str) -> str:
    """The name of a signal without SIG."""
    name = what.strip().removeprefix("SIG")
    if name in ("KILL", "STOP"):
        raise ValueError(f"signal {name}: no process can handle it, so none writes a checkpoint on it")
    if name not in SIGNALS:
        raise ValueError(f"signal {what}: not one of {' '.join(sorted(SIGNALS))}")
    return name


def command_of(what: str) -> tuple[str, ...]:
    """The words of a command line. No shell reads it, unless it begins with one: `sh -c '…'`."""
    try:
        words = tuple(shlex.split(what))
    except ValueError as error:
        raise ValueError(f"exec {what}: {str(error).lower()}") from error
    if not words or not words[0]:
        raise ValueError("exec: no command is named")
    if any("\0" in word for word in words):
        raise ValueError("exec: a command holds no NUL")
    return words


def annotation_of(what: str) -> tuple[str, str]:
    """The key and the value of an annotation; an empty value stands for the time of the request."""
    key, _, value = what.partition("=")
    return key_of(key), value


def key_of(text: str) -> str:
    """The key of an annotation."""
    if not _KEY.fullmatch(text):
        raise ValueError(f"annotation {text or 'without a key'}: a key reads `example.com/name`")
    return text


def call_of(what: str) -> Call:
    """A request: `POST :8080/path`, or with TLS `POST https://:8443/path`; POST where no method is named."""
    found = _CALL.fullmatch(what.strip())
    if not found or not 0 < int(found[3]) < 1 << 16:
        raise ValueError(f"http {what}: reads `POST :8080/path` or `GET :8080/path`")
    return Call(
        found[1] or "POST", int(found[3]), quote(found[4] or "/", safe=_CLEAR), found[2] == "https://"
    )


def path_of(text: str) -> str:
    """The path of a file in a container: from its root, so that no working directory matters."""
    if not text.startswith("/") or "\0" in text or text.endswith("/"):
        raise ValueError(f"file {text or 'without a path'}: a path begins with / and names a file")
    return text
