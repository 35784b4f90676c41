"""The harness that changes checks: it finds what fixtures miss. All scores: tests/bench/bench_mutants.py."""

from __future__ import annotations

import ast
from pathlib import Path

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.checks import own
from tests.unit.audit.mutants import mutants, scores, survives


def test_the_checks_of_the_audit_itself_kill_their_mutants() -> None:
    before = dict(CATALOGUE)
    found = scores(["SLF-02", "SLF-03", "SLF-04"])
    killed, made = sum(one.killed for one in found), sum(one.made for one in found)
    assert made > 50
    assert killed >= 0.95 * made, [one.survivors for one in found]
    assert before == CATALOGUE


def test_a_mutant_that_no_fixture_looks_at_survives() -> None:
    source = "def unused(value):\n    return value > 3 and not value\n"
    made = list(mutants(ast.parse(source)))
    assert {one.what for one in made} == {"And is Or", "Gt is GtE", "Gt is LtE", "3 is 4", "no `not`"}
    real = ast.parse(Path(own.__file__).read_text())
    same = made[0]._replace(tree=real)
    assert survives(own, same, ["SLF-02", "SLF-03", "SLF-04"]), "what is not wrong is not killed"
