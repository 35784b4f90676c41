"""`dcctl assess` on a real control plane of 1,000 nodes: every number against what was put there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.controlplane import datacentre as dc
from tests.controlplane.plane import ControlPlane

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Cli
    from tests.controlplane.client import Json

pytestmark = pytest.mark.timeout(1200)  # the first test waits until thousands of pods have been placed
CPU_MILLI, MEMORY_BYTES = 192_000, 2048 * dc.GIB
CPU_OFFERED_MILLI, MEMORY_OFFERED_BYTES = 191_500, 2046 * dc.GIB
STRANDED = 8 * next(each.replicas for each in dc.SERVICES if each.name == "etl")


@pytest.fixture(scope="module")
def centre(binaries: Path) -> Iterator[ControlPlane]:
    """A plane of its own: nodes of other tests would be in its sums."""
    with ControlPlane(binaries) as plane:
        dc.fill(plane)
        yield plane


@pytest.fixture
def here(home: dict[str, str], centre: ControlPlane) -> dict[str, str]:
    """The environment of a user whose kubeconfig leads to the data centre."""
    home["KUBECONFIG"] = str(centre.kubeconfig())
    return home


def answer(cli: Cli, *words: str, code: int = 0) -> dict[str, Any]:
    """What `dcctl assess WORDS -o json` prints; the exit code is as expected and nothing is on stderr."""
    done = cli("assess", *words, "-o", "json")
    assert (done.returncode, done.stderr) == (code, ""), done.stdout[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def rows(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in found["items"]}


def expected_of(pool: dc.Pool) -> dict[str, int | str]:
    """From what was created: see dc.SERVICES, dc.GANG and dc.DAEMON."""
    services = [each for each in dc.SERVICES if each.space == pool.name]
    held = [(each, each.replicas) for each in services]
    if pool.name == dc.GANG.space:
        held.append((dc.GANG, dc.GANGS * dc.GANG_SIZE))
    held.append((dc.DAEMON, len(dc.DAEMONS) * pool.size))
    allocated = sum(each.gpus * count for each, count in held)
    out = 8 if pool.name == "train" else 0
    stranded = STRANDED if pool.name == "research" else 0
    closed = out // 8  # nodes on which only daemons run; what is left there is nobody's
    cpu_left = CPU_OFFERED_MILLI - 1000 * dc.DAEMON.cpus * len(dc.DAEMONS)
    memory_left = MEMORY_OFFERED_BYTES - dc.GIB * dc.DAEMON.memory_gib * len(dc.DAEMONS)
    cpu = sum(1000 * each.cpus * count for each, count in held)
    memory = sum(dc.GIB * each.memory_gib * count for each, count in held)
    return {
        "node_count": pool.size,
        "ready_nodes": pool.size,
        "accelerators": 8 * pool.size,
        "allocated": allocated,
        "unavailable": out,
        "stranded": stranded,
        "free": 8 * pool.size - allocated - out - stranded,
        "unknown": 0,
        "cpu_capacity_milli": CPU_MILLI * pool.size,
        "cpu_allocatable_milli": CPU_OFFERED_MILLI * pool.size,
        "cpu_requested_milli": cpu,
        "cpu_free_milli": CPU_OFFERED_MILLI * pool.size - cpu - closed * cpu_left,
        "memory_capacity_bytes": MEMORY_BYTES * pool.size,
        "memory_allocatable_bytes": MEMORY_OFFERED_BYTES * pool.size,
        "memory_requested_bytes": memory,
        "memory_free_bytes": MEMORY_OFFERED_BYTES * pool.size - memory - closed * memory_left,
        "pods_allocatable": 110 * pool.size,
        "pods_requested": sum(count for _, count in held),
    }


@pytest.mark.usefixtures("here")
def test_every_sum_of_every_pool_is_what_was_created(cli: Cli) -> None:
    found = answer(cli, "-i", "kubernetes")
    assert found["gaps"] == []
    pools = rows(found)
    assert set(pools) == {pool.name for pool in dc.POOLS}
    for pool in dc.POOLS:
        wanted = expected_of(pool)
        assert {key: pools[pool.name][key] for key in wanted} == wanted
        assert pools[pool.name]["nodes"] == [f"gpu{n:04d}" for n in range(pool.first, pool.last + 1)]
        assert (pools[pool.name]["busy_milli"], pools[pool.name]["idle"]) == (None, None), "nobody measured"


@pytest.mark.usefixtures("here")
def test_the_evidence_names_what_waits_is_stranded_and_is_out(cli: Cli, centre: ControlPlane) -> None:
    found = answer(cli, "-i", "kubernetes")
    (waiting,) = found["details"]["waiting"]
    assert (waiting["workload"], waiting["members"]) == ("train/moe-pilot", dc.WAITING)
    assert waiting["accelerators"] == dc.WAITING * 8 == found["summary"]["waiting_accelerators"]
    (out,) = found["details"]["unavailable"]
    assert (out["nodes"], out["accelerators"], out["reason"]) == ([dc.CORDONED], 8, "cordoned")
    (stranded,) = found["details"]["stranded"]
    etl = sorted({each["spec"]["nodeName"] for each in pods(centre, "research", "?labelSelector=app=etl")})
    assert (stranded["nodes"], stranded["accelerators"]) == (etl, STRANDED)
    assert stranded["held_by"] == ["research/etl"]
    devices = {row["model"]: (row["units"], row["requested"]) for row in found["details"]["devices"]}
    assert devices == {pool.model: (8 * pool.size, expected_of(pool)["allocated"]) for pool in dc.POOLS}


@pytest.mark.usefixtures("here")
def test_every_node_counts_as_its_pods_say(cli: Cli, centre: ControlPlane) -> None:
    nodes = rows(answer(cli, "-i", "kubernetes", "--by", "node"))
    cpu, gpus = Counter[str](), Counter[str]()
    for space in dc.SPACES:
        for each in pods(centre, space):
            if each["status"]["phase"] == "Running":
                asked = each["spec"]["containers"][0]["resources"]["requests"]
                cpu[each["spec"]["nodeName"]] += 1000 * int(asked["cpu"])
                gpus[each["spec"]["nodeName"]] += int(asked.get(dc.GPU, 0))
    assert {name: row["cpu_requested_milli"] for name, row in nodes.items()} == dict(cpu)
    assert {name: row["allocated"] for name, row in nodes.items()} == {name: gpus[name] for name in nodes}
    whole = sum(count == 0 for name, count in gpus.items() if name not in {dc.CORDONED})
    assert answer(cli, "-i", "kubernetes")["summary"]["more_jobs"] == whole - STRANDED // 8


@pytest.mark.usefixtures("here")
def test_workloads_are_gangs_services_and_daemons(cli: Cli) -> None:
    found = answer(cli, "-i", "kubernetes", "--by", "workload")
    held = {row["workload"]: row for row in found["items"]}
    gangs = {f"train/gang-{index:02d}" for index in range(dc.GANGS)}
    services = {f"{each.space}/{each.name}" for each in dc.SERVICES}
    assert set(held) == gangs | services | {f"system/{name}" for name in dc.DAEMONS}
    for name in gangs:
        row = held[name]
        assert (row["kind"], row["members"], row["accelerators"]) == ("PodGroup", 16, 128)
        assert len(row["nodes"]) == 16
    assert held["system/node-agent"]["kind"] == "DaemonSet"
    assert len(held["system/node-agent"]["nodes"]) == 1000
    assert (held["infer/chat-0"]["kind"], held["infer/chat-0"]["accelerators"]) == ("Deployment", 40)


@pytest.mark.usefixtures("here")
def test_a_context_of_the_configuration_is_the_same_cluster(
    cli: Cli, here: dict[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "config" / "dcctl" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(
        '[context.prod]\n[[context.prod.source]]\nkind = "kubernetes"\nname = "prod-cluster"\n'
        f'kubeconfig = "{here.pop("KUBECONFIG")}"\nkubeconfig_context = "test"\nsite = "fra1"\n'
        "[context.prod.site.fra1]\npue_limit = 1.3\n"
    )
    found = answer(cli, "--context", "prod")
    assert found["headline"].startswith("prod  1 site  1,000 nodes  8,000 GPUs  40 % allocated")
    assert rows(answer(cli, "--by", "site"))["fra1"]["accelerators"] == 8000
    (source,) = json.loads(cli("inventory", "sources", "-o", "json").stdout)["items"]
    assert (source["source"], source["nodes"], source["state"]) == ("prod-cluster", 1000, "ok")


@pytest.mark.usefixtures("here")
def test_a_node_set_restricts_the_answer(cli: Cli) -> None:
    for words, names in (
        (("-w", "gpu[0499-0501]"), ["gpu0499", "gpu0500", "gpu0501"]),
        (("-w", "@pool:research&gpu[0799-0802]"), ["gpu0801", "gpu0802"]),
        (("-w", "@dc1-r01", "-x", "gpu0002"), ["gpu0001", "gpu0003", "gpu0004"]),
    ):
        found = answer(cli, "-i", "kubernetes", "--by", "node", *words)
        assert [row["nodes"] for row in found["items"]] == [[name] for name in names]
        assert found["summary"]["accelerators"] == 8 * len(names)


def test_the_reader_may_leave(here: dict[str, str], tmp_path: Path) -> None:
    program = f"{sys.executable} -m dcctl assess -i kubernetes"
    script = f'{program} --by node -o jsonl | head -1; echo "${{PIPESTATUS[0]}}"'
    done = shell(script, here, tmp_path)
    first, code = done.stdout.splitlines()
    assert (json.loads(first)["nodes"], code, done.stderr) == (["gpu0001"], "141", "")
    names = shell(f'{program} -o name | head -1; echo "${{PIPESTATUS[0]}}"', here, tmp_path)
    name, code = names.stdout.split()
    assert (name, names.stderr) == ("gpu0501", ""), "pools in order of name: infer comes first"
    assert code in {"0", "141"}, "8,000 bytes may all be written before head has left"
    reading, writing = os.pipe()
    os.close(reading)
    gone = subprocess.run(
        [*program.split(), "-o", "name"], env=here, stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (gone.returncode, gone.stderr) == (141, b"")


def shell(script: str, env: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script], env=env, cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )


@pytest.mark.usefixtures("here")
def test_a_snapshot_gives_the_same_numbers_and_a_diff_what_changed(
    cli: Cli, centre: ControlPlane, tmp_path: Path
) -> None:
    taken = cli("inventory", "snapshot", "-i", "kubernetes")
    assert (taken.returncode, taken.stderr) == (0, "")
    (tmp_path / "before.json").write_text(taken.stdout)
    live, saved = answer(cli, "-i", "kubernetes"), answer(cli, "-i", "before.json")
    assert numbers(saved) == numbers(live)
    for words in (("before.json", "kubernetes"), ("before.json", "-i", "kubernetes")):
        same = cli("inventory", "diff", *words, "-o", "json")
        assert (same.returncode, json.loads(same.stdout)["items"]) == (0, [])
    cordon(centre, "gpu0001", value=True)
    try:
        found = cli("inventory", "diff", "before.json", "kubernetes", "-o", "json")
    finally:
        cordon(centre, "gpu0001", value=False)
    assert (found.returncode, found.stderr) == (1, "")
    changes = json.loads(found.stdout)["items"]
    assert {row["subject"] for row in changes} == {"node gpu0001"}
    assert {row["fact"]: (row["old"], row["new"]) for row in changes} == {
        "schedulable": ("True", "False"),
        "state": ("Ready", "Ready,SchedulingDisabled"),
        "taints": (None, "node.kubernetes.io/unschedulable:NoSchedule:"),
    }


def numbers(found: dict[str, Any]) -> dict[str, Any]:
    """The answer without how long it took to ask, which ends the headline, and where hints ask again."""
    notes = [{**note, "command": ""} for note in found["notes"]]
    return {**found, "headline": found["headline"].rpartition(", ")[0], "notes": notes}


def cordon(centre: ControlPlane, name: str, *, value: bool) -> None:
    """As `kubectl cordon` does; returns when the node controller has set or removed its taint."""
    path = f"/api/v1/nodes/{name}"
    with centre.client() as admin:
        body = {"spec": {"unschedulable": value}}
        assert admin.request("PATCH", path, body, "application/merge-patch+json")[0] == 200
        centre.wait_for(lambda: bool(admin.get(path)["spec"].get("taints")) == value, 30, "the taint")


def pods(centre: ControlPlane, space: str, query: str = "") -> list[Json]:
    with centre.client() as admin:
        items: list[Json] = admin.get(f"/api/v1/namespaces/{space}/pods{query}")["items"]
    return items
