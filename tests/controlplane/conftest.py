"""Marks every test of this folder, gives a cold build its time, and shows the servers' logs on failure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.controlplane import build
from tests.controlplane.fixture import RUNNING, binaries, plane

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["binaries", "plane"]  # pytest finds fixtures by their names in this module

HERE = Path(__file__).resolve().parent
TEST_DEADLINE_S = 300


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves every test of this folder marked, with a deadline into which a build fits that is to come."""
    deadline_s = TEST_DEADLINE_S if build.cached() else TEST_DEADLINE_S + build.BUILD_DEADLINE_S
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.controlplane)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(deadline_s))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds the last lines of every server's log to the report of a failed test."""
    report = yield
    running = item.config.stash.get(RUNNING, None)
    if report.failed and running is not None:
        report.sections += [(f"log of {name}", tail) for name, tail in running.logs().items()]
    return report
