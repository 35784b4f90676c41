"""`dcctl drain` as a program on an emulated cluster: planned, drained, resumed, undone, returned."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.cli.drained import FIRST, MARK, Cluster, opened
from tests.kubeapi import objects
from tests.live.kubeapi.draining import budget, maker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.warm import Warm


@pytest.fixture
def cluster(tmp_path: Path, warm: Warm) -> Iterator[Cluster]:
    with opened(tmp_path, warm) as made:
        yield made


@pytest.fixture
def busy(cluster: Cluster) -> Cluster:
    cluster.work(maker("Deployment", "web", 4))
    assert cluster.on(*FIRST) == 4
    return cluster


def test_a_dry_run_changes_nothing_and_names_the_command(busy: Cluster) -> None:
    document = busy.told(*FIRST, "--reason", "PDU swap", "--dry-run")
    assert document["schema"] == "dcctl/drain-plan/v1"
    assert [one["name"] for one in document["campaign"]["targets"]] == list(FIRST)
    last = document["notes"][-1]
    assert last["command"] == "dcctl drain gpu0 gpu1 --reason 'PDU swap' --yes"
    assert busy.node("gpu0") == (True, None)
    assert busy.on(*FIRST) == 4


def test_drained_told_and_returned(busy: Cluster) -> None:
    document = busy.told(*FIRST, "--reason", "PDU swap", "--yes")
    assert document["summary"]["state"] == "drained"
    assert (busy.on(*FIRST), busy.on("gpu2", "gpu3")) == (0, 4)
    takes_work, mark = busy.node("gpu0")
    assert not takes_work
    assert mark is not None
    assert mark["reason"] == "PDU swap"
    (run,) = busy.told("--status")["items"]
    assert (run["state"], run["nodes"], run["reason"]) == ("drained", list(FIRST), "PDU swap")
    busy.told("--return", "gpu1", "--without-checks", "--yes")
    (run,) = busy.told("--status")["items"]
    assert (run["state"], run["nodes"], run["returned"]) == ("partly returned", list(FIRST), ["gpu1"])
    back = busy.told("--return", *FIRST, "--without-checks", "--yes")
    assert back["summary"]["returned"] == 1
    assert busy.told("--status")["items"][0]["state"] == "returned"
    assert busy.node("gpu0") == (True, None)
    assert list(busy.folder.glob("dcctl/journals/return-*.jsonl"))


def test_the_plan_that_is_carried_out_is_the_one_that_a_dry_run_prints(busy: Cluster) -> None:
    dry = busy.told(*FIRST, "--reason", "PDU swap", "--dry-run")["campaign"]
    busy.told(*FIRST, "--reason", "PDU swap", "--yes")
    (saved,) = busy.folder.glob("dcctl/journals/drain-*.json")
    carried_out = msgspec.json.decode(saved.read_bytes())["campaign"]
    moved = carried_out["made_at_s"] - dry["made_at_s"]
    assert _later(dry, moved) == carried_out


def _later(told: Any, by_s: int) -> Any:
    """The same with every point in time so much later."""
    if isinstance(told, list):
        return [_later(one, by_s) for one in told]
    if isinstance(told, dict):
        times = ("made_at_s", "start_s", "end_s", "waits_until_s")
        return {
            key: value + by_s if key in times and value is not None else _later(value, by_s)
            for key, value in told.items()
        }
    return told


def test_undone(busy: Cluster) -> None:
    busy.told(*FIRST, "--yes")
    document = busy.told("--undo", "--dry-run")
    assert document["summary"]["state"] == "planned"
    assert busy.node("gpu0")[0] is False
    document = busy.told("--undo", "--yes")
    assert document["summary"]["state"] == "undone"
    assert busy.node("gpu0") == (True, None)
    assert len(document["details"]["lasting"]) == 4


def test_a_node_that_an_undo_leaves_is_told_where_rows_alone_are_printed(busy: Cluster) -> None:
    busy.told(*FIRST, "--yes")
    theirs = json.dumps({"run": "another"})
    busy.server.change("nodes", "gpu0", metadata={"annotations": {MARK: theirs}})
    done = busy("--undo", "--yes")
    assert done.returncode == 1, done.stderr
    assert "dcctl: 1 node given back; 1 left as it is" in done.stderr
    assert "dcctl: left: gpu0: it has the mark of the run another" in done.stderr


SSH = """
[[context.a.source]]
kind = "kubernetes"
[[context.a.source]]
kind = "ssh"
nodes = "gpu[0-1]"
port = 9
config_file = "/dev/null"
"""


def test_what_was_asked_and_not_told_keeps_a_node_out_of_service(busy: Cluster) -> None:
    busy.told(*FIRST, "--yes")
    (busy.folder / "c.toml").write_text(SSH)
    own = ("-i", "live", "--config", "c.toml", "--timeout", "2")
    document = busy.told("--return", "gpu0", "--yes", *own, code=3)
    assert document["items"][0]["state"] == "unknown"
    assert busy.node("gpu0")[0] is False
    checks = re.findall(r"[A-Z]{3}-\d\d(?=: )", document["items"][0]["says"])
    assert len(checks) == len(set(checks)) == 3


def test_where_kubernetes_alone_is_asked_ready_nodes_return(busy: Cluster) -> None:
    busy.told(*FIRST, "--yes")
    document = busy.told("--return", *FIRST, "--yes")
    assert [one["state"] for one in document["items"]] == ["returned"] * 2
    assert "no ssh source is named" in document["notes"][0]["text"]
    assert busy.node("gpu0") == (True, None)


def test_a_node_that_is_not_ready_stays_out_of_service(busy: Cluster) -> None:
    busy.told(*FIRST, "--yes")
    busy.server.load(
        [objects.node("gpu1", 8, ready=False, unschedulable=True, annotations=_marks(busy, "gpu1"))]
    )
    document = busy.told("--return", *FIRST, "--without-checks", "--yes", code=1)
    states = {one["node"]: one["state"] for one in document["items"]}
    assert states == {"gpu0": "returned", "gpu1": "not ready"}
    assert busy.node("gpu1")[0] is False


def _marks(cluster: Cluster, name: str) -> dict[str, str]:
    return dict(cluster.server.get("nodes", name)["metadata"]["annotations"])


def test_cordons_of_others_are_left_and_told(busy: Cluster) -> None:
    busy.server.load([objects.node("gpu3", 8, unschedulable=True)])
    document = busy.told("--return", "gpu3", "--without-checks", "--yes", code=1)
    assert document["items"][0]["state"] == "foreign"
    assert busy.node("gpu3")[0] is False


def test_what_was_cordoned_before_stays_cordoned(busy: Cluster) -> None:
    busy.server.load([objects.node("gpu3", 8, unschedulable=True)])
    refused = busy("gpu3", "--yes")
    assert refused.returncode == 6
    assert "dcctl drain gpu3 --foreign-cordons" in refused.stderr
    busy.told("gpu3", "--foreign-cordons", "--yes")
    document = busy.told("--return", "gpu3", "--without-checks", "--yes")
    assert "stays cordoned" in document["items"][0]["says"]
    assert busy.node("gpu3") == (False, None)


def test_a_budget_that_allows_nothing_is_named_before_the_start(cluster: Cluster) -> None:
    cluster.server.load([budget("web", 4)])
    cluster.work(maker("Deployment", "web", 4))
    document = cluster.told(*FIRST, "--dry-run", code=1)
    assert document["summary"]["blocked"] >= 1
    assert "PDB" in document["notes"][0]["text"]
    refused = cluster(*FIRST, "--yes")
    assert refused.returncode == 6
    assert refused.stderr.endswith(", or dcctl drain gpu0 gpu1 --allow-pdb-violation ml/web\n")
    assert cluster.node("gpu0") == (True, None)


def test_the_gate_that_opens_is_told_as_a_command(busy: Cluster) -> None:
    busy.server.load([objects.pod("alone", "ml", "gpu0")])
    refused = busy(*FIRST, "--reason", "PDU swap", "-i", "kubernetes", "--yes")
    assert refused.returncode == 6
    told = "Try: dcctl drain -i kubernetes gpu0 gpu1 --reason 'PDU swap' --force\n"
    assert refused.stderr.endswith(told), refused.stderr


def test_nobody_to_ask_is_refused(busy: Cluster) -> None:
    refused = busy(*FIRST, "--reason", "PDU swap")
    assert refused.returncode == 6
    assert "dcctl drain gpu0 gpu1 --reason 'PDU swap' --yes" in refused.stderr
    assert busy.node("gpu0") == (True, None)


def killed(cluster: Cluster, after: int, *words: str) -> None:
    """A drain of the first nodes that dies after so many writes to its journal."""
    cluster.killed(after, *FIRST, "--reason", "PDU swap", *words)


@pytest.mark.parametrize("after", [3, 6])
def test_kill_9_is_resumed(busy: Cluster, after: int) -> None:
    killed(busy, after)
    (run,) = busy.told("--status")["items"]
    assert run["state"] == "unfinished"
    assert set(run["nodes"]) <= set(FIRST)
    assert {name for name in FIRST if not busy.node(name)[0]} <= set(run["nodes"])
    document = busy.told("--resume")
    assert (document["summary"]["state"], busy.on(*FIRST)) == ("drained", 0)
    marks = [busy.node(name)[1] for name in FIRST]
    assert [mark["reason"] for mark in marks if mark] == ["PDU swap"] * 2


def test_typed_again_after_a_crash_it_names_what_goes_on_and_what_takes_back(busy: Cluster) -> None:
    killed(busy, 6, "-i", "kubernetes")
    for words in ((*FIRST, "--yes"), ("gpu0", "--reason", "another", "--dry-run")):
        again = busy(*words)
        assert (again.returncode, again.stdout) == (6, "")
        assert again.stderr.endswith("Try: dcctl drain -i kubernetes --resume\n"), again.stderr
        assert "did not finish; to take it back: dcctl drain -i kubernetes --undo" in again.stderr
    busy.told("--resume")
    assert busy.on(*FIRST) == 0


def test_a_run_of_another_machine_is_named_with_what_ends_it(busy: Cluster) -> None:
    killed(busy, 6)
    for path in (busy.folder / "dcctl" / "journals").iterdir():
        path.unlink()
    busy.server.change("leases", "dcctl-drain", "kube-system", spec={"leaseDurationSeconds": 1})
    refused = busy(*FIRST, "-i", "kubernetes", "--yes")
    assert refused.returncode == 6
    told = r"held by run \S+ of \S+@\S+ since .* UTC \(PDU swap\), of another machine"
    assert re.search(told, refused.stderr), refused.stderr
    assert refused.stderr.endswith("Try: dcctl drain -i kubernetes --return 'gpu[0-1]'\n"), refused.stderr
    back = ("--return", *FIRST, "--without-checks", "--yes")
    refused = busy(*back)
    assert refused.returncode == 6
    told = r"run \S+ of \S+@\S+ since .* UTC, which no journal of this machine knows"
    assert re.search(told, refused.stderr), refused.stderr
    assert refused.stderr.endswith("--return gpu0 gpu1 --foreign-cordons --without-checks\n"), refused.stderr
    busy.told(*back, "--foreign-cordons")
    assert busy.told(*FIRST, "--yes")["summary"]["state"] == "drained"


def test_it_asks_on_a_terminal_and_no_changes_nothing(busy: Cluster) -> None:
    code, said = ask(busy, "n")
    assert code == 6
    assert "wave 1: gpu" in said
    assert "cannot be undone: 4 pods" in said
    assert "Take 2 nodes out of service? [y/N]" in said
    assert busy.node("gpu0") == (True, None)


def ask(cluster: Cluster, answer: str) -> tuple[int, str]:
    """Start it on a terminal, and type the answer."""
    command = [sys.executable, "-m", "dcctl", "drain", *FIRST, "--color", "never"]
    main, inside = pty.openpty()
    with subprocess.Popen(
        command, env=cluster.env(), stdin=inside, stdout=subprocess.DEVNULL, stderr=inside
    ) as process:
        os.close(inside)
        os.write(main, f"{answer}\n".encode())
        said = b""
        with suppress(OSError):
            while data := os.read(main, 65536):
                said += data
    os.close(main)
    return process.returncode, said.decode()


def test_waves_follow_as_nodes_come_back(busy: Cluster) -> None:
    """A rolling campaign: the second node begins once the first is back in service."""
    command = [sys.executable, "-m", "dcctl", "drain", *FIRST, "--max-unavailable", "1", "--yes"]
    with subprocess.Popen(
        command, env=busy.env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as rolling:
        first = busy.eventually(lambda: next((name for name in FIRST if not busy.node(name)[0]), ""))
        busy.eventually(lambda: not busy.on(first))
        back = busy.eventually(lambda: busy("--return", first, "--without-checks", "--yes").returncode == 0)
        assert back
        assert rolling.wait(60) == 0, rolling.stdout.read() if rolling.stdout else b""
    (second,) = {*FIRST} - {first}
    assert busy.on(second) == 0
    assert not busy.node(second)[0]
    assert busy.node(first) == (True, None)


def test_a_node_that_another_tool_works_on_is_not_given_back(busy: Cluster) -> None:
    busy.told(*FIRST, "--yes")
    reboots = {**_marks(busy, "gpu0"), "weave.works/kured-reboot-in-progress": "2026-11-22"}
    busy.server.change("nodes", "gpu0", metadata={"annotations": reboots})
    document = busy.told("--return", *FIRST, "--without-checks", "--yes", code=1)
    states = {one["node"]: (one["state"], one["says"]) for one in document["items"]}
    assert states["gpu0"][0] == "changed"
    assert "kured works on it now" in states["gpu0"][1]
    assert (busy.node("gpu0")[0], busy.node("gpu1")) == (False, (True, None))


def test_drained_again_the_mark_is_taken_over_with_what_was_before(busy: Cluster) -> None:
    busy.told(*FIRST, "--yes")
    first = busy.node("gpu0")[1]
    busy.told("gpu0", "--reason", "again", "--yes")
    second = busy.node("gpu0")[1]
    assert first is not None
    assert second is not None
    assert (second["reason"], second["wasSchedulable"]) == ("again", True)
    assert first["run"] != second["run"]
    busy.told("--undo", "--yes")
    assert busy.node("gpu0") == (True, None)


def test_the_words_of_kubectl(busy: Cluster) -> None:
    done = busy("--compat", "kubectl", "gpu0", "--grace-period", "0", "--timeout=60s")
    assert done.returncode == 0, done.stderr
    assert "node/gpu0 cordoned" in done.stdout
    assert busy.on("gpu0") == 0


def test_a_damaged_journal_is_told_by_status(busy: Cluster) -> None:
    busy.told(*FIRST, "--yes")
    (path,) = busy.folder.glob("dcctl/journals/drain-*.jsonl")
    path.write_bytes(path.read_bytes().replace(b'{"step"', b'{"stop"'))
    document = busy.told("--status", code=1)
    assert document["items"] == []
    (note,) = document["notes"]
    assert "cannot be read, and nobody can tell what its run did" in note["text"]
    assert note["command"] == f"mv {path} {path}.damaged"
