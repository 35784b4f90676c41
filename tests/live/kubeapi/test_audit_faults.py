"""An audit of an API server that fails: a check says what it says of the whole, or that it is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcctl import collectors, specs
from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.coverage import coverage, state_of
from dcctl.audit.evaluate import evaluate
from dcctl.audit.finding import findings
from dcctl.audit.scene import Scene
from dcctl.inventory.model import Fleet
from dcctl.inventory.sources.http.client import Patience
from dcctl.inventory.sources.kubernetes.evidence.source import KubernetesEvidence
from dcctl.settings import Settings
from tests.kubeapi import ApiServer, objects
from tests.kubeapi.faults import Action, Delay, EndlessPage, Garbage, Reply, Reset, Truncate, match
from tests.unit.audit import kubeadm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dcctl.audit.evaluate import Tally
    from dcctl.inventory.evidence.collected import Evidence

NOW_S = 1_790_000_000
GROUP = "rbac.authorization.k8s.io"
BUSY, HALF, HANGS = Reply(429, {"Retry-After": "0"}), Truncate(), Delay(30.0)
NO_LIST = Garbage(b'{"kind": "PodList", "metadata": {}, "items": 7}')
ACTIONS: tuple[Action, ...] = (
    *(BUSY, HALF, HANGS, NO_LIST, Reply(500), Garbage(), Reset("mid-body"), EndlessPage()),
)
LISTS = {
    "pods": r"^/api/v1/(namespaces/kube-system/)?pods",
    "pods of the system": r"^/api/v1/namespaces/kube-system/pods",
    "nodes": r"^/api/v1/nodes",
    "requests": r"^/apis/certificates.k8s.io",
    "ConfigMaps": r"^/api/v1/(namespaces/kube-system/)?configmaps",
    "roles": rf"^/apis/{GROUP}/v1/(cluster)?roles\b",
    "namespaces": r"^/api/v1/namespaces\?",
    "version": r"^/version",
    "APIs": r"^/apis$",
}


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    with ApiServer(kubelet=False) as running:
        running.load([objects.node(kubeadm.NODE, 0)])
        running.load([kubeadm.mirror(name) for name in kubeadm.STATIC])
        running.load([one for one in kubeadm.objects_of_kube_proxy() if one["kind"] != "DaemonSet"])
        running.load([objects.pod("web", node=kubeadm.NODE, requests={"cpu": "1"})])
        yield running


def gathered(server: ApiServer, folder: Path, request_s: float = 10) -> Evidence:
    """What an audit makes of the cluster, as it is wired."""
    soon = Patience(request_s=request_s, tries=2, backoff_s=0.001, backoff_max_s=0.001)
    config = str(server.kubeconfig(folder / "config"))
    source = KubernetesEvidence(kubeconfig=config, patience=soon, page_size=2, timeout_s=60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dcctl.app.plan_of", lambda _settings: (specs.KubernetesSpec(name="kubernetes"),))
        patch.setattr(collectors, "COLLECTORS", {specs.KubernetesSpec: lambda _spec, _around: source})
        return collectors.Collection(Settings()).gather(Fleet(), NOW_S)


def judged(seen: Evidence) -> list[Tally]:
    return evaluate(
        Scene(seen, NOW_S), [one for name, one in CATALOGUE.items() if not name.startswith("SLF")]
    )


def states(tallies: list[Tally]) -> dict[str, str]:
    return {one.check.id: state_of(one) for one in tallies}


@pytest.fixture(scope="module")
def whole(server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> list[Tally]:
    return judged(gathered(server, tmp_path_factory.mktemp("whole")))


@pytest.mark.parametrize(
    ("paths", "action"),
    [
        *(pytest.param(r"^/api", one, id=f"all {str(one)[:30]}") for one in ACTIONS),
        *(
            pytest.param(path, one, id=f"{what} {str(one)[:30]}")
            for what, path in LISTS.items()
            for one in (BUSY, HALF, NO_LIST)
        ),
        pytest.param(LISTS["pods of the system"], HANGS, id="pods of the system hang"),
    ],
)
def test_no_check_says_better_of_a_server_that_fails(
    server: ApiServer, tmp_path: Path, whole: list[Tally], paths: str, action: Action
) -> None:
    server.faults.add(match("GET", paths), action)
    seen = gathered(server, tmp_path, 0.3 if action is HANGS else 10)
    assert server.faults.fired
    server.faults.clear()
    part = judged(seen)
    before, after = states(whole), states(part)
    assert {name: state for name, state in after.items() if state not in (before[name], "unknown")} == {}
    assert {one.id for one in findings(part)} <= {one.id for one in findings(whole)}
    known, less = coverage(whole).milli, coverage(part).milli
    assert known is not None
    assert less is not None
    assert less <= known
