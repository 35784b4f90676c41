"""`dcctl drain --compat kubectl` against the real kubectl: its filters, and the whole command live."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import TYPE_CHECKING

import msgspec
import pytest

from dcctl.drain.act.compat import long_gone
from dcctl.drain.compat.flags import parse
from dcctl.drain.compat.rules import Lookup, Pod, daemon_sets, decide
from tests.controlplane import drain_oracle, drain_pods
from tests.controlplane.client import MERGE_PATCH
from tests.controlplane.drain_live import (
    Quiet,
    Said,
    by_dcctl,
    by_kubectl,
    collection,
    differences,
    nodes,
    populate,
    surroundings,
)
from tests.controlplane.workloads import disruption_budget
from tests.kubeapi import ApiServer, selectors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.controlplane.client import Json
    from tests.controlplane.plane import ControlPlane

SETS = 12_000
"""Against the filters of kubectl."""
LIVE, TWINS = 60, 36
"""Nodes of a real API server: those that are asked about, and those that are drained."""
EMULATED, EMULATED_ROUNDS = 400, 3
"""Nodes of the emulator, and how often all are asked about."""
AT_ONCE = 15
"""Nodes of one command."""


def test_the_same_pods_as_by_the_filters_of_kubectl() -> None:
    rng = Random(6)
    cases = [(drain_pods.pods(rng, f"n{at}"), drain_pods.flags(rng)) for at in range(SETS)]
    theirs = drain_oracle.asked(question(pods, words) for pods, words in cases)
    wrong = [
        (words, pods, ours, told)
        for (pods, words), told in zip(cases, theirs, strict=True)
        if (ours := decided(pods, words)) != {key: sorted(told[key]) for key in told}
    ]
    assert (len(wrong), wrong[:1]) == (0, [])
    refused, evicting = (
        sum(bool(each["Errors"]) for each in theirs),
        sum(bool(each["Evict"]) for each in theirs),
    )
    assert min(refused, evicting) > SETS // 5, "sets of one sort alone prove less"


def question(pods: list[Json], words: Sequence[str]) -> Json:
    flags = parse(words)
    return {
        "Pods": pods,
        "DaemonSets": drain_pods.SETS,
        "PodSelector": flags.pod_selector,
        "Force": flags.force,
        "IgnoreDaemonSets": flags.ignore_daemonsets,
        "DeleteEmptyDirData": flags.delete_emptydir_data,
        "SkipWaitForDeleteTimeoutSecs": flags.skip_wait_for_delete_timeout,
    }


def decided(pods: list[Json], words: Sequence[str]) -> dict[str, list[str]]:
    """What dcctl decides, as the program answers; kubectl tells it in no order."""
    flags, now_s = parse(words), time.time()
    chosen = selectors.label_selector(flags.pod_selector)
    seen = [
        msgspec.convert(each, Pod)
        for each in pods
        if chosen is None or chosen(each["metadata"].get("labels") or {})
    ]

    def old(pod: Pod) -> bool:
        return long_gone(pod, flags, now_s)

    found = decide(seen, {each: looked_up(*each) for each in daemon_sets(seen, old)}, flags, old)
    return {
        "Evict": sorted(pod.title for pod in found.evict),
        "Warnings": sorted(found.warnings),
        "Errors": sorted(found.errors),
    }


def looked_up(namespace: str, name: str) -> Lookup:
    if f"{namespace}/{name}" in drain_pods.SETS:
        return Lookup()
    return Lookup(missing=True, error=f'daemonsets.apps "{name}" not found')


COMBINATIONS = (
    ("--dry-run=client",),
    ("--dry-run=client", "--force", "--ignore-daemonsets", "--delete-emptydir-data"),
    ("--dry-run=server", "--force", "--ignore-daemonsets", "--delete-emptydir-data"),
    ("--dry-run=client", "--ignore-daemonsets", "--skip-wait-for-delete-timeout=1", "--chunk-size=2"),
    ("--dry-run=client", "--force", "--delete-emptydir-data", "--skip-wait-for-delete-timeout=9999"),
    ("--dry-run=server", "--force", "--ignore-daemonsets", "--pod-selector=app in (a,b)"),
    ("--dry-run=client", "--delete-emptydir-data", "--pod-selector=tier!=back", "--chunk-size=0"),
)


MISUSE = (
    (),
    ("nobody",),
    ("live-00", "nobody", "--force"),
    ("-l", "half=never"),
    ("--selector="),
    ("live-00", "-l", "half=odd"),
    ("live-00", "--pod-selector=a===b"),
    ("node/live-01", "nodes/live-02", "--dry-run=client", "--force"),
    ("-l", "half=odd", "--dry-run=client"),
    ("live-03", "live-03", "--dry-run=client"),
    ("live-00", "--timeout=5"),
)
"""Other words, and words that are wrong."""


@pytest.fixture(scope="module")
def quiet(binaries: Path) -> Iterator[ControlPlane]:
    with Quiet(binaries, ["--disable-admission-plugins=ServiceAccount"]) as plane:
        for each in surroundings():
            plane.create_many(collection(each), [each])
        yield plane


@pytest.fixture(scope="module")
def full(quiet: ControlPlane) -> list[str]:
    """Nodes with pods of all sorts on a real API server."""
    rng = Random(7)
    names = [f"live-{at:02d}" for at in range(LIVE)]
    quiet.create_many("/api/v1/nodes", list(nodes(names)))
    populate(quiet, [pod for name in names for pod in drain_pods.pods(rng, name)])
    time.sleep(2.1)  # whoever is being deleted is so for longer than a second
    return names


def test_the_whole_command_says_the_same(quiet: ControlPlane, binaries: Path, full: list[str]) -> None:
    parts = [full[at : at + AT_ONCE] for at in range(0, LIVE, AT_ONCE)]
    asked = [(*part, *flags) for flags in COMBINATIONS for part in parts]
    assert len(asked) * AT_ONCE >= 300
    assert differences(binaries / "kubectl", [*asked, *MISUSE], quiet.kubeconfig()) == []


def test_the_same_pods_leave(quiet: ControlPlane, binaries: Path) -> None:
    """Each drains the nodes of its own half of a cluster whose halves are alike."""
    rng = Random(8)
    halves = {half: [f"{half}-{at:02d}" for at in range(TWINS)] for half in ("us", "them")}
    sets = [drain_pods.pods(rng, f"them-{at:02d}") for at in range(TWINS)]
    theirs = [staying(pod) for each in sets for pod in each]
    ours = json.loads(json.dumps(theirs).replace("them-", "us-"))
    for half in halves.values():
        quiet.create_many("/api/v1/nodes", list(nodes(half)))
    populate(quiet, [*theirs, *ours])
    config, all_flags = quiet.kubeconfig(), ("--force", "--ignore-daemonsets", "--delete-emptydir-data")
    rounds = ((), all_flags[:2], (*all_flags[:1], "--disable-eviction", "--pod-selector=app=a"), all_flags)
    for flags in rounds:
        parts = [(*halves["them"][at::6], *flags) for at in range(6)]
        with ThreadPoolExecutor(6) as pool:
            told = list(pool.map(lambda words: by_kubectl(binaries / "kubectl", words, config), parts))
        said = [renamed(by_dcctl((*halves["us"][at::6], *flags), config)) for at in range(6)]
        assert [
            (one.without(other), other.without(one))
            for one, other in zip(said, told, strict=True)
            if one != other
        ] == []
        left = standing(quiet)
        assert {name.replace("us-", "them-") for name in left if "us-" in name} == {
            name for name in left if "them-" in name
        }
    assert not [name for name in standing(quiet) if "us-" in name and not kept(quiet, name)]


def staying(pod: Json) -> Json:
    """The same, not being deleted: it would stay for ever."""
    gone = ("deletionTimestamp", "deletionGracePeriodSeconds", "finalizers")
    return pod | {"metadata": {key: value for key, value in pod["metadata"].items() if key not in gone}}


def renamed(said: Said) -> Said:
    lines = json.loads(json.dumps((said.out, said.err)).replace("us-", "them-"))
    return Said(said.code, lines[0], sorted(lines[1]))


def standing(plane: ControlPlane) -> set[str]:
    with plane.client() as api:
        found = api.get("/api/v1/pods")["items"]
    return {f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in found}


def kept(plane: ControlPlane, title: str) -> bool:
    """Whether a pod belongs to its node."""
    space, _, name = title.partition("/")
    with plane.client() as api:
        meta = api.get(f"/api/v1/namespaces/{space}/pods/{name}")["metadata"]
    owners = meta.get("ownerReferences", ())
    return drain_pods.MIRROR in meta.get("annotations", {}) or any(
        (each["kind"], each.get("controller")) == ("DaemonSet", True) for each in owners
    )


def test_a_budget_that_allows_nothing_is_waited_for(quiet: ControlPlane, binaries: Path) -> None:
    """Until --timeout; what another pod of the node does is not held up by it."""
    names = ["held-us-1", "held-them-1"]
    quiet.create_many("/api/v1/nodes", list(nodes(names)))
    pods = [solid(f"{name}-{app}", name, app) for name in names for app in ("free", "held")]
    populate(quiet, pods)
    budget = disruption_budget("held", drain_pods.SPACES[0], "held", 1)
    quiet.create_many(collection(budget), [budget])
    with quiet.client() as api:
        path = f"/apis/policy/v1/namespaces/{drain_pods.SPACES[0]}/poddisruptionbudgets/held/status"
        counted = {"observedGeneration": 1, "disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 1}
        status, body = api.request("PATCH", path, {"status": counted | {"expectedPods": 1}}, MERGE_PATCH)
        assert status == 200, body
    flags, config = ("--timeout=1s", "--force"), quiet.kubeconfig()
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(by_kubectl, binaries / "kubectl", (names[1], *flags), config)
        said = by_dcctl((names[0], *flags), config)
    assert renamed(said) == told.result()
    assert said.code == 1
    assert {title for title in standing(quiet) if "/held-" in title} == {
        f"{drain_pods.SPACES[0]}/{name}-held" for name in names
    }


def solid(name: str, node: str, app: str) -> Json:
    pod = drain_pods.pod(Random(0), name, node, calm=True)
    owner = pod["metadata"]["ownerReferences"]
    space = drain_pods.SPACES[0]
    meta = {"name": name, "namespace": space, "labels": {"app": app}, "ownerReferences": owner}
    return pod | {"metadata": meta, "status": {"phase": "Running"}}


def test_thousands_of_sets_against_the_emulator(binaries: Path, tmp_path: Path) -> None:
    rng = Random(9)
    names = [f"em-{at:03d}" for at in range(EMULATED)]
    with ApiServer(kubelet=False, tls=True) as server:
        server.load([*surroundings(), *nodes(names)])
        server.load(pod for name in names for pod in drain_pods.pods(rng, name))
        config = server.kubeconfig(tmp_path / "config")
        asked = [
            (*names[at : at + AT_ONCE], *drain_pods.flags(rng), "--dry-run=client")
            for at in range(0, EMULATED, AT_ONCE)
            for _ in range(EMULATED_ROUNDS)
        ]
        assert differences(binaries / "kubectl", asked, config) == []
