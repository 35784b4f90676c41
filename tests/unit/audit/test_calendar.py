"""What time alone changes: the checks that are about an age, and no other."""

from __future__ import annotations

from typing import Final

import pytest

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import Tally, evaluate
from dcctl.audit.finding import findings
from dcctl.audit.record import Judged, compare
from dcctl.audit.scene import Scene
from tests.unit.audit.nights import DAY_S, NOW_S, seen

OF_AGE: Final = {
    "GPU-20": "nobody has run the diagnostics since",
    "FAB-06": "nobody has measured the all-reduce since",
    "ENE-01": "the meters have not been read since",
    "ENE-03": "nobody has tested the battery since",
    "ENE-04": "boards that stand idle go on drawing",
    "KUB-06": "the support of a version ends on a day",
    "NOD-23": "a taint of maintenance is still there",
    "SEC-03": "a certificate ends",
    "STO-01": "there is no newer backup",
    "STO-05": "nobody has restored from the backup since",
    "STO-06": "there is no newer copy of the cluster",
}


@pytest.mark.parametrize("days", [1, 30, 400])
def test_time_alone_makes_findings_of_age_and_ends_none(days: int) -> None:
    counted = Scene(seen(), NOW_S).counted()

    def tallies(after_s: int) -> list[Tally]:
        return evaluate(Scene(seen(), NOW_S + after_s, counters=counted), CATALOGUE.values())

    first, later = tallies(1), tallies(days * DAY_S)
    before = {one.id: one for one in findings(first)}
    compared = compare(before, findings(later), Judged(later, lambda _check, _one: True))
    assert {one.check for one in compared.new} <= OF_AGE.keys()
    assert compared.gone == ()
    assert {one.check for one in compared.unsure} <= {"ENE-01"}, "old readings tell no PUE"
