"""What dcctl tells of a synthetic past is what it was: churn, MIG, both spellings, missing metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.live.prometheus.cluster import DRAM, TENSOR
from tests.live.prometheus.conftest import asking

if TYPE_CHECKING:
    from tests.live.prometheus.conftest import Asking, Past
    from tests.warm import Warm


def _told(ask: Asking, past: Past, *words: str) -> dict[str, Any]:
    return ask.json("--prometheus", past.server.url, "--range", "10d", "--until", past.until, *words)


def _agree(found: set[str], truth: set[str]) -> None:
    """Precision and recall of at least 0.99."""
    assert truth
    assert len(found & truth) >= 0.99 * len(found), found - truth
    assert len(found & truth) >= 0.99 * len(truth), truth - found


@pytest.fixture(scope="module")
def told(past: Past, warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return _told(asking(tmp_path_factory.mktemp("home"), warm), past)


def test_idle_accelerators_are_found_and_no_others(told: dict[str, Any], past: Past) -> None:
    rows = told["details"]["idle"]
    _agree({row["accelerator"] for row in rows}, past.cluster.idle_boards())
    assert all(row["accelerator"].startswith(f"GPU-{row['host']}-") for row in rows)


def test_time_held_and_idle_is_that_of_the_pods(told: dict[str, Any], past: Past) -> None:
    """To a hundredth: a pod that ends within a step shares it with the next."""
    assert told["summary"]["gpu_time_s"] == pytest.approx(past.cluster.held_s(), rel=0.01)
    assert told["summary"]["idle_gpu_time_s"] == pytest.approx(past.cluster.idle_s(), rel=0.01)


def test_stranded_nodes_are_found_and_no_others(told: dict[str, Any], past: Past) -> None:
    """Completed pods, which kube-state-metrics goes on telling of, hold nothing."""
    rows = {row["host"]: row for row in told["details"]["stranded"]}
    _agree(set(rows), set(past.nodes.stranded))
    for node, seconds in past.nodes.stranded.items():
        assert rows[node]["gpu_time_s"] == pytest.approx(seconds, rel=0.02)
        assert rows[node]["short_of"] == ("CPU" if int(node[-2:]) % 5 == 1 else "memory")


@pytest.mark.parametrize("by", ["memory bandwidth", "power limit", "storage"])
def test_what_held_accelerators_back_is_found_where_exporters_tell(
    told: dict[str, Any], past: Past, by: str
) -> None:
    cluster = past.cluster
    truth = {
        "memory bandwidth": cluster.memory_bound(),
        "power limit": cluster.power_capped(),
        "storage": cluster.io_bound(),
    }[by]
    rows = [row for row in told["details"]["bound"] if row["by"] == by and row["share_milli"] > 500]
    _agree({row["accelerator"] for row in rows}, truth)


def test_what_nobody_tells_of_some_accelerators_is_said(told: dict[str, Any], past: Past) -> None:
    """Of gpu03 and gpu04 nobody tells how busy the memory interface is: they are not known to run free."""
    start_s = told["summary"]["start_s"]
    held = [board for board in past.cluster.boards if any(pod.end_s > start_s for pod in board.pods)]
    without = sum(board.host.lacks & {TENSOR, DRAM} != set() for board in held)
    (note,) = [one for one in told["notes"] if one["text"].startswith("nobody tells whether")]
    assert f"memory-bound of {without}" in note["text"]


def test_the_queue_is_what_pods_waited_for(told: dict[str, Any], past: Past) -> None:
    (row,) = told["details"]["queue"]
    assert (row["team"], row["most_milli"]) == ("bio", past.nodes.queue * 1000)


def test_energy_counts_a_board_once_however_it_is_cut(told: dict[str, Any]) -> None:
    """Four A100 at 400 W for ten days, whose slices each tell the power of the board."""
    (row,) = [row for row in told["items"] if "A100" in row["name"]]
    assert row["energy_mj"] == pytest.approx(4 * 400 * 10 * 86400 * 1000, rel=0.01)


def test_signals_that_stand_in_for_others_are_named(told: dict[str, Any]) -> None:
    assert told["summary"]["busy_by"][0] == "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE"
    assert told["summary"]["missing"] == ["kube_node_spec_unschedulable"]
    assert not told["gaps"]


def test_few_queries_and_the_same_answer_the_second_time(ask: Asking, past: Past) -> None:
    words = ("--prometheus", past.server.url, "--range", "3d", "--until", past.until, "--by", "workload")
    first = ask.json(*words, cached=True)
    again = ask.json(*words, cached=True)
    assert 0 < first["summary"]["queries"] <= 60
    assert again["summary"]["queries"] == first["summary"]["queries"]  # the first run told everything
    assert first["items"] == again["items"]


def test_pods_of_one_workload_are_one_row(ask: Asking, past: Past) -> None:
    told = ask.json(
        "--prometheus", past.server.url, "--range", "3d", "--until", past.until, "--by", "workload"
    )
    now = told["summary"]["start_s"]
    held: dict[tuple[str, str], int] = {}
    for pod in (pod for board in past.cluster.boards for pod in board.pods if pod.end_s > now):
        key = (pod.team, pod.owner)
        held[key] = held.get(key, 0) + pod.end_s - max(now, pod.start_s)
    found = {(row["team"], row["name"]): row["gpu_time_s"] for row in told["items"]}
    assert found.keys() == held.keys()
    for key, seconds in held.items():
        assert found[key] == pytest.approx(seconds, rel=0.03), key
    by = {row["metric"]: row["accelerators"] for row in told["details"]["signals"]}
    assert by["kube_pod_owner"]
    assert by["the name of the pod"]
    teams = ask.json("--prometheus", past.server.url, "--range", "3d", "--until", past.until, "--by", "team")
    assert {row["name"] for row in teams["items"]} == {"vision", "nlp", "bio"}
    assert sum(row["gpu_time_s"] for row in told["items"]) == pytest.approx(
        sum(row["gpu_time_s"] for row in teams["items"]), abs=20
    )


@pytest.mark.parametrize(
    ("words", "hosts"),
    [
        (("-w", "gpu0[1-2]"), {"gpu01", "gpu02"}),  # one spells `hostname`, the other `Hostname`
        (("-w", "gpu04,mig02"), {"gpu04.dc1.example", "mig02"}),  # the short name of one that tells all of it
        (("-x", "gpu0[1-3],kube[00-19]"), {"gpu04.dc1.example", "mig01", "mig02"}),
        (("-w", "gpu[01-04]", "-x", "gpu02,gpu03"), {"gpu01", "gpu04.dc1.example"}),
    ],
)
def test_nodes_are_chosen_whatever_their_label(
    ask: Asking, past: Past, words: tuple[str, ...], hosts: set[str]
) -> None:
    told = _told(ask, past, *words)
    boards = [board for board in past.cluster.boards if board.host.name in hosts]
    held = sum(pod.end_s - pod.start_s for board in boards for pod in board.pods)
    assert told["summary"]["accelerators"] == len(boards)
    assert told["summary"]["gpu_time_s"] == pytest.approx(held, rel=0.01)
    idle = {row["accelerator"] for row in told["details"]["idle"]}
    _agree(idle, past.cluster.idle_boards() & {board.name for board in boards})
    slow = {row["host"] for row in told["details"]["bound"] if row["by"] == "storage"}
    assert slow == hosts & {"gpu04.dc1.example"}
    assert told["summary"]["queue_milli"] is None
    assert not told["details"]["stranded"]


def test_nodes_of_kubernetes_are_chosen_by_their_own_label(ask: Asking, past: Past) -> None:
    told = _told(ask, past, "-w", "kube[00-09],gpu01")
    stranded = {row["host"]: row["gpu_time_s"] for row in told["details"]["stranded"]}
    assert stranded.keys() == {node for node in past.nodes.stranded if node < "kube10"}
    assert told["summary"]["capacity_milli"] == 10 * 8 * 1000


def test_a_node_that_no_series_has_is_named(ask: Asking, past: Past) -> None:
    done = ask("--prometheus", past.server.url, "--range", "10d", "--until", past.until, "-w", "gpu99")
    assert done.returncode == 2, done.stderr
    assert "gpu99" in done.stderr


@pytest.mark.parametrize("form", ["html", "prom", "csv", "yaml"])
def test_every_format_is_written(ask: Asking, past: Past, form: str) -> None:
    done = ask("--prometheus", past.server.url, "--range", "2d", "--until", past.until, "-o", form)
    assert done.returncode == 0, done.stderr
    assert ("<polyline" in done.stdout) == (form == "html")
