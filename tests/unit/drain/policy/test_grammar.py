"""The words of hooks and waits."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.drain.policy.grammar import When, asking, when
from dcctl.drain.policy.rules import annotated
from dcctl.drain.request import Annotate, Call, Exec, Hook, Signal
from dcctl.inventory.disruption import Disruption
from tests.asked import hook_of
from tests.examples import examples

if TYPE_CHECKING:
    from dcctl.drain.request import Ask


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("evict", When()),
        (" never ", When("never")),
        ("wait", When("wait")),
        ("wait 4h", When("wait", 14_400)),
        ("wait  1h30m   then evict", When("wait", 5400, "evict")),
        ("wait 4h then stop", When("wait", 14_400, "stop")),
    ],
)
def test_when_work_is_moved(text: str, expected: When) -> None:
    assert when(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is none of: evict, wait, wait 4h, wait 4h then evict, never"),
        ("Wait 4h", "is none of: evict, wait"),
        ("wait 4 h", "is none of: evict, wait"),
        ("wait soon", "'soon' is no length of time; write it as 3d12h, 90m or 45s"),
        ("wait 4", "'4' is no length of time"),
        ("wait 4h then kill", "then 'kill' is neither evict nor stop"),
        ("wait then evict", "is none of: evict, wait"),
        ("wait 0s", "is not a whole number of seconds above 0"),
    ],
)
def test_waits_that_cannot_be_read(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        when(text)


def _hook(text: str, proof: str, timeout: str = "") -> Hook:
    found = annotated(Disruption(checkpoint=text, proof=proof, patience=timeout)).hook
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "proof", "timeout", "expected"),
    [
        ("signal USR1", "file /ckpt/x", "", hook_of("signal USR1", proof="file /ckpt/x")),
        ("signal SIGusr2", "file /c", "5m", hook_of("signal USR2", "file /c", timeout_s=300)),
        ("exec /app/save --now 'a b'", "", "", hook_of("exec /app/save --now 'a b'")),
        ("exec save", "annotation x.io/b", "1h", hook_of("exec save", "annotation x.io/b", timeout_s=3600)),
        ("annotation a=b", "annotation c", "", hook_of("annotation a=b", "annotation c")),
        ("annotation save=a=b", "file /c", "", hook_of("annotation save=a=b", "file /c")),
        ("http POST :8080/checkpoint?now=1", "", "", hook_of("http POST :8080/checkpoint?now=1")),
        ("http :80", "", "", hook_of("http POST :80/")),
        ("http GET https://:1/x", "exit", "", hook_of("http GET https://:1/x")),
        ("http http://:1", "exit", "", hook_of("http POST :1/")),
        ("annotation save", "file /c", "", hook_of("annotation save=", "file /c")),
    ],
)  # fmt: skip
def test_how_work_is_asked(text: str, proof: str, timeout: str, expected: Hook) -> None:
    assert _hook(text, proof, timeout) == replace(expected, annotated=True)


@pytest.mark.parametrize(
    ("text", "proof", "timeout", "says"),
    [
        (" ", "", "", "begins with none of: signal, exec, annotation, http"),
        ("sigal USR1", "exit", "", "'sigal USR1' begins with none of"),
        ("signal KILL", "exit", "", "'KILL' is no signal to ask with: ABRT, ALRM"),
        ("signal 10", "exit", "", "is no signal to ask with"),
        ("signal USR1", "", "", "signal needs a proof: file PATH, or annotation KEY"),
        ("annotation a=b", "", "", "annotation needs a proof"),
        ("annotation a=b", "exit", "", "annotation says nothing of the end of a checkpoint"),
        ("signal USR1", "exit", "", "signal says nothing of the end of a checkpoint"),
        ("annotation -a=b", "exit", "", "'-a' is no key of an annotation"),
        ("annotation kubernetes.io/x=y", "file /c", "", "means something to Kubernetes itself"),
        ("annotation pod-security.k8s.io/x=y", "file /c", "", "means something to Kubernetes itself"),
        ("annotation a=b", "annotation a", "", "asks for the checkpoint, and cannot prove it as well"),
        ("exec", "", "", "exec needs a command line"),
        ("exec ''", "", "", "exec needs a command line"),
        ("exec save 'a", "", "", "no closing quotation"),
        ("exec save", "file ckpt", "", "'ckpt' is no file in the container: write its whole path"),
        ("exec save", "file", "", "is no file in the container"),
        ("exec save", "annotation a b", "", "'a b' is no key of an annotation"),
        ("exec save", "exit 0", "", "'exit 0' is no proof: file PATH, annotation KEY, or exit"),
        ("exec save", "", "10", "'10' is no length of time"),
        ("http POST checkpoint", "", "", "is no request: write POST :8080/path"),
        ("http PUT :80/", "", "", "is no request"),
        ("http POST :0/", "", "", "is no request"),
        ("http POST :65536/", "", "", "is no request"),
        ("http :1/../../../nodes/other:10250/proxy/run", "", "", "is no plain path"),
        ("http :1/a/%2e%2E/b", "", "", "is no plain path"),
        ("http :1/a/%252e%252e/b", "", "", "is no plain path"),
        ("http :1/a%2f..%2fb", "", "", "is no plain path"),
        ("http :1/..;x/b", "", "", "is no plain path"),
        ("http :1/./b", "", "", "is no plain path"),
        ("http :1//b", "", "", "is no plain path"),
        (r"http :1/a\..\b", "", "", "is no plain path"),
        ("http :1/a%5c..%5cb", "", "", "is no plain path"),
        ("http :1/a%3fb", "", "", "is no plain path"),
        ("http :1/a#b", "", "", "is no plain path"),
        ("http :1/a\x01", "", "", "is no plain path"),
        ("http :1/a?b=%0d%0ac", "", "", "is no plain path"),
        ("http :1/a%zz", "", "", "is no plain path"),
    ],
)
def test_hooks_that_cannot_be_read(text: str, proof: str, timeout: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        _hook(text, proof, timeout)


@pytest.mark.parametrize(
    ("text", "ask"),
    [
        ("http POST :8080/save", Call("POST", 8080, "/save")),
        ("http :80", Call("POST", 80, "/")),
        ("http GET https://:8443/a%2bb?c=d:e//f", Call("GET", 8443, "/a%2Bb?c=d:e//f", tls=True)),
        ("http POST http://:1/ä", Call("POST", 1, "/%C3%A4")),
        ("annotation example.com/save=now=1", Annotate("example.com/save", "now=1")),
        ("annotation save=", Annotate("save")),
        ("signal SIGusr1", Signal("USR1")),
        ("exec sh -c 'kill -USR1 -1'", Exec("sh -c 'kill -USR1 -1'")),
    ],
)
def test_what_is_asked_is_read_once(text: str, ask: Ask) -> None:
    assert asking(text) == ask


@pytest.mark.parametrize("name", ["KILL", "SIGSTOP", "", "USR1; rm -rf /", "USR1 1; x", "10"])
def test_no_shell_is_given_what_is_no_signal(name: str) -> None:
    with pytest.raises(ValueError, match="signal"):
        asking(f"signal {name}")
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"ask": {"how": "signal", "name": name}, "proof": {"by": "file", "path": "/c"}}, Hook)


@pytest.mark.parametrize(
    "saved",
    [
        {"ask": {"how": "signal", "name": "USR1"}},
        {"ask": {"how": "annotation", "key": "a"}},
        {"ask": {"how": "annotation", "key": "a"}, "proof": {"by": "annotation", "key": "a"}},
        {"ask": {"how": "http", "method": "PUT", "port": 80, "path": "/"}},
        {"ask": {"how": "http", "method": "GET", "port": 0, "path": "/"}},
    ],
)
def test_no_saved_plan_holds_a_hook_that_nothing_proves_or_that_cannot_be_asked(saved: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(saved, Hook)


def test_a_hook_is_kept_in_words_that_can_be_read() -> None:
    kept = msgspec.to_builtins(_hook("http GET https://:1/x?a=ä", "file /c", "5m"))
    assert kept == {
        "ask": {"how": "http", "method": "GET", "port": 1, "path": "/x?a=%C3%A4", "tls": True},
        "proof": {"by": "file", "path": "/c"},
        "timeout_s": 300,
        "annotated": True,
    }
    assert msgspec.convert(kept, Hook) == _hook("http GET https://:1/x?a=ä", "file /c", "5m")


def test_a_refusal_does_not_tell_secrets() -> None:
    with pytest.raises(ValueError, match="no closing quotation") as caught:
        _hook("exec save --token=hunter2 'a", "")
    assert "hunter" not in str(caught.value)


_WORD = st.sampled_from(
    [
        "signal",
        "exec",
        "http",
        "annotation",
        "USR1",
        ":80/x",
        "a=b",
        "/c",
        "file",
        "exit",
        "wait",
        "then",
        "evict",
        "4h",
    ]
)
_WORDS = st.lists(_WORD, min_size=1, max_size=4).map(" ".join)


@examples(200)
@given(_WORDS | st.text(min_size=1, max_size=8), _WORDS)
def test_any_words_are_read_or_refused_with_a_reason(text: str, proof: str) -> None:
    with suppress(ValueError):
        assert _hook(text, proof).ask
    with suppress(ValueError):
        assert when(text).mode
