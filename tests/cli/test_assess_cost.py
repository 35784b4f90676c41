"""`dcctl assess cost`: the command as it is typed."""

from __future__ import annotations

import json
import random
import re
import signal
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.cli.computing import ended_by
from tests.cli.schemas import validate
from tests.conftest import ROOT, Cli

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = ROOT / "examples" / "assess"
TWO_SITES = EXAMPLES / "cost.yaml"


def answer(cli: Cli, *words: str, code: int = 0, stdin: str | None = None) -> dict[str, Any]:
    done = cli("assess", "cost", *words, "-o", "json", stdin=stdin)
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    validate(found, "assess-cost")
    return found


@pytest.mark.parametrize(("name", "cost"), [("cost-article", 21_000), ("cost-article-nodes", 42_000)])
def test_the_demand_of_the_article(cli: Cli, name: str, cost: int) -> None:
    found = answer(cli, str(EXAMPLES / f"{name}.yaml"))
    assert found["summary"]["cost_milli"] == found["summary"]["bound_milli"] == cost * 1000
    assert found["summary"]["power_mw"] is None  # nobody tells it
    assert {item["energy_cost_milli"] for item in found["items"]} == {None}


def test_two_sites(cli: Cli) -> None:
    found = answer(cli, str(TWO_SITES))
    summary = found["summary"]
    assert (summary["state"], summary["gap_ppm"]) == ("solved", 0)
    assert summary["cost_milli"] == pytest.approx(sum(item["cost_milli"] for item in found["items"]), abs=9)
    assert summary["renewable_milli"] >= 700
    assert summary["carbon_mg"] <= 900 * 10**9
    assert {row["workload"] for row in found["details"]["runs"]} == {"chat", "embed", "train"}
    speeds = {row["type"]: row for row in found["details"]["speeds"]}
    assert speeds["h100x8"]["low_milli"] < speeds["h100x8"]["speed_milli"] < speeds["h100x8"]["high_milli"]
    assert {note["label"] for note in found["notes"]} >= {"best", "worth", "energy", "estimate"}


def test_the_same_file_gives_the_same_bytes(cli: Cli) -> None:
    one, other = (cli("assess", "cost", str(TWO_SITES), "-o", "json").stdout for _ in range(2))
    assert one == other


def test_no_mix(cli: Cli) -> None:
    text = TWO_SITES.read_text().replace("44kW", "24kW").replace("renewable: 70%", "renewable: 90%")
    text = text.replace("cost-prices.csv", str(EXAMPLES / "cost-prices.csv"))
    found = answer(cli, "-", code=1, stdin=text)
    assert found["summary"]["state"] == "infeasible"
    conditions = [row["condition"] for row in found["details"]["conflict"]]
    assert [f"power of rack r{at} at north" for at in (1, 2, 3)] == conditions[:3]
    assert conditions[3:] == ["renewable share", "need of train"]
    assert any("can be had" in note["text"] for note in found["notes"] if note["label"] == "cure")


def test_what_fits_no_type(cli: Cli) -> None:
    text = (EXAMPLES / "cost.yaml").read_text().replace("70GB", "200GB")
    text = text.replace("cost-prices.csv", str(EXAMPLES / "cost-prices.csv"))
    notes = {note["label"]: note["text"] for note in answer(cli, "-", code=1, stdin=text)["notes"]}
    assert notes["conflict"] == "need of train: 64 GPUs"
    assert "186 GiB of memory on each accelerator are needed" in notes["nowhere"]


def test_prometheus(cli: Cli) -> None:
    done = cli("assess", "cost", str(EXAMPLES / "cost-article.yaml"), "-o", "prom")
    assert "dcctl_cost_a_year 21000" in done.stdout


