"""The harness that changes checks: it finds what fixtures miss. All scores: tests/bench/bench_mutants.py."""

from __future__ import annotations

import ast

from dcctl.audit.catalogue import CATALOGUE
from tests.unit.audit.mutants import mutants
from tests.unit.audit.mutating import score


def test_the_checks_of_the_audit_itself_kill_their_mutants() -> None:
    before = dict(CATALOGUE)
    found = score(["SLF-02", "SLF-03", "SLF-04"])
    own = [one for one in found.results if one.place.module == "dcctl.audit.checks.own"]
    assert len(own) > 50
    assert sum(not one.alive for one in own) >= 0.95 * len(own), [str(one) for one in own if one.alive]
    assert before == CATALOGUE
    assert all(before[name].run is CATALOGUE[name].run for name in before)


def test_a_table_of_parameters_is_changed_row_by_row_for_the_check_that_it_makes() -> None:
    rows = [one for one in score(["KUB-02"]).results if one.place.name == "PARAMETERS"]
    assert {one.what for one in rows if not one.alive} >= {"'0' is '0~'", "'readOnlyPort' is 'readOnlyPort~'"}
    assert {one.checks for one in rows} == {("KUB-02",)}


def test_what_no_fixture_looks_at_survives() -> None:
    """A limit of the policy is read, and no fixture stands at it."""
    found = score(["GPU-09"])
    assert not any(one.what == "no `applies`" for one in found.results if one.alive)
    assert found.unmade == ()


def test_what_is_changed_in_a_function() -> None:
    source = "LIMIT = 3\n\ndef unused(value):\n    return value > LIMIT and not value\n"
    made = list(mutants(ast.parse(source)))
    assert [(one.place, one.what) for one in made] == [
        ("LIMIT", "3 is 4"),
        ("unused", "And is Or"),
        ("unused", "Gt is GtE"),
        ("unused", "Gt is LtE"),
        ("unused", "no `not`"),
    ]
