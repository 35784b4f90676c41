"""`dcctl assess demand` and `check`: from a model to an answer that other programs can read."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dcctl.inventory.model import Fleet
from dcctl.inventory.snapshot import encode
from tests.cli.schemas import validate
from tests.conftest import ROOT, Cli

CONFIG = str(ROOT / "examples" / "assess" / "config.json")
H100 = ("--gpu", "H100")


def run(cli: Cli, *words: str) -> dict[str, Any]:
    done = cli(*words, "-o", "json")
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    validate(found)
    return found


def figures(found: dict[str, Any]) -> dict[str, float | None]:
    return {row["figure"]: row["value"] for row in found["items"]}


ONE_LINE = shlex.split("assess demand llama-3-70b --tokens 15T --deadline 30d -i demo")


def test_one_line_from_a_model_to_a_bill(cli: Cli) -> None:
    found = run(cli, *ONE_LINE)
    summary, values = found["summary"], figures(found)
    assert summary["model"] == "Llama 3 70B"
    assert summary["gpu"] == "H100 SXM5 80GB"
    assert 3000 < summary["gpus"] < 12000
    assert summary["time_s"] <= 30 * 86400
    assert summary["fits_fleet"] is False
    assert (values["memory_bytes"] or 0) <= (values["gpu_memory_bytes"] or 0)
    assert all(
        row["low"] <= row["value"] <= row["high"] for row in found["items"] if row["value"] is not None
    )


def test_sites_tell_what_a_run_costs(cli: Cli) -> None:
    """Between the cheapest and the dearest, the cleanest and the dirtiest site of the demo fleet."""
    summary = run(cli, *ONE_LINE)["summary"]
    kwh = summary["energy_mj"] / 3.6e9
    assert 0.48 < summary["money"] / kwh < 0.62
    assert 0.57 < summary["carbon_kg"] / kwh < 0.61
    bare = run(cli, *ONE_LINE, "--pue", "1")["summary"]["energy_mj"]
    assert 1.233 < summary["energy_mj"] / bare < 1.31, "the PUE that the meters of dc1 and dc2 tell"


def test_what_is_told_prevails_over_the_sites(cli: Cli) -> None:
    summary = run(cli, *ONE_LINE, "--price", "2", "--carbon", "380")["summary"]
    assert summary["money"] == pytest.approx(summary["time_s"] / 3600 * summary["gpus"] * 2)
    assert summary["carbon_kg"] == pytest.approx(summary["energy_mj"] / 3.6e9 * 0.38)


def test_a_run_that_is_too_large_is_told_how_long_it_takes_on_all_there_is(cli: Cli) -> None:
    found = run(cli, *ONE_LINE)
    room = next(note for note in found["notes"] if note["label"] == "room")
    assert "the fleet has 768 of them. On 768: " in room["text"]
    alone = run(cli, *shlex.split("assess demand llama-3-70b --tokens 15T --gpus 768 -i demo"))["summary"]
    assert alone["time_s"] > 30 * 86400


def test_a_run_is_told_when_running_work_makes_room(cli: Cli) -> None:
    words = "assess demand llama-3-70b --tokens 1T --gpus 64 -i demo"
    found = run(cli, *shlex.split(words))
    room = next(note for note in found["notes"] if note["label"] == "room")
    assert "8 nodes of 8 are free in 7 h at the latest" in room["text"]
    assert found["summary"]["fits_fleet"] is False


def test_the_command_that_it_prints_can_be_typed(cli: Cli) -> None:
    found = run(cli, "assess", "demand", "llama-3-70b", "--tokens", "15T", "--deadline", "30d", "-i", "demo")
    command = next(note["command"] for note in found["notes"] if note["label"] == "room")
    again = run(cli, *shlex.split(command)[1:], "-i", "demo")
    assert again["summary"]["gpus"] == 768


def test_a_run_that_fits_the_fleet_fits_and_one_that_does_not_says_why(cli: Cli) -> None:
    small = run(cli, "assess", "demand", "llama-3-8b", "--gpus", "16", "-i", "demo", "--gpu", "H100")
    assert small["summary"]["fits_fleet"] is True
    large = run(cli, "assess", "demand", "llama-3-8b", "--gpus", "512", "-i", "demo", "--gpu", "H100")
    assert large["summary"]["fits_fleet"] is False
    assert "free nodes of 8" in large["summary"]["bottleneck"]


def test_a_configuration_on_disk_is_the_model_of_the_catalogue(cli: Cli) -> None:
    options = (*H100, "--gpus", "8", "--tokens", "1B")
    mine, named = (figures(run(cli, "assess", "demand", one, *options)) for one in (CONFIG, "llama-3-8b"))
    assert mine == named


def test_a_layout_that_is_told_is_kept(cli: Cli) -> None:
    sizes = ("--tp", "4", "--pp", "8", "--vp", "5", "--batch", "128", "--micro-batch", "1")
    found = run(cli, "assess", "demand", "llama-3-70b", *H100, "--gpus", "64", *sizes)
    assert found["summary"]["layout"].startswith(
        "TP 4 x PP 8 x DP 2, 5 chunks a stage, micro-batch 1, batch 128"
    )


def test_what_is_not_told_is_unknown(cli: Cli) -> None:
    values = figures(run(cli, "assess", "demand", "llama-3-8b", *H100, "--gpus", "8"))
    assert [values[name] for name in ("time_s", "energy_mj", "money", "carbon_kg", "operations")] == [
        None
    ] * 5


def test_energy_is_unknown_where_nobody_states_the_power(cli: Cli) -> None:
    words = ("--gpu", "TPU v5p", "--gpus", "8", "--tokens", "1B", "--energy-price", "1", "--carbon", "100")
    found = run(cli, "assess", "demand", "llama-3-8b", *words)
    assert [figures(found)[name] for name in ("energy_mj", "money", "carbon_kg")] == [None] * 3
    assert any("nobody states the power of TPU v5p" in note["text"] for note in found["notes"])


def test_rates_have_the_digits_that_are_known(cli: Cli) -> None:
    options = ("--serve", "--tp", "8", "--rate", "10/s")
    shown = {
        row["figure"]: row for row in run(cli, "assess", "demand", "llama-3-70b", *H100, *options)["items"]
    }
    row = shown["tokens_per_s"]
    assert row["shown"] == f"{row['value']:,.0f}"
    assert row["value"] != round(row["value"])  # JSON and CSV have all of it
    assert not any(len(word.partition(".")[2]) > 3 for row in shown.values() for word in row["shown"].split())


def test_the_next_best_layouts_are_told_with_what_they_lack(cli: Cli) -> None:
    found = run(cli, "assess", "demand", "llama-3-70b", *H100, "--gpus", "64", "--search", "--tp", "8")
    others = found["details"]["layouts"]
    assert len(others) == 5
    assert [one["slower_milli"] for one in others] == sorted(one["slower_milli"] for one in others)
    best = figures(found)["tokens_per_s_gpu"] or 0
    for one in others:
        assert one["tokens_per_s_gpu"] * (1 + one["slower_milli"] / 1000) == pytest.approx(best, rel=1e-3)
        assert one["memory_bytes"] <= 85_520_809_984
        assert one["layout"] not in found["summary"]["layout"]
    told = run(cli, "assess", "demand", "llama-3-70b", *H100, "--gpus", "64", "--tp", "8", "--pp", "8")
    assert told["details"]["layouts"] == []


@pytest.mark.parametrize(
    ("board", "precision", "formats"),
    [("V100", "bf16", "fp16"), ("T4", "bf16", "fp16, int8"), ("A100", "fp8", "bf16, fp16, int8")],
)
def test_a_number_format_that_the_accelerator_lacks_is_named(
    cli: Cli, board: str, precision: str, formats: str
) -> None:
    asked = ("llama-3-8b", "--gpu", board, "--gpus", "64", "--precision", precision)
    done = cli("assess", "demand", *asked)
    assert done.returncode == 2
    assert f"cannot multiply in {precision}; it can in {formats}" in done.stderr


def test_adapters_are_served_and_are_nothing_alone(cli: Cli) -> None:
    served = ("llama-3-8b", *H100, "--serve")
    found = figures(run(cli, "assess", "demand", *served, "--lora", "16", "--adapters", "4"))
    assert found["adapters_bytes"] == 4 * 2 * 41_943_040
    assert "adapters_bytes" not in figures(run(cli, "assess", "demand", *served))
    alone = cli("assess", "demand", *served, "--adapters", "4")
    assert alone.returncode == 2
    assert "--adapters: counts adapters of the rank that --lora tells" in alone.stderr


def test_experts_on_many_nodes_can_be_asked_for(cli: Cli) -> None:
    asked = ("deepseek-v3", "--gpu", "H800", "--serve", "--input-tokens", "4k", "--output-tokens", "1k")
    found = run(cli, "assess", "demand", *asked, "--ep", "144")
    assert found["summary"]["layout"] == "TP 1 x DP 144, EP 144"
    assert figures(found)["gpus_per_replica"] == 144
    wrong = cli("assess", "demand", *asked, "--tp", "8", "--ep", "12")
    assert wrong.returncode == 2
    assert "--ep 12: is no multiple of --tp 8" in wrong.stderr


def test_explain_tells_formula_and_source(cli: Cli) -> None:
    plain = cli("assess", "demand", "llama-3-8b", *H100, "--gpus", "8").stdout
    full = cli("assess", "demand", "llama-3-8b", *H100, "--gpus", "8", "--explain").stdout
    assert "FORMULA" not in plain
    assert "sqrt(2 C M)" in full
    assert "Young 1974" in full


def test_serving(cli: Cli) -> None:
    targets = (
        "--rate",
        "10/s",
        "--ttft",
        "1s",
        "--tpot",
        "50ms",
        "--input-tokens",
        "2k",
        "--output-tokens",
        "500",
    )
    found = run(cli, "assess", "demand", "llama-3-70b", *H100, "--serve", "--tp", "8", *targets)
    values = figures(found)
    assert values["replicas"] is not None
    assert values["replicas"] >= 1
    assert values["gpus"] == 8 * values["replicas"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("llama-3-70b", "--gpus", "64", "--tp", "3"), "--tp 3: does not divide 64 attention heads"),
        (("llama-3-70b", "--gpus", "64", "--tp", "8", "--pp", "7"), "--pp 7: does not divide 80 layers"),
        (("llama-3-70b", "--gpus", "8", "--tp", "1"), "memory: at least"),
        (("llama-3-70b", "--gpus", "64", "--tp", "8", "--ep", "8"), "has no experts"),
        (("deepseek-v3", "--gpus", "96", "--ep", "24"), "--ep 24: does not divide 256 experts"),
        (("llama-3-70b", "--gpus", "64", "--tp", "4", "--batch", "33"), "--batch 33: is no multiple of 16"),
        (("llama-3-70b", "--gpus", "4", "--tp", "8"), "--gpus 4: is no multiple of the 8"),
        (("llama-3-70b", "--gpus", "1"), "no layout fits"),
        (("lama3", "--gpus", "8"), "is not in the catalogue; the nearest are"),
        (("llama-3-8b", "--gpus", "8", "--tokens", "15X"), "--tokens: 'X' is no unit"),
        (("llama-3-8b", "--gpus", "8", "--storage", "40Gx/s"), "--storage:"),
        (("llama-3-8b",), "--gpus: is missing"),
        (("llama-3-8b", "--deadline", "30d"), "--deadline: needs --tokens"),
        (("llama-3-8b", "--deadline", "30"), "--deadline"),
        (("--gpus", "8"), "MODEL: is missing"),
        (("--params", "70B", "--gpus", "8"), "--params: needs --layers and --hidden"),
        (("llama-3-8b", "--params", "8B", "--gpus", "8"), "--params: tells a model by hand"),
    ],
)
def test_what_cannot_be_is_refused_by_name(cli: Cli, words: tuple[str, ...], told: str) -> None:
    done = cli("assess", "demand", *words, *H100)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stdout == ""


def test_an_unknown_family_is_named(cli: Cli, tmp_path: Path) -> None:
    place = tmp_path / "config.json"
    place.write_text('{"model_type": "llamaa"}')
    done = cli("assess", "demand", str(place), *H100, "--gpus", "8")
    assert done.returncode == 2
    assert "'llamaa' is not known; did you mean llama" in done.stderr


def test_the_accuracy_table(cli: Cli) -> None:
    found = run(cli, "assess", "check", "--runs")
    summary = found["summary"]
    assert summary["cases_within"] == summary["cases"] == 79
    assert summary["cases_near"] == 73  # and four are predictions
    assert summary["median_error_milli"] <= 70
    assert summary["worst_error_milli"] <= 150
    assert summary["coverage_milli"] >= 850
    assert summary["independent_coverage_milli"] >= 850
    assert summary["memory_coverage_milli"] >= 850
    assert summary["refused_known_runs"] == 0
    arithmetic, predicted = {"ok", "ok (recalled)", "ok (wider)"}, {"outside", "independent"}
    assert {row["verdict"] for row in found["items"]} == arithmetic | predicted | {"in interval", "beyond"}
    assert all(row["source"] for row in found["items"])
    assert cli("assess", "check").returncode == 0


SERVED = shlex.split("assess demand llama-3-70b --serve --tp 8 --rate 10/s --ttft 1s --tpot 50ms")


def test_replicas_are_placed_in_the_fleet_and_billed_by_the_hour(cli: Cli) -> None:
    found = run(cli, *SERVED, "-i", "demo")
    summary, values = found["summary"], figures(found)
    assert summary["fits_fleet"] is True
    room = next(note for note in found["notes"] if note["label"] == "room")
    assert room["text"] == "1 node of 8 for each of 2 replicas are free now"
    hour = 10 * 500 * 3600 / 1e6  # million output tokens
    assert values["money_per_million"] == pytest.approx((values["money"] or 0) / hour)
    assert 0.48 < summary["money"] / (summary["energy_mj"] / 3.6e9) < 0.62


def test_replicas_without_room_are_counted(cli: Cli) -> None:
    done = cli(*SERVED[:-5], "400/s", "-i", "demo", "-o", "json")
    found = json.loads(done.stdout)
    assert done.returncode == 3  # one node gave no answer, which prevails over the finding
    assert cli(*SERVED[:-5], "400/s", "-i", "demo", "-x", "gpu077", "-q").returncode == 1
    room = next(note for note in found["notes"] if note["label"] == "room")
    assert "replicas fit now" in room["text"]
    assert found["summary"]["fits_fleet"] is False


def test_weights_of_fewer_bits_leave_more_room(cli: Cli) -> None:
    usual = figures(run(cli, *SERVED, *H100))
    half = figures(run(cli, *SERVED, *H100, "--weight-bits", "8", "--kv-bits", "8"))
    assert (half["weights_bytes"] or 0) < 0.6 * (usual["weights_bytes"] or 0)
    assert half["kv_bytes_per_token"] == (usual["kv_bytes_per_token"] or 0) / 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--serve --deadline 30d", "--deadline: is for training: not with --serve"),
        ("--gpus 8 --rate 10/s", "--rate: is for serving: it goes with --serve"),
    ],
)
def test_options_of_the_other_kind_are_refused(cli: Cli, words: str, said: str) -> None:
    done = cli("assess", "demand", "llama-3-8b", *H100, *shlex.split(words))
    assert done.returncode == 2
    assert said in done.stderr


def small_fleet(tmp_path: Path, memory: str = "64GiB") -> str:
    """Four nodes with four boards each, of less memory than the catalogue knows, and one cut into slices."""
    h100 = {"model": "NVIDIA H100 80GB HBM3", "memory_bytes": 64 * 2**30}
    boards = [h100 | {"index": at, "id": f"GPU-{at}"} for at in range(4)]
    slices = [
        {
            "index": at,
            "id": f"MIG-{at}",
            "kind": "mig",
            "profile": "1g.10gb",
            "parent": "GPU-9",
            "model": h100["model"],
        }
        for at in range(7)
    ]
    nodes: list[dict[str, Any]] = [{"name": f"n{at}", "accelerators": boards} for at in range(4)]
    nodes.append({"name": "n9", "accelerators": slices})
    path = tmp_path / "fleet.json"
    path.write_bytes(encode(msgspec.convert({"nodes": nodes}, Fleet)))
    return str(path)


def test_the_hardware_is_that_of_the_fleet(cli: Cli, tmp_path: Path) -> None:
    """Its memory, and no slice counted as a board."""
    found = run(cli, "assess", "demand", "llama-3-8b", "-i", small_fleet(tmp_path))
    assert figures(found)["gpu_memory_bytes"] == 64 * 2**30
    assert found["summary"]["gpus"] == 16


def test_a_deadline_counts_also_where_sizes_are_told(cli: Cli) -> None:
    words = ("assess", "demand", "llama-3-8b", *H100, "--gpus", "8", "--tokens", "15T", "--deadline")
    done = cli(*words, "1d", "-q")
    assert done.returncode == 1
    late = next(note for note in run(cli, *words, "1d")["notes"] if note["label"] == "deadline")
    assert late["text"].startswith("missed by ")
    assert cli(*words, "30parsec").returncode == 2
    assert cli(*words, "3000d").returncode == 0


def test_no_deadline_is_made_with_failures_alone(cli: Cli) -> None:
    done = cli("assess", "demand", "llama-3-8b", *H100, "--tokens", "15T", "--deadline", "1h")
    assert done.returncode == 2
    assert "no number of accelerators is enough" in done.stderr
    endless = run(
        cli, *shlex.split("assess demand llama-3-70b --gpu H100 --gpus 16384 --tokens 15T --storage 1MB/s")
    )
    assert endless["summary"]["time_s"] is None
    assert any("has no end" in note["text"] for note in endless["notes"])


def test_adapters_do_less_than_whole_training(cli: Cli) -> None:
    found = figures(
        run(cli, *shlex.split("assess demand llama-3-8b --gpu A100 --gpus 8 --tokens 1B --lora 16"))
    )
    assert (found["mfu_milli"] or 0) <= (found["hfu_milli"] or 0) <= 1000


def test_the_size_of_a_replica_is_searched_where_nobody_tells_it(cli: Cli) -> None:
    words = shlex.split("assess demand llama-3-70b --serve --gpu H100 --rate 10/s --ttft 1s --tpot 50ms")
    chosen = run(cli, *words)["summary"]
    sizes = [run(cli, *words, "--tp", size)["summary"] for size in ("4", "8")]
    assert chosen["gpus"] == min(one["gpus"] for one in sizes)
    assert (
        run(cli, *shlex.split("assess demand llama-3-8b --serve --gpu H100"))["summary"]["layout"] == "TP 1"
    )


@pytest.mark.parametrize(
    "words",
    ["llama-3.1-405b --serve --gpu H100 --tp 1", "llama-3-70b --serve --gpu H100 --tpot 1ms --rate 10/s"],
)
def test_what_cannot_be_served_is_a_finding_without_times_and_prices(cli: Cli, words: str) -> None:
    done = cli("assess", "demand", *shlex.split(words), "--price", "2", "-o", "json")
    assert done.returncode == 1
    values = figures(json.loads(done.stdout))
    if "405b" in words:
        assert {values[name] for name in ("ttft_ms", "tokens_per_s", "money", "money_per_million")} == {None}
    else:
        assert values["replicas"] is None


def test_the_command_that_is_proposed_works(cli: Cli) -> None:
    """It names the model as it was typed, as many accelerators as suffice, and the tokens."""
    by_hand = "assess demand --params 70B --layers 80 --hidden 8192 --gpu H100 --gpus 4 --tokens 1T"
    done = cli(*shlex.split(by_hand))
    assert done.returncode == 2
    proposed = done.stderr.partition("Try: dcctl ")[2]
    assert "--tokens 1T" in proposed
    assert cli(*shlex.split(proposed)).returncode == 0


def test_a_folder_beside_is_a_model_too(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text(Path(CONFIG).read_text())
    monkeypatch.chdir(tmp_path)
    done = cli("assess", "demand", "mine", "--serve", *H100)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("rate", ["2GB/s", "16Gb/s"])
def test_storage_is_told_in_bytes_or_bits(cli: Cli, rate: str) -> None:
    words = ("assess", "demand", "llama-3-8b", *H100, "--gpus", "64", "--tokens", "1T", "--storage", rate)
    assert figures(run(cli, *words))["checkpoint_write_bps"] == 16_000_000_000


def test_parameters_by_hand_are_told_as_parameters(cli: Cli) -> None:
    done = cli(*shlex.split("assess demand --params 70X --layers 80 --hidden 8192 --gpu H100 --gpus 64"))
    assert done.returncode == 2
    assert "write it as 70B" in done.stderr