@pytest.mark.parametrize("name", ["cost", "cost-article", "cost-article-nodes"])
def test_examples_meet_the_schema_of_files(cli: Cli, name: str) -> None:
    given = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())
    validate(given, "cost")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("storage: 30TB", "storage: 8Tb", ["cost.yaml:25", "Tb is terabits", "did you mean 8TB or 8Ti?"]),
        ("storage: 30TB", "storage: 8", ["has no unit"]),
        ("pue: 1.12", "pue: 0.9", ["cost.yaml:7", "a PUE is from 1 to 10"]),
        ("pue: 1.12", "pue: 0", ["asks for nothing"]),
        ("tariff: 45 per MWh", "tariff: 45", ["cost.yaml:8", "write it as 200 per MWh"]),
        ("tariff: 45 per MWh", "tariff: -45 per MWh", ["is negative"]),
        ("  tariff: 45 per MWh\n", "", ["site north", "the key `tariff` is missing"]),
        ("curve: cost-prices.csv", "curve: nowhere.csv", ["nowhere.csv", "no such file"]),
        ("renewable: 95%", "renewable: 120%", ["at most 100%"]),
        ("need: 9000", "need: 0", ["cost.yaml:49: workloads[1].need", "asks for nothing"]),
        ("need: 9000", "need: -1", ["is negative"]),
        ("L40S: 120", "L40: 120", ["there is no type or accelerator", "did you mean L40S?"]),
        ("sites: [south]", "sites: [soth]", ["there is no site", "did you mean south?"]),
        ("model: L40S\n", "model: L40Z\n", ["L40S", "did you mean"]),
        ("llama-3-70b", "lama-3-70b", ["'lama-3-70b'", "is not in the catalogue"]),
        ("together: 4", "together: 7", ["chat", "tensor parallelism 7", "does not divide"]),
        ("capex: 95000", "capes: 95000", ["the key is not known; did you mean capex?"]),
        ("life: 5y", "life: 5 years", ["is no unit", "5y"]),
        ("  life: 5y\n  opex: 6000", "  opex: 6000", ["type l40sx8", "tells its capex and not its life"]),
        ("power: 10.2kW, ", "", ["type h100x8.each", "the key `power` is missing"]),
        ("carbon: 900t", "carbon: 900", ["has no unit"]),
        ("carbon: 900t", "carbon: 900t\n  regions: {nordik: 50%}", ["no site is in the region", "nordic"]),
        ("name: l40sx8", "name: h100x8", ["type h100x8", "another of this name"]),
        ("kind: Cost", "kind: Costs", ["begins with `kind: Cost`", "dcctl schema cost"]),
        ("total: {gpu: 64}", "total: {gpu: 0.5}", ["whole accelerators"]),
    ],
)
def test_what_is_wrong_is_said_on_one_line(
    cli: Cli, tmp_path: Path, old: str, new: str, said: list[str]
) -> None:
    text = TWO_SITES.read_text()
    assert old in text
    (tmp_path / "cost.yaml").write_text(text.replace(old, new, 1))
    (tmp_path / "cost-prices.csv").write_text((EXAMPLES / "cost-prices.csv").read_text())
    done = cli("assess", "cost", str(tmp_path / "cost.yaml"))
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert len(done.stderr.splitlines()) == 1
    for words in said:
        assert words in done.stderr


def test_hours_of_a_curve_that_nobody_knows_are_a_gap(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "cost.yaml").write_text(TWO_SITES.read_text())
    told = (EXAMPLES / "cost-prices.csv").read_text()
    (tmp_path / "cost-prices.csv").write_text(told + "2026-11-23T03:00Z,south,\n")
    found = answer(cli, str(tmp_path / "cost.yaml"), code=3)
    assert [gap["subject"] for gap in found["gaps"]] == ["south"]
    assert "25% of its hours are not known" in found["gaps"][0]["reason"]


TRAINED = """
kind: Cost
currency: EUR
sites: [{name: a}]
types:
- {name: h100x8, model: H100, each: {gpu: 8}, capex: 240000, life: 4y, opex: 12000}
- {name: l4x8, model: L4, each: {gpu: 8}, capex: 30000, life: 4y, opex: 3000}
workloads:
- {name: train, train: {model: llama-3-70b%s}, %s}
"""


def test_a_model_that_is_trained_has_its_memory_from_its_best_layout(cli: Cli) -> None:
    found = answer(cli, "-", stdin=TRAINED % ("", "total: {gpu: 64}"))
    rows = {row["type"]: row for row in found["details"]["speeds"]}
    demand = json.loads(
        cli("assess", "demand", "llama-3-70b", "--gpu", "H100", "--gpus", "64", "-o", "json").stdout
    )
    values = {row["figure"]: row["value"] for row in demand["items"]}
    assert rows["h100x8"]["needs_bytes"] == round(values["memory_bytes"])
    assert rows["l4x8"]["why"] == "no layout of llama-3-70b on 64 accelerators fits its memory"
    assert [(item["type"], item["nodes_milli"]) for item in found["items"]] == [("h100x8", 8000)]


