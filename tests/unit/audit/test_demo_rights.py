"""The demo cluster has the faults that its documents tell of, and no others of these topics."""

from __future__ import annotations

from msgspec.structs import asdict, replace

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import evaluate, failures
from dcctl.audit.scene import Scene
from dcctl.inventory.demo.evidence import admission, cluster, rbac, secrets
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.sources.demo import DemoSource


def test_the_demo_has_these_faults_and_no_others() -> None:
    fleet = DemoSource().collect()
    evidence = Evidence(fleet=fleet, workloads=())
    for part in (rbac, admission, secrets, cluster):
        told = {name: value for name, value in asdict(part.part(fleet)).items() if isinstance(value, tuple)}
        evidence = replace(evidence, **told)
    mine = [one for one in CATALOGUE.values() if one.id.startswith(("RBAC", "ADM", "SEC", "SLF-01"))]
    found = {
        (one.check.id, one.subject)
        for one in failures(evaluate(Scene(evidence, fleet.taken_at_s or 0), mine))
    }
    assert found == {
        ("RBAC-01", "ClusterRoleBinding/migration-2023"),
        ("RBAC-02", "User/vendor-support"),
        ("RBAC-02", "nlp/ServiceAccount/jupyter-sa"),
        ("RBAC-04", "User/vendor-support"),
        ("RBAC-08", "User/vendor-support"),
        ("RBAC-09", "User/vendor-support"),
        ("RBAC-10", "User/vendor-support"),
        ("RBAC-11", "User/vendor-support"),
        ("RBAC-12", "User/vendor-support"),
        ("RBAC-13", "User/vendor-support"),
        ("ADM-01", "Namespace/rl"),
        ("ADM-06", "ValidatingWebhook/gatekeeper/validation.gatekeeper.sh"),
        ("SEC-02", "code/Secret/ci-token"),
        ("SEC-03", "Certificate/webhook gatekeeper/validation.gatekeeper.sh"),
    }
