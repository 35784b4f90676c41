"""The demo's boards: the faults that it shows, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import json
from msgspec.structs import replace

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import evaluate, failures
from dcctl.audit.scene import Scene
from dcctl.inventory.demo.evidence.gpu import STOPPED, part
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.sources.demo import build

if TYPE_CHECKING:
    from dcctl.audit.counters import Counters

NOW_S = 1_750_000_000
CHECKS = [one for name, one in CATALOGUE.items() if name.startswith(("GPU-", "FAB-", "DRF-"))]


def _evidence() -> Evidence:
    fleet = build(NOW_S)
    return replace(part(fleet), fleet=fleet)


def test_the_demo_shows_these_faults_and_no_other() -> None:
    found = {(one.check.id, one.nodes) for one in failures(evaluate(Scene(_evidence(), NOW_S), CHECKS))}
    assert found == {
        *(("GPU-14", (node,)) for node in STOPPED),
        ("GPU-01", ("gpu066",)),
        ("GPU-06", ("gpu066",)),
        ("GPU-02", ("gpu063",)),
        ("GPU-05", ("gpu040",)),
        ("GPU-08", ("gpu021",)),
        ("GPU-09", ("gpu021",)),
        ("GPU-10", ("gpu035",)),
        ("GPU-12", ("gpu070",)),
        ("GPU-20", ("gpu031",)),
        ("FAB-01", ("gpu055",)),
        ("FAB-05", ("gpu112",)),
        ("DRF-01", ("gpu044",)),
    }


def _last(evidence: Evidence) -> Counters:
    """What a run over this evidence left for the next."""
    return Scene(evidence, evidence.taken_at_s or 0).counted()


def test_a_second_run_over_the_same_state_says_the_same_and_counts_nothing_new() -> None:
    evidence = replace(_evidence(), taken_at_s=NOW_S - 86_400)
    tallies = evaluate(Scene(evidence, NOW_S, counters=_last(evidence)), CHECKS)
    assert not [one.error for one in tallies if one.error]
    known = {(one.check.id, one.subject, one.where) for one in failures(tallies)}
    new = {one for one in known if one[0] in {"GPU-03", "GPU-11", "GPU-13", "FAB-02", "FAB-03"}}
    assert new == set()
    counted = {one.check.id: one.counts.get("pass", 0) for one in tallies}
    assert all(counted[name] > 0 for name in ("GPU-03", "GPU-11", "GPU-13", "FAB-02", "FAB-03"))


def test_a_counter_that_grew_is_one_new_finding() -> None:
    evidence = replace(_evidence(), taken_at_s=NOW_S - 86_400)
    boards = list(evidence.boards or ())
    at = next(number for number, one in enumerate(boards) if one.node == "gpu010")
    boards[at] = replace(boards[at], pcie_replays=(boards[at].pcie_replays or 0) + 1)
    before = {
        (one.check.id, one.subject, one.where)
        for one in failures(evaluate(Scene(evidence, NOW_S, counters=_last(evidence))))
    }
    scene = Scene(replace(evidence, boards=tuple(boards)), NOW_S, counters=_last(evidence))
    after = {(one.check.id, one.subject, one.where) for one in failures(evaluate(scene))}
    assert after - before == {("GPU-11", boards[at].key, "replays")}


def test_the_evidence_of_the_demo_travels_as_json() -> None:
    evidence = _evidence()
    assert json.decode(json.encode(evidence), type=Evidence) == evidence
