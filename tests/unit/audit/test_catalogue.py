"""Every check of the catalogue: its metadata, and that it says of its fixtures what it has to say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.policy import Policy
from tests.unit.audit.cases import FOLDER, Case, cases, differences

if TYPE_CHECKING:
    from dcctl.audit.check import Check


@pytest.mark.parametrize(
    ("name", "case"),
    [pytest.param(name, case, id=f"{name}: {case.case}") for name in CATALOGUE for case in cases(name)],
)
def test_a_check_says_what_its_fixture_says(name: str, case: Case) -> None:
    assert differences(case, case.tally(CATALOGUE[name])) == {}


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_check_has_fixtures_that_fail_pass_and_do_not_apply(name: str) -> None:
    found = cases(name)
    assert any(case.fail for case in found), "none fails"
    assert any(case.passed for case in found), "none passes"
    assert any(case.na for case in found), "to none it does not apply"
    assert any(case.unknown for case in found), "of none it is unknown"


def test_fixtures_are_those_of_checks() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} <= set(CATALOGUE)


@pytest.mark.parametrize("one", CATALOGUE.values(), ids=lambda one: one.id)
def test_the_metadata_of_a_check_is_whole(one: Check) -> None:
    assert re.fullmatch(r"[A-Z]{3,4}-\d\d", one.id)
    assert 0 < len(one.title) <= 80
    assert one.why.endswith(".")
    assert one.fix.endswith((".", "`"))
    assert one.refs
    assert one.run.__doc__


@pytest.mark.parametrize("one", CATALOGUE.values(), ids=lambda one: one.id)
def test_what_mends_it_can_be_typed(one: Check) -> None:
    """Keys of the policy that it names exist, and so do commands of dcctl."""
    for topic, key in re.findall(r"\baudit\.(\w+)\.(\w+)", one.fix):
        assert key in type(getattr(Policy(), topic)).__struct_fields__
    assert set(re.findall(r"(?<!Bind )\bdcctl (\w+)", one.fix)) <= {"audit", "assess"}
