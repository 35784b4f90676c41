"""`dcctl drain` while it waits: it says for what, and Ctrl-C ends the wait with the command that resumes."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.drained import FIRST, Cluster, opened
from tests.live.kubeapi.draining import maker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.warm import Warm

ASKED = "test/save"
HOOK = {
    "dcctl.io/checkpoint": f"annotation {ASKED}=now",
    "dcctl.io/checkpoint-proof": "annotation test/saved",
    "dcctl.io/checkpoint-timeout": "10m",
}


@pytest.fixture
def cluster(tmp_path: Path, warm: Warm) -> Iterator[Cluster]:
    with opened(tmp_path, warm) as made:
        yield made


def interrupted(cluster: Cluster, words: tuple[str, ...], ready: Callable[[], bool]) -> str:
    """Start it, and send SIGINT once it waits; what it says on standard error."""
    with subprocess.Popen(
        [sys.executable, "-m", "dcctl", "drain", *FIRST, *words, "--yes"],
        env=cluster.env(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=(cluster.folder / "said").open("w"),
        text=True,
    ) as process:
        try:
            cluster.eventually(lambda: ready() or process.poll() is not None)
            assert process.poll() is None, said(cluster)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 7, said(cluster)
        finally:
            process.kill()
    return said(cluster)


def said(cluster: Cluster) -> str:
    return (cluster.folder / "said").read_text(encoding="utf-8")


def test_a_hook_that_waits_ends_with_the_run(cluster: Cluster) -> None:
    """Every pod was asked, and none answers."""
    cluster.work(maker("Deployment", "web", 4, **HOOK))
    state = {"name": "a", "image": "a:1", "ready": True, "restartCount": 0, "state": {"running": {}}}
    for pod in cluster.server.objects("pods", "ml"):
        name = pod["metadata"]["name"]
        cluster.server.change("Pod", name, "ml", status={"containerStatuses": [state]})

    def waits() -> bool:
        pods = cluster.server.objects("pods", "ml")
        return all(ASKED in pod["metadata"]["annotations"] for pod in pods)

    told = interrupted(cluster, (), waits)
    assert "interrupted" in told
    assert "dcctl drain --resume" in told
    assert cluster.on(*FIRST) == 4


def test_a_wave_that_lies_in_the_future_waits(cluster: Cluster) -> None:
    cluster.work(maker("Deployment", "web", 4))
    told = interrupted(cluster, ("--not-before", "2h"), lambda: "wave 1 begins at" in said(cluster))
    assert "dcctl drain --resume" in told
    assert cluster.on(*FIRST) == 4


def test_work_that_is_waited_for_without_limit_is_named(cluster: Cluster) -> None:
    cluster.work(maker("Job", "sweep", 1, **{"dcctl.io/when-drained": "wait"}))
    told = interrupted(cluster, (), lambda: "is waited for" in said(cluster))
    assert "ml/sweep is waited for: until it ends, whenever that is (ml/sweep-" in told
    assert "dcctl drain --resume" in told
    assert cluster.on(*FIRST) == 1
