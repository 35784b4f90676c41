"""The demo fleet has the faults of pods and networks that its documents tell of, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import evaluate, failures
from dcctl.audit.scene import Scene
from dcctl.inventory.demo.evidence import admission, cluster, network, pods
from dcctl.inventory.sources.demo import DemoSource

if TYPE_CHECKING:
    from dcctl.inventory.evidence.collected import Evidence


def demo() -> Evidence:
    fleet = DemoSource().collect()
    evidence = pods.part(fleet)
    for part in (network, admission, cluster):
        told = part.part(fleet)
        names = {name for name in told.__struct_fields__ if isinstance(getattr(told, name), tuple)}
        evidence = replace(evidence, **{name: getattr(told, name) for name in names})
    return evidence


def test_the_demo_has_these_faults_and_no_others() -> None:
    mine = [one for one in CATALOGUE.values() if one.id.startswith(("POD", "NET"))]
    tallies = evaluate(Scene(demo(), 1_750_000_000), mine)
    assert {(one.check.id, one.subject) for one in failures(tallies)} == {
        *(
            (name, "nlp/Deployment/translate-old")
            for name in ("POD-05", "POD-06", "POD-07", "POD-11", "POD-12")
        ),
        ("POD-04", "rl/RayCluster/ppo-lab"),
        ("POD-09", "edu/StatefulSet/notebook-lab"),
        ("POD-13", "edu/StatefulSet/notebook-lab"),
        ("POD-18", "search/Deployment/rerank-canary"),
        ("NET-01", "Namespace/qa"),
        ("NET-05", "rl/Service/ppo-lab-head-svc"),
        ("NET-06", "edu/Ingress/courses"),
        ("NET-07", "rl/Service/ppo-lab-head-svc"),
    }
    assert not any(tally.counts.get(state) for tally in tallies for state in ("unknown", "error"))
