"""Meters that a real Prometheus keeps: power by expressions, energy by counters, exporters, faults."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from dcctl.inventory.model import Fleet, Node
from dcctl.inventory.snapshot import encode
from dcctl.inventory.sources.power.many import Asking
from dcctl.inventory.sources.prometheus.client import Budget, Client
from dcctl.inventory.sources.prometheus.connection import Access, connect
from dcctl.inventory.sources.prometheus.source import PrometheusSource
from dcctl.inventory.sources.series.source import SeriesSource
from dcctl.series_specs import SeriesSpec, row_of
from tests.live.prometheus.proxy import Answer, Proxy, refusal
from tests.live.prometheus.server import Server, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dcctl.inventory.model import Gap, PowerMeter
    from tests.conftest import Cli

DAY_S, STEP_S = 86400, 60
OVER_S = 2 * DAY_S
RAPL_RANGE_J = 262_143


class Plant:
    """Two days and more of a site of two nodes: 20 kW at the entry, 16 kW at two UPSes, 7.5 kW a node."""

    def __init__(self, server: Server, end_s: int) -> None:
        self.server, self.end_s, self.start_s = server, end_s, end_s - OVER_S - 2 * 3600

    def samples(self) -> Iterator[str]:
        """Yield lines of OpenMetrics."""
        for time_s in range(self.start_s, self.end_s + 1, STEP_S):
            hours = (time_s - self.start_s) / 3600
            middle = time_s - self.start_s >= DAY_S
            rows = {
                'grid_active_kilowatts{site="dc1"}': 20,
                'grid_import_kilowatt_hours_total{site="dc1"}': 5000 + 20 * hours,
                'ups_out_watts{ups="a"}': 8000,
                'ups_out_watts{ups="b"}': 8000,
                # one of them is exchanged after a day: its register begins at 0 again
                'ups_out_kilowatt_hours_total{ups="a"}': 8 * (hours - 24 if middle else hours),
                'ups_out_kilowatt_hours_total{ups="b"}': 900 + 8 * hours,
                'backwards_watts{site="dc1"}': -5,
            }
            if time_s > self.end_s - DAY_S:
                rows["new_joules_total"] = 1000 * hours
            if time_s < self.end_s - 3 * 3600:
                rows['gone_watts{site="dc1"}'] = 7
            rows |= self._nodes(hours * 3600)
            for series, value in rows.items():
                yield (
                    f"{series} {value:g} {time_s}\n"
                    if abs(value) < 1e5
                    else f"{series} {value:.1f} {time_s}\n"
                )

    @staticmethod
    def _nodes(elapsed_s: float) -> dict[str, float]:
        rows: dict[str, float] = {}
        for node in ("gpu1", "gpu2"):
            rows[f'ipmi_dcmi_power_consumption_watts{{instance="{node}.dc1:9290",job="ipmi"}}'] = 7500
            for index in (0, 1):
                used = 200 * elapsed_s % RAPL_RANGE_J
                rows[f'node_rapl_package_joules_total{{instance="{node}:9100",index="{index}"}}'] = used
                zone = f'node_name="{node}",zone="package",path="{index}"'
                rows[f"kepler_node_cpu_watts{{{zone}}}"] = 200
                rows[f'kepler_node_cpu_watts{{node_name="{node}",zone="core",path="{index}"}}'] = 150
            host = "Hostname" if node == "gpu1" else "hostname"
            for board in range(8):
                uuid = f'UUID="GPU-{node}-{board}",{host}="{node}"'
                pod = int(elapsed_s // 7200)  # who holds the board changes every two hours
                series = f'DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{{{uuid},pod="train-{pod}"}}'
                rows[series] = 650_000 * elapsed_s
                if board == 0:  # MIG: each slice repeats what its board counts
                    rows[series.replace("}", ',GPU_I_ID="7"}')] = 650_000 * elapsed_s
        return rows


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """Up to now, a minute ago at most."""
    found = Plant(Server(tmp_path_factory.mktemp("meters")), int(time.time()) // STEP_S * STEP_S)
    found.server.backfill(found.samples())
    found.server.start(free_port())
    try:
        yield found
    finally:
        found.server.stop()


def _asked(plant: Plant, *specs: SeriesSpec, url: str = "", timeout_s: float = 20) -> Fleet:
    client = Client(connect(Access(url or plant.server.url)), timeout_s, Budget(200, []))
    rows = [row_of(spec, {}, "meters") for spec in specs]
    asking = Asking("prometheus", "dc1", now=lambda: float(plant.end_s))
    return SeriesSource(PrometheusSource(client, "prometheus"), rows, asking, OVER_S).collect()


def _meter(plant: Plant, spec: SeriesSpec) -> PowerMeter:
    fleet = _asked(plant, spec)
    assert fleet.gaps == ()
    (meter,) = fleet.meters
    return meter


def _gap(plant: Plant, spec: SeriesSpec, url: str = "", timeout_s: float = 20) -> Gap:
    fleet = _asked(plant, spec, url=url, timeout_s=timeout_s)
    assert fleet.meters == ()
    (gap,) = fleet.gaps
    return gap


GRID = SeriesSpec(
    point="facility",
    name="grid",
    power="sum(grid_active_kilowatts)",
    power_unit="kW",
    energy="grid_import_kilowatt_hours_total",
    energy_unit="kWh",
)
UPS = SeriesSpec(
    point="ups",
    label="ups",
    power="ups_out_watts",
    power_unit="W",
    energy="ups_out_kilowatt_hours_total",
    energy_unit="kWh",
)


def test_power_and_energy_of_the_entry(plant: Plant) -> None:
    meter = _meter(plant, GRID)
    assert (meter.name, meter.kind, meter.site, meter.nodes) == ("grid", "facility", "dc1", "")
    assert meter.power_mw == 20_000_000
    assert meter.energy_mj == pytest.approx(20_000_000 * OVER_S, rel=1e-3)
    assert (meter.energy_from_s, meter.read_at_s) == (plant.end_s - OVER_S, plant.end_s)


def test_a_counter_that_begins_again_is_made_good(plant: Plant) -> None:
    fleet = _asked(plant, UPS)
    assert fleet.gaps == ()
    assert [(one.name, one.power_mw) for one in fleet.meters] == [("a", 8_000_000), ("b", 8_000_000)]
    for one in fleet.meters:
        assert one.energy_mj == pytest.approx(8_000_000 * OVER_S, rel=1e-3)


def test_exporters_that_are_known(plant: Plant) -> None:
    for exporter, kind, power_mw in (
        ("ipmi", "bmc", 7_500_000),
        ("node", "rapl", 400_000),
        ("kepler", "rapl", 400_000),
        ("dcgm", "accelerator", 8 * 650_000),
    ):
        fleet = _asked(plant, SeriesSpec(exporter=exporter))  # type: ignore[arg-type]
        assert fleet.gaps == (), exporter
        assert {one.kind for one in fleet.meters} == {kind}
        assert [one.name.partition(".")[0] for one in fleet.meters] == ["gpu1", "gpu2"]
        for one in fleet.meters:
            assert one.nodes == one.name
            assert one.power_mw == pytest.approx(power_mw, rel=0.02), exporter


def test_what_of_a_label_is_the_name(plant: Plant) -> None:
    fleet = _asked(plant, SeriesSpec(exporter="ipmi", regex=r"([^.]+)\..*"))
    assert [one.name for one in fleet.meters] == ["gpu1", "gpu2"]


@pytest.mark.parametrize(
    ("spec", "cause", "words"),
    [
        (SeriesSpec(point="facility", power="no_such_watts", power_unit="W"), "missing", "not for a day"),
        (SeriesSpec(point="facility", power="gone_watts", power_unit="W"), "missing", "the last was"),
        (
            SeriesSpec(point="facility", power="ups_out_watts", power_unit="W"),
            "invalid",
            "2 series where one",
        ),
        (SeriesSpec(point="facility", power="backwards_watts", power_unit="W"), "invalid", "tells -5"),
        (
            SeriesSpec(point="facility", power="0 / (grid_active_kilowatts - 20)", power_unit="W"),
            "invalid",
            "no number",
        ),
        (SeriesSpec(point="facility", power="sum(", power_unit="W"), "failed", "parse error"),
        (
            SeriesSpec(point="facility", power="scalar(ups_out_watts)", power_unit="W"),
            "invalid",
            "not the answer",
        ),
        (SeriesSpec(point="pdu", label="pdu", power="ups_out_watts", power_unit="W"), "invalid", "label pdu"),
        (
            SeriesSpec(point="facility", energy="new_joules_total", energy_unit="J"),
            "missing",
            "from the beginning",
        ),
        (
            SeriesSpec(point="facility", energy="no_such_total", energy_unit="J"),
            "missing",
            "no series of energy",
        ),
    ],
)
def test_what_is_not_one_clear_reading_is_a_gap(
    plant: Plant, spec: SeriesSpec, cause: str, words: str
) -> None:
    gap = _gap(plant, spec)
    assert gap.cause == cause
    assert words in gap.reason


def test_several_series_may_be_added_up_where_that_is_said(plant: Plant) -> None:
    meter = _meter(plant, SeriesSpec(point="ups", power="ups_out_watts", power_unit="W", sum=True))
    assert (meter.name, meter.power_mw) == ("ups", 16_000_000)


def test_a_meter_that_is_named_and_has_no_series_is_a_gap(plant: Plant) -> None:
    spec = SeriesSpec(
        point="ups", label="ups", power="ups_out_watts", power_unit="W", feeds={"a": "gpu1", "z": "gpu2"}
    )
    fleet = _asked(plant, spec)
    assert {one.name: one.nodes for one in fleet.meters} == {"a": "gpu1", "b": ""}
    assert [(gap.subject, gap.cause) for gap in fleet.gaps] == [("z", "missing")]


def test_a_period_that_is_too_much_is_asked_in_halves(plant: Plant) -> None:
    def fault(_: Proxy, __: str, params: dict[str, str]) -> Answer | None:
        long = f"[{OVER_S}s]" in params.get("query", "")
        return (
            refusal(422, "execution", "query processing would load too many samples into memory")
            if long
            else None
        )

    proxy = Proxy(plant.server.url, fault)
    try:
        fleet = _asked(plant, UPS, url=proxy.url)
    finally:
        proxy.stop()
    assert fleet.gaps == ()
    for one in fleet.meters:
        assert one.energy_mj == pytest.approx(8_000_000 * OVER_S, rel=2e-3)


@pytest.mark.parametrize(
    ("status", "text", "cause"),
    [(422, "no", "failed"), (422, "too many samples", "truncated"), (403, "not yours", "denied")],
)
def test_a_refusal_is_a_gap_and_power_that_was_told_stays(
    plant: Plant, status: int, text: str, cause: str
) -> None:
    def fault(_: Proxy, __: str, params: dict[str, str]) -> Answer | None:
        return refusal(status, "execution", text) if "increase" in params.get("query", "") else None

    proxy = Proxy(plant.server.url, fault)
    try:
        fleet = _asked(plant, GRID, url=proxy.url)
    finally:
        proxy.stop()
    assert [(one.power_mw, one.energy_mj) for one in fleet.meters] == [(20_000_000, None)]
    assert [gap.cause for gap in fleet.gaps] == [cause]


def test_an_answer_that_is_not_whole_is_no_reading(plant: Plant) -> None:
    def fault(proxy: Proxy, path: str, params: dict[str, str]) -> Answer | None:
        status, headers, body = proxy.answer(path, {"query": params["query"], "time": params["time"]}, None)
        return (
            status,
            headers,
            json.dumps({**json.loads(body), "warnings": ["a store did not answer"]}).encode(),
        )

    proxy = Proxy(plant.server.url, fault)
    try:
        fleet = _asked(plant, GRID, url=proxy.url)
    finally:
        proxy.stop()
    assert fleet.meters == ()
    assert {gap.cause for gap in fleet.gaps} == {"truncated"}


def test_a_server_that_hangs_is_asked_once_and_every_row_is_a_gap(plant: Plant) -> None:
    def fault(_: Proxy, __: str, ___: dict[str, str]) -> Answer | None:
        time.sleep(4)
        return 200, {}, b"{}"

    proxy = Proxy(plant.server.url, fault)
    try:
        fleet = _asked(plant, GRID, UPS, url=proxy.url, timeout_s=1)
    finally:
        proxy.stop()
    assert fleet.meters == ()
    assert [(gap.subject, gap.cause) for gap in fleet.gaps] == [
        ("facility grid", "timeout"),
        ("ups", "timeout"),
    ]


_CONFIG = r"""
[[context.x.source]]
kind = "file"
path = "{folder}/nodes.json"

