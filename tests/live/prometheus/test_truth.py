"""What dcctl tells of a synthetic past is what it was: churn, MIG, both spellings, missing metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.live.prometheus.conftest import Asking, Past


def _told(ask: Asking, past: Past, *words: str) -> dict[str, Any]:
    return ask.json("--prometheus", past.server.url, "--range", "10d", "--until", past.until, *words)


def _agree(found: set[str], truth: set[str]) -> None:
    """Precision and recall of at least 0.99."""
    assert truth
    assert len(found & truth) >= 0.99 * len(found), found - truth
    assert len(found & truth) >= 0.99 * len(truth), truth - found


@pytest.fixture(scope="module")
def told(past: Past, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    import os

    from tests.conftest import ROOT
    from tests.live.prometheus.conftest import Asking

    folder = tmp_path_factory.mktemp("home")
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TZ": "UTC",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "XDG_CACHE_HOME": str(folder),
        "XDG_STATE_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
    }
    return _told(Asking(folder, env), past)


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


def test_few_queries_and_none_the_second_time(ask: Asking, past: Past) -> None:
    words = ("--prometheus", past.server.url, "--range", "3d", "--until", past.until, "--by", "workload")
    first = ask.json(*words, cached=True)
    again = ask.json(*words, cached=True)
    assert 0 < first["summary"]["queries"] <= 60
    assert again["summary"]["queries"] == 0
    assert first["items"] == again["items"]


def test_pods_of_one_workload_are_one_row(ask: Asking, past: Past) -> None:
    told = ask.json(
        "--prometheus", past.server.url, "--range", "3d", "--until", past.until, "--by", "workload"
    )
    assert {row["name"] for row in told["items"]} == {"train-llm", "notebook-sweep", "eval"}
    teams = ask.json("--prometheus", past.server.url, "--range", "3d", "--until", past.until, "--by", "team")
    assert {row["name"] for row in teams["items"]} == {"vision", "nlp", "bio"}
    assert sum(row["gpu_time_s"] for row in told["items"]) == pytest.approx(
        sum(row["gpu_time_s"] for row in teams["items"]), abs=20
    )


@pytest.mark.parametrize("form", ["html", "prom", "csv", "yaml"])
def test_every_format_is_written(ask: Asking, past: Past, form: str) -> None:
    done = ask("--prometheus", past.server.url, "--range", "2d", "--until", past.until, "-o", form)
    assert done.returncode == 0, done.stderr
    assert ("<polyline" in done.stdout) == (form == "html")
