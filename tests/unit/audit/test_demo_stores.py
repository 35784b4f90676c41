"""The demo has the faults of storage, plant and models that its documents tell of, and no others."""

from __future__ import annotations

from msgspec.structs import replace

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.counters import Counters
from dcctl.audit.evaluate import evaluate, failures
from dcctl.audit.facts.powered import idle_since
from dcctl.audit.scene import Scene
from dcctl.inventory.demo.evidence import cluster, models, plant, storage
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.sources.demo import DemoSource

FAULTS = [
    ("STO-01", "Backup/velero velero/vectors", "age"),
    ("STO-05", "Backup/velero velero/vectors", "drill"),
    ("STO-07", "Filesystem/nfs01:/checkpoints", "space"),
    ("STO-08", "Volume/pvc-02", "phase"),
    ("STO-09", "Export/nfs01:/install", "<world>"),
    ("ENE-01", "Site/dc2", "pue"),
    ("ENE-02", "Plant/rack11-pdu-b", "balance"),
    ("ENE-03", "Plant/dc2-ups-b", "battery"),
    ("ENE-03", "Plant/dc2-ups-b", "battery age"),
    ("ENE-05", "Plant/rack07", "inlet"),
    ("MOD-01", "ModelFile/downloads/reranker/pytorch_model.bin", "posix.system in archive/data.pkl"),
    (
        "MOD-06",
        "ModelFile/downloads/reranker/config.json",
        "remote-code AutoModel: modeling_reranker.Reranker",
    ),
    ("MOD-07", "Bucket/models-public-mirror", "policy statement AllowAll (s3:GetObject)"),
    ("MOD-08", "DataSet/support-calls", "owner"),
    ("MOD-10", "Scratch/gpu098:/scratch", "chen"),
]


def test_the_demo_has_these_faults_and_no_others() -> None:
    fleet = DemoSource().collect()
    evidence = Evidence(fleet=fleet)
    for part in (storage, plant, models, cluster):
        told = part.part(fleet)
        names = [name for name in told.__struct_fields__ if isinstance(getattr(told, name), tuple)]
        evidence = replace(evidence, **{name: getattr(told, name) for name in names})
    mine = [one for one in CATALOGUE.values() if one.id.startswith(("STO", "ENE", "MOD"))]
    tallies = evaluate(Scene(evidence, fleet.taken_at_s or 0), mine)
    assert [(one.check.id, one.subject, one.where) for one in failures(tallies)] == FAULTS
    assert not [one for tally in tallies for one in tally.outcomes if one.state in {"error", "unknown"}]


def test_since_when_a_board_is_idle_is_carried_from_run_to_run() -> None:
    fleet = DemoSource().collect()
    first = Scene(Evidence(fleet=fleet), 100)
    counted = dict(idle_since(first))
    row, idle = next((row, found) for row, found in counted.items() if found)
    assert {at_s for found in counted.values() for at_s in found.values()} == {100}
    name = next(iter(idle))
    before = Counters().after([(row, {name: 5, "gone": 7})])
    again = Scene(Evidence(fleet=fleet), 200, counters=before).counted()
    assert (again.get(row, name), again.get(row, "gone")) == (5, None)
