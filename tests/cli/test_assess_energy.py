"""`dcctl assess energy`: the command as it is typed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from msgspec.structs import replace

from dcctl.inventory.model import Fleet, Node, NodeUse, PowerMeter
from dcctl.inventory.snapshot import encode
from tests.cli.schemas import validate
from tests.conftest import ROOT, Cli

if TYPE_CHECKING:
    from pathlib import Path

FIGURES = ROOT / "examples" / "assess" / "energy.yaml"
DAY_S = 86_400


def answer(cli: Cli, *words: str, code: int = 0) -> dict[str, Any]:
    done = cli("assess", "energy", *words, "-o", "json")
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    validate(found, "assess-energy")
    return found


def labels(found: dict[str, Any]) -> set[str]:
    return {note["label"] for note in found["notes"]}


def test_the_demo_fleet(cli: Cli) -> None:
    found = answer(cli, "-i", "demo", code=3)  # one of its nodes gives no answer
    assert [(row["site"], row["category"], row["state"]) for row in found["items"]] == [
        ("dc1", 2, "interim"),
        ("dc1", 1, "interim"),
        ("dc2", 2, "interim"),
        ("dc2", 1, "interim"),
    ]
    assert {row["pue_milli"] for row in found["items"]} == {1240, 1233, 1310, 1302}
    workloads = found["details"]["workloads"]
    assert sum(row["power_mw"] for row in workloads) == found["summary"]["measured_mw"]
    assert all(row["cost_milli"] > 0 and row["carbon_mg"] > 0 for row in workloads)  # sites tell rates
    assert all(row["carbon_market_mg"] is None for row in workloads)  # and nothing of contracts
    assert found["summary"]["currency"] == "CNY"
    assert {"balance", "ups", "work", "unread"} <= labels(found)


def test_figures_by_hand_fill_what_meters_do_not_tell(cli: Cli) -> None:
    found = answer(cli, str(FIGURES), "-i", "demo", code=3)
    rows = {(row["site"], row["category"]): row for row in found["items"]}
    assert rows["dc1", 3]["state"] == "annual"
    assert rows["dc2", 2]["state"] == "interim"
    assert rows["dc1", 3]["pue_milli"] == 1266  # 4377 of 3456 MWh
    assert rows["dc1", 3]["cue_milli"] == round(570 * 4377 / 3456)
    work = {row["workload"]: row for row in found["details"]["workloads"]}["pretrain/llama-70b"]
    assert work["energy_mj"] == pytest.approx(work["power_mw"] * 1.266 * DAY_S, rel=1e-6)
    assert work["cost_milli"] == pytest.approx(work["energy_mj"] / 3.6e9 * 620, rel=1e-6)
    assert work["carbon_mg"] == pytest.approx(work["energy_mj"] / 3.6e9 * 570_000, rel=1e-6)
    assert work["carbon_market_mg"] < work["carbon_mg"]
    assert [row["basis"] for row in found["details"]["caps"]] == ["measured points", "stated model"]


def test_a_slowdown_that_is_allowed_bounds_the_cap(cli: Cli) -> None:
    found = answer(cli, str(FIGURES), "-i", "demo", "--slowdown", "3", code=3)
    assert {row["model"]: row["cap_mw"] for row in found["details"]["caps"]}[
        "NVIDIA H100 80GB HBM3"
    ] == 600_000


def curve(tmp_path: Path, name: str, cheap: int) -> str:
    """A file of values for a week from the last full hour: 100, and 10 for two days from hour `cheap`."""
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    rows = [
        f"{(first + timedelta(hours=at)).isoformat()},{10 if cheap <= at < cheap + 48 else 100}"
        for at in range(168)
    ]
    (tmp_path / name).write_text("time,value\n" + "\n".join(rows) + "\n")
    return str(tmp_path / name)


def test_cheapest_and_greenest_hours_of_what_waits(cli: Cli, tmp_path: Path) -> None:
    curves = ("--price", curve(tmp_path, "p.csv", 24), "--carbon", curve(tmp_path, "c.csv", 60))
    found = answer(cli, "-i", "demo", *curves, code=3)
    rows = {row["workload"]: row for row in found["details"]["hours"]}
    assert rows.keys() == {"moe/moe-pilot", "bio/dock-grid"}
    for row in rows.values():
        assert row["greenest_s"] - row["cheapest_s"] == 36 * 3600
        assert row["carbon_saved_milli"] == 900
        assert 840 < row["cost_saved_milli"] <= 900  # started now, a long run reaches the cheap hours too
    work = found["details"]["workloads"][0]
    assert work["cost_milli"] is not None
    assert work["carbon_market_mg"] is None  # nobody told it; the other is not taken for it


def test_the_example_is_what_its_schema_says(cli: Cli) -> None:
    document = yaml.load(FIGURES.read_text(), yaml.BaseLoader)
    validate(document, "energy")


def snapshot(
    tmp_path: Path, name: str, at_s: int, facility_mj: int | None = None, it_mj: int | None = None
) -> Path:
    """A saved fleet of one node whose two meters tell power, and energy where it is given."""
    meters = (
        PowerMeter("main", "facility", "dc1", "", 900_000, facility_mj, at_s),
        PowerMeter("pdu", "pdu", "dc1", "n1", 5000, it_mj, at_s),
    )
    path = tmp_path / name
    path.write_bytes(encode(Fleet("x", at_s, nodes=(Node("n1", site="dc1"),), meters=meters)))
    return path


def test_two_snapshots_tell_energy_and_one_of_power_does_not(cli: Cli, tmp_path: Path) -> None:
    old = snapshot(tmp_path, "old.json", 1000, 10**12, 10**12)
    new = snapshot(tmp_path, "new.json", 1000 + DAY_S, 10**12 + 14 * 10**9, 10**12 + 10**10)
    alone = answer(cli, "-i", str(new))
    assert alone["items"] == []
    assert "energy" in labels(alone)
    (row,) = answer(cli, "-i", str(new), "--since", str(old))["items"]
    assert (row["pue_milli"], row["category"], row["period_s"]) == (1400, 2, DAY_S)


def test_an_upper_bound_of_the_pue_is_told_as_one_and_no_bill_counts_with_it(
    cli: Cli, tmp_path: Path
) -> None:
    nodes = tuple(Node(name, site="dc1", use=NodeUse(power_mw=1000)) for name in ("n1", "n2"))
    meters = (
        PowerMeter("main", "facility", "dc1", "", 900_000, 26 * 10**9, DAY_S, energy_from_s=0),
        PowerMeter("pdu", "pdu", "dc1", "n1", 5000, 10**10, DAY_S, energy_from_s=0),
    )
    path = tmp_path / "half.json"
    path.write_bytes(encode(Fleet("x", DAY_S, nodes=nodes, meters=meters)))
    found = answer(cli, "-i", str(path))
    assert [(row["state"], row["coverage_milli"]) for row in found["items"]] == [("upper bound", 500)]
    assert "at most 2.6" in found["headline"]
    assert [row["energy_mj"] for row in found["details"]["workloads"]] == [2000 * DAY_S]


def test_a_pue_below_one_is_a_finding_and_a_meter_that_runs_backwards_is_named(
    cli: Cli, tmp_path: Path
) -> None:
    old = snapshot(tmp_path, "old.json", 1000, 10**12, 10**12)
    new = snapshot(tmp_path, "new.json", 1000 + DAY_S, 10**12 + 10**9, 10**12 + 2 * 10**9)
    found = answer(cli, "-i", str(new), "--since", str(old), code=1)
    assert [(row["pue_milli"], row["state"]) for row in found["items"]] == [(None, "impossible")]
    back = answer(cli, "-i", str(old), "--since", str(snapshot(tmp_path, "x.json", 10, 2 * 10**12, 5)))
    assert any(note["label"] == "meter" and "backwards" in note["text"] for note in back["notes"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere.yaml",), "nowhere.yaml: no such file"),
        (("--for", "soon"), "--for: 'soon' is no length of time"),
        (("--since", "nowhere.json"), "nowhere.json"),
        (("--price", "nowhere.csv"), "nowhere.csv"),
        (("--eta", "nan"), "must be numbers"),
        (("--slowdown", "nan"), "must be numbers"),
        (("--over", "7d"), "it would change nothing"),
    ],
)
def test_what_cannot_be_is_one_line_and_two(cli: Cli, words: tuple[str, ...], said: str) -> None:
    done = cli("assess", "energy", *words, "-i", "demo")
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_file_with_a_mistake_names_its_line(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "e.yaml"
    file.write_text(FIGURES.read_text().replace("wraps_at: 100000 MWh", ""))
    done = cli("assess", "energy", str(file), "-i", "demo")
    assert done.returncode == 2
    line = next(at for at, text in enumerate(file.read_text().splitlines(), 1) if "362.6 MWh" in text)
    assert f"e.yaml:{line}" in done.stderr
    assert "runs backwards" in done.stderr


def site_of(tmp_path: Path, text: str) -> str:
    """A file of figures with one site."""
    file = tmp_path / "e.yaml"
    file.write_text(f"kind: Energy\nsites:\n  - name: dc1\n{text}")
    return str(file)


@pytest.mark.parametrize(
    ("to", "facility", "state", "severity"),
    [
        ("2026-01-02", "11 MWh", "impossible", "crit"),
        ("2026-01-02", "0.5 MWh", "", ""),
        ("2026-01-02", "4 MWh", "doubtful", "warn"),
        ("2026-01-01T12:00Z", "1.2 MWh", "too short", "warn"),
    ],
)
def test_a_pue_that_cannot_be_believed_is_a_finding_and_no_bill_counts_with_it(
    cli: Cli, tmp_path: Path, to: str, facility: str, state: str, severity: str
) -> None:
    to = to if "T" in to else f"{to}T00:00Z"
    periods = f"    periods: [{{from: 2026-01-01T00:00Z, to: '{to}', facility: {facility}, it: 1 MWh}}]\n"
    words = (site_of(tmp_path, periods), "-i", "demo", "--fail-on", "never")
    if not state:
        assert cli("assess", "energy", *words).returncode == 2  # below 1 is refused where it stands
        return
    found = answer(cli, *words, code=3)
    (row,) = [row for row in found["items"] if row["site"] == "dc1"]
    assert row["state"] == state
    assert (row["pue_milli"] is None) == (state == "impossible")
    assert [note["severity"] for note in found["notes"] if note["label"] == state] == [severity]
    work = {one["workload"]: one for one in found["details"]["workloads"]}["pretrain/llama-70b"]
    assert work["energy_mj"] == work["power_mw"] * DAY_S
    assert "at dc1" not in found["headline"]


def test_a_register_that_fell_by_a_little_did_not_go_round(cli: Cli, tmp_path: Path) -> None:
    text = """    registers:
      - point: facility
        readings:
          - {at: 2026-07-01T00:00Z, energy: 99999 MWh}
          - {at: 2026-10-01T00:00Z, energy: 99000 MWh}
        wraps_at: 100000 MWh
