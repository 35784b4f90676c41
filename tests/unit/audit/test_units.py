"""The systemd units: they are what systemd takes, and nothing in them is read as something else."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from dcctl.audit.act.watch import wait_s
from dcctl.audit.units import Plan, quoted, service, timer

if TYPE_CHECKING:
    from pathlib import Path

PLAN = Plan(("/bin/true", "audit", "--cron", "-i", 'it\'s 100 % $HOME "x"'), "*-*-* 02:00", 600, 1800)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
@pytest.mark.parametrize("for_user", [False, True])
def test_systemd_takes_the_units(tmp_path: Path, for_user: bool) -> None:
    plan = PLAN._replace(for_user=for_user)
    paths = [tmp_path / "dcctl-audit.service", tmp_path / "dcctl-audit.timer"]
    paths[0].write_text(service(plan))
    paths[1].write_text(timer(plan))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
    )
    about_us = [line for line in done.stderr.splitlines() if "dcctl" in line]
    assert (done.returncode, about_us) == (0, [])


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_the_service_is_hardened(tmp_path: Path) -> None:
    (tmp_path / "dcctl-audit.service").write_text(service(PLAN))
    done = subprocess.run(
        [
            "systemd-analyze",
            "security",
            "--offline=true",
            "--no-pager",
            str(tmp_path / "dcctl-audit.service"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) < 4.5


def test_what_it_writes_for_others_can_be_read_by_them() -> None:
    assert "UMask=0022" in service(PLAN)
    assert "StateDirectoryMode=0700" in service(PLAN)


@pytest.mark.parametrize(
    ("word", "shown"),
    [("a-b/c", "a-b/c"), ("a b", '"a b"'), ("50%", "50%%"), ("$A", '"$$A"'), ('"', '"\\""'), ("", '""')],
)
def test_words_of_a_command(word: str, shown: str) -> None:
    assert quoted(word) == shown


def test_hosts_wait_each_its_own_time_and_the_same_one_each_night() -> None:
    waits = [wait_s(600, f"gpu{number:03}", "audit") for number in range(200)]
    assert waits == [wait_s(600, f"gpu{number:03}", "audit") for number in range(200)]
    assert len(set(waits)) == 200
    assert min(waits) < 60
    assert 540 < max(waits) <= 600
