"""The demo's components: a few faults that an administrator would act on, and nothing else."""

from __future__ import annotations

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import evaluate
from dcctl.audit.scene import Scene
from dcctl.inventory.demo.evidence.components import part
from dcctl.inventory.sources.demo import DemoSource

NOW_S = 1_790_000_000
TOPIC = [one for one in CATALOGUE.values() if one.over == "components"]


def test_the_demo_has_a_few_faults_and_the_rest_is_in_order() -> None:
    tallies = evaluate(Scene(part(DemoSource().collect()), NOW_S), TOPIC)
    found = [one for tally in tallies for one in tally.outcomes]
    assert {(one.check.id, one.subject, one.where) for one in found if one.state == "fail"} == {
        *(("API-04", f"cp{number}/kube-apiserver", "audit-log-maxage") for number in (1, 2, 3)),
        ("SEC-01", "cp3/kube-apiserver", "encryption-provider-config"),
        ("KUB-02", "gpu014/kubelet", "read-only-port"),
        *(
            ("KUB-06", f"{node}/kubelet", what)
            for node in ("gpu119", "gpu120")
            for what in ("support", "skew")
        ),
    }
    assert {one.subject for one in found if one.state == "unknown"} == {"gpu077/kubelet"}
    assert not any(tally.error for tally in tallies)