"""
    done = cli("assess", "energy", site_of(tmp_path, text), "-i", "demo")
    assert done.returncode == 2
    assert "e.yaml:8" in done.stderr
    assert "runs backwards" in done.stderr


def supply(tmp_path: Path, **more: Any) -> str:
    """A saved site that has a UPS, and no node."""
    one = PowerMeter("ups-a", "ups", "dc1", power_mw=400_000_000, input_mw=420_000_000, read_at_s=1000)
    path = tmp_path / "ups.json"
    path.write_bytes(encode(Fleet("x", 1000, meters=(replace(one, **more),))))
    return str(path)


@pytest.mark.parametrize(
    ("more", "said", "code"),
    [
        ({"status": "OB DISCHRG LB"}, ("(OB)", "(LB)"), 1),
        ({"status": "OFF"}, ("(OFF)",), 1),
        ({"status": "OL OVER"}, ("(OVER)",), 1),
        ({"status": "OL RB BYPASS ALARM"}, ("(RB)", "(BYPASS)", "(ALARM)"), 0),
        ({"input_mw": 300_000_000}, ("gives 400 kW and draws 300 kW",), 0),
        ({"input_mw": None, "efficiency_milli": 1330}, ("an efficiency of 133 %",), 0),
        ({"status": "OL CHRG"}, (), 0),
    ],
)
def test_what_is_wrong_with_a_ups_is_a_finding_also_without_nodes(
    cli: Cli, tmp_path: Path, more: dict[str, Any], said: tuple[str, ...], code: int
) -> None:
    path = supply(tmp_path, **more)
    found = answer(cli, "-i", path, code=code)
    notes = [note for note in found["notes"] if note["label"] == "ups" and note["severity"] != "info"]
    assert len(notes) == len(said)
    assert all(text in note["text"] for text, note in zip(said, notes, strict=True))
    assert cli("assess", "energy", "-i", path, "--fail-on", "warn").returncode == int(bool(said))
    (row,) = found["details"]["ups"]
    assert row["efficiency_milli"] is None or row["efficiency_milli"] <= 1000
    assert row["loss_mw"] is None or row["loss_mw"] >= 0


def test_a_data_sheet_that_no_curve_fits_is_told_and_not_used(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "e.yaml"
    points = ", ".join(
        f"{{load: {load}%, efficiency: {e}%}}" for load, e in ((25, 99.9), (50, 50), (100, 99.9))
    )
    file.write_text(f"kind: Energy\nups:\n  - {{name: ups-a, nominal: 500 kW, points: [{points}]}}\n")
    found = answer(cli, str(file), "-i", supply(tmp_path))
    (row,) = found["details"]["ups"]
    assert (row["curve_milli"], row["best_load_milli"], row["a"]) == (None, None, None)
    assert row["misfit"] > 0.3
    assert any("data sheet" in note["text"] and note["severity"] == "warn" for note in found["notes"])


CONTEXT = """
[[context.x.source]]
kind = "file"
path = "nodes.json"