def test_a_type_that_lacks_the_number_format_does_not_train(cli: Cli) -> None:
    text = TRAINED.replace("model: L4,", "model: V100,") % ("", "total: {gpu: 64}")
    rows = {row["type"]: row for row in answer(cli, "-", stdin=text)["details"]["speeds"]}
    assert rows["l4x8"]["why"] == "V100 SXM2 32GB cannot multiply in bf16; it can in fp16"


def test_its_speed_follows_from_the_layout_too(cli: Cli) -> None:
    found = answer(cli, "-", stdin=TRAINED % (", gpus: 64, sequence: 4096", "need: 100000"))
    row = next(row for row in found["details"]["speeds"] if row["type"] == "h100x8")
    assert 500_000 < row["low_milli"] < row["speed_milli"] < row["high_milli"] < 2_000_000
    gpus = found["summary"]["gpus_milli"] / 1000
    assert gpus * row["speed_milli"] / 1000 >= 100_000
    assert (gpus - 8) * row["speed_milli"] / 1000 < 100_000


@pytest.mark.parametrize(
    ("train", "more", "message"),
    [
        ("", "need: 5", "the key `gpus` is missing"),
        (", gpus: 64", "total: {gpu: 64}", "stands in `total` already"),
        (", gpus: 64", "need: 5, gpu_memory: 70GB", "say it twice"),
        (", gpus: 64, precision: fp6", "need: 5", "precision"),
        (", gpus: 64, speed: 5", "need: 5", "speed"),
        ("b, gpus: 64", "need: 5", "is not in the catalogue"),
    ],
)
def test_what_is_trained_is_checked(cli: Cli, train: str, more: str, message: str) -> None:
    done = cli("assess", "cost", "-", stdin=TRAINED % (train, more))
    assert done.returncode == 2
    assert message in done.stderr


@pytest.fixture
def hard(tmp_path: Path) -> Path:
    """A question that is not proved for a long time: 200 types, 50 workloads, racks that bind."""
    chance = random.Random(2)
    each = chance.randint
    sites = [
        {"name": f"s{at}", "pue": 1.2, "tariff": f"{each(40, 160)} per MWh", "renewable": f"{98 - 30 * at}%"}
        | {"racks": [{"name": "r[1-20]", "power": "20kW", "nodes": 8}]}
        for at in range(3)
    ]
    types = [
        {"name": f"t{at}", "each": {"gpu": chance.choice([1, 2, 4, 8]), "power": f"{each(50, 1200)}0W"}}
        | {"capex": each(5000, 300_000), "life": "4y", "opex": each(100, 9000), "stock": each(1, 30)}
        for at in range(200)
    ]
    works = [
        {"name": f"w{at}", "need": each(20, 800), "unit": "u"}
        | {"speed": {str(one["name"]): each(1, 30) for one in types if chance.random() < 0.6}}
        for at in range(50)
    ]
    floor = {"renewable": "40%"}
    path = tmp_path / "hard.yaml"
    path.write_text(
        json.dumps({"kind": "Cost", "sites": sites, "types": types, "workloads": works, "limits": floor})
    )
    return path


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_while_it_solves(
    home: dict[str, str], hard: Path, number: signal.Signals, code: int
) -> None:
    ended = ended_by(number, ["assess", "cost", str(hard), "--limit", "600"], home)
    assert (ended.code, ended.out, ended.errors) == (code, b"", b"")


def test_what_the_limit_leaves_unproved_is_told(cli: Cli, hard: Path) -> None:
    found = answer(cli, str(hard), "--limit", "1", code=3)
    assert found["summary"]["state"] == "limited"
    assert ("bound", "warn") in [(note["label"], note["severity"]) for note in found["notes"]]
    assert found["summary"]["gap_ppm"] > 100
    assert [gap["source"] for gap in found["gaps"]] == ["solver"]
    told = next(note["text"] for note in found["notes"] if note["label"] == "bound")
    assert re.match(r"another mix could be cheaper by [\d.]+ % at most", told)
