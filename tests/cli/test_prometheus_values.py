"""The samples of `-o prom` say what `-o json` says, in Prometheus' base units."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.fleets import write
from tests.conftest import Cli

_SAMPLE = re.compile(r'(\w+)\{pool="(\w+)"(?:,(?:state|stage)="(\w+)")?\} (\S+)')
_PLAIN = {
    "dcctl_accelerators_allocated_ratio": ("allocated_share_milli", 1000),
    "dcctl_accelerators_busy_ratio": ("busy_milli", 1000),
    "dcctl_accelerators_idle": ("idle", 1),
    "dcctl_accelerator_power_watts": ("accelerator_power_mw", 1000),
    "dcctl_accelerator_memory_bytes": ("accelerator_memory_bytes", 1),
    "dcctl_accelerator_memory_used_bytes": ("accelerator_memory_used_bytes", 1),
}
_BY_STAGE = {
    "dcctl_cpu_cores": ("cpu_{}_milli", 1000),
    "dcctl_memory_bytes": ("memory_{}_bytes", 1),
    "dcctl_scratch_storage_bytes": ("storage_{}_bytes", 1),
    "dcctl_pods": ("pods_{}", 1),
}

Values = dict[tuple[str, str, str], float]


def _expected(items: list[dict[str, float | None]]) -> Values:
    """(metric, pool, state or stage) -> the value of it in the metric's unit; unknown ones are absent."""
    found: dict[tuple[str, str, str], float | None] = {}
    for item in items:
        pool = str(item["name"])
        for metric, (key, scale) in _PLAIN.items():
            found[metric, pool, ""] = None if (value := item[key]) is None else value / scale
        for metric, (key, scale) in _BY_STAGE.items():
            for stage in ("capacity", "allocatable", "requested", "used", "free"):
                value = item[key.format(stage)]
                found[metric, pool, stage] = None if value is None else value / scale
        for state in ("allocated", "free", "stranded", "unavailable", "unknown"):
            found["dcctl_accelerators", pool, state] = item[state]
    return {key: value for key, value in found.items() if value is not None}


def test_samples_are_the_values_of_the_document_in_base_units(cli: Cli) -> None:
    document = json.loads(cli("assess", "-i", "demo", "--by", "pool", "-o", "json").stdout)
    text = cli("assess", "-i", "demo", "-o", "prom").stdout
    told: Values = {
        (name, pool, which or ""): float(value) for name, pool, which, value in re.findall(_SAMPLE, text)
    }
    expected = _expected(document["items"])
    assert told.keys() == expected.keys()
    for key, value in expected.items():
        assert told[key] == pytest.approx(value, rel=1e-12), key
    ratios = [value for (name, *_), value in told.items() if name.endswith("_ratio")]
    assert ratios
    assert all(0 <= ratio <= 1 for ratio in ratios)


def test_the_demo_fleet_is_of_a_believable_size(cli: Cli) -> None:
    """A wrong scale on both sides would pass the comparison: 112 nodes of 8 boards draw below 1 kW each."""
    text = cli("assess", "-i", "demo", "-o", "prom").stdout
    told = {(name, pool): float(value) for name, pool, _, value in re.findall(_SAMPLE, text)}
    assert 100 * 768 < told["dcctl_accelerator_power_watts", "train"] < 1000 * 768
    assert told["dcctl_accelerators_allocated_ratio", "ascend"] == 0.5


def test_no_sample_of_a_second_source_is_lost(cli: Cli, tmp_path: Path) -> None:
    ssh = '[[context.a.source]]\nkind = "ssh"\nport = 1\nnodes = "127.0.0.{}"\n'
    config = write(
        tmp_path, "c.toml", ssh.format(1) + ssh.format(2) + '[[context.a.source]]\nkind = "demo"\n'
    )
    done = cli("assess", "--config", config, "-o", "prom", "--timeout", "5")
    up = [line for line in done.stdout.splitlines() if line.startswith("dcctl_source_up{")]
    assert {'dcctl_source_up{source="ssh"} 0', 'dcctl_source_up{source="ssh-2"} 0'} < set(up)
    assert {
        'dcctl_report_gaps{kind="assess",source="ssh"} 1',
        'dcctl_report_gaps{kind="assess",source="ssh-2"} 1',
    } < set(done.stdout.splitlines())