[[context.x.source]]
kind = "nut"
host = "127.0.0.1"
port = 1
site = "dc1"

[[context.x.source]]
kind = "redfish"
nodes = "n1"
url = "http://127.0.0.1:1"
user = "ops"
password_command = "echo s3cret"
"""


def test_sources_that_do_not_answer_are_gaps(cli: Cli, tmp_path: Path) -> None:
    snapshot(tmp_path, "nodes.json", 1000)
    config = tmp_path / "config.toml"
    config.write_text(CONTEXT.replace('"nodes.json"', f'"{tmp_path}/nodes.json"'))
    done = cli("assess", "energy", "--config", str(config), "-o", "json")
    assert done.returncode == 3, done.stderr
    gaps = {gap["source"]: gap["cause"] for gap in json.loads(done.stdout)["gaps"]}
    assert gaps == {"nut": "unreachable", "redfish": "unreachable"}
    assert "s3cret" not in done.stdout + done.stderr


def series(keys: str) -> str:
    """A table with one row of meters of a Prometheus."""
    return f'kind = "prometheus"\nurl = "http://127.0.0.1:1"\nmeters = [{{{keys}}}]'


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ('kind = "nut"', "`host`"),
        ('kind = "redfish"\nnodes = "n[1"\nurl = "http://x"', "nodes"),
        ('kind = "snmp"\nhosts = "p1"\nversion = "1"', "version"),
        ('kind = "ipmi"\npassword = "s3cret"', "password"),
        ('kind = "rapl"\nnodes = "n[1"', "nodes"),
        (series('point = "facility"'), "needs an exporter, or a point with power or energy"),
        (series('point = "facility", power = "x"'), "needs power_unit: one of mW, W, kW, MW"),
        (series('point = "facility", power = "x", power_unit = "kWh"'), "kWh is energy"),
        (series('point = "facility", energy = "x", energy_unit = "kW"'), "kW is power"),
        (series('point = "facility", energy = "x", energy_unit = "kwh"'), "unknown unit 'kwh'"),
        (series('point = "facility", energy = "sum(x)", energy_unit = "J"'), "is a counter by its name"),
        (series('point = "node", power = "x", power_unit = "W"'), "say the label that names it"),
        (series('point = "it", power = "x", power_unit = "W"'), "'it'"),
        (series('exporter = "dgcm"'), "dgcm"),
        (series('exporter = "dcgm", power = "x"'), "power is known of dcgm"),
        (series('exporter = "ipmi", regex = ".*"'), "has no group"),
        (series('exporter = "ipmi", regex = "("'), "is no regular expression"),
        (series('exporter = "ipmi", label = "a-b"'), "is not the name of a label"),
        (series('point = "ups", label = "u", name = "a", power = "x", power_unit = "W"'), "without a label"),
        (series('point = "ups", feeds = {a = "n1"}, power = "x", power_unit = "W"'), "feeds"),
        (series('point = "ups", label = "u", feeds = {a = "n[1"}, power = "x", power_unit = "W"'), "feeds.a"),
        (series('point = "ups", powr = "x"'), "powr"),
    ],
)
def test_a_table_that_is_wrong_is_named(cli: Cli, tmp_path: Path, table: str, why: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"[[context.x.source]]\n{table}\n")
    done = cli("config", "check", "--config", str(config))
    assert done.returncode == 2
    assert why in done.stderr
    assert "s3cret" not in done.stderr


_MONTH = (
    "{name: dc1, periods: [{from: 2026-01-01T00:00Z, to: 2026-02-01T00:00Z, facility: 9 MWh, it: 8 MWh}]}"
)


@pytest.mark.parametrize(
    ("site", "label", "said"),
    [
        ("{name: dc9, price: 0.62 per kWh}", "sites", "dc9"),
        (_MONTH.replace("2026-02", "2999-02"), "ahead", "e.yaml:3"),
        (_MONTH.replace("facility", "reused"), "figures", "dc1"),
    ],
)
def test_figures_that_tell_nothing_are_named(
    cli: Cli, tmp_path: Path, site: str, label: str, said: str
) -> None:
    file = tmp_path / "e.yaml"
    file.write_text(f"kind: Energy\nsites:\n  - {site}\n")
    found = answer(cli, str(file), "-i", "demo", "--fail-on", "never", code=3)
    (note,) = [note for note in found["notes"] if note["label"] == label]
    assert said in note["text"]
    assert note["severity"] == "warn"


def test_a_curve_that_ends_too_early_is_named(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_text("time,site,value\n2026-01-01T00:00Z,dc1,300\n2026-01-01T01:00Z,dc1,200\n")
    found = answer(cli, "-i", "demo", "--carbon", str(file), code=3)
    (note,) = [note for note in found["notes"] if note["label"] == "curves"]
    assert note["text"].endswith("location-based carbon at dc1")
    assert found["details"]["workloads"][0]["carbon_mg"] is None  # which runs at dc1


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--over", "soon"), "no length of time"), (("--over", "7d", "--since", "demo"), "leave out one")],
)
def test_the_time_of_a_prometheus_is_said_once(cli: Cli, words: tuple[str, ...], said: str) -> None:
    done = cli("assess", "energy", "-i", "demo", *words)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_file_that_is_no_yaml_is_told_with_the_next_command(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("kind: [\n")
    done = cli("assess", "energy", "wrong.yaml", "-i", "demo")
    assert done.returncode == 2
    assert "Try: dcctl schema energy" in done.stderr
