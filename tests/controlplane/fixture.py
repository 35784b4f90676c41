"""The fixture `plane`: one control plane for the whole session, built first when it is not in the cache."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.controlplane import build
from tests.controlplane.plane import ControlPlane
from tests.controlplane.process import process_exists

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUNNING = pytest.StashKey[ControlPlane]()


@pytest.fixture(scope="session")
def binaries() -> Path:
    """Returns the folder of the servers; skips on a person's machine that cannot build them, fails in CI."""
    try:
        return build.build()
    except build.ToolchainMissingError as error:
        if os.environ.get("CI", "").lower() in {"", "0", "false"}:
            pytest.skip(f"no control plane: {error}")
        raise


@pytest.fixture(scope="session")
def plane(binaries: Path, pytestconfig: pytest.Config) -> Iterator[ControlPlane]:
    """Returns the running control plane; after the session none of its processes is left."""
    with ControlPlane(binaries) as running:
        pytestconfig.stash[RUNNING] = running
        pids = running.pids
        yield running
        del pytestconfig.stash[RUNNING]
    assert {name: pid for name, pid in pids.items() if process_exists(pid)} == {}
