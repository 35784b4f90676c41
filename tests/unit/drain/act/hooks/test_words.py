"""What a hook says is read, or refused in words."""

from __future__ import annotations

import pytest

from dcctl.drain.act.hooks.asking import refuse_wrong
from dcctl.drain.act.hooks.proofs import seconds_of
from dcctl.drain.act.hooks.reach import told
from dcctl.drain.act.hooks.words import Call, annotation_of, call_of, command_of, signal_of
from dcctl.drain.backends import NoProof
from dcctl.drain.request import Hook


@pytest.mark.parametrize("name", ["USR1", "SIGUSR1"])
def test_signals(name: str) -> None:
    assert signal_of(Hook("signal", name)) == "USR1"


@pytest.mark.parametrize("name", ["KILL", "SIGSTOP", "", "USR1; rm -rf /", "USR1 1; x", "10"])
def test_no_shell_is_given_what_is_no_signal(name: str) -> None:
    with pytest.raises(ValueError, match="signal"):
        signal_of(Hook("signal", name))


def test_a_command_is_split_as_by_a_shell_and_run_by_none() -> None:
    assert command_of(Hook("exec", "save 'a b' \"c\" $X ;")) == ("save", "a b", "c", "$X", ";")
    assert command_of(Hook("exec", "sh -c 'kill -USR1 -1'")) == ("sh", "-c", "kill -USR1 -1")


@pytest.mark.parametrize(
    ("what", "call"),
    [
        ("POST :8080/save", Call("POST", 8080, "/save")),
        (":80", Call("POST", 80, "/")),
        ("GET https://:8443/a%20b?c=d:e//f", Call("GET", 8443, "/a%20b?c=d:e//f", tls=True)),
        ("POST http://:1/ä", Call("POST", 1, "/%C3%A4")),
    ],
)
def test_requests(what: str, call: Call) -> None:
    assert call_of(Hook("http", what)) == call


def test_annotations() -> None:
    assert annotation_of(Hook("annotation", "example.com/save=now=1")) == ("example.com/save", "now=1")
    assert annotation_of(Hook("annotation", "save=")) == ("save", "")


@pytest.mark.parametrize(
    "hook",
    [
        Hook("signal", "USR1"),
        Hook("annotation", "a=b"),
        Hook("annotation", "a=b", proof="annotation", proof_of="a"),
        Hook("http", "PUT :80/"),
        Hook("exec", "'"),
        Hook("exec", "save", proof="file", proof_of="latest"),
    ],
)
def test_what_cannot_be_asked_or_proved(hook: Hook) -> None:
    with pytest.raises(NoProof):
        refuse_wrong(hook)


def test_times_are_rfc_3339() -> None:
    assert seconds_of("1970-01-01T00:01:00Z") == 60
    assert seconds_of("1970-01-01T01:01:00+01:00") == 60
    for wrong in ("", "12", "1970-01-01", "1970-01-01T00:01:00", "step-3"):
        assert seconds_of(wrong) is None


def test_what_a_program_says_is_cleaned() -> None:
    assert told("a\x1b]0;b\x07\n\n \nAuthorization: Bearer abc\n") == "a ]0;b / Authorization: …"
    assert len(told("x y " * 200)) == 200
