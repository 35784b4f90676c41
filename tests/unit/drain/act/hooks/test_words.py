"""What a hook says is read, or refused in words."""

from __future__ import annotations

import pytest

from dcctl.drain.act.hooks.asking import refuse_wrong
from dcctl.drain.act.hooks.proofs import seconds_of
from dcctl.drain.act.hooks.reach import told
from dcctl.drain.act.hooks.words import Call, annotation_of, call_of, command_of, path_of, signal_of
from dcctl.drain.asked import PROOF_LASTS_S, by_index, still_proves
from dcctl.drain.backends import NoProof
from dcctl.drain.request import Hook


@pytest.mark.parametrize(("what", "name"), [("USR1", "USR1"), ("SIGUSR2", "USR2"), ("TERM", "TERM")])
def test_signals(what: str, name: str) -> None:
    assert signal_of(what) == name


@pytest.mark.parametrize("what", ["KILL", "SIGSTOP", "", "USR1; rm -rf /", "10", "usr1", "SEGV"])
def test_what_is_no_signal(what: str) -> None:
    with pytest.raises(ValueError, match="signal"):
        signal_of(what)


def test_a_command_is_split_as_by_a_shell_and_run_by_none() -> None:
    assert command_of("save 'a b' \"c\" $X ;") == ("save", "a b", "c", "$X", ";")
    assert command_of("sh -c 'kill -USR1 -1'") == ("sh", "-c", "kill -USR1 -1")


@pytest.mark.parametrize("what", ["", "  ", "save 'a", "''", "a\0b"])
def test_what_is_no_command(what: str) -> None:
    with pytest.raises(ValueError, match="exec"):
        command_of(what)


@pytest.mark.parametrize(
    ("what", "call"),
    [
        ("POST :8080/save", Call("POST", 8080, "/save")),
        (":80", Call("POST", 80, "/")),
        ("GET https://:8443/a%20b?c=d", Call("GET", 8443, "/a%20b?c=d", tls=True)),
        ("POST http://:1/ä", Call("POST", 1, "/%C3%A4")),
    ],
)
def test_requests(what: str, call: Call) -> None:
    assert call_of(what) == call


@pytest.mark.parametrize("what", ["", "PUT :80/", "POST 10.0.0.1:80/", ":0/", ":65536/", ":80/a b", ":80x"])
def test_what_is_no_request(what: str) -> None:
    with pytest.raises(ValueError, match="http"):
        call_of(what)


def test_annotations() -> None:
    assert annotation_of("example.com/save=now=1") == ("example.com/save", "now=1")
    assert annotation_of("save") == ("save", "")
    for wrong in ("", "=x", "a b=c", "Example.com/x", "/x"):
        with pytest.raises(ValueError, match="annotation"):
            annotation_of(wrong)


def test_files() -> None:
    assert path_of("/ckpt/latest") == "/ckpt/latest"
    for wrong in ("", "latest", "/ckpt/", "--help"):
        with pytest.raises(ValueError, match="file"):
            path_of(wrong)


@pytest.mark.parametrize("how", ["signal", "annotation"])
def test_that_it_was_asked_is_no_proof(how: str) -> None:
    what = {"signal": "USR1", "annotation": "a=b"}[how]
    with pytest.raises(NoProof, match="name a proof"):
        refuse_wrong(Hook(how, what))  # type: ignore[arg-type]


def test_names_are_sorted_as_people_do() -> None:
    pods = ["ml/a-10", "ml/a-worker-0", "ml/a-2", "ml/a-2-1", "ml/a-launcher"]
    assert sorted(pods, key=by_index) == [
        "ml/a-2",
        "ml/a-2-1",
        "ml/a-10",
        "ml/a-launcher",
        "ml/a-worker-0",
    ]


def test_times_are_rfc_3339() -> None:
    assert seconds_of("1970-01-01T00:01:00Z") == 60
    assert seconds_of("1970-01-01T01:01:00+01:00") == 60
    for wrong in ("", "12", "1970-01-01", "1970-01-01T00:01:00", "step-3"):
        assert seconds_of(wrong) is None


def test_a_proof_grows_old() -> None:
    assert still_proves(100, 100 + PROOF_LASTS_S)
    assert not still_proves(100, 101 + PROOF_LASTS_S)
    assert not still_proves(100, 99)


def test_what_a_program_says_is_cleaned() -> None:
    assert told("a\x1b]0;b\x07\n\n \nAuthorization: Bearer abc\n") == "a ]0;b / Authorization: …"
    assert len(told("x y " * 200)) == 200
