"""The words of hooks and waits: the same in annotations of pods and in the rules of a file."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, get_args
from urllib.parse import quote, unquote

from dcctl.drain.request import (
    Annotate,
    Call,
    ChangedAnnotation,
    Exec,
    Signal,
    SignalName,
    WrittenFile,
    demand_proof,
)
from dcctl.inventory.lengths import duration
from dcctl.inventory.nodeexpr import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dcctl.drain.request import Ask, Proof

PROOFS: Final = ("file", "annotation", "exit")
MODES: Final = ("evict", "wait", "never")
_SIGNALS: Final[tuple[SignalName, ...]] = get_args(SignalName)
_KEY: Final = re.compile(
    r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?", re.ASCII
)
"""Of an annotation: at most 63 characters after an optional domain (Kubernetes: qualified names)."""
_KEPT_DOMAINS: Final = ("kubernetes.io", "k8s.io")
"""Their keys change what the cluster does to a pod: nobody is to have them written with our rights."""
_HTTP: Final = re.compile(r"(?:(GET|POST) )?(https://|)(?:http://)?:(\d{1,5})(/\S*)?", re.ASCII)
_CLEAR: Final = "/?&=:@!$'()*+,;~%"
"""Left as they are in a path with its query."""
_ESCAPE: Final = re.compile(r"%[0-9a-f]{2}", re.IGNORECASE)
_NO_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MOST_PORT: Final = 65535
_WHEN: Final = re.compile(r"wait(?: (?P<wait>\S+)(?: then (?P<then>\S+))?)?", re.ASCII)


class When(NamedTuple):
    """Whether work is evicted, waited for, or left alone."""

    mode: Literal["evict", "wait", "never"] = "evict"
    wait_s: int | None = None
    after_wait: Literal["evict", "stop"] = "stop"


def when(text: str) -> When:
    """Read `evict`, `never`, `wait`, `wait 4h` or `wait 4h then evict`. ValueError says what is wrong."""
    words = " ".join(text.split())
    if words == "evict":
        return When()
    if words == "never":
        return When("never")
    match = _WHEN.fullmatch(words)
    if match is None:
        raise ValueError(f"{shown(text)} is none of: evict, wait, wait 4h, wait 4h then evict, never")
    return waiting(match["wait"] or "", match["then"] or "")


def waiting(wait: str, then: str) -> When:
    """Read how long is waited (empty: as long as it takes), and what follows. ValueError."""
    if then not in ("", "evict", "stop"):
        raise ValueError(f"then {shown(then)} is neither evict nor stop")
    if then and not wait:
        raise ValueError(f"then {then} needs a length of time to wait before it, as in wait 4h then {then}")
    return When("wait", duration(wait) if wait else None, "evict" if then == "evict" else "stop")


def asking(text: str) -> Ask:
    """Read `signal USR1`, `exec CMD`, `annotation KEY=VALUE` or `http POST :8080/path`. ValueError."""
    word, _, rest = text.strip().partition(" ")
    if word not in _READ:
        raise ValueError(f"{shown(text)} begins with none of: {', '.join(HOWS)}")
    return _READ[word](rest.strip())


def proving(text: str, ask: Ask) -> Proof:
    """Read `file PATH`, `annotation KEY` or `exit`; empty: it is left out. ValueError: see `demand_proof`."""
    word, _, of = text.strip().partition(" ")
    found = _shown_by(word, of.strip(), text)
    if word == "exit" and ask.how in ("signal", "annotation"):
        raise ValueError(
            f"{ask.how} says nothing of the end of a checkpoint: its proof is file PATH, or annotation KEY"
        )
    demand_proof(ask, found)
    return found


def _shown_by(word: str, of: str, text: str) -> Proof:
    if word == "file":
        return WrittenFile(_path(of))
    if word == "annotation":
        return ChangedAnnotation(_annotation_key(of))
    if word not in ("", "exit") or of:
        raise ValueError(f"{shown(text)} is no proof: file PATH, annotation KEY, or exit")
    return None


def _signal(text: str) -> Signal:
    upper = text.upper().removeprefix("SIG")
    name = next((one for one in _SIGNALS if one == upper), None)
    if name is None:
        raise ValueError(f"{shown(text)} is no signal to ask with: {', '.join(sorted(_SIGNALS))}")
    return Signal(name)


def _command(text: str) -> Exec:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"exec {shown(text)}: {str(error).lower()}") from error
    if not words or not words[0] or "\0" in text:
        raise ValueError("exec needs a command line")
    return Exec(text)


def _pair(text: str) -> Annotate:
    key, _, value = text.partition("=")
    domain = _annotation_key(key).rpartition("/")[0]
    if any(f".{domain}".endswith(f".{one}") for one in _KEPT_DOMAINS):
        raise ValueError(f"{shown(key)} means something to Kubernetes itself: ask by a key of another domain")
    return Annotate(key, value)


def _annotation_key(text: str) -> str:
    if _KEY.fullmatch(text) is None:
        raise ValueError(f"{shown(text)} is no key of an annotation")
    return text


def _path(text: str) -> str:
    if not text.startswith("/") or text.endswith("/") or "\0" in text:
        raise ValueError(f"{shown(text)} is no file in the container: write its whole path")
    return text


def _http(text: str) -> Call:
    match = _HTTP.fullmatch(text)
    if match is None or not 0 < int(match[3]) <= _MOST_PORT:
        raise ValueError(f"{shown(text)} is no request: write POST :8080/path, or GET https://:8443/path")
    path = match[4] or "/"
    demand_plain(path)
    sent = _ESCAPE.sub(lambda found: found[0].upper(), quote(path, safe=_CLEAR))
    return Call("GET" if match[1] == "GET" else "POST", int(match[3]), sent, tls=bool(match[2]))


def demand_plain(target: str) -> None:
    """Return if a path with its query means the same to whoever passes it on. ValueError.

    Between dcctl and the pod stand servers that resolve `..`, join `//` and decode escapes: with those the
    path would name another object of the API server, and be asked for with the administrator's rights.
    """
    path = target.partition("?")[0]
    while (read := unquote(path)) != path:  # escapes of escapes too
        path = read
    names = [each.partition(";")[0] for each in path.split("/")]
    if (
        not path.startswith("/")
        or "" in names[1:-1]
        or {".", ".."} & set(names)
        or any(sign in path for sign in "\\?#\ufffd")
        or not (path + unquote(target)).isprintable()
        or _NO_ESCAPE.search(target)
    ):
        raise ValueError(
            f"{shown(target)} is no plain path: . and .., //, \\ and control characters lead elsewhere"
        )


_READ: Final[Mapping[str, Callable[[str], Ask]]] = {
    "signal": _signal,
    "exec": _command,
    "annotation": _pair,
    "http": _http,
}
HOWS: Final = tuple(_READ)
