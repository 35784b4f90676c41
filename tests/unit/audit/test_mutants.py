"""The harness that changes checks: it finds what fixtures miss. All scores: tests/bench/bench_mutants.py."""

from __future__ import annotations

import ast
import inspect

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.checks import own
from tests.unit.audit.mutants import mutants
from tests.unit.audit.mutating import Fixtures, Place, score
from tests.unit.audit.swapping import Program


def test_the_checks_of_the_audit_itself_kill_their_mutants() -> None:
    before = dict(CATALOGUE)
    found = score(["SLF-02", "SLF-03", "SLF-04"])
    theirs = [one for one in found.results if one.place.module == own.__name__]
    assert len(theirs) > 50
    assert sum(not one.alive for one in theirs) >= 0.95 * len(theirs), [
        str(one) for one in theirs if one.alive
    ]
    assert found.unmade == ()
    assert before == CATALOGUE
    assert all(before[name].run is CATALOGUE[name].run for name in before)


def test_a_table_of_parameters_is_changed_row_by_row_for_the_check_that_it_makes() -> None:
    rows = [one for one in score(["KUB-02"]).results if one.place.name == "PARAMETERS"]
    assert {one.what for one in rows if not one.alive} >= {"'0' is '0~'", "'readOnlyPort' is 'readOnlyPort~'"}
    assert {one.checks for one in rows} == {("KUB-02",)}


def test_what_changes_nothing_survives() -> None:
    tree = ast.parse(inspect.getsource(own))
    same = next(mutants(tree))._replace(tree=tree)
    fixtures, place = Fixtures(["SLF-02"]), Place(own.__name__, "told_enough")
    with Program().swapped(own, tree, same) as works:
        (one,) = fixtures.held(place, 1, "nothing", ("SLF-02",), works=works)
    assert one.alive


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
