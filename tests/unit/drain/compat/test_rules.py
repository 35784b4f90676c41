"""Which pods kubectl evicts: the first rule that keeps a pod has the word, else the last that warns."""

from __future__ import annotations

import pytest

from dcctl.drain.compat.flags import Flags, parse
from dcctl.drain.compat.rules import (
    MIRROR,
    Lookup,
    Meta,
    Owner,
    Pod,
    Spec,
    Status,
    Volume,
    daemon_sets,
    decide,
)

MADE = [Owner("apps/v1", "ReplicaSet", "web", controller=True)]
DAEMON = [Owner("apps/v1", "DaemonSet", "agent", controller=True)]
FILES = Spec([Volume({"medium": "Memory"})])
OPEN = "--force --ignore-daemonsets --delete-emptydir-data"
UNMANAGED = "Pods that declare no controller (use --force to override): a/p"


def pod(
    owners: list[Owner] | None = None, spec: Spec | None = None, phase: str = "Running", **meta: str
) -> Pod:
    told = {MIRROR: ""} if "mirror" in meta else None
    return Pod(Meta("p", "a", "u", told, owners, meta.get("dying")), spec or Spec(), Status(phase))


@pytest.mark.parametrize(
    ("one", "words", "says"),
    [
        (pod(MADE), "", ([1], [], [])),
        (pod(), "", ([], [], [f"cannot delete {UNMANAGED}"])),
        (pod([Owner("apps/v1", "ReplicaSet", "web")]), "", ([], [], [f"cannot delete {UNMANAGED}"])),
        (pod(), "--force", ([1], ["deleting Pods that declare no controller: a/p"], [])),
        (pod(phase="Succeeded", spec=FILES), "", ([1], [], [])),
        (
            pod(MADE, FILES),
            "--force",
            ([], [], ["cannot delete Pods with local storage (use --delete-emptydir-data to override): a/p"]),
        ),
        (pod(MADE, FILES), OPEN, ([1], [], [])),
        (
            pod(DAEMON),
            "--force",
            ([], [], ["cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): a/p"]),
        ),
        (pod(DAEMON), OPEN, ([], ["ignoring DaemonSet-managed Pods: a/p"], [])),
        (pod(DAEMON, phase="Failed"), "", ([1], [], [])),
        (pod(mirror="yes"), "", ([], [], [])),
        (pod(dying="long ago"), "--skip-wait-for-delete-timeout=1", ([], [], [])),
    ],
)
def test_one_pod(one: Pod, words: str, says: tuple[list[int], list[str], list[str]]) -> None:
    found = decided(one, parse(words.split()), Lookup())
    assert found == says


@pytest.mark.parametrize(
    ("words", "says"),
    [("", ([], [], ["cannot delete gone: a/p"])), ("--force", ([1], [], []))],
)
def test_a_daemon_set_that_is_gone(words: str, says: tuple[list[int], list[str], list[str]]) -> None:
    assert decided(pod(DAEMON), parse(words.split()), Lookup(missing=True, error="gone")) == says


def test_a_daemon_set_that_may_not_be_read_is_an_error_whatever_is_forced() -> None:
    found = decided(pod(DAEMON), parse(OPEN.split()), Lookup(error="forbidden"))
    assert found == ([], [], ["cannot delete forbidden: a/p"])


def decided(one: Pod, flags: Flags, lookup: Lookup) -> tuple[list[int], list[str], list[str]]:
    """How many are evicted, as a list; warnings; errors."""

    def old(each: Pod) -> bool:
        return bool(each.metadata.deletion_timestamp)

    sets = dict.fromkeys(daemon_sets([one], old), lookup)
    found = decide([one], sets, flags, old)
    return [1 for _ in found.evict], list(found.warnings), list(found.errors)
