"""The words of hooks and waits."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.drain.policy.grammar import When, when
from dcctl.drain.policy.rules import annotated
from dcctl.drain.request import Hook
from dcctl.inventory.disruption import Disruption
from tests.examples import examples


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
        ("signal USR1", "file /ckpt/x", "", Hook("signal", "USR1", proof="file", proof_of="/ckpt/x")),
        ("signal SIGusr2", "file /c", "5m", Hook("signal", "USR2", "", "file", "/c", 300)),
        ("exec /app/save --now 'a b'", "", "", Hook("exec", "/app/save --now 'a b'")),
        ("exec save", "annotation x.io/b", "1h", Hook("exec", "save", "", "annotation", "x.io/b", 3600)),
        ("annotation a=b", "annotation c", "", Hook("annotation", "a=b", "", "annotation", "c")),
        ("annotation save=a=b", "file /c", "", Hook("annotation", "save=a=b", "", "file", "/c")),
        ("http POST :8080/checkpoint?now=1", "", "", Hook("http", "POST :8080/checkpoint?now=1")),
        ("http :80", "", "", Hook("http", "POST :80/")),
        ("http GET https://:1/x", "exit", "", Hook("http", "GET https://:1/x")),
        ("http http://:1", "exit", "", Hook("http", "POST :1/")),
        ("annotation save", "file /c", "", Hook("annotation", "save=", "", "file", "/c")),
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
        assert _hook(text, proof).what
    with suppress(ValueError):
        assert when(text).mode
