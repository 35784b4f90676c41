"""What work and its programs say is read."""

from __future__ import annotations

from dcctl.drain.act.hooks.proofs import seconds_of
from dcctl.drain.act.hooks.reach import told


def test_times_are_rfc_3339() -> None:
    assert seconds_of("1970-01-01T00:01:00Z") == 60
    assert seconds_of("1970-01-01T01:01:00+01:00") == 60
    for wrong in ("", "12", "1970-01-01", "1970-01-01T00:01:00", "step-3"):
        assert seconds_of(wrong) is None


def test_what_a_program_says_is_cleaned() -> None:
    assert told("a\x1b]0;b\x07\n\n \nAuthorization: Bearer abc\n") == "a ]0;b / Authorization: …"
    assert len(told("x y " * 200)) == 200
