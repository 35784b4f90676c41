"""RAPL: a fixture tree of /sys/class/powercap, read twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.power.many import Asking
from dcctl.inventory.sources.rapl.source import RaplSource

ZONES = {
    "intel-rapl:0": ("package-0", 262_143_328_850),
    "intel-rapl:0:0": ("core", 262_143_328_850),
    "intel-rapl:0:1": ("dram", 65_712_999_613),
    "intel-rapl:1": ("package-1", 262_143_328_850),
    "intel-rapl:2": ("psys", 262_143_328_850),
}


def tree(root: Path, energies: dict[str, int | str]) -> None:
    """Write the counters; the rest stays as it was."""
    (root / "proc/sys/kernel").mkdir(parents=True, exist_ok=True)
    (root / "proc/sys/kernel/hostname").write_text("gpu001\n")
    (root / "sys/class/powercap/intel-rapl").mkdir(parents=True, exist_ok=True)
    for folder, energy in energies.items():
        zone = root / "sys/class/powercap" / folder
        zone.mkdir(exist_ok=True)
        (zone / "name").write_text(f"{ZONES[folder][0]}\n")
        (zone / "max_energy_range_uj").write_text(f"{ZONES[folder][1]}\n")
        (zone / "energy_uj").write_text(f"{energy}\n")


def source(root: Path, after: dict[str, int | str]) -> RaplSource:
    """One whose counters have changed while it slept for two seconds."""
    clock = iter((10.0, 12.0))
    asking = Asking("rapl", now=lambda: 1000.0)
    return RaplSource(root, asking=asking, sleep=lambda _: tree(root, after), clock=lambda: next(clock))


def test_packages_and_memory_add_up_and_parts_of_them_do_not_count_twice(tmp_path: Path) -> None:
    tree(tmp_path, dict.fromkeys(ZONES, 1000))
    after: dict[str, int | str] = {
        "intel-rapl:0": 300_001_000,
        "intel-rapl:0:0": 200_001_000,
        "intel-rapl:0:1": 40_001_000,
        "intel-rapl:1": 260_001_000,
        "intel-rapl:2": 900_001_000,
    }
    (meter,) = source(tmp_path, after).collect().meters
    assert (meter.name, meter.kind, meter.nodes) == ("gpu001", "rapl", "gpu001")
    assert meter.power_mw == (300_000 + 40_000 + 260_000) // 2
    assert meter.energy_mj is None


def test_a_counter_that_went_round_is_not_negative(tmp_path: Path) -> None:
    most = ZONES["intel-rapl:0"][1]
    tree(tmp_path, {"intel-rapl:0": most - 50_000_000})
    (meter,) = source(tmp_path, {"intel-rapl:0": 150_000_000}).collect().meters
    assert meter.power_mw == 100_000


@pytest.mark.parametrize("after", [{"intel-rapl:0": "?"}, {"intel-rapl:0": 5, "intel-rapl:1": 5}])
def test_counters_that_cannot_be_compared_are_no_power(tmp_path: Path, after: dict[str, int | str]) -> None:
    tree(tmp_path, {"intel-rapl:0": 1})
    with pytest.raises(SourceError):
        source(tmp_path, after).collect()


def test_without_a_range_a_lower_counter_tells_nothing(tmp_path: Path) -> None:
    tree(tmp_path, {"intel-rapl:0": 1000})
    asked = source(tmp_path, {"intel-rapl:0": 10})
    range_file = tmp_path / "sys/class/powercap/intel-rapl:0/max_energy_range_uj"

    def sleep(_: float) -> None:
        tree(tmp_path, {"intel-rapl:0": 10})
        range_file.unlink()

    asked._sleep = sleep
    with pytest.raises(SourceError) as told:
        asked.collect()
    assert told.value.cause == "invalid"


def test_a_machine_without_rapl_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as told:
        source(tmp_path, {}).collect()
    assert told.value.cause == "unsupported"


def test_counters_for_root_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, {"intel-rapl:0": 1})
    whole = Path.read_bytes

    def refused(path: Path) -> bytes:
        if path.name == "energy_uj":
            raise PermissionError
        return whole(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(SourceError) as told:
        source(tmp_path, {}).collect()
    assert told.value.cause == "denied"