[[context.x.source]]
kind = "prometheus"
url = "{url}"
site = "dc1"

[[context.x.source.meters]]
point = "facility"
power = "sum(grid_active_kilowatts)"
power_unit = "kW"
energy = "grid_import_kilowatt_hours_total"
energy_unit = "kWh"

[[context.x.source.meters]]
point = "ups"
label = "ups"
power = "ups_out_watts"
power_unit = "W"
energy = "ups_out_kilowatt_hours_total"
energy_unit = "kWh"

[[context.x.source.meters]]
exporter = "ipmi"
regex = '([^.]+)\..*'

[[context.x.source.meters]]
exporter = "node"

[[context.x.source.meters]]
exporter = "dcgm"
"""


def test_from_the_entry_to_the_boards_out_of_one_prometheus(cli: Cli, tmp_path: Path, plant: Plant) -> None:
    nodes = tuple(Node(name, site="dc1") for name in ("gpu1", "gpu2"))
    (tmp_path / "nodes.json").write_bytes(encode(Fleet("x", 1000, nodes=nodes)))
    config = tmp_path / "config.toml"
    config.write_text(_CONFIG.format(folder=tmp_path, url=plant.server.url))
    done = cli("assess", "energy", "--config", str(config), "--over", "2d", "-o", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (kpi,) = found["items"]
    assert (kpi["site"], kpi["category"], kpi["pue_milli"], kpi["state"]) == ("dc1", 1, 1250, "interim")
    told = [
        (row["from"], row["to"], row["residual_milli"], row["state"]) for row in found["details"]["balance"]
    ]
    assert told[:2] == [("facility", "ups", 200, "loss"), ("ups", "node", 63, "open")]
    assert told[2][:2] == ("node", "boards and CPUs")
    assert told[2][2] == pytest.approx(253, abs=20)  # of 7.5 kW the boards and processors take 5.6
    assert told[2][3] == "loss"
