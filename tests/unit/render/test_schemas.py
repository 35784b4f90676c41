"""SARIF, JUnit, OCSF and OSCAL are what their schemas say, whatever an audit found and in which words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.render.report import Control, Findings, Result, Waived
from tests.unit.render.schemas import VALID
from tests.unit.render.test_findings import FOUND, REPORT, RULES, one, text

ODD = (
    "",
    " ",
    "\n",
    "a\0b",
    "]]>",
    "<!--",
    "\x1b[2J",
    "\ud800",
    "\uffff",
    "🦉" * 40,
    "{0} [a](b)",
    "x" * 100_000,
)
EMPTY = Findings(at_s=0, rules=(), results=())
CONTROLS = (
    Control("5.1.3", "Few wildcards", "fail", ("GPU-14",), ("gpu1: is wrong",)),
    Control("AC-6(2)", "Users are users", "na", ("POD-04",), ("there is none",)),
    Control("A.8.2", "Rights", "unknown", ("RBAC-02", "GONE-01")),
    Control("8.1.4.1", "身份鉴别", "manual", ()),
)


def odd(word: str) -> Findings:
    """What an audit found, each text of it odd."""
    waived = Waived(word, word, word, 1_767_225_600)
    results = (
        one(word, id="a" * 16, says=word, where=word, nodes=(word,)),
        one(word, id="b" * 16, says=word, waived=waived),
    )
    states = ("unknown", "error", "manual")
    unknown = tuple(Result("RBAC-02", "", word, word, state) for state in states)  # type: ignore[arg-type]
    rules = tuple(replace(rule, title=word, why=word, fix=word) for rule in RULES)
    return replace(FOUND, rules=rules, results=results, unknown=(*unknown, *unknown), target=word)


@pytest.mark.parametrize("output", VALID)
@pytest.mark.parametrize(
    "found",
    [
        FOUND,
        EMPTY,
        replace(FOUND, results=(), unknown=(), gone=()),
        replace(FOUND, coverage_milli=None, complete=True),
        replace(FOUND, standard="cis-1.12", controls=CONTROLS),
        *map(odd, ODD),
    ],
)
def test_outputs_are_valid(output: str, found: Findings) -> None:
    VALID[output](text(output, replace(REPORT, findings=found)))


@pytest.mark.parametrize("output", VALID)
@given(word=st.text(st.characters(), max_size=12))
def test_outputs_are_valid_whatever_the_words(output: str, word: str) -> None:
    VALID[output](text(output, replace(REPORT, headline=word, findings=odd(word))))


@pytest.mark.parametrize(
    ("output", "was", "becomes"),
    [
        ("sarif", '"level": "error"', '"level": "fatal"'),
        ("junit", "<testsuites ", '<testsuites skipped="4" '),
        ("ocsf", '"activity_id": 1', '"activity_id": 7'),
        ("ocsf", '"message": ', '"massage": '),
        ("oscal", '"methods": ["TEST"]', '"methods": []'),
        ("oscal", '"title": "dcctl audit"', '"titel": "dcctl audit"'),
    ],
)
def test_what_is_not_valid_is_found(output: str, was: str, becomes: str) -> None:
    good = text(output)
    assert was in good
    with pytest.raises(Exception):  # noqa: B017, PT011  # each schema has its own
        VALID[output](good.replace(was, becomes))
