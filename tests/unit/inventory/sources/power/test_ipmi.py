"""IPMI: recorded output of ipmitool, and ipmitool as a program that is run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from dcctl.inventory.evidence.plant import Temperature
from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.ipmi.parse import dcmi, inlets, sensors
from dcctl.inventory.sources.ipmi.source import Bmc, IpmiSource
from dcctl.inventory.sources.power.many import Asking
from dcctl.inventory.sources.secret import Secret
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from dcctl.inventory.model import Fleet

DATA = ROOT / "tests" / "data" / "ipmi"


def recorded(name: str) -> str:
    return (DATA / name).read_text()


def test_dcmi_tells_the_power_of_this_moment() -> None:
    assert dcmi(recorded("dcmi.txt")) == 220_000


def test_a_bmc_that_does_not_measure_tells_no_power_and_not_zero() -> None:
    assert dcmi(recorded("dcmi-off.txt")) is None


def test_what_is_no_answer_of_dcmi_is_refused() -> None:
    with pytest.raises(ValueError, match="dcmi"):
        dcmi(recorded("sdr-whole.txt"))


@pytest.mark.parametrize(
    ("name", "power_mw"),
    [("sdr-whole.txt", 238_000), ("sdr-supplies.txt", 2_394_000), ("dcmi.txt", None)],
)
def test_sensors_of_the_machine_else_of_its_supplies(name: str, power_mw: int | None) -> None:
    assert sensors(recorded(name)) == power_mw


def test_the_air_that_a_machine_takes_in() -> None:
    told = inlets(recorded("sdr-temperature.txt"))
    assert told == (Temperature("Inlet Temp", 23_000), Temperature("Ambient_Temp", 31_500))
    assert inlets(recorded("sdr-supplies.txt")) == ()


_TOOL = """#!{python}
import os, sys
words = sys.argv[1:]
open({seen!r}, "a").write(repr((words, os.environ.get("IPMI_PASSWORD"))) + "\\n")
{body}
"""


def tool(tmp_path: Path, body: str) -> str:
    path = tmp_path / "ipmitool"
    path.write_text(_TOOL.format(python=sys.executable, seen=str(tmp_path / "seen"), body=body))
    path.chmod(0o755)
    return str(path)


def ask(tmp_path: Path, body: str, timeout_s: float = 20) -> Fleet:
    (tmp_path / "password").write_text("s3cret\n")
    bmc = Bmc("{node}-bmc", "ops", Secret(str(tmp_path / "password")))
    asking = Asking("ipmi", "dc1", timeout_s=timeout_s, now=lambda: 1000.0)
    return IpmiSource(["gpu001"], bmc, asking, program=tool(tmp_path, body)).collect()


def test_the_password_is_in_no_command_line(tmp_path: Path) -> None:
    fleet = ask(tmp_path, f"print(open({str(DATA / 'dcmi.txt')!r}).read())")
    (meter,) = fleet.meters
    assert (meter.name, meter.kind, meter.nodes, meter.site) == ("gpu001", "bmc", "gpu001", "dc1")
    assert (meter.power_mw, meter.read_at_s) == (220_000, 1000)
    words, password = eval((tmp_path / "seen").read_text())
    assert password == "s3cret"
    assert "s3cret" not in words
    assert words[:6] == ["-I", "lanplus", "-H", "gpu001-bmc", "-U", "ops"]


def test_without_dcmi_the_sensors_are_asked(tmp_path: Path) -> None:
    body = f"""
if "dcmi" in words:
    sys.exit("DCMI request failed because: Invalid command (c1)")
print(open({str(DATA / "sdr-whole.txt")!r}).read())"""
    assert [meter.power_mw for meter in ask(tmp_path, body).meters] == [238_000]


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("Error: Unable to establish IPMI v2 / RMCP+ session", "unreachable"),
        ("> RAKP 2 HMAC is invalid", "unauthenticated"),
        ("Get Device ID command failed: Insufficient privilege level", "denied"),
    ],
)
def test_what_ipmitool_complains_of_is_a_gap(tmp_path: Path, said: str, cause: str) -> None:
    fleet = ask(tmp_path, f"sys.exit({said!r})")
    assert not fleet.meters
    assert [(gap.subject, gap.cause) for gap in fleet.gaps] == [("gpu001", cause)]


def test_a_bmc_without_any_power_is_a_gap(tmp_path: Path) -> None:
    assert [gap.cause for gap in ask(tmp_path, "print('garbage | 1')").gaps] == ["unsupported"]


def test_one_that_hangs_is_ended(tmp_path: Path) -> None:
    fleet = ask(tmp_path, "import time; time.sleep(100)", timeout_s=1)
    assert [gap.cause for gap in fleet.gaps] == ["timeout"]


def test_no_ipmitool_is_a_gap_with_the_package() -> None:
    source = IpmiSource(["gpu001"], Bmc(), Asking("ipmi"), program="/nowhere/ipmitool")
    (gap,) = source.collect().gaps
    assert (gap.cause, gap.hint) == ("missing", "apt-get install ipmitool")


@pytest.mark.parametrize("secret", [Secret(command="false"), Secret(command="true"), Secret("/nowhere/x")])
def test_no_password_is_an_error_of_the_source(secret: Secret) -> None:
    with pytest.raises(SourceError) as told:
        IpmiSource(["gpu001"], Bmc(password=secret), Asking("ipmi")).collect()
    assert told.value.cause == "unauthenticated"


def test_a_command_tells_a_secret() -> None:
    assert Secret(command="printf 'one\\ntwo\\n'").read("x") == "one"
