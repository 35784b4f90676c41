"""`dcctl schedule share`: the command as it is typed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.schemas import validate
from tests.conftest import ROOT, Cli

if TYPE_CHECKING:
    from pathlib import Path

MODELS = ROOT / "examples" / "jobs" / "article-models.yaml"
NODES = ROOT / "examples" / "jobs" / "article-nodes.yaml"


def answer(cli: Cli, *words: str, code: int = 1, stdin: str | None = None) -> dict[str, Any]:
    done = cli("schedule", "share", *words, "-o", "json", stdin=stdin)
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    validate(found, "schedule-shares")
    return found


def labels(found: dict[str, Any]) -> set[str]:
    return {note["label"] for note in found["notes"]}


@pytest.mark.parametrize(
    ("objective", "shares", "value"),
    [("fair", [50, 100], 150), ("max-min", [67, 67], 133), ("train-x-infer", [0, 200], 200)],
)
def test_the_models_of_the_article(cli: Cli, objective: str, shares: list[int], value: int) -> None:
    # Worked out by hand in tests/unit/packing: in thousandths, 5 % and 10 %; 6.7 % each; 0 % and 20 %.
    found = answer(cli, str(MODELS), "--objective", objective)
    assert [item["training_milli"] for item in found["items"]] == shares
    assert [item["limited_by"] for item in found["items"]] == [["CPU"]] * 2
    assert found["summary"]["value_milli"] == value
    assert found["headline"].startswith("cannot be placed whole: 10 of 150 CPUs; ")
    assert "not told" in labels(found)


def test_the_other_reading_no_gpu_at_all(cli: Cli) -> None:
    text = MODELS.read_text().replace("cpu: 10,", "cpu: 10, gpu: 0,")
    found = answer(cli, "-", stdin=text)
    assert [item["training_milli"] for item in found["items"]] == [0, 0]
    assert [item["limited_by"] for item in found["items"]] == [["no GPU"]] * 2
    assert labels(found) == {"none"}


def test_what_a_demand_costs_and_what_a_whole_node_would(cli: Cli) -> None:
    found = answer(cli, str(NODES), code=0)
    assert found["summary"]["cost_milli"] == 21_000_000
    assert found["items"][0]["cost_milli"] == 21_000_000
    assert "21,000 a year by the unit, 42,000 as 1 whole node" in found["notes"][0]["text"]


def test_without_a_supply_it_is_what_is_free(cli: Cli) -> None:
    text = "kind: Jobs\nmodels: [{name: m, training: {gpu: 1000}}]\n"
    found = answer(cli, "-", "-i", "demo", "-w", "gpu[001-096]", stdin=text, code=3)
    (pool,) = json.loads(cli("assess", "-i", "demo", "-w", "gpu[001-096]", "-o", "json").stdout)["items"]
    assert found["items"][0]["training_milli"] == pool["free"] + pool["stranded"] > 0
    assert "supply" in labels(found)
    assert found["summary"]["whole"] == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: Jobs\nsupply: {total: {cpu: 1}}\n", "wants an amount"),
        ("kind: Jobs\nmodels: [{name: m, training: {cpu: -1}}]\n", "stdin:2"),
    ],
)
def test_what_is_wrong_is_said_on_one_line(cli: Cli, text: str, said: str) -> None:
    done = cli("schedule", "share", "-", stdin=text)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_file_that_is_not_there(cli: Cli, tmp_path: Path) -> None:
    assert cli("schedule", "share", str(tmp_path / "x.yaml")).returncode == 2


def test_standard_input_is_read_once(cli: Cli) -> None:
    done = cli("schedule", "share", "-", "-i", "-", stdin="")
    assert done.returncode == 2
    assert "once" in done.stderr
