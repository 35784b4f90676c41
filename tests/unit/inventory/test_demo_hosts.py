"""Nodes of the demo fleet as an audit sees them."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import evaluate, failures
from dcctl.audit.scene import Scene
from dcctl.inventory.demo.evidence.hosts import part
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.sources.demo import build

NOW_S = 1_750_000_000


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    fleet = build(NOW_S)
    return replace(part(fleet), fleet=fleet)


def test_each_node_is_there_and_what_is_told_can_be_saved(evidence: Evidence) -> None:
    hosts = evidence.hosts or ()
    assert len(hosts) == len({one.node for one in hosts}) >= len(evidence.fleet.nodes)
    assert msgspec.json.decode(msgspec.json.encode(evidence), type=Evidence) == evidence
    assert part(build(NOW_S)).hosts == hosts


def test_a_few_faults_and_the_rest_in_order(evidence: Evidence) -> None:
    checks = [one for name, one in CATALOGUE.items() if name.startswith("NOD-")]
    tallies = evaluate(Scene(evidence, NOW_S), checks)
    found = {(one.check.id, one.subject) for one in failures(tallies)}
    assert found == {
        *(("NOD-01", "gpu118"), ("NOD-02", "gpu118"), ("NOD-05", "SHA256:demo-image")),
        *(("NOD-06", "SHA256:demo-lin"), ("NOD-07", "gpu118"), ("NOD-10", "gpu029"), ("NOD-12", "gpu099")),
        *(("NOD-16", "gpu005"), ("NOD-16", "gpu006"), ("NOD-18", "gpu063"), ("NOD-20", "gpu041")),
        *(("NOD-21", "gpu070"), ("NOD-22", "gpu052"), ("NOD-23", "gpu092")),
    }
    assert not [tally.check.id for tally in tallies if tally.error]
    assert {one.subject for tally in tallies for one in tally.outcomes if one.state == "unknown"} == {
        *("gpu077", "gpu084", "gpu091"),
    }
