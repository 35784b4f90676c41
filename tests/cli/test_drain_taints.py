"""Taints that somebody else set on a node: told by the plan and by --return, and left as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.drained import FIRST, Cluster
from tests.kubeapi import ApiServer
from tests.live.kubeapi.draining import maker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.warm import Warm

FOREIGN = {"key": "example.com/x", "effect": "NoSchedule"}


@pytest.fixture
def tainted(tmp_path: Path, warm: Warm) -> Iterator[Cluster]:
    """gpu0 has a taint of somebody else."""
    with ApiServer(makers=True) as server:
        cluster = Cluster(server, tmp_path, warm)
        cluster.work(maker("Deployment", "web", 4))
        server.change("nodes", "gpu0", spec={"taints": [FOREIGN]})
        yield cluster


def foreign(cluster: Cluster) -> list[dict[str, Any]]:
    """The taints of gpu0 but those that Kubernetes sets by itself."""
    taints = cluster.server.get("nodes", "gpu0")["spec"].get("taints") or ()
    return [one for one in taints if not one["key"].startswith("node.kubernetes.io/")]


def notes(document: dict[str, Any]) -> list[str]:
    return [one["text"] for one in document["notes"] if one["label"] == "taint"]


def test_a_taint_of_somebody_else_is_told_and_stays(tainted: Cluster) -> None:
    says = "gpu0: has the taint example.com/x:NoSchedule: somebody keeps work away; on return it stays"
    assert notes(tainted.told(*FIRST, "--max-unavailable", "2", "--dry-run")) == [says]
    tainted.told(*FIRST, "--max-unavailable", "2", "--yes")
    assert foreign(tainted) == [FOREIGN]
    back = tainted.told("--return", *FIRST, "--without-checks", "--yes")
    left = "gpu0: example.com/x:NoSchedule was left as it is: somebody else keeps work away"
    assert notes(back) == [left]
    assert [one["state"] for one in back["items"]] == ["returned", "returned"]
    assert (tainted.node("gpu0"), foreign(tainted)) == ((True, None), [FOREIGN])
