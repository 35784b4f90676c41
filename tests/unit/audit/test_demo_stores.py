"""The demo has the faults of storage, plant and models that its documents tell of, and no others."""

from __future__ import annotations

from msgspec.structs import replace

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import evaluate, failures
from dcctl.audit.powered import idle_since
from dcctl.audit.scene import Scene
from dcctl.inventory.demo.evidence import cluster, models, plant, storage
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.sources.demo import DemoSource


def test_the_demo_has_these_faults_and_no_others() -> None:
    fleet = DemoSource().collect()
    evidence = Evidence(fleet=fleet)
    for part in (storage, plant, models, cluster):
        told = part.part(fleet)
        names = [name for name in told.__struct_fields__ if isinstance(getattr(told, name), tuple)]
        evidence = replace(evidence, **{name: getattr(told, name) for name in names})
    mine = [one for one in CATALOGUE.values() if one.id.startswith(("STO", "ENE", "MOD"))]
    tallies = evaluate(Scene(evidence, fleet.taken_at_s or 0), mine)
    assert [(one.check.id, one.subject, one.where) for one in failures(tallies)] == []
    assert not [one for tally in tallies for one in tally.outcomes if one.state in {"error", "unknown"}]


def test_since_when_a_board_is_idle_is_carried_from_run_to_run() -> None:
    fleet = DemoSource().collect()
    first = Scene(Evidence(fleet=fleet), 100)
    counters = idle_since(first)
    assert counters
    assert set(counters.values()) == {100}
    name = next(iter(counters))
    before = Evidence(counters={name: 5, "gone": 7}, taken_at_s=100)
    again = idle_since(Scene(Evidence(fleet=fleet), 200, before=before))
    assert (again[name], "gone" in again) == (5, False)
